#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# usync with somebody at the terminal, or a program behind the pipe: progress, questions,
# Ctrl-C, events; watch; snapshots; the helper put on a host; completion.
# shellcheck disable=SC2030,SC2031,SC2103,SC2164
load helper
load sshd
load usync

setup()
{
	usync_setup
	mkdir proj && cd proj || return 1
	usync init "there:$WORK/far" 2>/dev/null
	way libssh2
}

teardown()
{
	usync_teardown
}

# --- terminal ---

@test "progress is one line within 80 columns, and gone in the end" {
	local screen

	head -c 60000000 /dev/urandom >large
	tmux_start 80 24 usync push --bwlimit=3M "${WAY[@]}"
	tmux_wait 'sending +[0-9]+/[0-9]+ files +[0-9.]+[KM] of 57.2M'
	tmux_wait '[0-9.]+M/s +[0-9:]+ left' 30
	screen=$(tmux_screen | grep -c sending)
	[ "$screen" -eq 1 ]
	tmux_keys C-c
	tmux_wait 'usync push: stopping; once more ends it at once'
	tmux_wait 'usync push: stopped: .*the next run goes on from there'
	[ "$(tmux_status)" -eq 130 ]
	run ! tmux_has 'sending'
	[ ! -e "$WORK/far/large" ]
	usync push -Q "${WAY[@]}"
	cmp large "$WORK/far/large"
}

@test "Ctrl-C over the user's own ssh does the same" {
	way ssh
	head -c 60000000 /dev/urandom >large
	tmux_start 80 24 usync push --bwlimit=3M "${WAY[@]}"
	# parts of a file are kept from 8M on
	tmux_wait '1[0-9](\.[0-9])?M of 57.2M' 30
	tmux_keys C-c
	tmux_wait 'usync push: stopped: .*the next run goes on from there'
	[ "$(tmux_status)" -eq 130 ]
	run -0 --separate-stderr usync push --json "${WAY[@]}"
	[ "$(jq -s 'last | .progress.wire' <<<"$output")" -lt 60000000 ]
	cmp large "$WORK/far/large"
}

@test "a second Ctrl-C ends it at once" {
	head -c 60000000 /dev/urandom >large
	# the shells around it live on
	tmux_start 80 24 bash -c 'trap : INT; "$@"; true' bash usync push --bwlimit=1M "${WAY[@]}"
	tmux_wait '[0-9.]+[KM] of 57.2M' 30
	tmux_keys C-c
	tmux_wait 'once more ends it at once'
	tmux_keys C-c
	wait_until 2 test -s "$WORK/tmux.status"
	run ! tmux_has 'usync push: stopped'
}

@test "--delete asks on the terminal, and no is no" {
	echo 1 >old
	usync push -Q "${WAY[@]}"
	rm old
	tmux_start 80 24 usync push --delete "${WAY[@]}"
	tmux_wait 'delete old'
	tmux_wait 'move this one \(2 bytes\) there to the trash\? \[y/N\]'
	tmux_keys n Enter
	tmux_wait 'nothing was done'
	[ "$(tmux_status)" -eq 1 ]
	[ -e "$WORK/far/old" ]
	tmux_end
	rm "$WORK/tmux.status"
	tmux_start 80 24 usync push --delete "${WAY[@]}"
	tmux_wait 'trash\? \[y/N\]'
	tmux_keys y Enter
	[ "$(tmux_status)" -eq 0 ]
	[ ! -e "$WORK/far/old" ]
}

@test "a place that the project file names is asked about once" {
	rm -r "$HOME/.local/state/ucluster/sync-places"
	echo 1 >file
	tmux_start 100 24 usync push "${WAY[@]}"
	tmux_wait "this project goes to there:$WORK/far" || tmux_wait 'this project goes to'
	tmux_keys y Enter
	[ "$(tmux_status)" -eq 0 ]
	run -0 usync push "${WAY[@]}"
}

@test "a host that is not known is shown, and only yes takes it" {
	local way

	sed -i 's/^StrictHostKeyChecking.*/StrictHostKeyChecking ask/; s/^BatchMode.*/BatchMode no/' "$SSHD_CONFIG"
	sed -i 's/^\tStrictHostKeyChecking.*/\tStrictHostKeyChecking ask/; s/^\tBatchMode.*/\tBatchMode no/' "$SSHD_CONFIG"
	cp "$SSHD_DIR/known_hosts" "$SSHD_DIR/known"
	for way in libssh2 ssh; do
		: >"$SSHD_DIR/known_hosts"
		way "$way"
		# nobody is there
		run -5 usync push "${WAY[@]}" </dev/null
		rm -f "$WORK/tmux.status"
		tmux_start 100 24 usync push "${WAY[@]}"
		tmux_wait 'SHA256:'
		tmux_screen | tr -d '\n' | grep -qF "$(ssh-keygen -lf "$SSHD_DIR/host_ed25519.pub" | cut -d' ' -f2)"
		tmux_keys no Enter
		[ "$(tmux_status)" -eq 5 ]
		tmux_end
		rm -f "$WORK/tmux.status"
		tmux_start 100 24 usync push "${WAY[@]}"
		tmux_wait "SHA256"
		tmux_keys yes Enter
		[ "$(tmux_status)" -eq 0 ]
		tmux_end
		grep -q . "$SSHD_DIR/known_hosts"
	done
}

# --- events ---

@test "--json: every line is an object, the first and the last say what it was" {
	local events

	mkdir src
	echo 1 >src/a
	printf '1\n' >$'new\nline'
	printf '1\n' >$'\xff'
	ln -s a src/link
	echo 1 >x.pyc
	run -0 --separate-stderr usync push --json "${WAY[@]}"
	events=$output
	jq -e -s 'all(.event and .time) and first.event == "start" and first.version == 1
		and first.host == "there" and last.event == "end" and last.status == 0
		and last.interrupted == false' <<<"$events"
	jq -e -s 'map(select(.event == "item")) | any(.path == "src/a" and .action == "new" and .kind == "f"
		and .size == 2 and .why == null) and any(.path == "new\nline") and any(.path_hex == "ff")
		and any(.kind == "l" and .target == "a")' <<<"$events"
	jq -e -s 'map(select(.event == "skip")) | .[0].rule == "*.pyc" and .[0].files == 1' <<<"$events"
	jq -e -s 'map(select(.event == "plan")) | .[0].new.entries == 6 and .[0].complete' <<<"$events"
	jq -e -s 'map(select(.event == "done")) | length == 6' <<<"$events"
	# what fails is an event, too
	kill "$SSHD_PID"
	run -4 --separate-stderr usync push --json "${WAY[@]}"
	jq -e -s 'last | .event == "end" and .status == 4 and (.error | length > 0)' <<<"$output"
}

# --- watch ---

has_content()
{
	[ "$(cat "$1" 2>/dev/null)" = "$2" ]
}

watches()
{
	local watch

	echo 1 >file
	usync watch "$@" "${WAY[@]}" >"$WORK/out" 2>&1 3>&- &
	watch=$!
	wait_until 20 has_content "$WORK/far/file" 1
	wait_until 20 grep -q watching "$WORK/out"
	echo 22 >file
	wait_until 20 has_content "$WORK/far/file" 22
	# a folder that is new, and a file in it
	mkdir -p new/deep
	echo 3 >new/deep/file
	wait_until 20 has_content "$WORK/far/new/deep/file" 3
	echo 44 >new/deep/file
	wait_until 20 has_content "$WORK/far/new/deep/file" 44
	rm -rf new
	kill "$watch"
	wait "$watch" 2>/dev/null || :
}

# arrives FOLDER: the first bytes of a large file are there.
arrives()
{
	[ -n "$(find "$1" -name '.uc-*' -size +0 -print -quit 2>/dev/null)" ]
}

@test "watch pushes what changes, by inotify" {
	watches
	run ! grep -q looking "$WORK/out"
}

@test "watch pushes what changes, by looking" {
	watches --poll --interval=1s -v
	grep -q 'looking for changes every 1 s' "$WORK/out"
}

@test "watch says a conflict once, and sees what rules take along" {
	local watch

	echo 1 >both
	usync push -Q "${WAY[@]}"
	echo 22 >both
	echo 333 >"$WORK/far/both"
	# in the default list of what is left behind
	mkdir wandb
	echo 1 >wandb/run
	usync watch --no-defaults "${WAY[@]}" >"$WORK/out" 2>&1 3>&- &
	watch=$!
	wait_until 60 grep -q 'left as it is: both' "$WORK/out"
	wait_until 60 has_content "$WORK/far/wandb/run" 1
	wait_until 60 grep -q watching "$WORK/out"
	echo 22 >wandb/run
	wait_until 60 has_content "$WORK/far/wandb/run" 22
	echo 1 >other
	wait_until 60 has_content "$WORK/far/other" 1
	# another one is news
	echo 4444 >"$WORK/far/other"
	echo 22 >other
	wait_until 60 grep -q 'left as it is: other' "$WORK/out"
	[ "$(grep -c 'left as it is: both' "$WORK/out")" -eq 1 ]
	[ "$(grep -c '^hint: ' "$WORK/out")" -eq 2 ]
	kill "$watch"
	wait "$watch" 2>/dev/null || :
}

@test "watch pushes what changed during its first push" {
	local watch

	head -c 8M /dev/urandom >large
	usync watch --bwlimit=2M "${WAY[@]}" >"$WORK/out" 2>&1 3>&- &
	watch=$!
	wait_until 20 arrives "$WORK/far"
	[ ! -e "$WORK/far/large" ]
	echo late >late
	wait_until 20 has_content "$WORK/far/late" late
	grep -q watching "$WORK/out"
	kill "$watch"
	wait "$watch" 2>/dev/null || :
}

@test "watch goes on when the host comes back" {
	local watch

	echo 1 >file
	usync watch "${WAY[@]}" >"$WORK/out" 2>&1 3>&- &
	watch=$!
	wait_until 20 has_content "$WORK/far/file" 1
	wait_until 20 grep -q watching "$WORK/out"
	kill "$SSHD_PID"
	wait "$SSHD_PID" 2>/dev/null || :
	echo 22 >file
	wait_until 20 grep -q 'it is tried again in' "$WORK/out"
	sshd_run
	wait_until 30 has_content "$WORK/far/file" 22
	kill "$watch"
	wait "$watch" 2>/dev/null || :
}

# --- snapshots and trash ---

@test "a snapshot is a copy that stays; what did not change takes no room" {
	local first second how

	head -c 200000 /dev/urandom >big
	echo 1 >code
	run -0 --separate-stderr usync push --snapshot -m $'lr \e[31msweep' "${WAY[@]}"
	first=$output
	echo 22 >code
	run -0 --separate-stderr usync push --snapshot -m second "${WAY[@]}"
	second=$output
	[ "$first" != "$second" ]
	[ "$(cat "$WORK/far/.ucluster-snapshots/$first/tree/code")" = 1 ]
	[ "$(cat "$WORK/far/.ucluster-snapshots/$second/tree/code")" = 22 ]
	run -0 usync snapshots --json "${WAY[@]}"
	jq -e --arg id "$first" '.version == 1 and (.snapshots | length == 2) and .snapshots[0].id == $id' <<<"$output"
	run -0 usync log "${WAY[@]}"
	[[ ${lines[0]} == "$second"* ]]
	[[ $output == *'lr \x1b[31msweep'* ]]
	# the next pushes leave it alone
	echo 333 >code
	head -c 200000 /dev/urandom >big
	usync push -Q "${WAY[@]}"
	[ "$(cat "$WORK/far/.ucluster-snapshots/$first/tree/code")" = 1 ]
	# back there, and from there back here
	run -2 usync restore "$first" "${WAY[@]}" </dev/null
	run -3 usync restore --yes 20200101T000000Z-0000 "${WAY[@]}"
	run -0 usync restore --yes "$first" "${WAY[@]}"
	[ "$(cat "$WORK/far/code")" = 1 ]
	run -0 usync pull "${WAY[@]}"
	[ "$(cat code)" = 1 ]
	[ -w code ]
	# each time has its own place in the trash
	run -0 usync restore --yes "$second" "${WAY[@]}"
	[ "$(find "$WORK/far/.ucluster-trash" -mindepth 1 -maxdepth 1 | wc -l)" -eq 2 ]
	run -0 usync log --json "${WAY[@]}"
	jq -e --arg id "$second" '.version == 1 and .snapshots[0].id == $id
		and (.snapshots[0] | .files == 3 and .own > 0 and .unread == 0 and has("git")
			and .message == "second" and (.host | length > 0))' <<<"$output"
	# a job may wait for what is young
	for how in --yes --dry-run; do
		run -0 usync prune --keep=1 "$how" "${WAY[@]}"
		[[ $output == *"nothing to remove"*"1 younger than 14 days stay"*"'--force'"* ]]
	done
	run -0 usync prune --keep=1 --force --dry-run "${WAY[@]}"
	[[ $output == *"would remove the 1 oldest of 2 snapshots" ]]
	[ -d "$WORK/far/.ucluster-snapshots/$first" ]
	run -0 usync prune --keep=1 --force --yes "${WAY[@]}"
	[[ $output == *"removed 1 snapshot" ]]
	[ "$(ls "$WORK/far/.ucluster-snapshots")" = "$second" ]
}

@test "trash is listed, put back and emptied" {
	local id

	echo 1 >old
	echo 1 >keep
	usync push -Q "${WAY[@]}"
	rm old
	usync push -Q --delete --yes "${WAY[@]}"
	run -0 usync trash list --json "${WAY[@]}"
	id=$(jq -r '.runs[0].run' <<<"$output")
	[ "$(jq '.runs[0].files' <<<"$output")" = 1 ]
	run -0 usync trash restore "$id" "${WAY[@]}"
	[ "$(cat "$WORK/far/old")" = 1 ]
	rm -f "$WORK/far/keep"
	usync pull -Q --delete --yes "${WAY[@]}"
	run -0 usync trash list --here "${WAY[@]}"
	rm old
	usync push -Q --delete --yes "${WAY[@]}"
	run -2 usync trash empty "${WAY[@]}" </dev/null
	run -0 usync trash empty --yes "${WAY[@]}"
	run -0 --separate-stderr usync trash list -h "${WAY[@]}"
	[ -z "$output" ]
}

# --- the helper ---

@test "install-helper puts a helper there that runs, and that is used" {
	local way

	# no usync in the PATH of the host
	sshd_stop
	sshd_start "$(far_environment PATH=/usr/bin:/bin "LD_LIBRARY_PATH=$UC_TEST_BUILD/lib")"
	for way in libssh2 ssh; do
		rm -rf "$HOME/.local/bin"
		way "$way"
		run -0 usync push -v "${WAY[@]}"
		[[ $output == *sftp* ]]
		run -0 usync install-helper "${WAY[@]}" there
		[[ $output == *"usync-helper "*" is ~/.local/bin/usync there now"* ]]
		[ "$(stat -c %a "$HOME/.local/bin/usync")" = 755 ]
		[ "$(ls -A "$HOME/.local/bin")" = usync ]
		echo "$RANDOM" >file
		run -0 usync push -v "${WAY[@]}"
		[[ $output == *helper* ]]
	done
}

@test "install-helper leaves alone a host of another kind, and what cannot be written" {
	sshd_stop
	mkdir "$WORK/bin"
	printf '#!/bin/sh\necho Linux sparc64\n' >"$WORK/bin/uname"
	chmod +x "$WORK/bin/uname"
	sshd_start "$(far_environment "PATH=$WORK/bin:/usr/bin:/bin")"
	run -1 usync install-helper --config "$SSHD_CONFIG" --transport=libssh2 there
	[[ $output == *"the host is 'Linux sparc64'"* ]]
	rm "$WORK/bin/uname"
	rm -rf "$HOME/.local"
	: >"$HOME/.local"
	run -1 usync install-helper --config "$SSHD_CONFIG" --transport=libssh2 there
	[[ $output == *"~/.local/bin cannot be made"* ]]
}

# --- completion ---

# fastest COMMAND...: milliseconds of the best of ten runs.
fastest()
{
	local best=100000 took from

	for _ in 1 2 3 4 5 6 7 8 9 10; do
		from=${EPOCHREALTIME/./}
		"$@" >/dev/null
		took=$(((${EPOCHREALTIME/./} - from) / 1000))
		[ "$took" -ge "$best" ] || best=$took
	done
	echo "$best"
}

# completes WORD NAMES
completes()
{
	[ "$(usync complete --config "$SSHD_CONFIG" "$1" | sort)" = "$2" ]
}

@test "names on the host are completed within a second, and kept for a minute" {
	local begun

	mkdir -p "$WORK/far/data" "$WORK/far/dir"
	: >"$WORK/far/data.csv"
	: >"$WORK/far/"$'d$(id)'
	# what a shell or a terminal would take for something else
	: >"$WORK/far/"$'d\e]0;owned\a'
	: >"$WORK/far/"$'d\nnew'
	: >"$WORK/far/d with blank"
	: >"$WORK/far/d'quote"
	: >"$WORK/far/"$'d\xff\x9b'
	# on a busy machine a second may be too short for a connection: then nothing is kept
	wait_until 60 completes "there:$WORK/far/d" "there:$WORK/far/data.csv
there:$WORK/far/data/
there:$WORK/far/dir/"
	kill -STOP "$SSHD_PID"
	[ "$(usync complete --config "$SSHD_CONFIG" "there:$WORK/far/da" | sort)" = "there:$WORK/far/data.csv
there:$WORK/far/data/" ]
	# what was kept comes at once: the best of ten, on a machine with other work
	[ "$(fastest usync complete --config "$SSHD_CONFIG" "there:$WORK/far/da")" -lt \
		"$([ -n "$UC_TEST_SANITIZE" ] && echo 3000 || echo 100)" ] # it starts slowly
	begun=$SECONDS
	[ "$(usync complete --config "$SSHD_CONFIG" "there:$WORK/")" = '' ]
	[ $((SECONDS - begun)) -le 10 ] # others would wait 20 s for a connection
	kill -CONT "$SSHD_PID"
}
