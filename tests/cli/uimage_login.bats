#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# uimage login and logout: enroot's credentials file.
# shellcheck disable=SC2016

: "${UC_TEST_TOP:?run it through ctest}"

setup()
{
	WORK=$(mktemp -d)
	cd "$WORK" || return 1
	export HOME=$WORK XDG_CONFIG_HOME=$WORK/config
	unset ENROOT_CONFIG_PATH
	FILE=config/enroot/.credentials
}

teardown()
{
	cd / && rm -rf "$WORK"
}

@test "a login is written for enroot, for both hosts of nvcr.io, for nobody else's eyes" {
	run uimage login nvcr.io <<<'s3cret'
	[ "$status" -eq 0 ]
	[ "$output" = 'uimage login: $oauthtoken for nvcr.io is kept' ]
	[ "$(cat "$FILE")" = 'machine nvcr.io login $oauthtoken password s3cret
machine authn.nvidia.com login $oauthtoken password s3cret' ]
	[ "$(stat -c %a "$FILE")" = 600 ]
	[ "$(stat -c %a config/enroot)" = 700 ]
	run uimage login --user me docker.io <<<'other'
	[ "$(sed -n '3,$p' "$FILE")" = 'machine registry-1.docker.io login me password other
machine auth.docker.io login me password other' ]
	# a new password comes in place of the old one
	run uimage login nvcr.io <<<'new'
	[[ $output == *"in place of the one before" ]]
	[ "$(grep -c . "$FILE")" -eq 4 ]
	[ "$(head -n 1 "$FILE")" = 'machine nvcr.io login $oauthtoken password new' ]
	[ "$(grep -c s3cret "$FILE")" -eq 0 ]
}

@test "what others wrote into the file stays byte for byte" {
	mkdir -p config/enroot
	printf '# mine \xff\r\nmachine a.b login c password d\n\nmachine x\n\tlogin y\n' >"$FILE"
	cp "$FILE" before
	chmod 644 "$FILE"
	run uimage login --user me --host auth.reg.example reg.example:5000 <<<'pw'
	[ "$status" -eq 0 ]
	[[ $output == *"others could read"* ]]
	[ "$(stat -c %a "$FILE")" = 600 ]
	cmp before <(head -c "$(stat -c %s before)" "$FILE")
	[ "$(tail -n 2 "$FILE")" = 'machine reg.example login me password pw
machine auth.reg.example login me password pw' ]
	uimage logout --host auth.reg.example reg.example
	cmp before "$FILE"
	run uimage logout reg.example
	[ "$status" -eq 3 ]
	[[ $output == *"no login for reg.example"* ]]
	cmp before "$FILE"
}

@test "a password that enroot would misread is refused, and nothing is written" {
	for word in '' 'a b' '$(touch ran)' '"x'; do
		run uimage login nvcr.io <<<"$word"
		[ "$status" -eq 2 ]
		[ -z "$word" ] || [[ $output != *"$word"* ]]
		[ ! -e "$FILE" ]
	done
	run uimage login reg.example <<<'pw'
	[ "$status" -eq 2 ]
	[[ $output == *"--user is missing"* ]]
	run uimage login --user x 'a/b' <<<'pw'
	[ "$status" -eq 2 ]
	run uimage login nvcr.io </dev/null
	[ "$status" -eq 2 ]
}

@test "a link to the file is followed, a file of others is refused" {
	mkdir -p config/enroot
	printf 'machine a login b password c\n' >real
	ln -s "$WORK/real" "$FILE"
	uimage login nvcr.io <<<'pw'
	[ -L "$FILE" ]
	[ "$(grep -c . real)" -eq 3 ]
	if [ "$(id -u)" = 0 ]; then
		chown 12345 real
		run uimage login nvcr.io <<<'pw2'
		[ "$status" -eq 5 ]
		[ "$(grep -c pw2 real)" -eq 0 ]
	fi
}

@test "the password is in no argument and on no terminal" {
	export TERM=screen
	tmux -L "uimage-$$" -f /dev/null new-session -d -x 100 -y 10 \
		"cd $WORK && HOME=$HOME XDG_CONFIG_HOME=$XDG_CONFIG_HOME PATH=$PATH uimage login nvcr.io; echo done=\$?; sleep 100"
	screen() { tmux -L "uimage-$$" capture-pane -p; }
	has() { local i; for i in $(seq 300); do screen | grep -q "$1" && return 0; sleep 0.1; done; screen; return 1; }
	has 'Password for nvcr.io:'
	tmux -L "uimage-$$" send-keys -l unseen
	tmux -L "uimage-$$" send-keys Enter
	has 'done=0'
	seen=$(screen)
	tmux -L "uimage-$$" kill-server
	[[ $seen != *unseen* ]]
	grep -q 'password unseen$' "$FILE"
}

@test "twenty at once lose none" {
	for i in $(seq 20); do
		uimage login --user me "reg$i.example" <<<"pw$i" 3>&- &
	done
	wait
	[ "$(grep -c '^machine reg[0-9]*.example login me password pw[0-9]*$' "$FILE")" -eq 20 ]
	[ -z "$(find config -name '.credentials.*')" ]
}
