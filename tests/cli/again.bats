#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Which failed tests run-tests tries once more: scripts/again.sh on builds made up here.

bats_require_minimum_version 1.5.0

setup()
{
	# shellcheck source=scripts/again.sh
	. "$UC_TEST_TOP/scripts/again.sh"
	build=$BATS_TEST_TMPDIR
	cat >"$build/CTestTestfile.cmake" <<-'EOT'
		foreach(name e2e.a e2e.b e2e.c)
		  add_test(${name} false)
		  set_tests_properties(${name} PROPERTIES LABELS e2e)
		endforeach()
		add_test(e2e.kill false)
		set_tests_properties(e2e.kill PROPERTIES LABELS "e2e;strict")
		add_test(unit.x false)
		set_tests_properties(unit.x PROPERTIES LABELS unit)
	EOT
}

# fails REGEX: of the tests, those do.
fails()
{
	forget_failed "$build"
	run ! ctest --test-dir "$build" --no-tests=error -R "$1"
}

@test "one or two end-to-end tests are" {
	fails 'e2e.a'
	may_try_again "$build"
	fails 'e2e.[ab]'
	may_try_again "$build"
	[ "$(failed_tests "$build" | paste -sd ' ')" = 'e2e.a e2e.b' ]
}

@test "more, strict ones and those of other kinds are not" {
	for which in 'e2e.[abc]' e2e.kill 'e2e.a|e2e.kill' unit.x 'e2e.a|unit.x'; do
		fails "$which"
		run ! may_try_again "$build"
	done
}

@test "none is where no test was run, whatever failed before" {
	fails e2e.a
	fails nosuch
	run ! may_try_again "$build"
}
