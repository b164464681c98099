#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the login node: ./run-batch.sh [ARG...] submits the same job, prints its number and
# returns; its output goes to NAME-NUMBER.log. See it wait and run with: uqueue --me
set -eu
cd "$(dirname "$0")"
name=@sh:name@
exec usrun --batch --job-name="$name" --output="$name-%j.log" ./job.sh "$@"
