#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The line that usrun shows while its job waits: there in time, gone in time, never in the
# way of what srun and the job say.
load helper

# The words in single quotes are for the job's shell or are patterns.
# shellcheck disable=SC2016,SC2154

setup()
{
	e2e_setup
	MARK=$WORK/mark
}

teardown()
{
	e2e_teardown
}

# Every GPU is taken; $BLOCKER is who does it.
fill_gpus()
{
	BLOCKER=$(sbatch --parsable --partition=gpu --nodes=2 --gpus-per-node=8 --exclusive \
		--time=30 --output=/dev/null --wrap 'sleep 1000')
	wait_for_job "$BLOCKER" RUNNING
}

# Watchers with this test's mark among their words; srun calls itself srun, and a zombie
# has no words.
watchers()
{
	pgrep -f -- "^usrun .*$MARK" >/dev/null
}

no_watchers()
{
	! watchers
}

# rpcs NAME...: how often slurmctld was asked that, by everybody.
rpcs()
{
	local name

	for name; do
		sdiag | awk -v name="$name" '$1 == name { sub(/.*count:/, ""); print $1 }'
	done | awk '{ sum += $1 } END { print sum + 0 }'
}

pending()
{
	[ "$(squeue -h -t PD | wc -l)" = "$1" ]
}

jobs_asked()
{
	rpcs REQUEST_JOB_INFO REQUEST_JOB_USER_INFO REQUEST_JOB_INFO_SINGLE
}

waits='job [0-9]+ waits [0-9]+:[0-9][0-9]'

@test "in a terminal: the line comes, goes on, and is gone when the job starts" {
	fill_gpus
	usrun_id=$(sbatch --parsable --partition=gpu --gpus=1 --nice=-100 --time=5 \
		--output=/dev/null --wrap 'sleep 1')
	tmux_start 100 30 usrun --no-container -p gpu --gpus=1 --time=5 \
		sh -c 'echo begins; exit 7' "$MARK"
	tmux_wait 'queued and waiting'
	tmux_wait "^$waits: 1 job ahead in gpu.*\((no free nodes|waits its turn)\)\$"
	tmux_wait 'waits 0:(0[5-9]|1[0-9])'
	[ "$(tmux_screen | grep -c waits)" = 1 ]
	scancel "$BLOCKER" "$usrun_id"
	[ "$(tmux_status 40)" = 7 ]
	tmux_wait '^begins$'
	run -1 tmux_has waits
	tmux_has '^srun: job [0-9]+ has been allocated resources$'
	wait_until 10 no_watchers
}

@test "what the job prints at once stays whole" {
	fill_gpus
	tmux_start 100 30 usrun --no-container -p gpu --gpus=1 --time=5 \
		sh -c 'seq -f "row %g" 10; exec sleep 1' "$MARK"
	tmux_wait "^$waits"
	scancel "$BLOCKER"
	[ "$(tmux_status 40)" = 0 ]
	tmux_screen >screen
	[ "$(grep -cE '^row [0-9]+$' screen)" = 10 ]
	run -1 grep -E 'waits|starts at' screen
}

@test "code that may change until the job starts: said once, above the line" {
	fill_gpus
	echo 'echo ran' >job.sh
	tmux_start 120 30 usrun --no-container -p gpu --gpus=1 --time=5 sh ./job.sh "$MARK"
	tmux_wait "^$waits"
	tmux_wait "^usrun: './job.sh' is read when the job starts, with all edits until then"
	tmux_wait 'waits 0:(0[5-9]|1[0-9])'
	[ "$(tmux_screen | grep -c 'is read when')" = 1 ]
	[ "$(tmux_screen | grep -c waits)" = 1 ]
	scancel "$BLOCKER"
	[ "$(tmux_status 40)" = 0 ]
	tmux_wait '^ran$'
	tmux_has "^usrun: './job.sh' is read"
	run -1 tmux_has waits
}

@test "a narrow terminal: the line is cut, not wrapped" {
	fill_gpus
	tmux_start 30 20 usrun --no-container -p gpu --gpus=1 --time=5 true "$MARK"
	tmux_wait '^job [0-9]+ waits'
	[ "$(tmux_do capture-pane -p | grep -cE 'waits|starts at|nodes\)')" = 1 ]
	scancel "$BLOCKER"
	[ "$(tmux_status 40)" = 0 ]
	run -1 tmux_has 'job [0-9]+ waits'
}

@test "Ctrl-C gives the job back, as with srun, and leaves no line" {
	fill_gpus
	tmux_start 100 30 usrun --no-container -p gpu --gpus=1 --time=5 true "$MARK"
	tmux_wait "^$waits"
	tmux_keys C-c
	[ "$(tmux_status)" = 1 ] # srun may say why, or end before it has
	run -1 tmux_has "$waits"
	wait_until 10 no_watchers
	[ "$(squeue -h -o %i)" = "$BLOCKER" ]
}

@test "a cancelled job: srun speaks, the line is gone" {
	fill_gpus
	tmux_start 100 30 usrun --no-container -p gpu --gpus=1 --time=5 true "$MARK"
	tmux_wait "^$waits"
	scancel "$(squeue -h -t PD -o %i)"
	[ "$(tmux_status)" = 1 ]
	run -1 tmux_has "$waits"
	wait_until 10 no_watchers
}

@test "killed: nobody stays behind" {
	fill_gpus
	tmux_start 100 30 usrun --no-container -p gpu --gpus=1 --time=5 true "$MARK"
	tmux_wait "^$waits"
	pkill -KILL -f -- "^([^ ]*/)?srun .*$MARK"
	wait_until 10 no_watchers
	run -1 tmux_has "$waits"
}

@test "stopped and brought back: no line in the shell's way" {
	fill_gpus
	tmux_start 100 30 bash --norc
	tmux_keys "PS1='pro''mpt> '; usrun --no-container -p gpu --gpus=1 --time=5 true $MARK" Enter
	tmux_wait "^$waits"
	tmux_keys C-z
	tmux_wait '^prompt>'
	run -1 tmux_has "$waits"
	tmux_keys 'clear' Enter
	tmux_keys fg Enter
	tmux_wait "^$waits" 40
	scancel "$BLOCKER"
	tmux_wait 'allocated resources' 30
	wait_until 20 no_watchers
	run -1 tmux_has "$waits"
}

@test "without a terminal: one line, and nothing with --quiet" {
	fill_gpus
	usrun --no-container -p gpu --gpus=1 --time=5 sh -c 'echo out' "$MARK" >out 2>err 3>&- &
	wait_until 20 grep -q waits err
	grep -qE '^usrun: job [0-9]+ waits.* \(no free nodes\)$' err
	usrun --quiet --no-container -p gpu --gpus=1 --time=5 true "$MARK" 2>quiet 3>&- &
	wait_until 20 pending 2
	run -1 watchers
	scancel "$BLOCKER"
	wait
	[ "$(cat out)" = out ]
	[ "$(grep -c waits err)" = 1 ]
	run -1 grep waits quiet
}

@test "a job that starts at once: nothing is said, nothing is asked" {
	before=$(jobs_asked)
	run -0 --separate-stderr usrun --no-container --time=5 echo out
	[ "$output" = out ]
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr != *waits* ]]
	[ "$(jobs_asked)" = "$before" ]
}

@test "while it waits few questions are asked" {
	fill_gpus
	tmux_start 100 30 usrun --no-container -p gpu --gpus=1 --time=5 true "$MARK"
	tmux_wait 'queued and waiting'
	before=$(jobs_asked)
	tmux_wait 'waits 0:1[0-9]' 40
	asked=$(($(jobs_asked) - before))
	# after 2, 7 and 12 s, and once about everybody's jobs
	echo "asked: $asked"
	[ "$asked" -ge 3 ]
	[ "$asked" -le 4 ]
}

@test "the end of a pipe does not wait for the watcher" {
	# the watcher would take two seconds, each time; a busy machine may, sometimes
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		start=$(date +%s%N)
		usrun --no-container --time=5 true "$MARK" 2>&1 | cat >/dev/null
		took=$((($(date +%s%N) - start) / 1000000))
		echo "$took ms"
		[ "$took" -ge 1900 ] || break
	done
	[ "$took" -lt 1900 ]
	wait_until 60 no_watchers
}

@test "many quick jobs leave no process" {
	for ((i = 0; i < ${UC_WAIT_RUNS:-40}; i++)); do
		usrun --no-container --time=5 true "$MARK"
	done
	wait_until 2 no_watchers
}
