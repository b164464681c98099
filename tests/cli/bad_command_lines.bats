# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Wrong command lines: exit status 2 and one clear line each, compared exactly.
bats_require_minimum_version 1.5.0

load transcript.bash

setup()
{
	export HOME=$BATS_TEST_TMPDIR UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	cd "$BATS_TEST_TMPDIR" || return 1
	expected=$UC_TEST_TOP/tests/expect/bad_command_lines
}

@test "every wrong command line gets its line and exit status 2" {
	check_transcript bad_command_lines 2
}

@test "there are many of them, for every command" {
	local command

	for command in ucluster uqueue usrun; do
		[ "$(grep -c "^\$ $command\>" "$expected")" -ge 20 ]
	done
	run ! grep '^\[' "$expected"
}

@test "an error is one line, and perhaps a hint" {
	awk '/^\$ / { if (lines > 2) { print last; bad = 1 } last = $0; lines = 0; next }
	     { lines++ }
	     lines == 2 && !/^hint: / { print; bad = 1 }
	     END { exit bad || lines > 2 }' "$expected"
}

@test "a profile that does not exist is not found" {
	run -3 usrun --preset=nosuch true
	[ "${lines[0]}" = "usrun: no profile is called 'nosuch'" ]
}
