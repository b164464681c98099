#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The sshd that tests of usync talk to, asked by ssh and sftp themselves.
load helper
load sshd

setup()
{
	sshd_start
}

teardown()
{
	sshd_stop
}

@test "ssh gets output and exit status of a command" {
	run --separate-stderr ssh -F "$SSHD_CONFIG" there 'echo out; echo err >&2; exit 7'
	[ "$status" -eq 7 ]
	[ "$output" = out ]
	[ "$stderr" = err ]
}

@test "a command is who runs the test, and finds the build's programs" {
	run ssh -F "$SSHD_CONFIG" there 'id -un; command -v usrun'
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "$(id -un)" ]
	[ "${lines[1]}" = "$(command -v usrun)" ]
}

@test "sftp puts and gets a file" {
	head -c 1000000 /dev/urandom >"$SSHD_DIR/sent"
	run sftp -F "$SSHD_CONFIG" -b - there <<-EOT
		put $SSHD_DIR/sent $SSHD_DIR/there
		get $SSHD_DIR/there $SSHD_DIR/back
	EOT
	[ "$status" -eq 0 ]
	cmp "$SSHD_DIR/sent" "$SSHD_DIR/there"
	cmp "$SSHD_DIR/sent" "$SSHD_DIR/back"
}

@test "another host key is refused" {
	ssh-keygen -q -t ed25519 -N '' -f "$SSHD_DIR/another"
	sed "s/^/[127.0.0.1]:$SSHD_PORT /" "$SSHD_DIR/another.pub" >"$SSHD_DIR/known_hosts"
	run ssh -F "$SSHD_CONFIG" there true
	[ "$status" -eq 255 ]
	[[ $output == *'HOST IDENTIFICATION HAS CHANGED'* ]]
}

@test "another user key is refused" {
	: >"$SSHD_DIR/authorized_keys"
	run ssh -F "$SSHD_CONFIG" there true
	[ "$status" -eq 255 ]
	[[ $output == *'Permission denied'* ]]
}

@test "lines of its configuration come first" {
	sshd_stop
	sshd_start 'ForceCommand echo forced'
	run ssh -F "$SSHD_CONFIG" there true
	[ "$status" -eq 0 ]
	[ "$output" = forced ]
}

@test "nothing is left of it, a connection in use included" {
	local folder=$SSHD_DIR port=$SSHD_PORT pid=$SSHD_PID all client

	ssh -F "$SSHD_CONFIG" there 'echo begun; exec sleep 1000' >"$BATS_TEST_TMPDIR/out" 3>&- &
	client=$!
	wait_until 20 grep -q begun "$BATS_TEST_TMPDIR/out"
	mapfile -t all < <(sshd_processes)
	[ "${#all[@]}" -ge 2 ]
	sshd_stop
	wait_status "$client"
	for pid in "$pid" "${all[@]}"; do
		wait_until 10 gone "$pid"
	done
	[ ! -e "$folder" ]
	run bash -c "exec 9<>/dev/tcp/127.0.0.1/$port"
	[ "$status" -ne 0 ]
}

gone()
{
	! kill -0 "$1" 2>/dev/null
}
