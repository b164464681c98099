#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packs src/ into one script that Kaggle runs, kernel/kernel.py, beside its description."""
import base64
import io
import json
import os
import tarfile

METADATA = {
    "id": @py:username@ + "/" + @py:slug@,
    "title": @py:title@,
    "code_file": "kernel.py",
    "language": "python",
    "kernel_type": "script",
    "is_private": @py:private@,
    "enable_gpu": True,
    "enable_internet": False,
    "competition_sources": [@py:competition@],
    "dataset_sources": [name for name in [@py:dataset@] if name],
}

SCRIPT = '''\
import base64, io, runpy, sys, tarfile

CODE = "{code}"
with tarfile.open(fileobj=io.BytesIO(base64.b64decode(CODE))) as tar:
    tar.extractall("code")
sys.path.insert(0, "code")
runpy.run_path("code/main.py", run_name="__main__")
'''


def plain(info):
    """The same bytes for the same files: no owners, no times."""
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    return None if "__pycache__" in info.name else info


def main():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as tar:
        for name in sorted(os.listdir("src")):
            tar.add(os.path.join("src", name), name, filter=plain)
    os.makedirs("kernel", exist_ok=True)
    with open("kernel/kernel.py", "w", encoding="utf-8") as file:
        file.write(SCRIPT.format(code=base64.b64encode(packed.getvalue()).decode()))
    with open("kernel/kernel-metadata.json", "w", encoding="utf-8") as file:
        json.dump(METADATA, file, indent=2)
    print(f"kernel/kernel.py: {len(packed.getvalue())} bytes of code")


if __name__ == "__main__":
    main()
