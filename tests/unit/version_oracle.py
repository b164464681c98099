#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Versions, and what is asked of them, against Python's "packaging", which pip uses:
# random ones near each other, malformed ones among them.
import random
import re
import subprocess
import sys

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

PAIRS = 20000


def number(r):
    return r.choice(["0", "1", "2", "3", "9", "10", "11", "01", "20240131123456789"])


def version(r):
    text = r.choice(["", "", "", "", "v", "V", "1!", "0!", "2!"])
    text += ".".join(number(r) for _ in range(r.randint(1, 4)))
    sep = ["", ".", "-", "_"]
    if r.random() < 0.35:
        text += r.choice(sep) + r.choice(
            "a b c rc alpha beta pre preview RC Alpha".split())
        text += r.choice(sep) + r.choice(["", number(r)])
    if r.random() < 0.25:
        text += r.choice(["-" + number(r),
                          r.choice(sep) + r.choice(["post", "rev", "r"]) +
                          r.choice(sep) + r.choice(["", number(r)])])
    if r.random() < 0.25:
        text += r.choice(sep) + "dev" + r.choice(sep) + r.choice(["", number(r)])
    if r.random() < 0.2:
        text += "+" + r.choice(["1", "01", "abc", "ABC", "cu118", "1.2", "a.1", "1.a",
                                "a_1", "a-1", "32f93b1"])
    if r.random() < 0.03:
        text += r.choice([".", "x", "+", "!", " 1", "..1", "-", ".*"])
    return text


def near(r, text):
    """A version that has something to do with `text`."""
    choice = r.random()
    if choice < 0.25:
        return text
    if choice < 0.4:
        return text.split("+")[0]
    if choice < 0.6:
        digits = [i for i, c in enumerate(text) if c.isdigit()]
        i = r.choice(digits)
        return text[:i] + str(r.randint(0, 3)) + text[i + 1:]
    if choice < 0.8:
        cut = text.split(".")
        return ".".join(cut[:r.randint(1, len(cut))])
    return version(r)


def specifier(r, text):
    op = r.choice(["==", "!=", "<", "<=", ">", ">=", "~=", "==="])
    asked = near(r, text)
    if op in ("==", "!=") and r.random() < 0.4:
        asked = asked.split("+")[0] + ".*"
    return op + r.choice(["", " "]) + asked


def order(one, other):
    try:
        a, b = Version(one), Version(other)
    except InvalidVersion:
        return "bad"
    return "less" if a < b else "more" if a > b else "same"


def meets(text, asked):
    try:
        item = Version(text)
    except InvalidVersion:
        return "bad"
    try:
        return "yes" if SpecifierSet(asked).contains(item, prereleases=True) else "no"
    except InvalidSpecifier:
        return "bad"


def excused(text, asked):
    """Where this release of packaging strays from PEP 440."""
    # An epoch is no number of the release: https://github.com/pypa/packaging/pull/766
    if "!" in text + asked and any(
            s.strip().startswith("~=") or s.strip().endswith(".*")
            for s in asked.split(",")):
        return True
    # "~=2.2.c1" is as "~=2.2rc1": "c" was forgotten among the suffixes. What is said
    # with other words or separators than the usual ones is not cut there, either.
    for s in asked.split(","):
        s = s.strip()
        if s.startswith("~=") and not re.fullmatch(
                r"~= ?[vV]?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?", s):
            return True
    return False


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
    r = random.Random(seed)
    lines, wanted = [], []
    for _ in range(PAIRS):
        text = version(r)
        if r.random() < 0.3:
            other = near(r, text)
            lines.append(text + "\t<=>" + other)
            wanted.append(order(text, other))
            continue
        asked = ",".join(specifier(r, text) for _ in range(r.choice([1, 1, 1, 2, 3])))
        if excused(text, asked):
            continue
        lines.append(text + "\t" + asked)
        wanted.append(meets(text, asked))
    got = subprocess.run([sys.argv[1]], input="\n".join(lines) + "\n", text=True,
                         stdout=subprocess.PIPE, check=True).stdout.split()
    wrong = [(line, w, g) for line, w, g in zip(lines, wanted, got) if w != g]
    for line, w, g in wrong[:20]:
        print(f"{line!r}: {w} is right, not {g}")
    kinds = {k: wanted.count(k) for k in sorted(set(wanted))}
    print(f"{len(lines)} pairs, seed {seed}, {len(wrong)} wrong: {kinds}")
    few = [k for k in ("yes", "no", "bad", "less", "more", "same") if kinds.get(k, 0) < 100]
    return 1 if wrong or few or len(got) != len(lines) or len(lines) < 5000 else 0


sys.exit(main())
