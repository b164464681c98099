#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# uqueue --cancel, --hold, --release, --requeue, --set: what is listed is hit and nothing
# else, nothing without an answer, and never another job that has got the number.
load helper

setup()
{
	e2e_setup
}

teardown()
{
	e2e_teardown
}

# job OPTION...: a job that sleeps; prints its id.
job()
{
	sbatch --parsable -o /dev/null -p gpu "$@" --wrap 'sleep 300'
}

# What is left of the jobs: ids as squeue shows them.
left()
{
	squeue -h -t PD,R -o %i "$@" | sort
}

running_are()
{
	[ "$(squeue -h -j "$1" -t R -o %i | wc -l)" -eq "$2" ]
}

field_is()
{
	[ "$(squeue -h -j "$1" -o "$2")" = "$3" ]
}

@test "what is listed is hit, task by task" {
	array=$(job -a 0-9%2 --gpus-per-node=1)
	other=$(job -H)
	wait_until 30 running_are "$array" 2
	run -0 uqueue "${array}_[3-4,8]" --cancel --yes
	echo "$output"
	[[ $output == *"to cancel: 3 jobs (0 started, 3 waiting)"* ]]
	[ "${lines[-1]}" = "uqueue: cancelled 3 jobs" ]
	[ "$(left -r -j "$array" | tr '\n' ' ')" = \
		"${array}_0 ${array}_1 ${array}_2 ${array}_5 ${array}_6 ${array}_7 ${array}_9 " ]
	# only what waits: the same array goes on
	run -0 uqueue --me -t PD -n wrap --cancel --yes
	wait_until 10 running_are "$array" 2
	[ "$(left | tr '\n' ' ')" = "${array}_0 ${array}_1 " ]
	uqueue "$array" --cancel --yes --json 2>talk.txt >out
	jq -e '.results | length == 1 and .[0].done and .[0].jobs == 2' out
	[ "$(cat talk.txt)" = "uqueue: to cancel: 2 jobs (2 started, 0 waiting); 2 GPUs become free
uqueue: cancelled 2 jobs" ]
	wait_for_job "$array" GONE
	wait_for_job "$other" GONE
}

@test "only what runs: the rest of the array goes on waiting" {
	array=$(job -a 0-9%2 --gpus-per-node=1)
	wait_until 30 running_are "$array" 2
	scontrol hold "$array"
	run -0 uqueue "$array" -t R --cancel --yes
	[[ $output == *"2 GPUs become free"* ]]
	[ "$(left -r -j "$array" | wc -l)" -eq 8 ]
	# a whole array is one command
	[ "$(uqueue "$array" -t PD --cancel --dry-run)" = "scancel $array" ]
	run -0 uqueue "$array" --cancel --yes
	wait_for_job "$array" GONE
}

@test "it asks, and what was typed before is no answer" {
	held=$(job -H)
	tmux_start 100 24 bash -c 'until [ -e go ]; do sleep 0.1; done; exec uqueue --me --cancel'
	tmux_keys y Enter
	tmux_wait '^y$'
	touch go
	tmux_wait 'cancel this job\? \[y/N\]'
	tmux_wait "^$held "
	tmux_keys n Enter
	[ "$(tmux_status)" -eq 1 ]
	tmux_has 'nothing was done'
	job_is "$held" PENDING
	tmux_end
	rm go tmux.status
	tmux_start 100 24 env PS1='ready ' bash --norc
	tmux_wait '^ready'
	tmux_keys 'uqueue --me --cancel' Enter
	tmux_wait '\[y/N\]'
	tmux_keys C-c
	tmux_wait '\^C'
	tmux_keys 'echo then=$?' Enter
	tmux_wait '^then=130'
	job_is "$held" PENDING
	tmux_end
	rm -f tmux.status
	tmux_start 100 24 uqueue --me --cancel
	tmux_wait '\[y/N\]'
	tmux_keys y Enter
	[ "$(tmux_status)" -eq 0 ]
	tmux_has 'cancelled 1 job$'
	wait_for_job "$held" GONE
}

@test "a job that is another one by now is left alone" {
	id=$(job --requeue)
	wait_for_job "$id" RUNNING
	before=$(scontrol show job "$id" | grep -o 'SubmitTime=[^ ]*')
	tmux_start 120 24 uqueue "$id" --cancel
	tmux_wait '\[y/N\]'
	scontrol requeue "$id"
	wait_until 30 submitted_again "$id" "$before"
	tmux_keys y Enter
	[ "$(tmux_status)" -eq 3 ]
	tmux_has 'it is not the job that was listed'
	[ -n "$(squeue -h -j "$id" -o %i)" ]
}

submitted_again()
{
	[ "$(scontrol show job "$1" | grep -o 'SubmitTime=[^ ]*')" != "$2" ]
}

@test "hold, release, requeue, and new values" {
	id=$(job -H -t 60)
	run -0 uqueue "$id" --release --yes
	wait_for_job "$id" RUNNING
	run -0 uqueue "$id" --set time=-20m --set comment=mine --set name='a b' --yes
	[[ $output == *" 40:00 "* ]]
	field_is "$id" '%l|%k|%j' '40:00|mine|a b'
	run -0 uqueue "$id" --set time=+1h --yes
	field_is "$id" %l 1:40:00
	run -0 uqueue "$id" --requeue --yes
	wait_for_job "$id" PENDING
	run -0 uqueue "$id" --hold --yes
	field_is "$id" %r JobHeldUser
	run -0 uqueue "$id" --set partition=batch --set nice=100 --set dependency=afterany:1 --yes
	field_is "$id" %P batch
	[ "$(scontrol show job "$id" | grep -c 'Nice=100')" -eq 1 ]
	# the native commands that a dry run says do the same
	uqueue "$id" --set 'name=it'"'"'s' --set time=30 --dry-run | bash
	field_is "$id" '%l|%j' "30:00|it's"
	run -1 uqueue "$id" --set partition=nosuch --yes --json || [ "$status" -eq 2 ]
	grep -q 'Invalid partition name' <<<"$output"
}

has_ended()
{
	[ "$(squeue -h -t all -j "$1" -o %T)" = CANCELLED ]
}

@test "other people's jobs are named, and slurmctld's refusal is said" {
	user_add uctqa
	mine=$(job -H)
	his=$(as uctqa sbatch --parsable -H -o /dev/null -p gpu -t 10 --wrap 'sleep 300')
	run -5 as uctqa uqueue "$mine" --cancel --yes
	echo "$output"
	[[ $output == *"not yours: root (1)"* ]]
	[[ $output == *"job $mine: slurmctld refuses: Access/permission denied"* ]]
	run -1 as uctqa uqueue "$mine" "$his" --set name=x --yes
	[[ $output == *"changed 1 of 2 jobs"* ]]
	field_is "$his" %j x
	field_is "$mine" %j wrap
	# held by somebody else it is the owner's to release no more
	run -0 uqueue "$his" --release --yes
	run -0 uqueue "$his" --hold --yes
	field_is "$his" %r JobHeldAdmin || { scontrol show job "$his"; return 1; }
	run -5 as uctqa uqueue "$his" --release --yes
	run -0 uqueue "$his" --release --yes
	wait_for_job "$his" RUNNING
	run -5 as uctqa uqueue "$his" --set time=+1h --yes
	[[ $output == *"hint: once a job runs, only operators make its limit longer"* ]]
	run -0 as uctqa uqueue "$his" --set time=-1m --yes
	run -1 uqueue "$his" 999999 --cancel --yes
	[[ $output == *"job 999999 is not in the queue"*"cancelled 1 job"* ]]
	wait_until 30 has_ended "$his"
	run -3 uqueue "$his" --cancel --yes
	[[ $output == *"job $his has ended already (CANCELLED)"* ]]
	run -5 as uctqa uqueue --cancel --yes -u root
	field_is "$mine" %T PENDING
}

@test "of many the first are listed, all are counted, as many are hit" {
	for _ in $(seq 25); do
		job -H >/dev/null
	done
	keep=$(job -H -J keep)
	run -0 uqueue --me -n wrap --cancel --yes
	[ "$(grep -c ' wrap ' <<<"$output")" -eq 20 ]
	[[ $output == *"... and 5 more"*"to cancel: 25 jobs (0 started, 25 waiting)"* ]]
	[ "${lines[-1]}" = "uqueue: cancelled 25 jobs" ]
	[ "$(left)" = "$keep" ]
}

@test "a heterogeneous job is ended whole" {
	printf '#!/bin/bash\n#SBATCH -o /dev/null -p gpu -H\n#SBATCH hetjob\n#SBATCH -p batch\nsleep 300\n' >het.sh
	het=$(sbatch --parsable -H het.sh)
	[ "$(uqueue "$het" --cancel --dry-run)" = "scancel $het" ]
	run -2 uqueue "$het+0" --cancel --yes
	[[ $output == *"cannot be cancelled alone"* ]]
	run -0 uqueue "$het" --cancel --yes
	wait_until 30 no_jobs
}
