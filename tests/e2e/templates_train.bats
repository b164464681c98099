#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ucluster init train: what it writes runs as it is, on the sandbox.
load helper

setup()
{
	e2e_setup
	ucluster init train --set image=python >/dev/null
}

teardown()
{
	e2e_teardown
}

step_is()
{
	grep -q "\"step\": $1" checkpoint.json
}

@test "run-job.sh runs job.sh on a GPU in the container, and the checkpoint is here" {
	run ./run-job.sh
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"GPU 0"* ]]
	[[ $output == *"step 5 of 5"* ]]
	step_is 5
}

@test "it goes on from the checkpoint, and arguments pass through as they are" {
	./run-job.sh --steps 2
	run ./run-job.sh --steps 3 --checkpoint "checkpoint.json"
	[[ $output == *"going on after step 2"*"step 3 of 3"* ]]
	run ./run-job.sh --checkpoint "a file; \$(touch no) 'x'"
	[ "$status" -eq 0 ]
	[ -s "a file; \$(touch no) 'x'" ]
	[ ! -e no ]
}

@test "it is reached from any folder" {
	cd /
	run "$WORK/run-job.sh" --steps 1
	[ "$status" -eq 0 ]
	cd "$WORK"
	step_is 1
}

@test "the program's exit status is run-job.sh's" {
	run ./run-job.sh --steps x
	[ "$status" -eq 2 ]
	[[ $output == *"invalid int value"* ]]
}

@test "run-batch.sh submits it; the output lands beside it" {
	run --separate-stderr ./run-batch.sh --steps 2
	echo "$output $stderr"
	[ "$status" -eq 0 ]
	[[ $output =~ [0-9]+ ]]
	job=${BASH_REMATCH[0]}
	wait_for_job "$job" GONE
	wait_until 10 grep -q "step 2 of 2" "train-$job.log"
	step_is 2
}

@test "a cancelled job saves and says so; the next one goes on" {
	run --separate-stderr ./run-batch.sh --steps 500
	[[ $output =~ [0-9]+ ]]
	job=${BASH_REMATCH[0]}
	wait_until 30 grep -qs "step 3 of" "train-$job.log"
	scancel "$job"
	wait_for_job "$job" GONE
	wait_until 10 grep -q "the next run goes on from here" "train-$job.log"
	steps=$(sed 's/[^0-9]//g' checkpoint.json)
	run ./run-job.sh --steps $((steps + 1))
	[[ $output == *"going on after step $steps"* ]]
	step_is $((steps + 1))
}

# The image has no pip; one that writes down what it was told stands in, in the folder,
# where "python3 -m pip" looks first.
pip_stand_in()
{
	mkdir pip
	cat >pip/__main__.py <<-'EOT'
		import os, sys, time
		open("pip.log", "a").write(" ".join(sys.argv[1:]) + "\n")
		target = sys.argv[sys.argv.index("--target") + 1]
		os.makedirs(target)
		time.sleep(1)
		open(target + "/extra.py", "w").write("NAME = 'installed'\n")
	EOT
	echo 'extra==1.0' >requirements.txt
	echo 'import extra; print(extra.NAME)' >train.py
}

installed()
{
	find .packages -mindepth 1 -maxdepth 1 2>/dev/null | wc -l
}

@test "requirements.txt is installed once, and again when it changes" {
	pip_stand_in
	run ./run-job.sh
	echo "$output"
	[[ $output == *"installing requirements.txt"*"installed"* ]]
	run ./run-job.sh
	[[ $output != *"installing"* && $output == *"installed"* ]]
	echo 'other' >>requirements.txt
	run ./run-job.sh
	[[ $output == *"installing requirements.txt"*"installed"* ]]
	[ "$(wc -l <pip.log)" -eq 2 ]
	[ "$(installed)" -eq 2 ]
}

@test "two jobs that install at once do not harm each other" {
	pip_stand_in
	./run-job.sh >one 2>&1 3>&- &
	./run-job.sh >two 2>&1
	wait $!
	grep -qx installed one
	grep -qx installed two
	[ "$(installed)" -eq 1 ]
}

@test "an install that fails leaves nothing and is tried again" {
	pip_stand_in
	echo 'raise SystemExit(7)' >pip/__main__.py
	run ./run-job.sh
	[ "$status" -eq 7 ]
	[ "$(installed)" -eq 0 ]
}
