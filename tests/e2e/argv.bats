#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The words of a command arrive byte for byte: 10,000 random argument vectors through usrun
# and the real srun, some hundred of them with one call.
load helper

setup()
{
	e2e_setup
	cp "$UC_TEST_BUILD/tests/argv" argv
	umask 022
}

teardown()
{
	e2e_teardown
}

# through COUNT SEED COMMAND...: COMMAND ends in a call of "argv dump out".
through()
{
	./argv make "$2" "$1" words
	rm -f out
	./argv run words "${@:3}"
	cmp words out
}

@test "8,000 argument vectors reach the node" {
	local batch
	for batch in 1 2 3 4; do
		through 2000 "$batch" usrun --no-container -N1 "$WORK/argv" dump "$WORK/out"
	done
}

@test "1,000 argument vectors reach a container" {
	through 1000 5 usrun -N1 --image=python "$WORK/argv" dump "$WORK/out"
}

@test "1,000 argument vectors reach a batch job in a container" {
	local id
	./argv make 6 1000 words
	id=$(./argv run words usrun --batch --parsable -N1 --image=python "$WORK/argv" dump "$WORK/out")
	wait_for_job "$id" GONE
	cmp words out
}

@test "1,000 argument vectors come through the command that --dry-run shows" {
	./argv make 7 1000 words
	./argv run words usrun --dry-run --no-container -N1 "$WORK/argv" dump "$WORK/out" >shown
	bash shown
	cmp words out
}
