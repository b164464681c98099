#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# usrun --batch: its options in the job's record, --wait, --follow, answers that are lost.

load helper

setup()
{
	e2e_setup
	export UCLUSTER_RUNTIME=none HOME=$WORK
	STOPPED=
}

teardown()
{
	[ -z "$STOPPED" ] || kill -CONT "$STOPPED" || :
	e2e_teardown
}

batch()
{
	usrun --batch "$@"
}

# field ID NAME: one word of the job's record
field()
{
	scontrol show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -1
}

@test "--follow prints the output as it comes, and exits as the job did" {
	batch --follow sh -c 'echo one; while [ ! -e go ]; do sleep 0.1; done; echo two; exit 3' \
		>out 2>err 3>&- &
	local pid=$!
	wait_until 30 grep -qx one out
	touch go
	wait_status "$pid"
	[ "$status" -eq 3 ]
	# srun's own words come before the last line or behind it
	[ "$(grep -v '^srun: ' out)" = $'one\ntwo' ]
	grep -q '^usrun: submitted batch job [0-9]*$' err
}

@test "--follow keeps errors apart where they have a file of their own" {
	run -0 --separate-stderr batch --follow -o 'o-%x-%j.%A' -e 'e-%5j' -J 'a b' \
		sh -c 'echo out; echo err >&2'
	[ "$output" = out ]
	[[ $stderr == *$'\nerr' ]]
}

@test "--follow shows nothing of an earlier job's file, and bytes as they are" {
	echo old >log
	run -0 --separate-stderr batch --follow -o log printf 'a\tb\n'
	[ "$output" = $'a\tb' ]
	head -c 300000 /dev/urandom >bytes
	batch --follow -o copy cat bytes >got 2>/dev/null
	cmp bytes got
}

@test "--follow: signals are 128 and more, a cancelled job is 143" {
	run -137 batch --follow sh -c 'kill -9 $$'
	batch --follow sh -c 'echo up; exec sleep 100' >out 2>err 3>&- &
	local pid=$!
	wait_until 30 grep -q up out
	scancel "$(sed -n 's/.*batch job //p' err)"
	wait_status "$pid"
	[ "$status" -eq 143 ]
}

@test "--follow: a job that is cancelled before it starts" {
	batch --follow -H true >out 2>err 3>&- &
	local pid=$!
	wait_until 30 grep -q 'batch job' err
	scancel "$(sed -n 's/.*batch job //p' err)"
	wait_status "$pid"
	[ "$status" -eq 143 ]
	[ ! -s out ]
}

@test "--follow: Ctrl-C leaves the job alone and says how to come back" {
	env --default-signal=INT "$(command -v usrun)" --batch --follow \
		sh -c 'echo up; while [ ! -e go ]; do sleep 0.1; done' >out 2>err 3>&- &
	local pid=$! id
	wait_until 30 grep -q up out
	kill -INT "$pid"
	wait_status "$pid"
	[ "$status" -eq 130 ]
	id=$(sed -n 's/.*batch job //p' err)
	grep -qF "detached, job $id goes on" err
	grep -qF "'uattach $id' comes back, 'uqueue --cancel $id' ends the job" err
	job_is "$id" RUNNING
	touch go
	wait_for_job "$id" GONE
	[ "$(field "$id" JobState)" = COMPLETED ]
}

@test "--follow and --wait of an array: all of its tasks, the worst counts" {
	batch --follow --array=1-2 sh -c 'echo $SLURM_ARRAY_TASK_ID; exit $SLURM_ARRAY_TASK_ID' \
		>out 2>err && status=0 || status=$?
	[ "$status" -eq 2 ]
	[ "$(grep -v srun: out | sort)" = $'[1] 1\n[2] 2' ]
	run -3 batch --wait --array=1-3 sh -c 'exit $SLURM_ARRAY_TASK_ID'
	[[ $output == "Submitted batch job "* ]]
	run -0 batch -W --parsable true
	[[ $output =~ ^[0-9]+$ ]]
}

@test "options of jobs are in the job's record" {
	local first id

	first=$(batch --parsable -H true)
	id=$(batch --parsable -H --array=0-7:2%3 --dependency=afterok:"$first" \
		--mail-type=END,FAIL --mail-user=ada@example.org --requeue \
		--signal=B:USR1@60 --time=10 -o 'o-%A_%a-%x' -e e-%j true)
	[ "$(field "$id" ArrayTaskId)" = '0-7:2%3' ] || [ "$(field "$id" ArrayTaskId)" = '0,2,4,6%3' ]
	[[ "$(field "$id" Dependency)" == "afterok:$first"* ]]
	[[ "$(field "$id" MailType)" == *END*FAIL* ]]
	[ "$(field "$id" MailUser)" = ada@example.org ]
	[ "$(field "$id" Requeue)" = 1 ]
	[[ "$(field "$id" StdErr)" == "$WORK/e-"* ]]
	[[ "$(field "$id" StdOut)" == "$WORK/o-"* ]]
	[ "$(field "$(batch --parsable -H --no-requeue true)" Requeue)" = 0 ]
}

@test "--signal reaches the batch script before the limit" {
	cat >job.sh <<-'EOT'
		#!/bin/bash
		#SBATCH --signal=B:USR1@59 --time=1
		trap 'echo got it; exit 7' USR1
		for i in {1..600}; do sleep 0.1; done
	EOT
	run -7 --separate-stderr batch --follow ./job.sh
	# srun and slurmstepd may have a word, too
	[ "$(grep -vE '^(srun|slurmstepd)' <<<"$output")" = "got it" ]
}

@test "an answer that is lost is said; the job is there once, or not at all" {
	printf 'slurm: {timeout: 2s}\n' >config.yaml
	export UCLUSTER_CONFIG=$WORK/config.yaml
	STOPPED=$(pgrep -f "slurmctld.*$UC_E2E_DIR/cluster" | head -1)
	kill -STOP "$STOPPED"
	run -4 --separate-stderr batch --no-check -J lost-answer -H true
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == "usrun: "*"may be queued all the same"* ]]
	[[ ${stderr_lines[1]} == "hint: "*"--name=lost-answer"* ]]
	kill -CONT "$STOPPED"
	STOPPED=
	wait_until 30 squeue -h -o %A >/dev/null
	[ "$(squeue -h --name=lost-answer -o %A | wc -l)" -le 1 ]
}

@test "caches of programs are below cache_dir, and mounted" {
	mkdir "$WORK/caches" project
	printf 'cache_dir: %s/caches\n' "$WORK" >config.yaml
	export UCLUSTER_CONFIG=$WORK/config.yaml
	cd project
	run -0 env -u HF_HOME -u XDG_CACHE_HOME TORCH_HOME=/mine UCLUSTER_RUNTIME=pyxis \
		usrun --image=tiny sh -c 'echo $HF_HOME $TORCH_HOME; mkdir -p $HF_HOME; touch $HF_HOME/x'
	[ "${lines[0]}" = "$WORK/caches/huggingface /mine" ]
	[ -e "$WORK/caches/huggingface/x" ]
	printf 'cache_dir: %s/gone\n' "$WORK" >../config.yaml
	run -0 usrun --dry-run true
	[[ $output == *"cache_dir '$WORK/gone' is left out: it is no directory"* ]]
	[[ $output != *HF_HOME* ]]
}
