# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A second try, alone, for tests that real daemons and a busy machine can fail. It is said
# each time: such a test is to be mended.
AGAIN_MOST=2

# forget_failed BUILD: a run that does not get to its tests leaves the list of the last one.
forget_failed()
{
	rm -f "$1/Testing/Temporary/LastTestsFailed.log"
}

# failed_tests BUILD: by name, those of ctest's last run there.
failed_tests()
{
	sed 's/^[0-9]*://' "$1/Testing/Temporary/LastTestsFailed.log" 2>/dev/null
}

# labelled BUILD LABEL: the names of the tests that have it.
labelled()
{
	ctest --test-dir "$1" -N -L "^$2\$" | sed -n 's/^ *Test *#[0-9]*: //p'
}

# may_try_again BUILD: few failed, all of them end to end, and none that looks for what
# must never happen, not even once (label strict).
may_try_again()
{
	local -a failed

	mapfile -t failed < <(failed_tests "$1")
	((${#failed[@]} > 0 && ${#failed[@]} <= AGAIN_MOST)) || return 1
	! printf '%s\n' "${failed[@]}" | grep -qvxFf <(labelled "$1" e2e) || return 1
	! printf '%s\n' "${failed[@]}" | grep -qxFf <(labelled "$1" strict)
}
