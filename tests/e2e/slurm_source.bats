#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The live source: what it says is what Slurm's own tools say.
load helper

SCRIPT=$'#!/bin/bash\nsleep 300'

setup()
{
	e2e_setup
	PROBE=$UC_TEST_BUILD/tests/probe
}

teardown()
{
	e2e_teardown
}

submit()
{
	"$PROBE" submit "$@" | sed 's/ .*//'
}

# Jobs of earlier tests stay in slurmctld's memory for a while: only those that wait count.
pending()
{
	"$PROBE" jobs "$@" | grep state=PENDING
}

@test "a submitted job is what was asked for" {
	id=$(submit "$SCRIPT" job-name="größe x" gpus=2 time=10m mem=512M cpus-per-task=2 \
		comment=hi nice=7 partition=gpu)
	wait_for_job "$id" RUNNING
	run -0 "$PROBE" jobs -d -j "$id"
	[[ $output == *"state=RUNNING"*"cpus=2 nodes=1 gpus=2 memory=536870912 limit=600"* ]]
	[[ $output == *"nice=7 name=größe x user=root partition=gpu types=a100:2"* ]]
	[[ $output == *"detail=gpu:a100:2(IDX:0-1)"* ]]
	run -0 scontrol show job "$id"
	[[ $output == *"JobName=größe x"* && $output == *"TimeLimit=00:10:00"* ]]
	[[ $output == *"NumCPUs=2 "* && $output == *"MinMemoryNode=512M"* ]]
	[[ $output == *"Comment=hi"* && $output == *"Nice=7"* ]]
}

@test "memory, tasks and GPUs in every unit reach slurmctld" {
	id=$(submit "$SCRIPT" hold ntasks=4 nodes=2 mem-per-cpu=1G gpus-per-task=1)
	run -0 scontrol show job "$id"
	[[ $output == *"NumTasks=4"* && $output == *"NumNodes=2"* ]]
	[[ $output == *"MinMemoryCPU=1G"* && $output == *"TresPerTask=gres:gpu:1"* ]]
	run -0 "$PROBE" jobs -j "$id"
	[[ $output == *"gpus=4 "* ]]
	id=$(submit "$SCRIPT" hold nodes=2 gpus-per-node=a100:3)
	run -0 "$PROBE" jobs -j "$id"
	[[ $output == *"gpus=6 "*"types=a100:6"* ]]
	id=$(submit "$SCRIPT" hold nodes=2 gres=gpu:1 cpus-per-gpu=2 mem-per-gpu=2G)
	run -0 scontrol show job "$id"
	[[ $output == *"CpusPerTres=gres:gpu:2"* && $output == *"MemPerTres=gres:gpu:2048"* ]]
}

@test "no time is no limit, and held stays held, as with sbatch" {
	run -2 "$PROBE" submit "$SCRIPT" time=0 # the partition has a limit
	id=$(submit "$SCRIPT" hold priority=5)
	[ "$(squeue -h -j "$id" -o "%Q %r")" = "0 JobHeldUser" ]
}

@test "an array is one row with all its tasks" {
	id=$(submit "$SCRIPT" hold array=0-200:2,999%4)
	run -0 "$PROBE" jobs -j "$id"
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"array=$id"*"array_tasks=0,2,4,"*",198,200,999%4"* ]]
}

@test "what sbatch adds to the environment is there" {
	id=$("$PROBE" submit $'#!/bin/bash\nenv; ulimit -n; umask; printf "<%s>\\n" "$@"' \
		output="$WORK/out" job-name=envy gpus=1 cpus-per-task=3 | sed 's/ .*//')
	wait_for_job "$id" GONE
	wait_until 10 grep -q '^<x y>$' "$WORK/out"
	for want in "SLURM_SUBMIT_DIR=$WORK" "SLURM_SUBMIT_HOST=$(hostname)" \
		SLURM_JOB_NAME=envy SLURM_CPUS_PER_TASK=3 SLURM_GPUS=1 \
		CUDA_VISIBLE_DEVICES=0 SLURM_PRIO_PROCESS=0; do
		grep -qx "$want" "$WORK/out"
	done
	grep -qx "$(ulimit -n)" "$WORK/out"
	grep -qx "$(umask)" "$WORK/out"
	# slurmstepd takes these away again.
	run -1 grep ^SLURM_RLIMIT_ "$WORK/out"
}

@test "own jobs, one id, several ids: one request each" {
	a=$(submit "$SCRIPT" hold) b=$(submit "$SCRIPT" hold)
	before=$(rpcs)
	run -0 "$PROBE" jobs -j "$a"
	[ "${#lines[@]}" -eq 1 ]
	[ $(($(rpcs) - before)) -eq 1 ]
	before=$(rpcs)
	run -0 "$PROBE" jobs -j "$a" -j "$b" -j "$a"
	[ "${#lines[@]}" -eq 2 ]
	[ $(($(rpcs) - before)) -eq 2 ]
	before=$(rpcs)
	run -0 pending
	[ "${#lines[@]}" -eq 2 ]
	[ $(($(rpcs) - before)) -eq 1 ]
	run -0 "$PROBE" jobs -j 999999
	[ -z "$output" ]
	run -0 "$PROBE" jobs -u 4000000000
	[ -z "$output" ]
}

@test "many ids and users are filtered from one request" {
	ids=()
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		ids+=(-j "$(submit "$SCRIPT" hold)")
	done
	submit "$SCRIPT" hold
	before=$(rpcs)
	run -0 "$PROBE" jobs "${ids[@]}"
	[ "${#lines[@]}" -eq 10 ]
	[ $(($(rpcs) - before)) -eq 1 ]
}

@test "another user's jobs are told apart" {
	user_add uctsrc
	mine=$(submit "$SCRIPT" hold)
	theirs=$(as uctsrc "$PROBE" submit "$SCRIPT" hold | sed 's/ .*//')
	uid=$(id -u uctsrc)
	before=$(rpcs)
	run -0 as uctsrc "$PROBE" jobs -u "$uid"
	[ $(($(rpcs) - before)) -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == "$theirs "*"user=uctsrc"* ]]
	run -0 pending -u 0
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == "$mine "* ]]
	run -0 pending -u 0 -u "$uid"
	[ "${#lines[@]}" -eq 2 ]
}

@test "nodes and partitions agree with sinfo" {
	id=$(submit "$SCRIPT" gpus=3 cpus-per-task=2 nodelist=gpu2 partition=gpu)
	wait_for_job "$id" RUNNING
	run -0 "$PROBE" nodes
	[ "${#lines[@]}" -eq "$(sinfo -h -N -o %N | sort -u | wc -l)" ]
	[[ $output == *"gpu2 state=MIXED"*"gpus=3/8 types=a100:8 indices=0-2 partitions="* ]]
	run -0 "$PROBE" partitions
	[ "${#lines[@]}" -eq "$(sinfo -h -o %P | sort -u | wc -l)" ]
}

@test "hostile names are one row each" {
	submit "$SCRIPT" hold job-name=$'a\nb\e[31mc' >/dev/null
	submit "$SCRIPT" hold job-name='x UserId=root(0) StdOut=y' >/dev/null
	submit "$SCRIPT" hold job-name=--help comment=$'\xff\xfe' >/dev/null
	run -0 pending
	[ "${#lines[@]}" -eq 3 ]
	[[ $output == *'name=a\x0ab\x1b[31mc '* ]]
}

@test "a recording of the live cluster replays it without names" {
	id=$(submit "$SCRIPT" hold job-name=secretname gpus=1)
	run -0 "$PROBE" record "$WORK/rec"
	run -0 "$PROBE" -s "record:$WORK/rec" jobs
	[[ $output == *"$id state=PENDING"*"gpus=1"*"name=job"[0-9]*" user=root"* ]]
	run -0 "$PROBE" -s "record:$WORK/rec" nodes
	[[ $output == *gpu2* ]]
	zstdcat "$WORK"/rec/*.zst >"$WORK/all"
	run -1 grep secretname "$WORK/all"
}

@test "refusals are Slurm's words, a hint, and status 2" {
	for option in partition=nope time=30d gpus=99 gres=foo:1 mem=99999G \
		array=x constraint=nope nodelist=nope; do
		run "$PROBE" submit "$SCRIPT" "$option"
		echo "$option: $output"
		[ "$status" -eq 2 ]
		[[ $output == "2: slurmctld refuses the job: "* ]]
		[ "${#lines[@]}" -eq 1 ]
	done
	for option in time=x gpus=x mem=12Q nodes=0 hint=x hold=1 mail-type=X signal=B:FOO \
		begin=never ntasks=-1 cpus-per-task=0 nice=x open-mode=x exclusive=x; do
		run "$PROBE" submit "$SCRIPT" "$option"
		echo "$option: $output"
		[ "$status" -eq 2 ]
		[[ $output == "2: --${option%%=*}"*": "* ]]
	done
	run -2 "$PROBE" submit "$SCRIPT" bogus=1
	[[ $output == "2: --bogus is not known for batch jobs here | "* ]]
	run -2 "$PROBE" submit "echo no interpreter"
	run -2 "$PROBE" submit $'#!/bin/bash\r\ntrue\r\n'
	no_jobs
}

@test "the limits a user asks for travel, others do not" {
	for want in NOFILE NONE; do
		id=$(ulimit -n 517
			submit $'#!/bin/bash\nulimit -n' output="$WORK/$want" propagate=$want)
		wait_for_job "$id" GONE
		wait_until 10 test -s "$WORK/$want"
	done
	[ "$(cat "$WORK/NOFILE")" = 517 ]
	[ "$(cat "$WORK/NONE")" != 517 ]
}

@test "beside workers for other releases, the one for this Slurm is asked" {
	local stage=$WORK/stage here=$UC_TEST_BUILD/libexec/ucluster

	mkdir -p "$stage/bin" "$stage/libexec/ucluster"
	ln -s "$UC_TEST_BUILD/lib" "$stage/lib"
	cp "$UC_TEST_BUILD/bin/uqueue" "$stage/bin/"
	cp "$here"/slurm-worker-* "$UC_TEST_BUILD"/tests/slurm/libexec/slurm-worker-* \
		"$stage/libexec/ucluster/"
	id=$(submit "$SCRIPT" gpus=1)
	run -0 env -u LD_LIBRARY_PATH "$stage/bin/uqueue" -h -o id,gpus
	[[ $output == *"$id"*1* ]]
	# without it there is none for this machine
	rm "$stage/libexec/ucluster/$(basename "$here"/slurm-worker-*)"
	run -4 env -u LD_LIBRARY_PATH "$stage/bin/uqueue"
	[[ $output == *"no worker fits the Slurm here: this machine has libslurm.so."* ]]
	scancel "$id"
}
