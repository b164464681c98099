#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hyper-parameters: from a YAML file to tasks of a job array, and their results in a table.

sweep.py plan GRID               writes sweeps/N/plan.jsonl, a line a task; prints sweeps/N
sweep.py run SWEEP TASK CMD...   becomes CMD --NAME VALUE... --result SWEEP/TASK.json
sweep.py table [SWEEP]           parameters and results, the best first
"""
import argparse
import itertools
import json
import os
import re
import sys


def fail(text):
    sys.exit(f"sweep.py: {text}")


def scalar(text, where):
    """A value of YAML as YAML 1.2 has it: number, truth, quoted or plain text."""
    if text[:1] == '"':
        return json.loads(text)
    if text[:1] == "'":
        return text[1:-1].replace("''", "'")
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    if not re.fullmatch(r"[\w./+-][\w./+ -]*", text):
        fail(f"{where}: write {text!r} in quotes")
    return text


def read_grid(path):
    """`name: [a, b]`, or `name:` and lines of `- a`; nothing else of YAML."""
    item = r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,"'\[\]{}#][^,\[\]{}#]*?)\s*"""
    grid, name = {}, None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            where = f"{path}:{number}"
            line = line.rstrip()
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            key = re.fullmatch(r"([A-Za-z_][\w-]*):(.*)", line)
            if key:
                name, rest = key.group(1), key.group(2).strip()
                if name in grid:
                    fail(f"{where}: {name} is there twice")
                grid[name] = []
            elif name and re.match(r"\s*- ", line):
                rest = "[" + line.strip()[2:] + "]"
            else:
                fail(f"{where}: expected 'name: [value, ...]' or '- value'")
            if rest and not rest.startswith("#"):
                found = re.fullmatch(rf"\[({item}(?:,{item})*),?\s*\]\s*(#.*)?", rest)
                if not found:
                    fail(f"{where}: expected [value, ...]")
                grid[name] += [scalar(v, where) for v in re.findall(item + r"(?:,|$)", found.group(1))]
    for name, values in grid.items():
        if not values:
            fail(f"{path}: {name} has no values")
    return grid or fail(f"{path}: nothing in it")


def plan(args):
    grid = read_grid(args.grid)
    for number in itertools.count(1):
        sweep = f"sweeps/{number}"
        try:
            os.makedirs(sweep)
            break
        except FileExistsError:
            continue
    with open(sweep + "/plan.jsonl", "w", encoding="utf-8") as file:
        for values in itertools.product(*grid.values()):
            file.write(json.dumps(dict(zip(grid, values))) + "\n")
    print(sweep)


def tasks(sweep):
    with open(sweep + "/plan.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def run(args):
    words = list(args.command)
    for name, value in tasks(args.sweep)[args.task].items():
        words += [f"--{name}", json.dumps(value) if isinstance(value, bool) else str(value)]
    words += ["--result", f"{args.sweep}/{args.task}.json"]
    print(" ".join(words), flush=True)
    os.execvp(words[0], words)


def table(args):
    sweep = args.sweep
    if not sweep:
        numbers = [int(n) for n in os.listdir("sweeps") if n.isdigit()] if os.path.isdir("sweeps") else []
        sweep = f"sweeps/{max(numbers)}" if numbers else fail("no sweep yet: ./run-sweep.sh")
    rows, columns, done = [], ["task"], 0
    for number, row in enumerate(tasks(sweep)):
        row = {"task": number, **row}
        try:
            with open(f"{sweep}/{number}.json", encoding="utf-8") as file:
                row.update(json.load(file))
            done += 1
        except FileNotFoundError:
            pass
        columns += [name for name in row if name not in columns]
        rows.append(row)
    worst = float("-inf" if args.largest else "inf")
    rows.sort(key=lambda row: row.get(args.by, worst), reverse=args.largest)
    cells = [columns] + [[str(row.get(name, "-")) for name in columns] for row in rows]
    if args.csv:
        import csv
        csv.writer(sys.stdout).writerows(cells)
    else:
        widths = [max(map(len, column)) for column in zip(*cells)]
        for line in cells:
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    sys.stdout.flush()  # in a pipe, too, the table comes first
    print(f"{done} of {len(rows)} tasks have a result", file=sys.stderr)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = options.add_subparsers(required=True)
    verb = verbs.add_parser("plan")
    verb.add_argument("grid")
    verb.set_defaults(do=plan)
    verb = verbs.add_parser("run")
    verb.add_argument("sweep")
    verb.add_argument("task", type=int)
    verb.add_argument("command", nargs=argparse.REMAINDER)
    verb.set_defaults(do=run)
    verb = verbs.add_parser("table")
    verb.add_argument("sweep", nargs="?")
    verb.add_argument("--by", default="loss")
    verb.add_argument("--largest", action="store_true", help="the largest is the best")
    verb.add_argument("--csv", action="store_true")
    verb.set_defaults(do=table)
    args = options.parse_args()
    args.do(args)


if __name__ == "__main__":
    main()
