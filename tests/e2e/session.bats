#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Detachable sessions on a cluster: attach, detach, lose the line, come back, end.
load helper

# The words in single quotes are for the session's shell; bats sets output.
# shellcheck disable=SC2016,SC2154

setup()
{
	e2e_setup
	export HOME=$WORK/home XDG_STATE_HOME=$WORK/state
	mkdir -p "$HOME" "$XDG_STATE_HOME"
	MARK=s$BASHPID
}

# A shell does not listen to scancel, and keeps the job for KillWait.
teardown()
{
	chmod -f 700 "${folder:-/nonexistent}" || :
	if [ -n "${JOB:-}" ]; then
		scancel --signal=HUP "$JOB" 2>/dev/null || :
		wait_for_job "$JOB" GONE 5 || :
	fi
	e2e_teardown
}

# session OPTION... -- COMMAND...: in a terminal; $JOB is its job.
session()
{
	tmux_start 100 30 usrun --no-container --detachable --session "$MARK" --time=30 "$@"
	tmux_wait 'session of job [0-9]+;'
	JOB=$(tmux_screen | sed -n 's/.*session of job \([0-9]*\);.*/\1/p' | head -1)
}

shell_session()
{
	session "$@" env PS1='in''side> ' bash --norc
	tmux_wait '^inside>' 40
}

# Again, in a terminal of its own.
attach()
{
	tmux_end
	rm -f "$WORK/tmux.status"
	tmux_start 100 30 uattach "$JOB"
}

# All steps and processes of viewers.
no_viewers()
{
	! squeue -h -s -o %j -j "$JOB" | grep -q uattach && ! pgrep -f "session-attach $(key)" >/dev/null
}

# Of viewers. A step whose srun is killed before it is launched has none, but slurmctld
# lists it as long as the job runs.
no_processes()
{
	! pgrep -f "session-attach $(key)" >/dev/null # srun's arguments have it, too
}

key()
{
	scontrol show job "$JOB" | sed -n 's/.*Command=usrun-session \([0-9a-f]*\).*/\1/p'
}

viewer()
{
	pgrep -x uattach -P "$(tmux_do display-message -p '#{pane_pid}')" ||
		pgrep -x uattach -s "$(ps -o sess= -p "$(tmux_do display-message -p '#{pane_pid}')")"
}

at_prompt()
{
	[ "$(tmux_screen | grep -v '^$' | tail -1)" = 'inside>' ]
}

# What the terminal has, with all that left the screen; no blank lines.
all_lines()
{
	tmux_do capture-pane -p -J -S - | sed 's/[[:blank:]]*$//' | grep -v '^$'
}

@test "it feels like srun --pty, and its exit status is the shell's" {
	shell_session
	tmux_keys 'stty size; tty; echo $((6*7)); exit 3' Enter
	[ "$(tmux_status)" = 3 ]
	tmux_has '^30 100$'
	tmux_has '^/dev/pts/'
	tmux_has '^42$'
	wait_for_job "$JOB" GONE 5
	# kept for who asks later
	[ "$(jq -r '.exit_code, .end, .name' "$XDG_STATE_HOME/ucluster/sessions/$JOB.json")" = \
		"3"$'\n'"ended"$'\n'"$MARK" ]
	# nothing was said, nothing is left
	[ ! -e "$XDG_STATE_HOME/ucluster/sessions/$JOB.log" ]
	[ ! -e "slurm-$JOB.out" ]
	run -3 uattach "$JOB"
	[[ $output == *"job $JOB failed with exit code 3"* && $output != *"not seen"* ]]
}

@test "its exit code is in the receipt, whoever learns it first" {
	export UCLUSTER_RECEIPTS=true
	# nobody looks; it may be over before its receipt is written
	JOB=$(usrun --no-container --detachable --parsable --time=5 sh -c 'exit 7' </dev/null)
	wait_for_job "$JOB" GONE
	run -0 jq '.exit_code' "$XDG_STATE_HOME/ucluster/receipts/$JOB"-*.json
	[ "$output" = 7 ]
	run -0 uqueue show "$JOB"
	[[ $output == *"exit code        7"* ]]
	[ "$(uqueue show "$JOB" --json | jq '.jobs[0].receipt.exit_code')" = 7 ]
	run -0 --separate-stderr usrun --again "$JOB" --dry-run
	[[ $stderr == *"usrun: job $JOB ended with exit code 7"* ]]
	# the server cannot say it: who sees it does
	shell_session
	pkill -KILL -f "session-server --key=$(key)"
	tmux_status 60
	wait_until 20 has_end
	# a batch job that is followed
	run -5 usrun --no-container --batch --follow --time=5 sh -c 'exit 5'
	run -0 usrun --again last --dry-run
	[[ $output == *"ended with exit code 5"* ]]
}

has_end()
{
	[ "$(jq .ended "$XDG_STATE_HOME/ucluster/receipts/$JOB"-*.json)" -gt 0 ]
}

@test "what nobody saw is in the job's output: one that is over at once, one nobody came back to" {
	local log i

	JOB=$(usrun --no-container --detachable --parsable --time=5 \
		sh -c 'echo "first words"; exit 3' </dev/null)
	wait_for_job "$JOB" GONE
	log=$XDG_STATE_HOME/ucluster/sessions/$JOB.log
	# before srun's own words or behind them
	[[ $(grep -v '^srun: ' "$log") == "first words"* ]]
	run -3 uattach "$JOB"
	[[ $output == *"first words"*"job $JOB failed with exit code 3"* ]]
	# srun's own, too
	JOB=$(usrun --no-container --detachable --parsable --time=5 --no-such-option=1 \
		true </dev/null)
	wait_for_job "$JOB" GONE
	run ! uattach "$JOB"
	[[ $output == *"unrecognized option '--no-such-option=1'"* ]]
	# with somebody there, who may come too late, or just in time
	for ((i = 0; i < 3; i++)); do
		session sh -c 'echo "first words"; exit 3'
		[ "$(tmux_status 60)" = 3 ]
		tmux_has '^first words$'
		rm -f "$WORK/tmux.status"
		tmux_end
		wait_for_job "$JOB" GONE
	done
}

@test "Ctrl-a d leaves it, uattach comes back by number and by name" {
	shell_session
	tmux_keys 'x=kept; echo first' Enter
	tmux_wait '^first$'
	tmux_keys C-a d
	[ "$(tmux_status)" = 0 ]
	tmux_wait "detached, the session goes on; back to it: uattach $JOB; to end it: uqueue --cancel $JOB\$"
	wait_until 10 no_viewers
	attach
	tmux_wait '^first$'
	tmux_keys 'echo $x' Enter
	tmux_wait '^kept$'
	tmux_keys C-a d
	tmux_status
	tmux_end
	rm "$WORK/tmux.status"
	tmux_start 100 30 uattach "$MARK"
	tmux_wait '^kept$'
	tmux_keys 'exit 0' Enter
	[ "$(tmux_status)" = 0 ]
}

@test "another detach key, and Ctrl-a is the program's" {
	export UCLUSTER_SESSION_DETACH_KEY='ctrl-b x'
	shell_session
	# Ctrl-a goes to the beginning of the line
	tmux_keys 'two' C-a 'echo one-' Enter
	tmux_wait '^one-two$'
	tmux_keys C-b x
	[ "$(tmux_status)" = 0 ]
}

@test "the viewer is killed: its step is gone within five seconds" {
	shell_session
	for how in idle typing; do
		if [ "$how" = typing ]; then
			attach
			tmux_wait '^inside>' 30
			tmux_keys 'sleep 1000' Enter
			seq 200000 >text
			tmux_do load-buffer text
			tmux_do paste-buffer
		fi
		run -1 no_processes
		kill -KILL "$(viewer)"
		wait_until 5 no_processes
	done
}

# UC_SESSION_KILLS: so often; tests/README.md says how it is done 100 times.
@test "the viewer is killed at any point: no line is lost, no process is left" {
	runs=${UC_SESSION_KILLS:-15}
	# all of them are looked for in the end
	export UCLUSTER_SESSION_SCROLLBACK=60000
	shell_session
	tmux_keys 'for i in $(seq 50000); do echo "row $i"; sleep 0.02; done' Enter
	tmux_wait '^row 1$'
	for ((i = 0; i < runs; i++)); do
		# some die while they attach, some later
		[ $((i % 3)) = 0 ] || tmux_wait '^row [0-9]+$' 40
		wait_until 20 viewer >/dev/null
		kill -KILL "$(viewer)"
		# as when the login node goes down: srun goes with it
		[ $((i % 2)) = 0 ] || pkill -KILL -f -- "^srun --jobid=$JOB .*session-attach" || :
		attach
	done
	tmux_wait '^row [0-9]+$' 40
	tmux_keys C-c
	tmux_keys 'echo e''nd' Enter
	tmux_wait '^end$'
	tmux_keys C-a d
	tmux_status
	# where slurmstepd does not notice, the server hangs up after half a minute
	wait_until 50 no_processes || {
		pgrep -af "session-attach $(key)"
		false
	}
	# everything from the first row on, once, in order
	tmux_end
	echo 'set-option -g history-limit 60000' >"$WORK/tmux.conf"
	E2E_TMUX=uct-$BASHPID-h
	tmux -L "$E2E_TMUX" -f "$WORK/tmux.conf" new-session -d -x 100 -y 30 "uattach $JOB"
	tmux_wait '^end$'
	all_lines | sed -n 's/^row \([0-9]*\)$/\1/p' >rows
	last=$(tail -1 rows)
	echo "$last rows"
	[ "$last" -ge 30 ]
	seq "$last" | cmp - rows
}

# The N-th time: srun is killed, the line is tried again, and what is typed arrives.
break_line()
{
	pkill -KILL -f -- "^srun --jobid=$JOB .*session-attach"
	wait_until 30 tried_again "$1"
	tmux_keys "echo ha''lf$1" Enter
	wait_until 30 has_line "half$1"
}

tried_again()
{
	[ "$(all_lines | grep -c 'attaching again')" = "$1" ]
}

has_line()
{
	all_lines | grep -qxE -- "$1"
}

@test "srun on the login node is killed: attached again by itself, no line is missing" {
	shell_session
	# all but the first row while there is no line
	mkfifo go
	tmux_keys "echo row 1; read -r < $WORK/go; for i in \$(seq 2 500); do echo row \$i; done; echo e''nd; touch $WORK/gone" Enter
	tmux_wait '^row 1$'
	kill -STOP "$(viewer)"
	pkill -KILL -f -- "^srun --jobid=$JOB .*session-attach"
	wait_until 20 no_srun
	echo >go
	wait_until 30 test -e gone
	kill -CONT "$(viewer)"
	wait_until 30 tried_again 1
	wait_until 60 has_line end
	seq 500 >expected
	all_lines | sed -n 's/^row \([0-9]*\)$/\1/p' | sort -nu | cmp - expected
	tmux_keys 'exit 4' Enter
	[ "$(tmux_status)" = 4 ]
}

no_srun()
{
	! pgrep -f -- "^srun --jobid=$JOB .*session-attach" >/dev/null
}

# An srun in front of the real one that fails while $WORK/broken is there.
breakable_srun()
{
	mkdir "$WORK/bin"
	cat >"$WORK/bin/srun" <<-EOT
		#!/bin/bash
		if [ -e $WORK/broken ]; then
			exec <&- # what uattach writes to it, or has written, is a SIGPIPE
			echo "srun: error: no way" >&2
			exit 1
		fi
		exec -a srun $(command -v srun) "\$@"
	EOT
	chmod +x "$WORK/bin/srun"
	PATH=$WORK/bin:$PATH
}

@test "a line that breaks is given up, but not one that held for a minute" {
	breakable_srun
	shell_session
	break_line 1
	break_line 2
	wait_until 90 line_is_old
	break_line 3
	wait_until 90 line_is_old
	# that it held so long once is no reason to try for ever
	touch "$WORK/broken"
	pkill -KILL -f -- "^srun --jobid=$JOB .*session-attach"
	[ "$(tmux_status 60)" = 4 ]
	wait_until 20 has_line ".*job $JOB: srun: error: no way"
	tried_again 5
}

line_is_old()
{
	[ "$(ps -o etimes= -p "$(pgrep -o -f -- "^srun --jobid=$JOB .*session-attach")")" -ge 65 ]
}

@test "the line breaks, and slurmctld does not answer: said, and it ends" {
	shell_session
	# a slurm.conf that only the viewer reads
	cp -r "${SLURM_CONF%/*}" "$WORK/etc"
	tmux_end
	rm -f "$WORK/tmux.status"
	tmux_start 100 30 env SLURM_CONF="$WORK/etc/slurm.conf" UCLUSTER_SLURM_TIMEOUT=3s uattach "$JOB"
	tmux_wait '^inside>' 30
	sed -i 's/^SlurmctldPort=.*/SlurmctldPort=1/' "$WORK/etc/slurm.conf"
	grep -qx SlurmctldPort=1 "$WORK/etc/slurm.conf"
	# one that is there has read it before
	pkill -STOP -P "$(viewer)" slurm-worker
	pkill -KILL -f -- "^srun --jobid=$JOB .*session-attach"
	[ "$(tmux_status 60)" = 4 ]
	all_lines
	wait_until 20 has_line ".*the line to the session of job $JOB is gone"
	run -1 has_line '.*ERROR: .*Sanitizer.*'
}

# ended_after PID SRUN: a later srun of the viewer has ended, and is not waited for yet.
ended_after()
{
	ps -o stat=,comm=,pid= --ppid "$1" | awk -v before="$2" '
		/^Z.* srun / && $NF != before { found = 1 } END { exit !found }'
}

is_stopped()
{
	[[ $(ps -o stat= -p "$1") == T* ]]
}

@test "its server cannot be reached: signals end the wait for its job's end, and Ctrl-Z stops it" {
	local pid srun

	shell_session
	pid=$(viewer)
	srun=$(pgrep -x -P "$pid" srun)
	mv "/tmp/ucluster-$(id -u)/$JOB-$(key)" "$WORK/hidden"
	pkill -KILL -f -- "^srun --jobid=$JOB .*session-attach"
	wait_until 30 ended_after "$pid" "$srun"
	kill -TSTP "$pid"
	wait_until 20 is_stopped "$pid"
	kill -TERM "$pid"
	kill -CONT "$pid"
	[ "$(tmux_status 60)" = 143 ]
	all_lines
	wait_until 20 has_line ".*no session of job $JOB is on this node.*"
	mv "$WORK/hidden" "/tmp/ucluster-$(id -u)/$JOB-$(key)"
}

@test "its job is suspended: said, and shown again when it goes on" {
	shell_session
	scontrol suspend "$JOB"
	[ "$(tmux_status 120)" = 4 ]
	wait_until 20 has_line "uattach: job $JOB is suspended, and so is its session"
	attach
	[ "$(tmux_status 60)" = 4 ]
	wait_until 20 has_line "uattach: job $JOB is suspended, and so is its session"
	scontrol resume "$JOB"
	attach
	tmux_wait '^inside>' 60
	tmux_keys 'exit 5' Enter
	[ "$(tmux_status 60)" = 5 ]
}

@test "it waited, and was over at once: its end is told once" {
	JOB=$(usrun --no-container --detachable --parsable --time=5 --hold \
		sh -c 'echo "first words"' </dev/null)
	tmux_start 100 30 uattach "$JOB"
	wait_until 20 test -n "$(viewer)"
	tmux_wait 'it is held|waits' 30
	scontrol release "$JOB"
	[ "$(tmux_status 90)" = 0 ]
	wait_until 20 has_line ".*job $JOB completed.*"
	[ "$(all_lines | grep -c "job $JOB completed")" = 1 ]
	[ "$(all_lines | grep -c '^first words')" = 1 ]
}

@test "the server is killed: the terminal is as it was, and says so" {
	shell_session
	tmux_keys 'printf "\033[?1049h\033[?25l\033[?1000hfull"; sleep 100' Enter
	tmux_wait 'full'
	pkill -KILL -f "session-server --key=$(key)"
	tmux_status 60
	[ "$(tmux_do display-message -p '#{alternate_on}#{cursor_flag}#{mouse_any_flag}')" = 010 ]
	[ "$(cat "$WORK/tmux.status")" -ne 0 ]
}

@test "every signal gives the terminal back" {
	shell_session
	for signal in TERM HUP INT; do
		tmux_keys 'printf "\033[?1h\033[?2004h\033[?25l"; echo s''et' Enter
		tmux_wait '^set$'
		kill -"$signal" "$(viewer)"
		[ "$(tmux_status)" = $((128 + $(kill -l $signal))) ]
		[ "$(tmux_do display-message -p '#{cursor_flag}#{keypad_cursor_flag}')" = 10 ]
		tmux_do run-shell -t : true
		stty -F "$(tmux_do display-message -p '#{pane_tty}')" -a >modes
		grep -q ' icanon' modes
		grep -q ' echo ' modes
		attach
		tmux_wait '^inside>'
	done
}

@test "full-screen programs are drawn again: top, less" {
	shell_session
	tmux_keys 'seq 100 >numbers; seq 1000 1040; less numbers' Enter
	tmux_wait '^numbers|^29$'
	tmux_keys C-a d
	tmux_status
	attach
	tmux_wait '^29$'
	tmux_has '^1$'
	tmux_keys Space
	tmux_wait '^58$'
	tmux_keys q
	# the screen behind it
	tmux_wait '^1040$'
	run -1 tmux_has '^58$'
	tmux_keys 'top -d 1' Enter
	tmux_wait 'load average'
	tmux_keys C-a d
	tmux_status
	attach
	tmux_wait '^ *PID USER'
	tmux_keys q
	# what is typed before top has ended is lost with it
	wait_until 20 at_prompt
	tmux_keys 'exit 0' Enter
	[ "$(tmux_status)" = 0 ]
}

@test "several viewers, one that only looks; windows change in storms" {
	shell_session
	first=$E2E_TMUX
	E2E_TMUX=uct-$BASHPID-2
	tmux -L "$E2E_TMUX" -f /dev/null new-session -d -x 60 -y 20 "uattach --read-only $JOB"
	tmux_wait '^inside>' 30
	tmux_keys 'echo evil' Enter
	second=$E2E_TMUX E2E_TMUX=$first
	tmux_keys 'stty size' Enter
	tmux_wait '^30 100$'
	run -1 tmux_has evil
	for i in $(seq 30); do
		tmux_do resize-window -x $((40 + i * 7 % 60)) -y $((10 + i * 3 % 20))
	done
	tmux_do resize-window -x 90 -y 25
	# the shell hears of it when it is done with its line
	wait_until 20 size_is '25 90'
	tmux_keys 'echo s''een' Enter
	tmux_wait '^seen$'
	E2E_TMUX=$second
	tmux_wait '^seen$'
	tmux_do kill-server
	E2E_TMUX=$first
	tmux_keys 'exit 0' Enter
	[ "$(tmux_status)" = 0 ]
}

size_is()
{
	tmux_keys 'stty size' Enter
	tmux_has "^$1\$"
}

@test "nobody else gets in" {
	user_add uctother
	shell_session
	run ! as uctother uattach "$JOB" </dev/null
	run ! as uctother srun --quiet --jobid="$JOB" --overlap true </dev/null
	# on the node itself
	SLURM_JOB_ID=$JOB run -0 timeout 60 setpriv --reuid=uctother --clear-groups \
		"$UC_TEST_BUILD/libexec/ucluster/session-attach" "$(key)" </dev/null
	[[ $output == *"no session of job $JOB is on this node"* ]]
	folder=/tmp/ucluster-$(id -u)
	[ "$(stat -c %a "$folder" "$folder/$JOB-$(key)")" = $'700\n600' ]
	knock_as uctother 'no way'
	# were these open, the server itself would not have it
	chmod 711 "$folder"
	chmod 666 "$folder/$JOB-$(key)"
	knock_as uctother shut
	# it is there, and lets its owner in
	knock_as "$(id -un)" welcome
	chmod 700 "$folder"
}

# knock_as USER WHAT: how the server takes it when USER asks for the session.
knock_as()
{
	as "$1" python3 - "$folder/$JOB-$(key)" >knock <<-'EOT'
		import socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.settimeout(20)
		first = b""
		try:
		    s.connect(sys.argv[1])
		    # version 1, 80x24, read-only, no lines from before
		    s.sendall(bytes.fromhex("55010000 0c000000 0100 5000 1800 0100 00000000 0a"))
		    first = s.recv(2)
		except PermissionError:
		    sys.exit(print("no way"))
		except (BrokenPipeError, ConnectionResetError):
		    pass
		print("welcome" if first == b"\x55\x10" else "shut")
	EOT
	[ "$(cat knock)" = "$2" ]
}

@test "in a container, with a GPU" {
	tmux_start 100 30 usrun --image=tiny --detachable -p gpu --gpus=1 --time=30 sh
	tmux_wait '#$' 40
	tmux_keys 'grep ^ID /etc/os-release; echo "gpu $CUDA_VISIBLE_DEVICES"; exit 6' Enter
	[ "$(tmux_status)" = 6 ]
	tmux_has '^ID=busybox'
	tmux_has '^gpu [0-9]$'
}

@test "idle: a warning, a key saves it, then it ends and says what is free again" {
	export UCLUSTER_SESSION_IDLE=3s UCLUSTER_SESSION_GRACE=6s
	shell_session -p gpu --gpus=2
	tmux_wait '^idle for 3s: the session ends in 6s unless a key is pressed$' 60
	tmux_keys 'x'
	# the screen is drawn without it
	wait_until 20 screen_lacks 'idle for'
	tmux_has '^inside> x$'
	[ "$(tmux_status 90)" = 0 ]
	tmux_has 'the session was idle and ends; 2 GPUs are given back 29m [0-9]+s early'
	[ "$(jq -r '.end' "$XDG_STATE_HOME/ucluster/sessions/$JOB.json")" = idle ]
	wait_for_job "$JOB" GONE
	[ "$(scontrol show job "$JOB" | grep -o 'JobState=[A-Z]*')" = JobState=COMPLETED ]
}

screen_lacks()
{
	! tmux_has "$1"
}

@test "cancelled: who is attached is told" {
	shell_session
	scancel "$JOB"
	[ "$(tmux_status 30)" = 143 ]
	tmux_has 'the job was cancelled, or its time is up'
}

@test "always, where it is configured; --attached is srun itself" {
	export UCLUSTER_SESSION_DETACHABLE=always
	tmux_start 100 30 usrun --no-container --time=5 --pty sh -c 'echo yes; exit 2'
	[ "$(tmux_status 40)" = 2 ]
	tmux_has 'session of job'
	tmux_end
	rm "$WORK/tmux.status"
	tmux_start 100 30 usrun --no-container --time=5 --attached --pty sh -c 'echo yes; exit 2'
	[ "$(tmux_status 40)" = 2 ]
	run -1 tmux_has 'session of job'
	# and where there is no terminal nothing changes
	run -0 usrun --no-container --time=5 --pty echo plain </dev/null
	[[ $output == *plain* ]]
}

@test "without a terminal it is submitted, and that is all" {
	run -0 --separate-stderr usrun --no-container --detachable --parsable --time=5 \
		sh -c 'exit 0' </dev/null
	[[ $output =~ ^[0-9]+$ ]]
	JOB=$output
	wait_for_job "$JOB" GONE
	run -2 usrun --no-container --detachable --batch true
	run -2 usrun --no-container --session x true
	run -2 usrun --no-container --detachable --session '../x' true
	run -2 usrun --no-container --detachable --session 42 true
	run -2 usrun --no-container --detachable --attached true
}
