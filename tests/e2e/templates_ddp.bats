#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ucluster init ddp and resume: several nodes at once, several runs one after another.
load helper
load templates

setup()
{
	e2e_setup
}

teardown()
{
	template_teardown
}

begin()
{
	e2e_teardown
	template_setup "$@"
}

@test "ddp: two nodes, two processes each, meet and add up" {
	begin ddp image=python nodes=2 gpus=2 cpus=1 mem=1G time=10m
	# nodes of the sandbox have names that no resolver knows
	export MASTER_ADDR=127.0.0.1
	run -0 ./run-job.sh --steps 2
	[[ $output == *"step 1: sum over 4 processes 10"* ]]
	[[ $output == *"step 2: sum over 4 processes 14"* ]]
	[[ $output == *"rank 0 of 4 on gpu1, cpu"* ]]
	[[ $output == *"rank 3 of 4 on gpu2, cpu"* ]]
}

@test "ddp: the first node of any list of nodes" {
	begin ddp image=python nodes=1 gpus=1 mem=1G time=10m
	mkdir bin
	printf '#!/bin/sh\necho "$MASTER_ADDR $MASTER_PORT"\n' >bin/torchrun
	chmod +x bin/torchrun
	while read -r list first; do
		run -0 env PATH="$PWD/bin:$PATH" SLURM_JOB_NODELIST="$list" SLURM_JOB_ID=7 \
			SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 ./job.sh
		[ "$output" = "$first 15007" ]
	done <<-'EOT'
		gpu1 gpu1
		gpu1,gpu2 gpu1
		gpu[03-05,9],big1 gpu03
		gpu[7,9] gpu7
		big1,gpu[1-2] big1
		rack2-gpu[0010-0012] rack2-gpu0010
	EOT
}

@test "ddp: one process fails, the job fails" {
	begin ddp image=python nodes=2 gpus=1 cpus=1 mem=1G time=10m
	cat >train.py <<-'EOT'
		import os, sys, time
		if os.environ["RANK"] == "1":
		    sys.exit("rank 1 fails")
		time.sleep(300)
	EOT
	SECONDS=0
	run ! ./run-job.sh
	[[ $output == *"rank 1 fails"* ]]
	[ "$SECONDS" -lt 120 ]
}

log_has()
{
	grep -qsE -- "$1" train-*.log
}

@test "resume: told in time it saves, is queued again and goes on, until it is done" {
	begin resume image=python mem=1G time=10m
	run -0 ./run-job.sh --steps 60
	submitted
	wait_until 60 log_has '^begins after step 0, restart 0$'
	# what slurmctld does before the time limit
	scancel --batch --signal=USR1 "$job"
	wait_until 60 log_has '^saved step [0-9]+ of 60$'
	start_requeued "$job"
	wait_until 60 log_has '^begins after step [1-9][0-9]*, restart 1$'
	wait_until 60 log_has '^done, 60 steps$'
	wait_for_job "$job" GONE 60
	[ "$(cat checkpoint.json)" = '{"step": 60}' ]
	[ "$(grep -c '^begins' train-*.log)" -eq 2 ]
}

@test "resume: a program that fails by itself is not run again" {
	begin resume image=python mem=1G time=10m name=broken
	echo 'raise SystemExit(7)' >train.py
	run -0 ./run-job.sh
	submitted
	wait_for_job "$job" GONE 60
	[[ $(scontrol show job "$job") == *"Restarts=0"*"ExitCode=7:0"* ]]
}
