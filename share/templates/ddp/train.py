#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A place for your training: every process has a GPU, and all of them one model."""
import argparse
import os

import torch
import torch.distributed as dist


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--steps", type=int, default=3)
    args = options.parse_args()

    cuda = torch.cuda.is_available()
    dist.init_process_group("nccl" if cuda else "gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    device = "cpu"
    if cuda:
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    # model = torch.nn.parallel.DistributedDataParallel(model.to(device))
    for step in range(1, args.steps + 1):
        total = torch.tensor([float(rank + step)], device=device)
        dist.all_reduce(total)  # as DDP does with gradients
        if rank == 0:
            print(f"step {step}: sum over {world} processes {total.item():g}", flush=True)
    print(f"rank {rank} of {world} on {os.environ.get('SLURMD_NODENAME', '?')}, {device}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
