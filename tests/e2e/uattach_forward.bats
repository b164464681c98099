#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Where --forward listens and connects, who may, and terminals that are left in all ways.
load helper

# The words in single quotes are for the job's shell.
# shellcheck disable=SC2016,SC2154

setup()
{
	e2e_setup
}

teardown()
{
	[ ! -s pid ] || kill -KILL "$(cat pid)" 2>/dev/null || :
	[ ! -s stopped ] || kill -KILL "$(cat stopped)" 2>/dev/null || :
	e2e_teardown
}

# serve NAME ADDRESS PORT: a job with a server of the test's folder.
serve()
{
	sbatch -J "$1" -w gpu2 --time=5 -o "$1.out" --wrap \
		"exec python3 -m http.server --bind $2 $3"
	wait_until 20 runs "$1"
}

@test "a file in the way of a socket stays; one in use as well; one that is left goes" {
	port=$((20000 + RANDOM % 20000))
	echo mine >file
	echo other >target
	ln -s target link
	serve web 127.0.0.1 "$port"
	run -2 uattach web --forward "$WORK/file:$port"
	[[ $output == *"file' is in the way: it is no socket"* ]]
	[ "$(cat file)" = mine ]
	run -2 uattach web --forward "$WORK/link:$port"
	[ "$(cat link)" = other ]
	mkdir folder
	run -2 uattach web --forward "$WORK/folder:$port"
	[ -d folder ]
	# what an earlier run left
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("s")'
	[ -S s ]
	env --default-signal=INT uattach web --forward "$WORK/s:$port" >out 2>err 3>&- &
	tunnel=$!
	wait_until 30 grep -q "^ssh -N -L $port:$WORK/s " out
	wait_until 20 curl -sf -o got --unix-socket s http://job/file
	run ! uattach web --forward "$WORK/s:$port"
	[[ $output == *"s' is in use by another program"* ]]
	curl -sf --unix-socket s http://job/file | cmp - file
	kill -INT "$tunnel"
	wait_status "$tunnel"
	[ "$status" -eq 130 ]
	[ ! -e s ]
}

@test "a server at the loopback of IPv6 alone, or at all of IPv6 alone" {
	python3 -c 'import socket; socket.socket(socket.AF_INET6).bind(("::1", 0))' ||
		skip "no IPv6 here"
	port=$((20000 + RANDOM % 20000))
	echo six >file
	serve six ::1 "$port"
	env --default-signal=INT uattach six --forward "$WORK/s:$port" >out 2>err 3>&- &
	tunnel=$!
	wait_until 30 test -s out
	wait_until 20 curl -sf -m 5 -o got --unix-socket s http://job/file
	cmp got file
	kill -INT "$tunnel"
	wait "$tunnel" || :
	scancel -n six
	serve all :: "$((port + 1))"
	env --default-signal=INT uattach all --forward "$WORK/s:$((port + 1))" >out2 2>err 3>&- &
	tunnel=$!
	wait_until 30 test -s out2
	wait_until 20 curl -sf -m 5 -o got2 --unix-socket s http://job/file
	cmp got2 file
	kill -INT "$tunnel"
	wait "$tunnel" || :
}

# stranger PORT ADDRESS...: as another user listens there until its input ends.
stranger()
{
	exec python3 -c '
import os, socket, sys
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
doors = [socket.create_server((a, int(sys.argv[1]))) for a in sys.argv[2:]]
print("up", flush=True)
sys.stdin.read()
' "$@"
}

@test "a server of another user at another address of the loopback is not reached" {
	need_root
	port=$((20000 + RANDOM % 20000))
	sbatch -J idle -w gpu2 --time=5 -o /dev/null --wrap 'sleep 600'
	wait_until 20 runs idle
	mkfifo go
	stranger "$port" 127.0.0.9 127.0.0.1 <go >other 2>&1 3>&- &
	other=$!
	exec 7>go
	wait_until 20 grep -qx up other
	env --default-signal=INT uattach idle --forward "$WORK/s:$port" >out 2>err 3>&- 7>&- &
	tunnel=$!
	wait_until 30 test -s out
	run ! curl -s -m 10 --unix-socket s http://job/
	wait_until 10 grep -q "port $port of the job's node is somebody else's" err
	exec 7>&-
	wait "$other"
	# and one that would be asked at no address at all
	: >other
	stranger "$port" 127.0.0.9 <go >other 2>&1 3>&- &
	other=$!
	exec 7>go
	wait_until 20 grep -qx up other
	: >err
	run ! curl -s -m 10 --unix-socket s http://job/
	wait_until 10 grep -q "nothing listens at port $port" err
	exec 7>&-
	wait "$other"
	kill -INT "$tunnel"
	wait "$tunnel" || :
}

@test "a helper that the node does not see: it is said, and nothing is copied" {
	sbatch -J idle --time=5 -o /dev/null --wrap 'sleep 600'
	wait_until 20 runs idle
	mkdir away
	cp -r "$UC_TEST_BUILD/bin" "$UC_TEST_BUILD/lib" away/
	mkdir -p away/libexec
	cp -r "$UC_TEST_BUILD/libexec/ucluster" away/libexec/
	rm away/libexec/ucluster/job-inside
	for how in --top '--forward 4711' '--shell --host true'; do
		# shellcheck disable=SC2086
		run ! timeout 100 away/bin/uattach idle $how
		[[ $output == *"job-inside' cannot run on "*"nodes must see that file"* ]]
	done
	run ! compgen -G '/tmp/.job-inside-*'
}

@test "--top: keys and signals leave the terminal as it was" {
	sbatch -J busy --time=5 -o /dev/null --wrap 'sleep 600'
	wait_until 20 runs busy
	tmux_start 90 12 env PS1='here> ' bash --norc --noprofile -i
	tmux_wait '^here>'
	for key in C-\\ C-c q; do
		tmux_keys 'uattach busy --top; echo left with $?' Enter
		wait_until 20 alternate 1
		tmux_wait 'sleep 600'
		tmux_keys "$key"
		wait_until 20 alternate 0
		tmux_wait '^left with 0'
		tmux_keys 'clear' Enter
		wait_until 20 forgotten
	done
	tmux_keys 'uattach busy --top; echo left with $?' Enter
	wait_until 20 alternate 1
	tmux_wait 'sleep 600'
	tmux_keys C-z
	wait_until 20 alternate 0
	tmux_wait 'Stopped'
	tmux_keys 'fg' Enter
	wait_until 20 alternate 1
	tmux_wait 'sleep 600'
	tmux_keys q
	wait_until 20 alternate 0
	# what whoever started it ignores
	tmux_keys '(trap "" HUP; exec uattach busy --top)' Enter
	wait_until 20 alternate 1
	tmux_wait 'sleep 600'
	pkill -HUP -fx 'uattach busy --top'
	sleep 1
	alternate 1
	tmux_keys q
	wait_until 20 alternate 0
	tmux_keys 'exit 7' Enter
	[ "$(tmux_status)" = 7 ]
}

# alternate 0|1: is the alternate screen shown, without a cursor?
alternate()
{
	[ "$(tmux_do display-message -p '#{alternate_on}#{cursor_flag}')" = "$1$((1 - $1))" ]
}

forgotten()
{
	! tmux_has 'left with'
}

@test "a terminal step: a large paste gets through; signals leave the terminal as it was" {
	cat >answer <<-'EOT'
		stty -echo
		echo ready
		while read -r l; do
			echo "$l$l"
			[ "$l" != end ] || echo 'is over'
			[ "$l" != screen ] || printf '\033[?1049h\033[?25l'
		done
	EOT
	tmux_start 90 12 srun -J answer --time=5 --pty bash answer
	tmux_wait '^ready'
	tmux_do new-window "exec env PS1='here> ' bash --norc --noprofile -i"
	tmux_wait '^here>'
	for i in $(seq 4000); do
		echo "line $i of a text that is long enough to fill whatever lies in between"
	done >text
	echo end >>text
	tmux_keys 'uattach answer; echo left with $?' Enter
	wait_until 20 answers
	tmux_do load-buffer text
	tmux_do paste-buffer
	tmux_wait '^is over' 60
	tmux_keys screen Enter
	wait_until 20 alternate 1
	signal INT
	wait_until 20 alternate 0
	tmux_wait '^left with 130'
	tmux_keys 'clear; uattach answer' Enter
	wait_until 20 forgotten
	wait_until 20 answers
	tmux_keys screen Enter
	wait_until 20 alternate 1
	signal TSTP
	wait_until 20 alternate 0
	tmux_wait 'Stopped'
	tmux_keys fg Enter
	wait_until 20 alternate 1
	signal QUIT
	wait_until 20 alternate 0
	tmux_keys 'echo left with $?' Enter
	tmux_wait '^left with 131'
	runs answer
}

@test "a terminal step that takes nothing: what is pasted does not keep it from being left" {
	cat >answer <<-'EOT'
		while read -r l; do echo "$l$l"; done
	EOT
	tmux_start 90 12 srun -J deaf --time=5 --pty bash answer
	wait_until 20 runs deaf
	tmux_do new-window "exec env PS1='here> ' bash --norc --noprofile -i"
	tmux_wait '^here>'
	tmux_keys 'uattach deaf; echo $? >left' Enter
	wait_until 20 answers
	attached=$(pgrep -x uattach -P "$(tmux_do display-message -p '#{pane_pid}')")
	sattach=$(pgrep -x sattach -P "$attached")
	kill -STOP "$sattach"
	echo "$sattach" >stopped
	wait_until 20 stopped "$sattach"
	seq 100000 >text
	before=$(has_read "$attached")
	tmux_do load-buffer text
	tmux_do paste-buffer
	wait_until 20 has_read_more "$attached" $((before + 40000))
	kill -TERM "$attached"
	wait_until 20 test -s left
	[ "$(cat left)" = 143 ]
	run ! kill -0 "$sattach"
	rm stopped
	runs deaf
}

stopped()
{
	[[ $(ps -o stat= -p "$1") == T* ]]
}

has_read()
{
	awk '/^rchar/ { print $2 }' "/proc/$1/io"
}

has_read_more()
{
	[ "$(has_read "$1")" -gt "$2" ]
}

@test "an sattach that does not end when it is told to" {
	mkdir bin
	cat >bin/sattach <<-'EOT'
		#!/bin/sh
		trap '' TERM
		echo $$ >pid
		[ ! -e quiet ] || exec sleep 1000 >/dev/null 2>&1
		exec sleep 1000
	EOT
	chmod +x bin/sattach
	srun -J plain --time=5 sleep 600 >/dev/null 2>&1 3>&- &
	wait_until 20 runs plain
	# the second one says that it has no more to say, and goes on
	for how in loud quiet; do
		[ "$how" = loud ] || touch quiet
		PATH=$WORK/bin:$PATH uattach plain </dev/null >out 2>err 3>&- &
		attached=$!
		wait_until 20 test -s pid
		kill -TERM "$attached"
		wait_until 15 has_gone "$attached"
		wait_status "$attached"
		[ "$status" -eq 143 ]
		run ! kill -0 "$(cat pid)"
		rm pid
	done
}

has_gone()
{
	[[ $(ps -o stat= -p "$1") == "" || $(ps -o stat= -p "$1") == Z* ]]
}

# What is typed arrives there and back.
answers()
{
	tmux_keys marked Enter
	wait_until 2 tmux_has '^markedmarked'
}

signal()
{
	kill -"$1" "$(pgrep -x uattach -P "$(tmux_do display-message -p '#{pane_pid}')")"
}

# The forwarder that usrun starts has the socket's path as a word.
no_forwarder()
{
	! pgrep -f -- "--forward=$WORK/s:" >/dev/null
}

reached()
{
	curl -sf -m 5 -o got --unix-socket s http://job/file && cmp got file
}

@test "usrun --forward: beside output that is followed, and alone" {
	port=$((20000 + RANDOM % 20000))
	echo file >file
	usrun --no-container --batch --follow -J web --time=5 --forward "$WORK/s:$port" \
		python3 -u -m http.server --bind 127.0.0.1 "$port" >out 2>err 3>&- &
	run=$!
	wait_until 40 grep -q "^ssh -N -L $port:$WORK/s " err
	wait_until 20 reached
	wait_until 20 grep -q 'Serving HTTP' out
	run -1 grep -q ssh out
	scancel "$(job_named web)"
	wait_status "$run"
	[ "$status" -eq 143 ]
	wait_until 10 no_forwarder
	[ ! -e s ]
	env --default-signal=INT usrun --no-container --batch --parsable -J web2 --time=5 \
		--forward "$WORK/s:$port" \
		python3 -u -m http.server --bind 127.0.0.1 "$port" >out 2>err 3>&- &
	run=$!
	wait_until 40 grep -q "^ssh -N -L $port:$WORK/s " out
	grep -qxE '[0-9]+' out
	wait_until 20 reached
	kill -INT "$run"
	wait_status "$run"
	[ "$status" -eq 130 ]
	runs web2
	for what in '' '--pty'; do
		# shellcheck disable=SC2086
		run -2 usrun --no-container --forward 8888 $what true
		[[ $output == *"--forward goes with --detachable or --batch"*"uattach JOBID --forward 8888"* ]]
	done
}

@test "usrun --forward: as long as a session is shown" {
	export XDG_STATE_HOME=$WORK/state
	port=$((20000 + RANDOM % 20000))
	echo file >file
	tmux_start 150 20 usrun --no-container --detachable --time=5 \
		--forward "$WORK/s:$port" env PS1='in''side> ' bash --norc
	tmux_wait "^ssh -N -L $port:$WORK/s " 40
	tmux_wait '^inside>' 20
	tmux_keys "python3 -m http.server --bind 127.0.0.1 $port >web.log 2>&1 &" Enter
	wait_until 20 reached
	# what is wrong with a connection is not written over the screen
	tmux_keys 'kill %1; wait; clear; echo cle''ar' Enter
	tmux_wait '^clear'
	run ! curl -s -m 5 --unix-socket s http://job/
	tmux_keys 'echo st''ill' Enter
	tmux_wait '^still'
	run -1 tmux_has 'nothing listens'
	tmux_keys 'exit 4' Enter
	[ "$(tmux_status)" = 4 ]
	wait_until 10 no_forwarder
}
