#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The tutorial and the README do what they say.
# shellcheck disable=SC2154 # commands: of pages.bash
load helper
load sshd
load pages

setup()
{
	pages_setup
}

teardown()
{
	pages_teardown
}

@test "the tutorial says what happens" {
	page_holds "$UC_TEST_TOP/share/doc/tutorial.md"
	[ "$commands" -ge 30 ]
}

@test "the README says what happens" {
	page_holds "$UC_TEST_TOP/README.md"
	[ "$commands" -ge 12 ]
}
