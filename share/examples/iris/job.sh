#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What runs on the node, in the container: usrun --gpus=1 --time=10 ./job.sh
set -eu
echo "job ${SLURM_JOB_ID:-none} on ${SLURMD_NODENAME:-$(hostname)}," \
	"GPU ${CUDA_VISIBLE_DEVICES:-none}, $(python3 --version)"
exec python3 train.py "$@"
