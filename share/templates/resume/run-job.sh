#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the login node: ./run-job.sh [ARG...] submits the training and prints its number; it
# is one job, however often it is queued again. Arguments go to train.py.
set -eu
cd "$(dirname "$0")"
name=@sh:name@
exec usrun --resume --max-resumes=@sh:resumes@ --signal=USR1@@sh:notice@ \
	--job-name="$name" --output="$name-%j.log" ./job.sh "$@"
