#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# damaged_images.py GOOD_FOLDER OUT [SEED]: from each good image, damaged ones: cut off,
# flipped bits, fields of the superblock at their limits, and where the tables are not
# packed also folders in themselves, fragments and sizes that are none.
import os
import random
import struct
import sys

good_folder, out = sys.argv[1:3]
r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 20261121)
count = 0

# Offset, size: inode count to export table.
FIELDS = [(4, 4), (8, 4), (12, 4), (16, 4), (20, 2), (22, 2), (24, 2), (26, 2), (28, 2),
          (30, 2), (32, 8), (40, 8), (48, 8), (56, 8), (64, 8), (72, 8), (80, 8), (88, 8)]


def put(name, what, data):
    global count
    count += 1
    with open(os.path.join(out, f"{name}-{what}-{count}.sqsh"), "wb") as f:
        f.write(data)


def tables(data):
    """Inode, directory and fragment tables."""
    return struct.unpack_from("<QQQ", data, 64)


def flip(name, data):
    start = min(tables(data))
    for what, first, last in (("super", 0, 96), ("tables", start, len(data)),
                              ("data", 96, max(start, 97))):
        for _ in range(9):
            b = bytearray(data)
            for _ in range(r.choice([1, 1, 2, 8])):
                b[r.randrange(first, last)] ^= 1 << r.randrange(8)
            put(name, "flip-" + what, b)


def cut(name, data):
    for at in [0, 1, 50, 95, 96, len(data) - 1] + [r.randrange(len(data)) for _ in range(6)]:
        put(name, "cut", data[:at])
    # cut, but the superblock says that it is all there
    for _ in range(5):
        b = bytearray(data[:r.randrange(96, len(data))])
        struct.pack_into("<Q", b, 40, len(b))
        put(name, "shortened", b)


def limits(name, data):
    for at, size in FIELDS:
        for value in r.sample([0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1),
                               2 ** (8 * size - 1) - 1, len(data)], 2):
            b = bytearray(data)
            b[at:at + size] = (value % 2 ** (8 * size)).to_bytes(size, "little")
            put(name, f"field{at}", b)


def holes(name, data):
    for _ in range(6):
        b = bytearray(data)
        at, size = r.randrange(96, len(data)), r.choice([16, 300, 5000])
        b[at:at + size] = bytes(len(b[at:at + size]))
        put(name, "hole", b)
    b = bytearray(data)
    start = min(tables(data))
    b[start:] = bytes(r.randrange(256) for _ in range(len(data) - start))
    put(name, "noise", b)


def inodes(data):
    """Where inodes of files and folders begin: only in a table that is not packed."""
    start, end = tables(data)[:2]
    at = start + 2
    sizes = {1: 32, 3: None}
    while at + 32 <= end:
        kind = struct.unpack_from("<H", data, at)[0]
        if kind == 1:
            yield kind, at
            at += sizes[1]
        elif kind == 2:
            yield kind, at
            fragment, _, size = struct.unpack_from("<III", data, at + 20)
            block = struct.unpack_from("<I", data, 12)[0]
            blocks = size // block if fragment != 0xffffffff else -(-size // block)
            at += 32 + 4 * blocks
        elif kind == 3:
            at += 24 + struct.unpack_from("<I", data, at + 20)[0]
        else:
            return


def structure(name, data):
    """The tables are not packed: what stands in them can be set."""
    start, directory = tables(data)[:2]
    root = struct.unpack_from("<Q", data, 32)[0]
    assert struct.unpack_from("<H", data, start)[0] & 0x8000, "tables are packed"
    # every entry of the first folders leads back to the root
    b = bytearray(data)
    at = directory + 2
    entries = struct.unpack_from("<I", b, at)[0] + 1
    at += 12
    for _ in range(entries):
        offset, _, kind, size = struct.unpack_from("<HhHH", b, at)
        if kind == 1:
            struct.pack_into("<H", b, at, root & 0xffff)
        at += 8 + size + 1
    put(name, "loop", b)
    for value in (0, 255, 256, 0x7fffffff, 0xffffffff):
        b = bytearray(data)
        struct.pack_into("<I", b, directory + 2, value)
        put(name, "entries", b)
    # a name with a slash, a NUL, dots only
    for text in (b"/", b"\0", b".", b".."):
        b = bytearray(data)
        size = struct.unpack_from("<H", b, directory + 2 + 12 + 6)[0] + 1
        struct.pack_into("<H", b, directory + 2 + 12 + 6, len(text) - 1)
        b[directory + 2 + 12 + 8:directory + 2 + 12 + 8 + len(text)] = text
        put(name, "name", b)
        b = bytearray(data)
        b[directory + 2 + 12 + 8:directory + 2 + 12 + 8 + size] = (text * size)[:size]
        put(name, "name", b)
    for kind, where in list(inodes(data)):
        b = bytearray(data)
        if kind == 2:
            field = r.choice([16, 20, 24, 28])
            struct.pack_into("<I", b, where + field,
                             r.choice([0xffffffff, 0xfffffffe, 0x7fffffff, 1 << 31, 12345]))
            put(name, "file", b)
        else:
            field, form, value = r.choice([(16, "<I", 0xffffffff), (24, "<H", 0xffff),
                                           (24, "<H", 0), (26, "<H", 8191),
                                           (28, "<I", 0xffffffff), (12, "<I", 0xffffffff),
                                           (0, "<H", 2), (0, "<H", 14), (0, "<H", 8)])
            struct.pack_into(form, b, where + field, value)
            put(name, "folder", b)
        if count > 4000:
            break


for file in sorted(os.listdir(good_folder)):
    if not file.endswith(".sqsh"):
        continue
    name = file[:-len(".sqsh")]
    with open(os.path.join(good_folder, file), "rb") as f:
        data = f.read()
    flip(name, data)
    cut(name, data)
    limits(name, data)
    holes(name, data)
    if name.startswith("plain"):
        structure(name, data)
print(count)
