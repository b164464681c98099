#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The table of the benchmarks: ratios and verdicts from figures that are given. What they
# measure is no test.
bats_require_minimum_version 1.5.0

setup()
{
	TABLE=$UC_TEST_TOP/tests/bench/table
	ROWS=$BATS_TEST_TMPDIR/rows
}

# of WHAT OURS PEER GOAL UNIT: the row as it comes out.
of()
{
	printf '%s\t%s\t%s\t%s\t%s\n' "$@" | "$TABLE" --tsv
}

# verdict OURS PEER GOAL: ratio and verdict.
verdict()
{
	of x "$@" s | cut -f 4,7 | tr '\t' ' '
}

@test "a ratio is ours of the peer's, and the goal's own value still meets it" {
	[ "$(verdict 0.5 2 0.25)" = '0.250 yes' ]
	[ "$(verdict 0.502 2 0.25)" = '0.251 NO' ]
	[ "$(verdict 0.50001 2 0.25)" = '0.250 NO' ]
	[ "$(verdict 3 2 -)" = '1.500 -' ]
	[ "$(verdict 1e-3 2.5e-3 0.4)" = '0.400 yes' ]
}

@test "a goal of so much more, or of its own" {
	[ "$(verdict 35 20 +15)" = '1.750 yes' ]
	[ "$(verdict 35.1 20 +15)" = '1.755 NO' ]
	[ "$(verdict 9 30 +15)" = '0.300 yes' ]
	[ "$(verdict 300 - =300)" = '- yes' ]
	[ "$(verdict 301 1000 =300)" = '0.301 NO' ]
	[ "$(verdict 0 - =0)" = '- yes' ]
	[ "$(verdict 1 - =0)" = '- NO' ]
}

@test "a goal in brackets is shown and not judged" {
	[ "$(verdict 9 2 '(0.25)')" = '4.500 -' ]
	[ "$(verdict 9 - '(=3)')" = '- -' ]
	printf 'x\t9\t2\t(0.25)\ts\n' >"$ROWS"
	run -0 "$TABLE" "$ROWS"
	[[ $output == *'(0.25) | -'* ]]
	[[ $output != *'goals met'* ]]
}

@test "what could not be measured is neither met nor missed" {
	[ "$(verdict - 2 0.25)" = '- ?' ]
	[ "$(verdict 1 - 0.25)" = '- ?' ]
	[ "$(verdict 1 0 0.25)" = '- ?' ]
	[ "$(verdict - 2 +15)" = '- ?' ]
	[ "$(verdict - - =15)" = '- ?' ]
	[ "$(verdict failed 2 0.25)" = '- ?' ]
}

@test "the table has titles, units, and a sum" {
	cat >"$ROWS" <<-'ROWS'
	# 100,000 jobs
	uqueue, all	0.4	2.0	0.25	s
	uqueue, memory	223.4	222	=350	MiB
	usrun true	42.25	30	+15	ms
	idle	129	-	=0	B
	cold	-	1.5	0.55	s
	ROWS
	run -0 "$TABLE" "$ROWS"
	[ "${lines[1]}" = '100,000 jobs' ]
	[[ ${lines[2]} =~ ^'uqueue, all '.*' 0.400 s | '.*' 2.00 s | '.*' 0.200 | '.*' 0.25 | yes'$ ]]
	[[ ${lines[3]} =~ ' 223 MiB | '.*' 222 MiB | '.*' 350 | yes'$ ]]
	[[ ${lines[4]} =~ ' 42.2 ms | '.*' 30.0 ms | '.*' +12.25 | '.*' +15 | yes'$ ]]
	[[ ${lines[5]} =~ ' 129 B | '.*' - | '.*' - | '.*' 0 | NO'$ ]]
	[[ ${lines[6]} =~ ' | ?'$ ]]
	[ "${lines[7]}" = '3 of 5 goals met, 1 not measured' ]
}

@test "a line that is none of these is named, and fails" {
	printf 'x\t1\t2\t0.5\ts\nx\t1\t2\n' >"$ROWS"
	run -1 --separate-stderr "$TABLE" "$ROWS"
	[ "$stderr" = "$ROWS:2: 3 fields, expected 5" ]
	printf 'x\t1\t2\tsoon\ts\n' >"$ROWS"
	run -1 --separate-stderr "$TABLE" "$ROWS"
	[ "$stderr" = "$ROWS:1: goal \"soon\"" ]
}
