#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Terminals of srun itself that are idle: asked about, warned of, ended.
load helper

# The words in single quotes are for the job's shell; bats sets output.
# shellcheck disable=SC2016,SC2154

# The kernel keeps times of terminals in steps of 8 s.
setup()
{
	e2e_setup
	export UCLUSTER_SESSION_IDLE=9s UCLUSTER_SESSION_GRACE=9s
}

teardown()
{
	e2e_teardown
}

# shell OPTION...: a shell under srun --pty in a terminal; $JOB is its job.
shell()
{
	tmux_start 110 20 usrun --no-container --time=30 "$@" --pty env PS1='in''side> ' bash --norc
	tmux_wait '^inside>' 40
	JOB=$(squeue -h -u "$(id -un)" -o %A)
}

# The job's steps that ask what it does, as they come.
asked()
{
	squeue -h -s -j "$JOB" -o %j | grep -q uattach
}

not_asked()
{
	! asked
}

pane()
{
	tmux_do display-message -p '#{pane_pid}'
}

# ours NAME: processes of that name in the terminal's session.
ours()
{
	pgrep -x "$1" -s "$(ps -o sess= -p "$(pane)" | tr -d ' ')"
}

watched()
{
	ours usrun
}

unwatched()
{
	! watched
}

@test "a warning, a key saves it, then it ends and says what is free again" {
	shell -p gpu --gpus=2
	# nothing of ours is between the shell and srun, but beside it
	[ "$(ps -o ppid= -p "$(ours srun | head -1)" | tr -d ' ')" = "$(pane)" ]
	watched
	tmux_wait '^usrun: idle for 9s: the job ends in 9s unless a key is pressed$' 60
	warned=$SECONDS
	tmux_keys 'x'
	tmux_wait '^x$'
	# not yet: it is idle anew
	wait_until 60 warned_again
	[ $((SECONDS - warned)) -ge 9 ]
	job_is "$JOB" RUNNING
	[ "$(tmux_status 60)" = 129 ]
	tmux_has '^usrun: the job was idle and ends; 2 GPUs are given back (29|28)m [0-9]+s early \((1\.0|0\.9) GPU hours\)'
	wait_for_job "$JOB" GONE 10
	wait_until 10 unwatched
}

warned_again()
{
	[ "$(tmux_screen | grep -c 'idle for 9s')" = 2 ]
}

@test "what computes is not idle, though it prints nothing" {
	shell
	tmux_keys 'while :; do :; done' Enter
	for ((i = 0; i < 2; i++)); do
		wait_until 60 asked
		wait_until 60 not_asked
	done
	run -1 tmux_has 'idle for'
	tmux_keys C-c
	tmux_keys 'exit 3' Enter
	[ "$(tmux_status)" = 3 ]
	wait_until 10 unwatched
}

@test "what works on a GPU is not idle, nor what nobody answers for" {
	mkdir bin
	printf '#!/bin/sh\necho 97\n' >bin/nvidia-smi
	chmod +x bin/nvidia-smi
	PATH=$WORK/bin:$PATH shell -p gpu --gpus=1
	for ((i = 0; i < 2; i++)); do
		wait_until 60 asked
		wait_until 60 not_asked
	done
	run -1 tmux_has 'idle for'
	printf '#!/bin/sh\necho 0\n' >bin/nvidia-smi
	tmux_wait '^usrun: idle for 9s' 60
	tmux_keys 'exit 0' Enter
	[ "$(tmux_status)" = 0 ]
}

@test "--idle=0, or a configuration of 0: nobody looks" {
	shell --idle=0
	wait_until 20 unwatched
	tmux_keys 'exit 0' Enter
	[ "$(tmux_status)" = 0 ]
	tmux_end
	rm -f "$WORK/tmux.status"
	export UCLUSTER_SESSION_IDLE=0
	shell
	wait_until 20 unwatched
	tmux_keys 'exit 0' Enter
	[ "$(tmux_status)" = 0 ]
	run -2 usrun --no-container --idle=1h true
	[[ $output == *"--idle needs --pty or --detachable"* ]]
}
