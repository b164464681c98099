#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On each node, in the container, once.
set -eu

# The first node of the job, where all meet: gpu[03-05,9],big1 -> gpu03. There is no
# scontrol in a container. MASTER_ADDR and MASTER_PORT may be set by usrun --env.
nodes=${SLURM_STEP_NODELIST:-$SLURM_JOB_NODELIST}
case $nodes in
*\[*)
	first=${nodes%%\[*}
	case $first in
	*,*) first=${first%%,*} ;;
	*)
		range=${nodes#*\[}
		range=${range%%[],-]*}
		first=$first$range
		;;
	esac
	;;
*) first=${nodes%%,*} ;;
esac
export MASTER_ADDR="${MASTER_ADDR:-$first}"
cpus=@sh:cpus@
# Another port for each job, for several may be on one node.
export MASTER_PORT="${MASTER_PORT:-$((15000 + SLURM_JOB_ID % 15000))}"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$cpus}"

exec torchrun --nnodes="$SLURM_JOB_NUM_NODES" --nproc-per-node=@sh:gpus@ \
	--node-rank="$SLURM_NODEID" --master-addr="$MASTER_ADDR" --master-port="$MASTER_PORT" \
	train.py "$@"
