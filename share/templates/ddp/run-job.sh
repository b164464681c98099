#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the login node: ./run-job.sh [ARG...] trains on all nodes and shows the output; with
# BATCH=1 in the environment it is submitted instead. Arguments go to train.py.
set -eu
cd "$(dirname "$0")"
nodes=@sh:nodes@ gpus=@sh:gpus@ cpus=@sh:cpus@
# One task a node: torchrun starts a process for each GPU. -K: when one fails, all end.
exec usrun ${BATCH:+--batch} --job-name=@sh:name@ --nodes="$nodes" --ntasks-per-node=1 \
	--gpus-per-node="$gpus" --cpus-per-task=$((cpus * gpus)) --kill-on-bad-exit=1 \
	./job.sh "$@"
