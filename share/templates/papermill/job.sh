#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the node, in the container: the notebook with the task's file of parameters. The result
# has the file's name; it is there when all of the notebook has run.
set -eu
kernel=@sh:kernel@
shift "${SLURM_ARRAY_TASK_ID:-0}"
name=${1##*/}
name=${name%.*}
file=$1
set --
[ -z "$kernel" ] || set -- --kernel "$kernel"

trap 'echo "job.sh: failed; as far as it came: runs/.$name.ipynb" >&2' EXIT
papermill --no-progress-bar --log-output -f "$file" "$@" notebook.ipynb "runs/.$name.ipynb"
mv "runs/.$name.ipynb" "runs/$name.ipynb"
trap - EXIT
