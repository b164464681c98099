#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the node: runs main.py in the environment.
# shellcheck disable=SC1091,SC2154 # what settings.sh sets
set -eu
. ./env.sh
if [ ! -d "$env_dir/current" ]; then
	echo "job.sh: no environment in $env_dir; make it: ./run.sh ./setup.sh" >&2
	exit 1
fi
conda activate "$(readlink -f "$env_dir/current")"
set -u
# exec: Slurm's signals (the time limit is near, scancel) reach the program itself.
exec python3 main.py "$@"
