#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# usrun --resume: runs that take longer than a job may, one job all the time.
load helper

# shellcheck disable=SC2154 # bats sets output

setup()
{
	e2e_setup
	cat >train.sh <<-'EOT'
		#!/bin/sh
		# counts to $1, keeps its place in "state"
		trap 'echo "$n" >state; echo "saved $n"; exit 99' USR1 USR2
		n=$(cat state 2>/dev/null || echo 0)
		echo "begins at $n, restart ${SLURM_RESTART_COUNT:-0}"
		while [ "$n" -lt "$1" ]; do
			sleep 0.2 &
			wait $!
			n=$((n + 1))
		done
		echo "done at $n"
	EOT
	chmod +x train.sh
}

teardown()
{
	e2e_teardown
}

output_has()
{
	grep -qE -- "$1" out
}

restarts()
{
	scontrol show job "$1" | sed -n 's/.*Restarts=\([0-9]*\).*/\1/p'
}

# What slurmctld does before the time limit, at once.
time_is_near()
{
	scancel --batch --signal=USR1 "$1"
}

@test "told in time, queued again, done at last: one job, output appended" {
	job=$(usrun --no-container --resume --parsable --time=10 -o out ./train.sh 60)
	wait_until 60 output_has '^begins at 0, restart 0$'
	time_is_near "$job"
	wait_until 60 output_has '^saved [0-9]+$'
	start_requeued "$job"
	wait_until 60 output_has '^begins at [0-9]+, restart 1$'
	wait_until 60 output_has '^done at 60$'
	wait_for_job "$job" GONE
	[ "$(restarts "$job")" = 1 ]
	[ "$(scontrol show job "$job" | grep -o 'JobState=[A-Z]*')" = JobState=COMPLETED ]
	[ "$(grep -c '^begins' out)" = 2 ]
}

@test "a real time limit" {
	job=$(usrun --no-container --resume --parsable --time=1 --signal=USR2@40 -o out \
		./train.sh 1000)
	wait_until 90 output_has '^saved [0-9]+$'
	wait_for_job "$job" PENDING 60
	[ "$(restarts "$job")" = 1 ]
	output_has 'out of time, the job is queued again'
}

@test "in a container, where scontrol is not" {
	job=$(usrun --image=tiny --resume --parsable --time=10 -o out ./train.sh 1000)
	wait_until 60 output_has '^begins at 0'
	time_is_near "$job"
	wait_for_job "$job" PENDING 60
	[ "$(restarts "$job")" = 1 ]
	output_has '^saved'
}

@test "at most so often" {
	job=$(usrun --no-container --resume --max-resumes=0 --parsable --time=10 -o out \
		./train.sh 1000)
	wait_until 60 output_has '^begins'
	time_is_near "$job"
	wait_for_job "$job" GONE 60
	output_has 'not done, and resumed 0 times already'
	[[ $(scontrol show job "$job") == *"JobState=FAILED"*"ExitCode=99:0"* ]]
}

@test "one that fails while there is time left is not run again" {
	job=$(usrun --no-container --resume --parsable --time=10 -o out sh -c 'exit 7')
	wait_for_job "$job" GONE
	[[ $(scontrol show job "$job") == *"Restarts=0"*"ExitCode=7:0"* ]]
}

@test "one that does not listen is stopped, and run again" {
	job=$(usrun --no-container --resume --signal=USR1@20 --parsable --time=10 -o out \
		sh -c 'trap "" USR1; echo begins; exec sleep 1000')
	wait_until 60 output_has '^begins'
	time_is_near "$job"
	wait_for_job "$job" PENDING 60
	[ "$(restarts "$job")" = 1 ]
}

@test "what does not go together is refused" {
	run -2 usrun --no-container --max-resumes=3 true
	run -2 usrun --no-container --resume --no-requeue true
	run -2 usrun --no-container --resume --signal=KILL@60 true
	run -2 usrun --no-container --resume --signal=USR1@5 true
	run -2 usrun --no-container --resume --detachable true
}
