#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ./quickstart in a copy of the tree, with a state directory of its own.
bats_require_minimum_version 1.5.0

setup_file()
{
	export COPY=$UC_TEST_BUILD/quickstart XDG_STATE_HOME=$UC_TEST_BUILD/quickstart/state
	local store=$XDG_STATE_HOME/ucluster/sandbox/images made

	unset TMPDIR
	rm -rf "$COPY"
	mkdir -p "$COPY" "$store"
	(. "$UC_TEST_TOP/tests/gates/gate.bash" && ours '*') |
		tar -C "$UC_TEST_TOP" -cT - | tar -C "$COPY" -x
	# The image is made from packages; one that is there needs no network.
	for made in "$UC_TEST_BUILD"/images/*/python.sqsh; do
		[ ! -e "$made" ] || cp "$made" "$store/"
	done
	cd "$COPY" || return 1
}

teardown_file()
{
	"$UC_TEST_TOP/share/sandbox/sandbox" stop --purge || :
	rm -rf "$COPY"
}

setup()
{
	unset TMPDIR
	cd "$COPY" || return 1
}

teardown()
{
	cp "$UC_TEST_TOP/share/examples/iris/job.sh" "$COPY/share/examples/iris/"
	cp "$UC_TEST_TOP/lib/base/version.c" "$COPY/lib/base/"
}

# start_quickstart: in the background, signals as in a terminal; its output in "said".
start_quickstart()
{
	env --default-signal=INT,TERM ./quickstart --no-install >said 2>&1 </dev/null 3>&- &
	pid=$!
}

wait_said()
{
	local end=$((SECONDS + 120))

	until grep -q "$1" said; do
		[ "$SECONDS" -lt "$end" ] || { cat said; return 1; }
		kill -0 "$pid" || { cat said; return 1; }
		sleep 0.05
	done
}

@test "interrupted while it builds, it says so and goes on when it is repeated" {
	start_quickstart
	wait_said '\[2/5\]'
	kill -INT "$pid"
	status=0
	wait "$pid" || status=$?
	cat said
	[ "$status" -eq 130 ]
	grep -q 'run it again to go on' said
	run ps -eo args
	[[ $output != *"$COPY/build/release"* ]]
}

@test "it ends with a trained model, its checkpoint, and what to type next" {
	run ./quickstart --no-install </dev/null
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"on gpu1, GPU 0, Python 3"* ]]
	[[ $output =~ accuracy\ (0\.9[0-9]*|1\.000)\ on\ 30\ flowers ]]
	[[ $output == *"usrun --gpus=1 --time=60 --pty bash"*"ucluster sandbox stop"* ]]
	python3 -c 'import json; assert json.load(open("build/iris/checkpoint.json"))["epoch"] == 60'
}

@test "a second run takes less than 20 s" {
	before=$SECONDS
	./quickstart --no-install </dev/null
	[ $((SECONDS - before)) -lt 20 ]
}

@test "what it says to type works" {
	./quickstart --no-install </dev/null >said
	sed -n '/^  eval/p; /^  cd /p; /^  uqueue/p; /^  usrun.*--epochs/p' said >next
	[ "$(grep -c . next)" -eq 4 ]
	# but for the lines with the folder's name, on a terminal of 80 columns
	run ! grep -E '.{81}' <(sed -n '/^Done/,$p' said | grep -vF "$PWD")
	run bash -euc '. ./next'
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"going on after epoch 60"*"epoch 120"* ]]
}

@test "interrupted while the job runs, the job ends too" {
	sed -i 's/^exec python3/sleep 60 \&\& exec python3/' share/examples/iris/job.sh
	start_quickstart
	wait_said '^job '
	kill -INT "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 130 ]
	eval "$(build/release/bin/ucluster sandbox env)"
	for ((i = 0; i < 100; i++)); do
		[ -n "$(squeue -h)" ] || break
		sleep 0.1
	done
	[ -z "$(squeue -h)" ]
}

@test "a job that fails is said to have failed, with its status" {
	printf '#!/bin/sh\nexit 7\n' >share/examples/iris/job.sh
	run ./quickstart --no-install </dev/null
	[ "$status" -eq 1 ]
	[[ $output == *"the job ended with status 7"* ]]
}

@test "--prefix installs, and the installed commands run" {
	run ./quickstart --no-install --prefix "$COPY/opt" </dev/null
	[ "$status" -eq 0 ]
	[[ $output == *"Install into"* ]]
	for program in opt/bin/*; do
		"$program" --version
	done
	"$UC_TEST_TOP/tests/helpers/hardened" opt
}

@test "a build that fails shows the compiler's words and the log" {
	echo 'this is no C' >>lib/base/version.c
	run ./quickstart --no-install </dev/null
	[ "$status" -eq 1 ]
	[[ $output == *"version.c"*"error:"*"quickstart.log"* ]]
}

@test "wrong options are told with status 2" {
	for words in --nonsense "--prefix" "extra"; do
		# shellcheck disable=SC2086 # several words
		run ./quickstart $words
		[ "$status" -eq 2 ]
		[[ $output == *"see ./quickstart --help"* ]]
	done
	run ./quickstart --help
	[ "$status" -eq 0 ]
}

@test "where packages are unknown, their names are told and nothing is done" {
	run unshare --mount bash -c '
		printf "ID=other\nVERSION_ID=1\n" >os && mount --bind os /etc/os-release && ./quickstart'
	echo "$output"
	[[ $output != *"Permission denied"* ]] || skip "needs root"
	[ "$status" -eq 1 ]
	[[ $output == *"other 1 is not a release"*"slurmctld"* ]]
}
