#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Servers that speak SSH well up to a point, and lie there (ssh_liar.c): while keys are
# agreed on, while logging in, with channels and with programs. Both transports end in
# time, with an error, nothing of what is said reaches the terminal as it is, and nothing
# outside the folder is touched.
load helper
load sshd
load ssh

setup()
{
	ssh_setup
	sshd_stop # only what lies beside it is needed
	SSHD_DIR=$(mktemp -d "$UC_TEST_BUILD/tests/tmp/sshd-XXXXXX")
	SSHD_CONFIG=$SSHD_DIR/config HOME=$SSHD_DIR/home
	mkdir -p "$HOME" "$SSHD_DIR/tree/sub" "$SSHD_DIR/beside"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$SSHD_DIR/id"
	echo hello >"$SSHD_DIR/tree/f"
	echo world >"$SSHD_DIR/tree/sub/g"
	echo untouched >"$SSHD_DIR/beside/sentinel"
	BEFORE=$(summary)
	# libssh2 1.10 forgets some bytes when a handshake fails
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 UCLUSTER_SITE_CONFIG=$SSHD_DIR/none
}

teardown()
{
	ssh_teardown
}

summary()
{
	(cd "$SSHD_DIR" && find tree beside -printf '%p %y %m %s %T@\n' | sort | sha256sum)
}

# liar MODE: such a server, until the test ends or the next one starts. It is known.
liar()
{
	local key

	SAID=$SSHD_DIR/said.$1
	[ -z "$HELD" ] || exec 7>&-
	rm -f "$SAID.held"
	mkfifo "$SAID.held"
	: >"$SAID"
	"$UC_TEST_BUILD/tests/ssh-liar" "$1" <"$SAID.held" >"$SAID" 2>&1 3>&- &
	exec 7>"$SAID.held"
	HELD=yes
	wait_until 30 test -s "$SAID"
	read -r PORT key <"$SAID"
	echo "[127.0.0.1]:$PORT $key" >"$SSHD_DIR/known_hosts"
	cat >"$SSHD_CONFIG" <<-EOT
		Host bad
		HostName 127.0.0.1
		Port $PORT
		User me
		IdentityFile "$SSHD_DIR/id"
		IdentitiesOnly yes
		IdentityAgent none
		UserKnownHostsFile "$SSHD_DIR/known_hosts"
		GlobalKnownHostsFile none
		StrictHostKeyChecking yes
	EOT
}

# alone COMMAND...: without a terminal, which ssh could ask at, and without bats' files.
alone()
{
	setsid -w timeout 120 "$@" </dev/null 3>&- 7>&-
}

# judge MODE WAY: what a run printed is fit for a terminal and has an error; $SECONDS.
judge()
{
	echo "$1 $2: $status $SECONDS s: ${output:0:2000}"
	[[ $output != *[$'\e\a\r\x9b']* && $output != *Sanitizer* && $output != *'runtime error'* ]]
	[[ $output != *$'\xe2\x80\xae'* ]]
	[ "${#output}" -lt 30000 ]
	[ "$(summary)" = "$BEFORE" ]
}

# logs_in MODE [OPTION...]: nobody gets so far as to run a program. A run that was slower
# than the lie is done again with more time.
logs_in()
{
	local mode=$1 by ms told

	shift
	liar "$mode"
	for by in libssh2 openssh; do
		for ms in 1500 6000 24000; do
			told=$(grep -c told "$SAID" || :)
			SECONDS=0
			run alone "$UC_TEST_BUILD/tests/ssh-stream" -F "$SSHD_CONFIG" -t "$ms" "$@" \
				"$by" bad true
			judge "$mode" "$by"
			[[ $status =~ ^10[456]$ ]]
			[ "$(grep -c '^error' <<<"$output")" -eq 1 ]
			# while somebody could answer, ssh has three times as long
			[ "$SECONDS" -le $((3 * ms / 1000 + 15)) ]
			[ "$(grep -c told "$SAID")" -le "$told" ] || break
		done
		[ "$(grep -c told "$SAID")" -gt "$told" ]
	done
}

# syncs MODE WAY...: usync ends with an error.
syncs()
{
	local mode=$1 way
	local -a sftp

	shift
	liar "$mode"
	for way; do
		SECONDS=0 sftp=()
		[[ $way != *+sftp ]] || sftp=(--sftp)
		run alone usync --config "$SSHD_CONFIG" --transport "${way%+*}" --timeout 1s --yes \
			"${sftp[@]}" "$SSHD_DIR/tree" bad:there
		judge "$mode" "$way"
		[[ $status =~ ^[1456]$ ]]
		[[ $output == *usync:* ]]
		[ "$SECONDS" -le 25 ]
		grep -q told "$SAID"
	done
}

modes()
{
	"$UC_TEST_BUILD/tests/ssh-liar" | grep -e "^$1-"
}

@test "lies while keys are agreed on" {
	for mode in $(modes kex); do
		logs_in "$mode"
	done
}

@test "lies when keys were agreed on" {
	for mode in $(modes keyed); do
		logs_in "$mode"
	done
}

@test "lies while logging in" {
	for mode in $(modes auth); do
		logs_in "$mode"
	done
}

@test "questions: none, many, long, without an end, in somebody else's words" {
	for mode in $(modes ask); do
		logs_in "$mode" -p one -p two -p three -p four -p five
		case $mode in
		ask-9 | ask-1000 | ask-10000 | ask-2g | ask-long | ask-cut | ask-lengths)
			# no answer is given to those
			[[ $output != *'asked'* ]]
			;;
		esac
	done
}

@test "a question is shown as the host's, whatever it looks like" {
	liar ask-shell
	run alone "$UC_TEST_BUILD/tests/ssh-stream" -F "$SSHD_CONFIG" -p one -p two libssh2 bad true
	judge ask-shell libssh2
	# each of its lines says who asks
	[ "$(grep -c '127.0.0.1 asks: ' <<<"$output")" -ge 4 ]
	[[ $output == *'127.0.0.1 asks: me@laptop:~$ sudo true'* ]]
	run grep -E '^(me@|\[sudo\]|Are you sure)' <<<"$output"
	[ "$status" -eq 1 ]
}

@test "a password is given once, and not again when the connection is gone" {
	liar ask-then-disconnect
	run alone "$UC_TEST_BUILD/tests/ssh-stream" -F "$SSHD_CONFIG" -p one -p two -p three \
		libssh2 bad true
	judge ask-then-disconnect libssh2
	[ "$(grep -c '^asked' <<<"$output")" -eq 1 ]
	[[ $output == *'closed the connection while logging in'* ]]
}

@test "lies when a channel is opened" {
	for mode in $(modes open); do
		syncs "$mode" libssh2 ssh
	done
}

@test "lies when a program is started" {
	for mode in $(modes exec); do
		syncs "$mode" libssh2 ssh
	done
}

@test "lies when SFTP is started" {
	for mode in $(modes exec); do
		syncs "$mode" libssh2+sftp
	done
}

@test "another key of the host in the middle of a connection is noticed" {
	for mode in open-rekey-other exec-rekey-other; do
		syncs "$mode" libssh2 ssh
		[ "$SECONDS" -lt 20 ]
	done
	liar open-rekey-other
	run alone "$UC_TEST_BUILD/tests/ssh-stream" -F "$SSHD_CONFIG" libssh2 bad true
	[ "$status" -eq 105 ]
	[[ $output == *'showed another key than before'* ]]
}

@test "a helper that never answers is given up after --timeout" {
	liar exec-mute
	for by in libssh2 ssh; do
		SECONDS=0
		run alone usync --config "$SSHD_CONFIG" --transport "$by" --timeout 2s \
			"$SSHD_DIR/tree" bad:there
		judge exec-mute "$by"
		[ "$status" -eq 4 ]
		[[ $output == *'says nothing, for 2 seconds'* ]]
		[ "$SECONDS" -ge 2 ] && [ "$SECONDS" -le 20 ]
	done
}
