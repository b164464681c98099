#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A place for your training: counts steps, keeps a checkpoint, goes on from it."""
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
    options.add_argument("--steps", type=int, default=5)
    options.add_argument("--checkpoint", default="checkpoint.json")
    options.add_argument("--seconds", type=float, default=0.1, help="a step takes")
    args = options.parse_args()

    # Slurm sends SIGTERM before it kills: at the time limit, for scancel.
    asked_to_stop = []
    signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.append(True))

    state = {"step": 0}
    if os.path.exists(args.checkpoint):
        with open(args.checkpoint) as file:
            state = json.load(file)
        print(f"going on after step {state['step']}", flush=True)
    print(f"GPU {os.environ.get('CUDA_VISIBLE_DEVICES', 'none')}", flush=True)
    while state["step"] < args.steps:
        time.sleep(args.seconds)  # train here
        state["step"] += 1
        save(args.checkpoint, state)
        print(f"step {state['step']} of {args.steps}", flush=True)
        if asked_to_stop:
            print("stopped; the next run goes on from here", flush=True)
            sys.exit(143)


if __name__ == "__main__":
    main()
