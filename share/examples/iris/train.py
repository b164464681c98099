#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
"""Train a small neural network to tell three kinds of iris apart, in plain Python.

It keeps a checkpoint and goes on from it: what a time limit or a crash cuts short, the
next run of the same command finishes, with the same result as if nothing had happened.
"""
import argparse
import csv
import json
import math
import os
import random

HIDDEN = 8
BATCH = 10
HELD_BACK = 30  # flowers that the training never sees


def read_flowers(path):
    """Measurements scaled to mean 0 and deviation 1, kinds as numbers; and the names."""
    with open(path, newline="") as file:
        rows = list(csv.reader(file))[1:]
    names = sorted({row[-1] for row in rows})
    columns = list(zip(*([float(cell) for cell in row[:-1]] for row in rows)))
    scaled = []
    for column in columns:
        mean = sum(column) / len(column)
        deviation = math.sqrt(sum((x - mean) ** 2 for x in column) / len(column))
        scaled.append([(x - mean) / deviation for x in column])
    kinds = [names.index(row[-1]) for row in rows]
    return list(zip(zip(*scaled), kinds)), names


def new_model(inputs, outputs, chance):
    """Two layers; each row of weights ends with its bias."""
    def layer(rows, columns):
        scale = 1 / math.sqrt(columns)
        return [[chance.gauss(0, scale) for _ in range(columns)] + [0.0]
                for _ in range(rows)]
    return {"hidden": layer(HIDDEN, inputs), "output": layer(outputs, HIDDEN)}


def forward(model, x):
    hidden = [math.tanh(row[-1] + sum(w * v for w, v in zip(row, x)))
              for row in model["hidden"]]
    sums = [row[-1] + sum(w * v for w, v in zip(row, hidden)) for row in model["output"]]
    top = max(sums)
    powers = [math.exp(s - top) for s in sums]
    total = sum(powers)
    return hidden, [p / total for p in powers]


def learn(model, batch, rate):
    """One step of gradient descent; the mean loss before it."""
    loss = 0.0
    step = rate / len(batch)
    steps = {name: [[0.0] * len(row) for row in rows] for name, rows in model.items()}
    for x, kind in batch:
        hidden, chances = forward(model, x)
        loss -= math.log(max(chances[kind], 1e-12))
        back = [c - (k == kind) for k, c in enumerate(chances)]
        for i, b in enumerate(back):
            add(steps["output"][i], hidden, b)
        for j, h in enumerate(hidden):
            b = sum(back[i] * row[j] for i, row in enumerate(model["output"]))
            add(steps["hidden"][j], x, b * (1 - h * h))
    for name, rows in model.items():
        for row, change in zip(rows, steps[name]):
            for j, c in enumerate(change):
                row[j] -= step * c
    return loss / len(batch)


def add(row, values, factor):
    for j, value in enumerate(values):
        row[j] += factor * value
    row[-1] += factor


def accuracy(model, flowers):
    right = 0
    for x, kind in flowers:
        chances = forward(model, x)[1]
        right += chances.index(max(chances)) == kind
    return right / len(flowers)


def save(path, state):
    """The old checkpoint or the new one is there at any time, never half of one."""
    with open(path + ".new", "w") as file:
        json.dump(state, file)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--data", default="iris.csv")
    options.add_argument("--checkpoint", default="checkpoint.json")
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--rate", type=float, default=0.1)
    args = options.parse_args()

    flowers, names = read_flowers(args.data)
    random.Random(args.seed).shuffle(flowers)
    unseen, training = flowers[:HELD_BACK], flowers[HELD_BACK:]
    state = {"seed": args.seed, "epoch": 0, "model":
             new_model(len(flowers[0][0]), len(names), random.Random(args.seed))}
    if os.path.exists(args.checkpoint):
        with open(args.checkpoint) as file:
            state = json.load(file)
        print(f"going on after epoch {state['epoch']} of {args.checkpoint}", flush=True)
    model = state["model"]
    for epoch in range(state["epoch"] + 1, args.epochs + 1):
        # The order depends on the epoch alone, so a resumed run sees the same.
        random.Random(f"{state['seed']} {epoch}").shuffle(batch_order := list(training))
        batches = [batch_order[i:i + BATCH] for i in range(0, len(training), BATCH)]
        loss = sum(learn(model, batch, args.rate) for batch in batches) / len(batches)
        if epoch % 10 == 0 or epoch == args.epochs:
            save(args.checkpoint, state | {"epoch": epoch, "loss": loss})
            print(f"epoch {epoch:3}  loss {loss:.4f}", flush=True)
    print(f"accuracy {accuracy(model, unseen):.3f} "
          f"on {HELD_BACK} flowers it has not seen, "
          f"{accuracy(model, training):.3f} on the {len(training)} it learnt from")


if __name__ == "__main__":
    main()
