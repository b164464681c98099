#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ucluster init sweep: a grid of parameters as a job array, its results in one table.
load helper
load templates

setup()
{
	template_setup sweep image=python name=grid at_once=3 mem=1G time=10m
}

teardown()
{
	template_teardown
}

# sweep_done SWEEP COUNT: that many tasks have a result.
sweep_done()
{
	[ "$(find "$1" -name '*.json' | wc -l)" -eq "$2" ]
}

@test "every combination is a task; the table has all of them, the best first" {
	run -0 ./run-sweep.sh
	[[ $output == *"tasks 0 to 5"*"./table.sh sweeps/1"* ]]
	submitted
	wait_until 120 sweep_done sweeps/1 6
	wait_for_job "$job" GONE 60
	run -0 --separate-stderr ./table.sh
	echo "$output"
	[ "${#lines[@]}" -eq 7 ]
	[[ ${lines[0]} =~ ^task\ +lr\ +batch\ +loss$ ]]
	[[ ${lines[1]} =~ ^0\ +0.1\ +32\ +0.0$ ]]
	[[ ${lines[6]} =~ ^5\ +0.001\ +64\ +0.9512$ ]]
	[ "$stderr" = "6 of 6 tasks have a result" ]
	run -0 --separate-stderr ./table.sh sweeps/1 --csv
	[[ ${lines[0]} == "task,lr,batch,loss"* ]]
	grep -q 'loss 0.9512' sweeps/1/5.log
}

@test "what was submitted is kept when the grid changes; text is one word, whatever is in it" {
	cat >grid.yaml <<-'EOT'
		# comment
		note: ["a b; $(touch no)", 'it''s "x"', plain]  # three
		on:
		  - true
	EOT
	cat >train.py <<-'EOT'
		import json, sys
		note = sys.argv[sys.argv.index("--note") + 1]
		json.dump({"loss": len(note), "args": sys.argv[1:5]}, open(sys.argv[-1], "w"))
	EOT
	run -0 ./run-sweep.sh
	echo 'note: [other]' >grid.yaml
	wait_until 120 sweep_done sweeps/1 3
	[ ! -e no ]
	python3 -c '
import json
got = sorted(json.load(open(f"sweeps/1/{n}.json"))["args"] for n in range(3))
assert got == [["--note", "a b; $(touch no)", "--on", "true"],
    ["--note", "it\x27s \"x\"", "--on", "true"], ["--note", "plain", "--on", "true"]], got'
	# the next one has a folder of its own
	run -0 ./run-sweep.sh
	[[ $output == *"sweeps/2"* ]]
}

@test "a task that failed leaves a line without a result" {
	echo 'raise SystemExit(3)' >train.py
	printf 'lr: [1]\n' >grid.yaml
	run -0 ./run-sweep.sh
	submitted
	wait_for_job "$job" GONE 60
	run -0 ./table.sh
	[[ $output == *"0 of 1 tasks have a result"* ]]
}

@test "a grid with a fault is named by its line, and nothing is submitted" {
	for bad in 'lr 0.1' 'lr: 0.1' 'lr: [a: b]' 'lr: []' '- 1' 'lr: [$(id)]'; do
		printf '# first\n%s\n' "$bad" >grid.yaml
		run ! ./run-sweep.sh
		[[ $output == "sweep.py: grid.yaml"* ]]
		[ ! -e sweeps ]
	done
}
