#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the login node: ./run-sweep.sh [GRID] submits a job array with one task for each
# combination of grid.yaml. What is submitted is kept: grid.yaml may change then.
set -eu
cd "$(dirname "$0")"
sweep=$(python3 sweep.py plan "${1:-grid.yaml}")
last=$(($(wc -l <"$sweep/plan.jsonl") - 1))
job=$(usrun --batch --parsable --job-name=@sh:name@ --array="0-$last%"@sh:at_once@ \
	--output="$sweep/%a.log" ./job.sh "$sweep")
echo "job $job, tasks 0 to $last; when they are done: ./table.sh $sweep"
