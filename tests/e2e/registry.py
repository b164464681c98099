#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
"""registry.py DIR: a small registry of images on 127.0.0.1, for tests.

DIR/port gets its port once it listens, DIR/log a line for each request. Every repository
has the same image, of three layers with whiteouts; the first part of its name says how it
is served:

	open/     without authentication; also the architecture arm64
	secret/   bearer tokens, for user "me" with password "s3cret word" less its blank
	basic/    basic authentication, for the same
	limited/  429 to everything
	broken/   500 to everything
	cut/      the last layer ends in the middle
	wrong/    the last layer is another one
	slow/     the last layer comes a piece at a time, as long as DIR/go is not there
	fat/      the last layer unpacks to 64 MiB

Tags are "1.0", "latest" and, of fat/ and slow/ too, nothing else.
"""
import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USER, PASSWORD = "me", "s3cretword"
TOKEN = "t0ken" + hashlib.sha256(PASSWORD.encode()).hexdigest()
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def layer(*files):
    """A layer: (path, bytes) for a file, (path, None) for a folder, (path, text) a link."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for path, data in files:
            info = tarfile.TarInfo(path)
            info.mtime = 1700000000
            if data is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            elif isinstance(data, str):
                info.type, info.linkname = tarfile.SYMTYPE, data
                tar.addfile(info)
            else:
                info.mode, info.size = 0o755, len(data)
                tar.addfile(info, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), 1, mtime=0)


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def busybox():
    """The host's static busybox, so that containers of the image run."""
    with open(shutil.which("busybox") or "/bin/true", "rb") as file:
        return file.read()


SITE = "usr/lib/python3/dist-packages/"
LAYERS = [
    layer(("bin", None), ("bin/busybox", busybox()), ("bin/sh", "busybox"),
          ("bin/true", "busybox"), ("etc", None),
          ("etc/os-release", b'PRETTY_NAME="Test Linux 1"\nID=test\nVERSION_ID="1"\n'),
          ("etc/removed", b"old\n"), ("opt", None), ("opt/old", b"old\n")),
    layer((SITE + "numpy-1.26.4.dist-info/METADATA",
           b"Metadata-Version: 2.1\nName: numpy\nVersion: 1.26.4\n\n"),
          (SITE + "torch-2.3.0.dist-info/METADATA",
           b"Metadata-Version: 2.1\nName: torch\nVersion: 2.3.0\n\n")),
    layer(("etc/.wh.removed", b""), ("opt/.wh..wh..opq", b""), ("opt/new", b"new\n"),
          ("data", os.urandom(200000))),
]
FAT = layer(("fat", bytes(64 << 20)))


class Image:
    def __init__(self, layers):
        self.blobs = {}
        self.manifests = {}
        index = []
        for arch in ("amd64", "arm64"):
            config = json.dumps({"architecture": arch, "os": "linux", "config": {
                "Env": ["PATH=/usr/bin:/bin", "TEST_VERSION=7"], "WorkingDir": "/work",
                "Entrypoint": ["/opt/entry"], "Cmd": ["sh"],
                "Labels": {"maintainer": "nobody"}}}).encode()
            self.blobs[digest(config)] = config
            for data in layers:
                self.blobs[digest(data)] = data
            manifest = json.dumps({
                "schemaVersion": 2, "mediaType": MANIFEST,
                "config": {"digest": digest(config), "size": len(config),
                           "mediaType": "application/vnd.oci.image.config.v1+json"},
                "layers": [{"digest": digest(data), "size": len(data), "mediaType":
                            "application/vnd.oci.image.layer.v1.tar+gzip"}
                           for data in layers]}).encode()
            self.manifests[digest(manifest)] = (MANIFEST, manifest)
            index.append({"digest": digest(manifest), "size": len(manifest),
                          "mediaType": MANIFEST,
                          "platform": {"architecture": arch, "os": "linux"}})
        both = json.dumps({"schemaVersion": 2, "mediaType": INDEX,
                           "manifests": index}).encode()
        for name in (digest(both), "1.0", "latest"):
            self.manifests[name] = (INDEX, both)
        self.last = digest(layers[-1])


IMAGE = Image(LAYERS)
FAT_IMAGE = Image(LAYERS + [FAT])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer()

    def do_HEAD(self):
        self.answer()

    def log_it(self, status):
        with open(self.server.folder + "/log", "a", encoding="ascii") as log:
            log.write(f"{status} {self.command} {self.path}\n")

    def send(self, status, kind="text/plain", body=b"", more=()):
        self.log_it(status)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def knows_password(self):
        given = self.headers.get("Authorization", "")
        word = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return given == "Basic " + word

    def may(self, way):
        here = f"http://127.0.0.1:{self.server.server_port}"
        if way == "secret" and self.headers.get("Authorization") != "Bearer " + TOKEN:
            self.send(401, more=[("WWW-Authenticate", f'Bearer realm="{here}/token",'
                                  'service="test",scope="repository:x:pull"')])
        elif way == "basic" and not self.knows_password():
            self.send(401, more=[("WWW-Authenticate", 'Basic realm="test"')])
        elif way == "limited":
            self.send(429, body=b'{"errors":[{"code":"TOOMANYREQUESTS"}]}')
        elif way == "broken":
            self.send(500)
        else:
            return True
        return False

    def answer(self):
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[0] == "token":
            if self.knows_password():
                body = json.dumps({"token": TOKEN}).encode()
                self.send(200, "application/json", body)
            else:
                self.send(401)
            return
        if len(parts) != 5 or parts[0] != "v2" or parts[2] != "app":
            self.send(404, body=b'{"errors":[{"code":"NAME_UNKNOWN"}]}')
            return
        way, what, name = parts[1], parts[3], parts[4]
        image = FAT_IMAGE if way == "fat" else IMAGE
        if not self.may(way):
            return
        if what == "manifests" and name in image.manifests:
            kind, body = image.manifests[name]
            self.send(200, kind, body, [("Docker-Content-Digest", digest(body))])
        elif what == "blobs" and name in image.blobs:
            self.blob(way, image, name)
        else:
            self.send(404, body=b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')

    def blob(self, way, image, name):
        body = image.blobs[name]
        if name != image.last or way not in ("cut", "wrong", "slow"):
            self.send(200, "application/octet-stream", body)
            return
        if way == "wrong":
            self.send(200, "application/octet-stream", LAYERS[0])
            return
        self.log_it(200)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if way == "cut":
            self.wfile.write(body[:len(body) // 2])
            self.close_connection = True
            return
        for at in range(0, len(body), 1000):
            while at > len(body) // 2 and not os.path.exists(self.server.folder + "/go"):
                time.sleep(0.05)
            self.wfile.write(body[at:at + 1000])


def main():
    folder = sys.argv[1]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.folder = folder
    with open(folder + "/port.new", "w", encoding="ascii") as port:
        port.write(f"{server.server_port}\n")
    os.rename(folder + "/port.new", folder + "/port")
    server.serve_forever()


main()
