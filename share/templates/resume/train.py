#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A place for your training: goes on from its checkpoint, and writes one when told to."""
import argparse
import json
import os
import signal
import sys
import time


def save(path, state):
    """The old checkpoint or the new one is there at any time, never half of one."""
    with open(path + ".new", "w") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--steps", type=int, default=100)
    options.add_argument("--checkpoint", default="checkpoint.json")
    options.add_argument("--every", type=int, default=50, help="steps between checkpoints")
    options.add_argument("--seconds", type=float, default=0.1, help="a step takes")
    args = options.parse_args()

    # USR1: the time limit is near. TERM: scancel, or a node that is taken away.
    told = []
    for name in (signal.SIGUSR1, signal.SIGTERM):
        signal.signal(name, lambda number, _: told.append(number))

    state = {"step": 0}
    if os.path.exists(args.checkpoint):
        with open(args.checkpoint) as file:
            state = json.load(file)
    print(f"begins after step {state['step']}, restart {os.environ.get('SLURM_RESTART_COUNT', 0)}", flush=True)
    while state["step"] < args.steps:
        time.sleep(args.seconds)  # train here
        state["step"] += 1
        if told or state["step"] % args.every == 0:
            save(args.checkpoint, state)
        if told:
            print(f"saved step {state['step']} of {args.steps}", flush=True)
            # any status but 0: not done yet
            sys.exit(99 if told[0] == signal.SIGUSR1 else 128 + told[0])
    save(args.checkpoint, state)
    print(f"done, {state['step']} steps", flush=True)


if __name__ == "__main__":
    main()
