# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# uqueue --cancel, --hold, --release, --requeue, --set and --watch, without a cluster: what
# is refused, and which native commands --dry-run says.
bats_require_minimum_version 1.5.0

load transcript.bash

setup()
{
	export HOME=$BATS_TEST_TMPDIR UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export UC_SOURCE=synthetic:nodes=20,jobs=40,seed=2
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "what is wrong, what is not there, and what would be done" {
	check_transcript uqueue_act
}

@test "a source that is not live refuses before it is asked" {
	run -5 uqueue --cancel --yes 100001
	[ "${lines[0]}" = "uqueue: 'synthetic:' is not a live cluster: nothing is done to its jobs" ]
	[ "${#lines[@]}" -eq 2 ]
	UC_SOURCE=record:$BATS_TEST_TMPDIR/none run -3 uqueue --cancel --yes 100001
}

@test "the dry run of a list is one command a target, for a shell" {
	uqueue -t PD --cancel --dry-run >commands
	[ -s commands ]
	run ! grep -vE "^scancel ([0-9_]+|'[0-9]+_\[[0-9,-]+\]')\$" commands
	# shellcheck disable=SC2016
	uqueue -t PD --set 'name=$(touch x) '"'"'a' --dry-run >commands
	while IFS= read -r line; do
		eval "set -- $line"
		[ "$1 $2" = "scontrol update" ]
		[ "$4" = "JobName=\$(touch x) 'a" ]
		[ $# -eq 4 ]
	done <commands
	[ ! -e x ]
}

@test "JSON of a dry run says what would be done" {
	uqueue 100001 99 --cancel --dry-run --json >out && false
	jq -e '.results | length == 2' out
	jq -e '.results[0] | .id == "100001" and .command == "scancel 100001" and
		.done == false and .action == "cancel" and .error == null' out
	jq -e '.results[1] | .id == "99" and .code == 3 and .job_id == null and
		.error == "job 99 is not in the queue"' out
}

@test "the screen is left as it was found" {
	run -0 bash -c "printf q | TERM=xterm timeout 60 script -qec 'uqueue --watch' /dev/null"
	[[ $output == *$'\033[?1049h'*"q quit"*$'\033[?1049l'* ]]
	run -2 bash -c "TERM=dumb timeout 60 script -qec 'uqueue --watch' /dev/null </dev/null"
	[[ $output == *"option '--watch' needs a terminal that can be redrawn, and TERM is 'dumb'"* ]]
}
