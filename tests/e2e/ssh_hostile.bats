#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Servers that misbehave: both transports end in time with one line, and nothing of what
# such a server says reaches the terminal as it is.
load helper
load sshd
load ssh

setup()
{
	ssh_setup
}

teardown()
{
	ssh_teardown
}

# ends MODE [MS]: who connects to such a server gets an error in bounded time and memory.
ends()
{
	local by

	hostile "$1"
	configure 'Host bad' 'HostName 127.0.0.1' "Port $PORT" 'StrictHostKeyChecking accept-new'
	for by in libssh2 openssh; do
		SECONDS=0
		run stream -t "${2:-1500}" "$by" bad true </dev/null
		echo "$1 $by: $status $SECONDS s: $output"
		[ "$status" -eq 104 ]
		[ "$SECONDS" -le 6 ]
		[[ $output != *[$'\x9b']* && $output != *$'\xe2\x80\xae'* ]]
		[[ $output != *$'\e'* && $output != *$'\a'* && $output != *Sanitizer* ]]
		[ "$(grep -c '^error' <<<"$output")" -eq 1 ]
	done
}

@test "silence, and words without an end" {
	for mode in silent banner half flood one_line drip drip_banner; do
		ends "$mode"
	done
}

@test "something else than SSH" {
	for mode in close wrong old both nul escape bidi banner8k cut1 cut7 cut21 cut40 disconnect; do
		ends "$mode"
	done
}

@test "packets that make no sense" {
	for mode in length0 length1 huge most padding empty_kexinit long_kexinit guessed wrong_guess \
		same_names no_names bad_reply tiny_group ext_info; do
		ends "$mode"
	done
}

@test "floods of packets before there is a key" {
	for mode in ignore debug unknown kexinit_storm; do
		ends "$mode"
	done
}

@test "only weak algorithms: nothing is agreed on" {
	ends weak
}
