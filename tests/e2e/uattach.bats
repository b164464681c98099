#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What jobs print, until they end; which job is meant.
# The words in single quotes are for the job's shell.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
load helper

setup()
{
	e2e_setup
}

teardown()
{
	e2e_teardown
}

# batch NAME COMMAND: a job of that name; it waits for $WORK/go where COMMAND says so.
batch()
{
	local name=$1

	shift
	sbatch --parsable -J "$name" --time=5 "${@:2}" --wrap "$1"
}

# Every GPU is taken.
fill_gpus()
{
	BLOCKER=$(sbatch --parsable --partition=gpu --nodes=2 --gpus-per-node=8 --exclusive \
		--time=30 --output=/dev/null --wrap 'sleep 1000')
	wait_for_job "$BLOCKER" RUNNING
}

until_go='until [ -e go ]; do sleep 0.1; done'

ended()
{
	job_is "$1" GONE
}

@test "output is followed to the end; the job's exit code is uattach's" {
	id=$(batch out "echo one; $until_go; echo two; echo err >&2; exit 6")
	wait_for_job "$id" RUNNING
	uattach "$id" >out 2>err 3>&- &
	wait_until 20 grep -q one out
	touch go
	wait_status "$!"
	[ "$status" -eq 6 ]
	[ "$(cat out)" = $'one\ntwo\nerr' ]
	grep -qE "^uattach: job $id failed with exit code 6" err
	# again, when it is over: the end of it
	run -6 --separate-stderr uattach -n 1 "$id"
	[ "$output" = err ]
	[[ $stderr == *"job $id failed with exit code 6"* ]]
}

@test "errors in a file of their own go to standard error" {
	id=$(batch err 'echo out; echo bad >&2' -o o.txt -e e.txt)
	wait_until 20 ended "$id"
	run -0 --separate-stderr uattach "$id"
	[ "$output" = out ]
	[[ $stderr == bad$'\n'* ]]
}

@test "all patterns of file names, the node's too" {
	local pattern patterns=('%j-%x.out' '%u_%N.log' '%5j' '%A.%a.out' 'd/%t%n%s' '%%j' 'a\%b')
	local id ids=()

	mkdir d
	for pattern in "${patterns[@]}"; do
		ids+=("$(batch name "echo '$pattern'" -o "$pattern")")
	done
	for pattern in "${patterns[@]}"; do
		id=${ids[0]} ids=("${ids[@]:1}")
		wait_until 20 ended "$id"
		run -0 --separate-stderr uattach "$id"
		[ "$output" = "$pattern" ]
	done
}

@test "an array: all tasks, labelled; one of them" {
	id=$(batch arr 'echo task $SLURM_ARRAY_TASK_ID; '"$until_go"'; exit $SLURM_ARRAY_TASK_ID' \
		--array=0-2)
	uattach "$id" >out 2>err 3>&- &
	wait_until 60 grep -q 'task 2' out
	# by its name, too, while several of them run
	uattach arr >named 2>&1 3>&- &
	wait_until 60 grep -q 'task 2' named
	touch go
	wait_status "$!"
	[ "$status" -eq 2 ]
	wait
	[ "$(sort out)" = $'[0] task 0\n[1] task 1\n[2] task 2' ]
	grep -qE "job $id: 1 of 3 completed: .*${id}_1 \(exit code 1\)" err
	grep -qE "job $id: 1 of 3 completed: .*${id}_2 \(exit code 2\)" err
	run -1 --separate-stderr uattach "${id}_1"
	[ "$output" = 'task 1' ]
}

@test "a pending job: what it waits for, then all of its output" {
	fill_gpus
	id=$(batch wait "echo begun; $until_go" -p gpu --gpus=1)
	uattach "$id" >out 2>err 3>&- &
	wait_until 20 grep -qE "job $id waits.*\((no free nodes|waits its turn)\)" err
	scancel "$BLOCKER"
	wait_until 30 grep -q "job $id runs on gpu" err
	touch go
	wait "$!"
	[ "$(cat out)" = begun ]
	grep -q "job $id completed" err
}

@test "requeued: it begins anew" {
	id=$(batch again "echo run \$SLURM_RESTART_COUNT; $until_go" --requeue)
	wait_until 20 grep -q run "slurm-$id.out"
	uattach "$id" >out 2>err 3>&- &
	wait_until 20 grep -q run out
	scontrol requeue "$id"
	wait_until 20 grep -q "requeued" err
	start_requeued "$id"
	wait_until 30 grep -q 'run 1' out
	touch go
	wait "$!"
	grep -q "job $id completed" err
}

@test "append mode: what was there before is not printed" {
	echo before >all.txt
	run -0 --separate-stderr usrun --no-container --batch --follow --time=5 \
		-o all.txt --open-mode=append sh -c 'echo new'
	[ "$output" = new ]
	[ "$(cat all.txt)" = $'before\nnew' ]
}

@test "the last lines first, or all; only those that match" {
	id=$(batch lines 'seq 30')
	wait_until 20 ended "$id"
	[ "$(uattach "$id" 2>/dev/null)" = "$(seq 21 30)" ]
	[ "$(uattach -n 3 "$id" 2>/dev/null)" = "$(seq 28 30)" ]
	[ -z "$(uattach -n 0 "$id" 2>/dev/null)" ]
	[ "$(uattach --from-start "$id" 2>/dev/null)" = "$(seq 30)" ]
	[ "$(uattach --from-start --grep '^2.$' "$id" 2>/dev/null)" = "$(seq 20 29)" ]
	run -2 uattach --grep '[' "$id"
	[[ $output == *"'['"*"regular expression"* ]]
	run -2 uattach --task=1 "$id"
	[[ $output == "uattach: --task goes with --shell, --top or an interactive step: "* ]]
}

@test "another file of the job" {
	id=$(batch log "mkdir logs; echo epoch 1 >logs/\$SLURM_JOB_NAME.log; $until_go")
	wait_until 20 test -s logs/log.log
	uattach --log 'logs/%x.log' "$id" >out 2>/dev/null 3>&- &
	wait_until 20 grep -q 'epoch 1' out
	echo epoch 2 >>logs/log.log
	wait_until 20 grep -q 'epoch 2' out
	touch go
	wait "$!"
}

@test "truncated and rotated files" {
	id=$(batch rot "$until_go" -o o.txt)
	wait_until 20 test -e o.txt
	uattach "$id" >out 2>err 3>&- &
	echo first >>o.txt
	wait_until 20 grep -q first out
	echo anew >o.txt
	wait_until 20 grep -q anew out
	mv o.txt o.1 && echo rotated >o.txt
	wait_until 20 grep -q rotated out
	grep -q 'emptied or rewritten' err
	grep -q 'in a new file' err
	touch go
	wait "$!"
	[ "$(cat out)" = $'first\nanew\nrotated' ]
}

@test "no file to follow: said, and the job is waited for" {
	id=$(batch none 'echo x; exit 3' -o /dev/null)
	run -3 --separate-stderr uattach "$id"
	[ -z "$output" ]
	[[ $stderr == *"'/dev/null' is a device"* ]]
	[[ $stderr == *"exit code 3"* ]]
}

@test "why it ended: cancelled" {
	id=$(batch gone 'sleep 100')
	wait_for_job "$id" RUNNING
	uattach "$id" 2>err 3>&- &
	scancel "$id"
	wait_status "$!"
	[ "$status" -eq 143 ]
	grep -qE "job $id (was )?cancelled" err
}

@test "why it ended: out of time, and the line that runs it longer" {
	export UCLUSTER_RECEIPTS=true XDG_STATE_HOME=$WORK/state
	id=$(usrun --no-container --batch --parsable --time=1 sh -c 'echo begun; sleep 1000')
	uattach "$id" >out 2>err 3>&- &
	wait_until 20 grep -q begun out
	# slurmctld looks every half minute; its limit stays what it was
	scontrol update job="$id" endtime=now+1
	wait_status "$!"
	[ "$status" -eq 143 ]
	grep -qE "^uattach: job $id reached its time limit of 1m" err
	grep -qxF "again: usrun --again $id --time=2:00" err
	[ "$(jq .exit_code "$XDG_STATE_HOME/ucluster/receipts/$id"-*.json)" = 143 ]
}

@test "components of a heterogeneous job: which one is said" {
	cat >het.sh <<-'EOT'
		#!/bin/bash
		#SBATCH -p batch -t 5
		#SBATCH hetjob
		#SBATCH -p batch -t 5
		echo "first of $SLURM_HET_SIZE"
		srun --het-group=1 -o part.txt sh -c 'echo second'
		until [ -e go ]; do sleep 0.1; done
		exit 7
	EOT
	id=$(sbatch --parsable -o het-%j.txt het.sh)
	wait_until 30 grep -qs second part.txt
	for part in '' +0 +1; do
		uattach "$id$part" >"out$part" 2>"err$part" 3>&- &
		eval "pid${part#+}=\$!"
	done
	uattach "$id+1" --log part.txt >out.log 2>err.log 3>&- &
	log=$!
	wait_until 20 grep -q 'first of 2' out
	wait_until 20 grep -q 'first of 2' out+0
	wait_until 20 grep -q second out.log
	wait_until 20 grep -qxF "uattach: $id+1 has no output of its own: its script runs in $id+0" err+1
	run -0 uattach --list --json
	[ "$(jq -r '.jobs[].id' <<<"$output" | paste -sd' ')" = "$id+0" ]
	touch go
	# shellcheck disable=SC2154 # eval sets them
	for pid in "$pid" "$pid0" "$pid1" "$log"; do
		wait_status "$pid"
		[ "$status" -eq 7 ]
	done
	grep -qE "^uattach: job $id: 0 of 2 completed: $id\+0 \(exit code 7\), $id\+1 \(" err
	grep -qE "^uattach: job $id\+0 failed with exit code 7" err+0
	grep -qE "^uattach: job $id\+1 failed with exit code 7" err+1
	[ ! -s out+1 ]
	run -7 uattach --json "$id+1"
	[ "$(jq -r 'select(.event == "end").job' <<<"$output")" = "$id+1" ]
}

@test "lines of errors are marked where both go to one terminal" {
	id=$(batch marked 'echo out; echo bad >&2; echo worse >&2' -o o.txt -e e.txt)
	wait_until 20 ended "$id"
	tmux_start 80 12 uattach "$id"
	[ "$(tmux_status)" = 0 ]
	tmux_has '^out$'
	tmux_has '^stderr: bad$'
	tmux_has '^stderr: worse$'
	run -1 tmux_has '^bad$'
}

@test "bytes in a pipe are the job's, colours on a terminal pass, nothing else does" {
	cat >bytes.sh <<-'EOT'
		#!/bin/sh
		printf 'a\033[31mred\033[0m\033]0;title\007\000\377\r\n\033[2Jb\n'
	EOT
	id=$(batch bytes 'sh ./bytes.sh')
	wait_until 20 ended "$id"
	uattach "$id" 2>/dev/null | cmp - <(sh ./bytes.sh)
	tmux_start 80 10 uattach "$id"
	[ "$(tmux_status)" = 0 ]
	tmux_has '^ared\\x1b\]0;title\\x07\\x00'
	tmux_has '^\\x1b\[2Jb'
	tmux_do capture-pane -p -e | grep -q $'a\033\\[31mred'
}

@test "events" {
	id=$(batch json 'printf "one\ntwo \"x\"\377\n"; echo e >&2; exit 4' -e json.err)
	wait_until 20 ended "$id"
	run -4 --separate-stderr uattach --json "$id"
	[ -z "$stderr" ]
	jq -es --arg id "$id" '
		(map(select(.event == "output" and .stream == "stdout").text) ==
			["one", "two \"x\"\ufffd"]) and
		(map(select(.event == "output" and .stream == "stderr").text) == ["e"]) and
		(.[0] | .event == "state" and .job == $id) and
		(.[-1] | .event == "end" and .exit_code == 4 and .state == "FAILED")' <<<"$output"
}

@test "names, the newest of usrun, nothing at all" {
	run -3 uattach
	[[ $output == *"none of your jobs waits or runs"* ]]
	run -3 uattach nosuchname
	[[ $output == *"none of your jobs is called 'nosuchname'"* ]]
	run -3 uattach 999999
	[[ $output == *"does not know job 999999"* ]]
	id=$(batch train 'echo I am train; exit 2')
	wait_until 20 ended "$id"
	run -2 --separate-stderr uattach train
	[ "$output" = 'I am train' ]
	export XDG_STATE_HOME=$WORK/state UCLUSTER_RECEIPTS=true
	run -3 uattach -
	[[ $output == *"usrun has submitted nothing yet"* ]]
	id=$(usrun --no-container --batch --parsable --time=5 sh -c 'echo last; exit 5')
	wait_until 20 ended "$id"
	run -5 --separate-stderr uattach -
	# srun tells of the code, before or after
	grep -qx last <<<"$output"
	[[ $stderr == *"again: usrun --again $id"* ]]
}

@test "several jobs: a list in a pipe, one to pick from on a terminal" {
	one=$(batch aa "echo I am aa; $until_go")
	two=$(batch bb "echo I am bb; $until_go")
	wait_for_job "$one" RUNNING
	wait_for_job "$two" RUNNING
	run -2 --separate-stderr uattach </dev/null
	[[ ${lines[0]} == JOBID* && ${#lines[@]} -eq 3 ]]
	[[ $stderr == *"2 jobs may be meant"*"hint: name one of them"* ]]
	run -0 uattach --list --json
	jq -e --arg one "$one" '.jobs | length == 2 and any(.id == $one and .shows == "output")' \
		<<<"$output"
	tmux_start 80 12 uattach
	tmux_wait 'which one'
	tmux_has "^> +1 +$two"
	tmux_keys Down
	tmux_wait "^> +2 +$one"
	tmux_keys Enter
	tmux_wait 'I am aa'
	run -1 tmux_has 'which one'
	tmux_keys C-c
	[ "$(tmux_status)" = 130 ]
	tmux_end
	rm -f tmux.status
	tmux_start 80 12 uattach
	tmux_wait 'which one'
	tmux_keys 1
	tmux_wait 'I am bb'
}

@test "Ctrl-C leaves the job alone; a second one asks to end it" {
	id=$(batch stop 'echo here; sleep 1000')
	wait_for_job "$id" RUNNING
	tmux_start 90 12 uattach "$id"
	tmux_wait here
	tmux_keys C-c
	tmux_wait "detached, job $id goes on"
	[ "$(tmux_status)" = 130 ]
	job_is "$id" RUNNING
	tmux_end
	rm -f tmux.status
	tmux_start 90 12 uattach "$id"
	tmux_wait here
	tmux_keys C-c
	tmux_wait "detached"
	tmux_keys C-c
	tmux_wait "cancel job $id\?"
	tmux_keys y Enter
	tmux_wait "job $id is cancelled"
	wait_until 20 ended "$id"
}

@test "a line shows on the terminal what a pending job waits for" {
	fill_gpus
	id=$(batch line 'echo begun; sleep 1' -p gpu --gpus=1)
	tmux_start 90 12 uattach "$id"
	tmux_wait "^job $id waits [0-9]+:[0-9]+.*\("
	scancel "$BLOCKER"
	[ "$(tmux_status 40)" = 0 ]
	tmux_wait '^begun$'
	run -1 tmux_has "job $id waits"
}

@test "slurmctld is asked rarely, whatever the job prints" {
	id=$(batch chatty 'i=0; until [ -e go ]; do echo $((i += 1)); sleep 0.05; done')
	wait_for_job "$id" RUNNING
	before=$(sdiag | awk '$1 == "REQUEST_JOB_INFO_SINGLE" { sub(/.*count:/, ""); print $1 }')
	uattach "$id" >out 2>/dev/null 3>&- &
	wait_until 20 grep -qx 60 out
	after=$(sdiag | awk '$1 == "REQUEST_JOB_INFO_SINGLE" { sub(/.*count:/, ""); print $1 }')
	touch go
	wait "$!"
	[ $((after - ${before:-0})) -le 5 ]
}

@test "much output: all of it" {
	# 256 MiB; tests/bench/attach has the gigabyte
	id=$(batch big 'yes 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde | head -c 268435456')
	wait_for_job "$id" RUNNING
	uattach --from-start "$id" 2>err | cksum >sum
	[ "$(cut -d' ' -f2 sum)" = 268435456 ]
	[ "$(cat sum)" = "$(cksum <"slurm-$id.out")" ]
}
