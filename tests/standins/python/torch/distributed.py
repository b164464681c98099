# SPDX-License-Identifier: GPL-2.0-or-later
"""Stand-in for torch.distributed: rank 0 listens at MASTER_ADDR:MASTER_PORT and adds up."""
import json
import os
import socket
import time

_links = []


def get_rank():
    return int(os.environ["RANK"])


def get_world_size():
    return int(os.environ["WORLD_SIZE"])


def init_process_group(backend):
    if backend != "gloo":
        raise RuntimeError(f"no {backend} without GPUs")
    address = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
    if get_rank() == 0:
        with socket.create_server(address) as door:
            door.settimeout(120)
            for _ in range(get_world_size() - 1):
                _links.append(door.accept()[0].makefile("rw"))
        return
    end = time.monotonic() + 120
    while True:
        try:
            link = socket.create_connection(address, 5)
            link.settimeout(120)
            _links.append(link.makefile("rw"))
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _say(link, value):
    link.write(json.dumps(value) + "\n")
    link.flush()


def all_reduce(value):
    if get_rank() == 0:
        total = value.values[0] + sum(json.loads(link.readline()) for link in _links)
        for link in _links:
            _say(link, total)
    else:
        _say(_links[0], value.values[0])
        total = json.loads(_links[0].readline())
    value.values[0] = total


def destroy_process_group():
    for link in _links:
        link.close()
