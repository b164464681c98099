# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What tests of <ucluster/ssh.h> need besides sshd.bash: the program ssh-stream, and an
# own place for connections that are kept.

ssh_setup()
{
	sshd_start "$@"
	export XDG_RUNTIME_DIR HOME=$SSHD_DIR/home SSH_AUTH_SOCK=
	XDG_RUNTIME_DIR=$(mktemp -d /tmp/uc-XXXXXX) # names of sockets are short
	mkdir "$HOME"
	HELD='' AGENT=''
}

ssh_teardown()
{
	local socket

	if [ -n "$HELD" ]; then
		exec 7>&-
		HELD=
	fi
	[ -z "$AGENT" ] || kill "$AGENT"
	for socket in "$XDG_RUNTIME_DIR"/ucluster-ssh/*; do
		[ ! -S "$socket" ] || ssh -F none -o "ControlPath=$socket" -O exit x 2>/dev/null || :
	done
	rm -rf "$XDG_RUNTIME_DIR"
	sshd_stop
}

# stream ARGUMENT...: ssh-stream with the configuration of the test.
stream()
{
	timeout 60 "$UC_TEST_BUILD/tests/ssh-stream" -F "$SSHD_CONFIG" "$@" 3>&-
}

# configure LINE...: lines of ssh_config(5) that come before those of the test's sshd.
configure()
{
	local before

	before=$(cat "$SSHD_CONFIG")
	printf '%s\n' "$@" "$before" >"$SSHD_CONFIG"
}

# hostile MODE: a server that misbehaves, at $PORT, until the test ends.
hostile()
{
	local out=$BATS_TEST_TMPDIR/port.$1

	[ -z "$HELD" ] || exec 7>&-
	mkfifo "$out.held"
	: >"$out"
	"$UC_TEST_TOP/tests/e2e/ssh_hostile.pl" "$1" <"$out.held" >"$out" 3>&- &
	exec 7>"$out.held"
	HELD=yes
	wait_until 10 test -s "$out"
	PORT=$(<"$out")
}
