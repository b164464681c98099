#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# usync as somebody uses it: a project here, its folder behind a real sshd.
# shellcheck disable=SC2030,SC2031,SC2103,SC2164
load helper
load sshd
load usync

setup()
{
	usync_setup
	mkdir proj && cd proj || return 1
	usync init "there:$WORK/far" 2>/dev/null
}

teardown()
{
	usync_teardown
}

# each_way FUNCTION: over each way to the host, every time from the start.
each_way()
{
	local way

	for way in "${WAYS[@]}"; do
		way "$way"
		rm -rf "$WORK/far" "$HOME/.local/state/ucluster/sync"
		find . -mindepth 1 ! -name .ucluster.yaml -delete
		# no '||': what fails in it is to end the test
		"$@"
	done
}

first_push()
{
	mkdir -p src data
	echo 'print(1)' >src/train.py
	echo x >data/x.txt
	mkdir empty
	run -0 usync push "${WAY[@]}"
	[[ $output == *" sent, "*" in "*" s"* ]]
	diff -r --exclude='.ucluster-*' . "$WORK/far"
	[ -d "$WORK/far/empty" ]
	run -0 usync push "${WAY[@]}"
	[[ $output == *"nothing to send"* ]]
	run -0 usync status "${WAY[@]}"
	[[ $output == *"nothing to do"* ]]
}

@test "push sends what is here, and nothing the second time" {
	each_way first_push
}

dry_run()
{
	mkdir -p src __pycache__
	echo 1 >src/a.py
	echo 1 >__pycache__/x.pyc
	ln -s a.py src/link
	run -0 --separate-stderr usync push -n "${WAY[@]}"
	[ ! -e "$WORK/far" ]
	[[ $output == *"new           2B  src/a.py"* ]]
	[[ $output == *"src/link -> a.py"* ]]
	# shellcheck disable=SC2154
	[[ $stderr == *"__pycache__/ (default"*") leaves behind 1 folder"* ]]
	[[ $stderr == *"skipped 1 rule"* ]]
}

@test "--dry-run says each file and each rule, and does nothing" {
	each_way dry_run
}

conflict()
{
	echo 1 >same
	echo 1 >both
	echo 1 >theirs
	usync push -Q "${WAY[@]}"
	echo 'mine, longer' >both
	echo 'yours' >"$WORK/far/both"
	echo 'only yours' >"$WORK/far/theirs"
	run -1 usync push "${WAY[@]}"
	[[ $output == *"changed on both sides, left as it is: both"* ]]
	[[ $output == *"'usync push --overwrite both' takes what is here"* ]]
	[[ $output == *"1 newer there, kept"* ]]
	[ "$(cat both "$WORK/far/both" "$WORK/far/theirs")" = $'mine, longer\nyours\nonly yours' ]
	run -0 usync status "${WAY[@]}"
	[[ $output == *"conflict "*"both"* && $output == *"newer "*"theirs"* ]]
	run -1 usync pull "${WAY[@]}"
	[ "$(cat theirs both)" = $'only yours\nmine, longer' ]
	run -0 usync push --overwrite "${WAY[@]}" both
	[ "$(cat "$WORK/far/both")" = 'mine, longer' ]
	[ "$(cat "$WORK"/far/.ucluster-trash/*/both)" = yours ]
	run -0 usync push "${WAY[@]}"
}

@test "a file that changed on both sides is named and left as it is, until it is said who wins" {
	each_way conflict
}

first_run()
{
	mkdir -p "$WORK/far/deep"
	echo 'their table' >"$WORK/far/deep/table"
	touch -d '2 hours ago' "$WORK/far/deep/table"
	ln -s theirs "$WORK/far/link"
	touch -h -d '2 hours ago' "$WORK/far/link"
	echo 'their newer one' >"$WORK/far/newer"
	mkdir deep
	echo 'my table' >deep/table
	ln -s mine link
	echo 'older here' >newer
	touch -d '1 hour ago' newer
	run -0 usync push -n "${WAY[@]}"
	[[ $output == *"update "*"deep/table  (older there: to the trash)"* ]]
	run -0 usync push "${WAY[@]}"
	[[ $output == *"1 newer there, kept"* ]]
	[ "$(cat "$WORK/far/deep/table" "$WORK/far/newer")" = $'my table\ntheir newer one' ]
	[ "$(cat "$WORK"/far/.ucluster-trash/*/deep/table)" = 'their table' ]
	[ "$(readlink "$WORK"/far/.ucluster-trash/*/link)" = theirs ]
	# the same when it comes from there
	rm -rf "$HOME/.local/state/ucluster/sync" .ucluster-trash
	echo 'mine, older' >newer
	touch -d '1 hour ago' newer
	run -0 usync pull "${WAY[@]}"
	[ "$(cat newer)" = 'their newer one' ]
	[ "$(cat .ucluster-trash/*/newer)" = 'mine, older' ]
	[ -z "$(find .ucluster-trash -name deep)" ]
	# what this side had before is nothing to keep
	echo 'my second table' >deep/table
	run -0 usync push "${WAY[@]}"
	run ! grep -rq 'my table' "$WORK/far/.ucluster-trash"
}

@test "what a first run replaces is in the trash" {
	each_way first_run
}

typos()
{
	mkdir -p logs "$WORK/far/results"
	echo 1 >logs/run1.log
	echo 1 >"$WORK/far/results/table.csv"
	run -3 usync pull "${WAY[@]}" 'typo*'
	[[ $output == *"nothing matches 'typo*' on either side"* ]]
	run -3 usync pull "${WAY[@]}" 'results/*.csv' '*.scv'
	[ ! -e results ]
	run -3 usync push "${WAY[@]}" lgos
	[[ $output == *"'lgos' is on neither side"*"did you mean 'logs'?"* ]]
	run -3 usync push "${WAY[@]}" logs/rum1.log
	[[ $output == *"did you mean 'logs/run1.log'?"* ]]
	run -3 usync push "${WAY[@]}" 'lgos/*.log'
	[[ $output == *"did you mean 'logs/*.log'?"* ]]
	# SFTP is not asked for more names
	run -3 usync pull "${WAY[@]}" resultz
	[[ -n $SECONDS_ONLY || $output == *"did you mean 'results'?"* ]]
	run -0 usync pull "${WAY[@]}" 'results/*.csv' 'logs/*'
	[ -e results/table.csv ]
}

@test "a pattern or a path that nothing is like ends with 3, and the nearest name" {
	each_way typos
}

not_at_the_source()
{
	mkdir -p "$WORK/far/results"
	echo 1 >"$WORK/far/results/table.csv"
	echo old >tables.csv
	run -3 usync "${WAY[@]}" "there:$WORK/far/results/tables.csv" .
	[[ ${lines[0]} == "usync: there is no 'tables.csv' on 'there'" ]]
	# SFTP is not asked for more names
	[[ -n $SECONDS_ONLY || ${lines[1]} == "hint: did you mean 'table.csv'?" ]]
	[ "$(cat tables.csv)" = old ]
	run -3 usync "${WAY[@]}" "there:$WORK/far/results/nothing" new
	[ ! -e new ]
	run -0 usync "${WAY[@]}" "there:$WORK/far/results/table.csv" new
	[ "$(cat new/table.csv)" = 1 ]
	# whose folder it is that is not there
	run -3 usync "${WAY[@]}" "there:$WORK/far/none/table.csv" .
	[[ ${lines[0]} == "usync: there: "*"/far/none'"* ]]
}

@test "what a copy names and the host does not have is said, also where it is here" {
	each_way not_at_the_source
}

odd_times()
{
	echo 1 >old
	echo 1 >late
	echo 1 >file
	touch -d '1960-01-01' old
	touch -d '2200-01-01' late
	touch -d '2024-05-05 10:00:00.25' file
	usync push -Q "${WAY[@]}"
	run -0 usync push "${WAY[@]}"
	[[ $output == *"nothing to send"* && $output != *kept* ]]
	echo 22 >late
	touch -d '2200-01-01' late
	run -0 usync push "${WAY[@]}"
	[ "$(cat "$WORK/far/late")" = 22 ]
	# an edit of the same size a second later
	echo 2 >"$WORK/far/file"
	touch -d '2024-05-05 10:00:01' "$WORK/far/file"
	run -0 usync push "${WAY[@]}"
	[[ $output == *"1 newer there, kept"* ]]
	run -0 usync pull "${WAY[@]}"
	[ "$(cat file)" = 2 ]
}

@test "times before 1970 and after 2106, and an edit a second later" {
	each_way odd_times
}

names()
{
	echo 1 >one
	ln one two
	usync push -Q "${WAY[@]}"
	mv one other
	run -0 usync push --delete --yes "${WAY[@]}"
	run -0 usync status "${WAY[@]}"
	[[ $output == *"nothing to do" ]]
	echo more >two
	run -0 usync push "${WAY[@]}"
	[ "$(cat "$WORK/far/two" "$WORK/far/other")" = $'more\nmore' ]
	run -0 usync push "${WAY[@]}"
	[[ $output == *"nothing to send" ]]
	# a link's target is no part of its name
	ln -s one link
	usync push -Q "${WAY[@]}"
	ln -sfn mine link
	ln -sfn theirs "$WORK/far/link"
	run -1 usync push "${WAY[@]}"
	[[ $output == *"left as it is: link -> mine"*"'usync push --overwrite' takes"* ]]
}

@test "names of one file are at rest after a push" {
	each_way names
}

kinds()
{
	mkdir thing
	echo 1 >thing/x
	usync push -Q "${WAY[@]}"
	rm -r thing
	echo file >thing
	run -1 usync push --overwrite "${WAY[@]}"
	[[ $output == *"left as it is: thing"*"--overwrite does not decide it"* ]]
	[[ $output != *"usync push --overwrite"* ]]
	[ "$(cat "$WORK/far/thing/x")" = 1 ]
	run -1 usync pull --overwrite "${WAY[@]}"
	[[ $output == *"--overwrite does not decide it"* ]]
	[ "$(cat thing)" = file ]
}

@test "a folder on one side and a file on the other is said, and no hint leads nowhere" {
	each_way kinds
}

@test "a helper that is none is named" {
	way libssh2
	run -4 usync push --helper='/bin/echo hello' "${WAY[@]}"
	[[ $output == *"no helper answers there, but 'hello'"* ]]
	[[ $output == *"is '/bin/echo hello' the helper's command line there?"* ]]
}

delete()
{
	mkdir dir
	echo 1 >dir/gone
	echo 1 >stays
	usync push -Q "${WAY[@]}"
	echo result >"$WORK/far/result"
	rm -r dir
	# additive without being asked
	run -0 usync push "${WAY[@]}"
	[ -e "$WORK/far/dir/gone" ]
	run -2 usync push --delete "${WAY[@]}" </dev/null
	[ -e "$WORK/far/dir/gone" ]
	run -0 usync push --delete --yes "${WAY[@]}"
	[[ $output == *"delete dir/gone"* ]]
	# what is removed is not sent
	[[ $output == *"usync push: 3 moved to the trash"* ]]
	[ ! -e "$WORK/far/dir" ]
	[ "$(cat "$WORK"/far/.ucluster-trash/*/dir/gone)" = 1 ]
}

@test "--delete lists, needs a yes, and moves to the trash" {
	each_way delete
}

@test "--delete is capped" {
	local i

	way libssh2
	for i in 1 2 3 4 5 6 7 8; do
		echo "$i" >"file$i"
	done
	usync push -Q "${WAY[@]}"
	rm file1 file2 file3
	run ! usync push --delete --yes --max-delete=2 "${WAY[@]}"
	[ -e "$WORK/far/file1" ]
	run -0 usync push --delete --yes --max-delete=3 "${WAY[@]}"
	[ ! -e "$WORK/far/file1" ]
	# more than half of all is too much for somebody to have meant it
	for i in {10..30}; do
		echo "$i" >"file$i"
	done
	usync push -Q "${WAY[@]}"
	rm file1? file2?
	run ! usync push --delete --yes "${WAY[@]}"
	[[ $output == *"--max-delete="* ]]
	[ -e "$WORK/far/file10" ]
	run -0 usync push --delete --yes --max-delete=20 "${WAY[@]}"
	[ ! -e "$WORK/far/file10" ]
}

secrets()
{
	echo 'TOKEN=1' >.env
	ssh-keygen -q -t ed25519 -N '' -f id_ed25519
	run -0 usync push "${WAY[@]}"
	[[ $output == *"looks like a secret, left behind: .env"* ]]
	[[ $output == *"left behind: id_ed25519 ("* ]]
	[[ $output == *"--allow-secrets"* ]]
	[[ $output == *"; 2 like a secret"* ]]
	[ ! -e "$WORK/far/.env" ] && [ ! -e "$WORK/far/id_ed25519" ]
	# what was asked for did not go
	run -1 usync push "${WAY[@]}" .env
	[[ $output == *"left behind: .env"*"; 1 like a secret"* ]]
	run -1 usync push "${WAY[@]}" '.en*'
	run -1 usync "${WAY[@]}" .env "there:$WORK/far"
	[ ! -e "$WORK/far/.env" ]
	run -0 usync push --allow-secrets "${WAY[@]}"
	[ -e "$WORK/far/.env" ]
}

@test "what looks like a secret is left behind and named" {
	each_way secrets
}

rules()
{
	mkdir -p logs wandb/run keep
	echo 1 >logs/a.log
	echo 1 >wandb/run/x
	echo 1 >model.pt
	echo 1 >keep/big.bin
	printf '*.log\n' >.gitignore
	run -0 usync push --exclude '*.bin' "${WAY[@]}"
	[[ $output == *"skipped 4 rules"* ]]
	[ ! -e "$WORK/far/logs/a.log" ] && [ ! -e "$WORK/far/wandb" ]
	[ ! -e "$WORK/far/model.pt" ] && [ ! -e "$WORK/far/keep/big.bin" ]
	run -0 usync push --no-gitignore --no-defaults --include 'big.bin' --exclude '*.bin' "${WAY[@]}"
	[ -e "$WORK/far/logs/a.log" ] && [ -e "$WORK/far/wandb/run/x" ]
	[ -e "$WORK/far/model.pt" ] && [ -e "$WORK/far/keep/big.bin" ]
}

@test "rules of .gitignore, of the command line and of the default list" {
	each_way rules
}

newest()
{
	local i

	mkdir -p logs "$WORK/far/logs"
	printf '*.log\n' >.gitignore
	for i in 1 2 3 4 5; do
		echo "$i" >"$WORK/far/logs/run$i.log"
		touch -d "2024-01-0$i" "$WORK/far/logs/run$i.log"
	done
	echo 1 >"$WORK/far/logs/other.txt"
	echo 1 >"$WORK/far/model.pt"
	run -0 usync pull --newest 2 'logs/*.log' "${WAY[@]}"
	[ "$(ls logs)" = $'run4.log\nrun5.log' ]
	run -0 usync pull '*.pt' "${WAY[@]}"
	[ -e model.pt ] && [ ! -e logs/other.txt ]
	cd logs
	run -0 usync pull run1.log "${WAY[@]}"
	[ "$(ls)" = $'run1.log\nrun4.log\nrun5.log' ]
	cd ..
	run -3 usync pull logs/nowhere "${WAY[@]}"
	# hooks would run here
	mkdir -p "$WORK/far/.git/hooks" "$WORK/far/logs/.git"
	echo 1 >"$WORK/far/.git/hooks/post-checkout"
	echo 1 >"$WORK/far/logs/.git/config"
	run -0 usync pull '*' "${WAY[@]}"
	run -0 usync pull logs "${WAY[@]}"
	[ -e logs/other.txt ] && [ ! -e .git ] && [ ! -e logs/.git ]
	run -0 usync pull --no-defaults logs "${WAY[@]}"
	[ -e logs/.git/config ]
}

@test "pull brings what is asked for by path, by pattern, and the newest of it" {
	each_way newest
}

outputs()
{
	mkdir -p "$WORK/far/logs/deep" "$WORK/far/results"
	echo 1 >"$WORK/far/logs/deep/a.log"
	echo 1 >"$WORK/far/results/x.json"
	echo 1 >"$WORK/far/results/x.bin"
	printf '  outputs: [logs/, "results/*.json"]\n' >>.ucluster.yaml
	run -0 usync pull --outputs "${WAY[@]}"
	[ -e logs/deep/a.log ] && [ -e results/x.json ] && [ ! -e results/x.bin ]
	sed -i /outputs/d .ucluster.yaml
	run -2 usync pull --outputs "${WAY[@]}"
	[[ $output == *"'sync.outputs' is not set"* ]]
}

@test "pull brings what the project calls its outputs" {
	each_way outputs
}

# --- what goes wrong ---

unreadable()
{
	[ "$(id -u)" != 0 ] || skip "root reads everything"
	echo 1 >good
	echo 1 >bad
	chmod 0 bad
	run -1 usync push "${WAY[@]}"
	[[ $output == *bad*"ermission denied"* ]]
	[ -e "$WORK/far/good" ]
}

@test "what cannot be read is named, and the rest goes on" {
	each_way unreadable
}

@test "devices, sockets and FIFOs are named and left out" {
	way libssh2
	mkfifo fifo
	echo 1 >file
	run -0 usync push "${WAY[@]}"
	[[ $output == *"'fifo': "* && $output == *"1 special"* ]]
	[ -e "$WORK/far/file" ] && [ ! -e "$WORK/far/fifo" ]
}

# far_runs COMMAND: helper and SFTP server are started so.
far_runs()
{
	local server=/usr/lib/openssh/sftp-server

	[ -x "$server" ] || skip "no sftp-server"
	FAR=$1
	sed -i "s|^Subsystem.*|Subsystem sftp $1 $server|" "$SSHD_DIR/sshd_config"
	kill "$SSHD_PID"
	wait "$SSHD_PID" 2>/dev/null || :
	sshd_run
}

add_helper()
{
	[ -n "$SECONDS_ONLY" ] || WAY+=(--helper="$FAR usync --serve")
}

limited()
{
	add_helper
	head -c 6000000 /dev/urandom >large
	echo 1 >small
	run -1 usync push "${WAY[@]}"
	[ -n "$SECONDS_ONLY" ] || [[ $output == *"'large': "*"File too large"* ]]
	[[ $output == *"1 failed"* ]]
	[ "$(cat "$WORK/far/small")" = 1 ]
	[ ! -e "$WORK/far/large" ]
	no_leftovers "$WORK/far"
	# the same here
	rm small large
	head -c 6000000 /dev/urandom >"$WORK/far/large"
	run -1 "$WORK/limit" usync pull "${WAY[@]}"
	[[ $output == *"'large': "*"File too large"* ]]
	[ "$(cat small)" = 1 ]
	[ ! -e large ]
	no_leftovers .
}

@test "a file beyond the limit of a file's size is told, and the rest goes on" {
	# the server of SFTP would end by the signal
	cat >"$WORK/limit" <<-'EOT'
		#!/bin/bash
		[[ $1 == usync ]] || trap '' XFSZ
		ulimit -f 2000
		exec "$@"
	EOT
	chmod +x "$WORK/limit"
	far_runs "$WORK/limit"
	each_way limited
}

denied()
{
	add_helper
	echo 1 >good
	mkdir sub
	echo 1 >sub/file
	usync push -Q "${WAY[@]}"
	echo 22 >good
	echo 22 >sub/file
	echo 1 >sub/new
	echo 1 >bad
	chmod 0 bad
	chown -R nobody "$WORK/far/sub"
	run -1 "$WORK/without" usync push "${WAY[@]}"
	[[ $output == *"'bad': "*"ermission denied"* ]]
	[[ $output == *"'sub/file': "*"ermission denied"* ]]
	[[ $output == *"'sub/new': "*"ermission denied"* ]]
	[[ $output == *"; 3 failed"* ]]
	[ "$(cat "$WORK/far/good" "$WORK/far/sub/file")" = $'22\n1' ]
	[ ! -e "$WORK/far/sub/new" ]
	# and here
	rm bad
	chown -R root "$WORK/far/sub"
	usync push -Q "${WAY[@]}"
	echo 333 >"$WORK/far/sub/file"
	echo 333 >"$WORK/far/good"
	chown -R nobody sub
	run -1 "$WORK/without" usync pull "${WAY[@]}"
	[[ $output == *"'sub/file': "*"ermission denied"* ]]
	[ "$(cat good sub/file)" = $'333\n22' ]
}

@test "a folder that nobody may write to, and a file that nobody may read, are told" {
	need_root
	command -v setpriv >/dev/null || skip "no setpriv"
	# root without what makes it root
	cat >"$WORK/without" <<-'EOT'
		#!/bin/bash
		exec setpriv --bounding-set=-dac_override,-dac_read_search,-fowner -- "$@"
	EOT
	chmod +x "$WORK/without"
	far_runs "$WORK/without"
	each_way denied
}

# A disk of its own, which sshd is to see as well: it may have mounts of its own.
small_disk()
{
	need_root
	mkdir "$WORK/small"
	mount -t tmpfs -o "size=$1,mode=755" small "$WORK/small" 2>/dev/null ||
		skip "no tmpfs can be mounted here"
	SMALL=$WORK/small
	sshd_stop
	sshd_start "$(far_environment "PATH=$PATH")"
}

# The project's folder there, agreed to.
far_is()
{
	rm -f .ucluster.yaml
	usync init "there:$1" 2>/dev/null
}

has_begun()
{
	[ -n "$(find "$1" -name '.uc-*' -o -name one)" ]
}

full_disk()
{
	local file push

	rm -rf "$SMALL/far" "$SMALL/filler"
	far_is "$SMALL/far"
	head -c 300000 /dev/urandom >fits
	usync push -Q "${WAY[@]}"
	# what is known not to fit is not begun
	head -c 60000000 /dev/urandom >large
	run ! usync push "${WAY[@]}"
	[[ $output == *"no room: "*" are to be written, "*": nothing was done"* ]]
	[ ! -e "$SMALL/far/large" ]
	# somebody else fills it meanwhile
	rm large
	for file in one two three; do
		head -c 6000000 /dev/urandom >"$file"
	done
	usync push --bwlimit=3M "${WAY[@]}" >"$WORK/out" 2>&1 3>&- &
	push=$!
	wait_until 20 has_begun "$SMALL/far"
	cat /dev/zero >"$SMALL/filler" 2>/dev/null || :
	wait_status "$push"
	cat "$WORK/out"
	[ "$status" -eq 1 ]
	# SFTP has no words for it
	[ -n "$SECONDS_ONLY" ] || grep -q 'No space left' "$WORK/out"
	cmp fits "$SMALL/far/fits"
	for file in one two three; do
		[ ! -e "$SMALL/far/$file" ] || cmp "$file" "$SMALL/far/$file"
	done
	rm "$SMALL/filler"
	run -0 usync push "${WAY[@]}"
	cmp one "$SMALL/far/one"
	cmp three "$SMALL/far/three"
	no_leftovers "$SMALL/far"
}

@test "a disk that is full is told, and leaves what was there" {
	small_disk 50m
	each_way full_disk
}

read_only()
{
	mount -o remount,rw "$SMALL"
	rm -rf "$SMALL/far"
	far_is "$SMALL/far"
	echo 1 >file
	usync push -Q "${WAY[@]}"
	echo 22 >file
	echo 3 >another
	mount -o remount,ro "$SMALL"
	run ! usync push "${WAY[@]}"
	echo "$output"
	[[ $output == *"'file': "*"ead-only"* || $SECONDS_ONLY && $output == *"'file': "* ]]
	[ "$(cat "$SMALL/far/file")" = 1 ]
	mount -o remount,rw "$SMALL"
	run -0 usync push "${WAY[@]}"
	[ "$(cat "$SMALL/far/file" "$SMALL/far/another")" = $'22\n3' ]
}

@test "a folder that is read-only is told" {
	small_disk 50m
	each_way read_only
}

# Files change, grow and vanish while they are read; what arrives is whole at any rate.
moving()
{
	local i mover

	for ((i = 0; i < 300; i++)); do
		printf 'v%.0s' {1..2000} >"file$i"
	done
	head -c 20000000 /dev/zero >log
	perl -e 'while (1) {
		my $i = int rand 300;
		if (rand() < 0.5) { unlink "file$i" }
		else { open my $f, ">", "t"; print $f chr(97 + rand 26) x 2000; close $f; rename "t", "file$i" }
		open my $l, ">>", "log"; print $l "x" x 1000;
		select undef, undef, undef, 0.001;
	}' 3>&- &
	mover=$!
	run usync push "${WAY[@]}"
	kill "$mover"
	wait "$mover" 2>/dev/null || :
	[ "$status" -le 1 ]
	perl -e 'for (glob "$ARGV[0]/file*") { open my $f, "<", $_; my $t = <$f>; die "$_\n" unless $t =~ /^(.)\1{1999}$/ }' "$WORK/far"
	run -0 usync push "${WAY[@]}"
	cmp log "$WORK/far/log"
}

@test "files that change and vanish meanwhile" {
	each_way moving
}

@test "a host that cannot be reached, and a key that is not its own" {
	way ssh
	echo 1 >file
	ssh-keygen -q -t ed25519 -N '' -f "$SSHD_DIR/another"
	cp "$SSHD_DIR/known_hosts" "$SSHD_DIR/known"
	sed "s/^/[127.0.0.1]:$SSHD_PORT /" "$SSHD_DIR/another.pub" >"$SSHD_DIR/known_hosts"
	run -5 usync push --transport=libssh2 --config "$SSHD_CONFIG"
	run -5 usync push --transport=ssh --config "$SSHD_CONFIG"
	cp "$SSHD_DIR/known" "$SSHD_DIR/known_hosts"
	: >"$SSHD_DIR/authorized_keys"
	run -5 usync push --transport=libssh2 --config "$SSHD_CONFIG"
	run -5 usync push --transport=ssh --config "$SSHD_CONFIG"
	kill "$SSHD_PID"
	wait "$SSHD_PID" 2>/dev/null || :
	run -4 usync push --transport=libssh2 --config "$SSHD_CONFIG"
	run -4 usync push --transport=ssh --config "$SSHD_CONFIG"
	[ ! -e "$WORK/far" ]
}
