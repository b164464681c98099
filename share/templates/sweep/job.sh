#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the node, in the container: one task of the array.
set -eu
exec python3 sweep.py run "$1" "${SLURM_ARRAY_TASK_ID:?a task of a job array}" python3 train.py
