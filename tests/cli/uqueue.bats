# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# uqueue over made-up clusters: every option in its short and long form.
bats_require_minimum_version 1.5.0

load transcript.bash

setup()
{
	export HOME=$BATS_TEST_TMPDIR UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export UC_SOURCE=synthetic:nodes=20,jobs=12,seed=1
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "every option, short and long, prints what it always printed" {
	check_transcript uqueue
}

@test "short and long forms are the same" {
	local pair

	for pair in '-u user003|--user=user003' '-u user003|--user user003' '-h|--noheader' \
		'-j 100004|--jobs=100004' '-p long|--partition=long' '-t pd|--states=PENDING' \
		'-o id,name|--format=id,name' '-oid|--format id'; do
		diff <(eval "uqueue ${pair%|*}") <(eval "uqueue ${pair#*|}")
		[ -n "$(eval "uqueue ${pair%|*}")" ]
	done
}

@test "JSON has raw values, one object a job, all columns" {
	uqueue -t all --json >out
	jq -e '.version == 1 and .now == 1767268800 and (.jobs | length) == 12' out
	jq -e '.jobs[0] | .elapsed == 88494 and .gpus == 2 and .time_limit == 3600 and
		.array_job_id == null' out
	[ "$(jq -r '.jobs[0] | keys_unsorted[]' out)" = "$(uqueue --list-columns | cut -d' ' -f1)" ]
	uqueue -o id,gpus --json | jq -e '.jobs[0] == {id: "100001", gpus: 2}'
}

# Only the fields that a column needs are asked for (fields.c): each shows the same alone.
@test "a column shows alone what it shows among all, and sorts the same" {
	local column of all
	local -A option=([nodes]=nodelist)

	for of in synthetic:nodes=20,jobs=40,seed=3 \
		"record:$UC_TEST_TOP/tests/data/clusters/slurm-22.05"; do
		export UC_SOURCE=$of
		all=$(uqueue -t all --json)
		for column in $(uqueue --list-columns | cut -d' ' -f1); do
			diff <(jq -c ".jobs[].$column" <<<"$all") \
				<(uqueue -t all -o "$column" --json | jq -c ".jobs[].$column")
		done
		for column in user memory_total gpus mig time_left where workdir; do
			diff <(uqueue -t all -S "$column" --json | jq -c '.jobs[].id') \
				<(uqueue -t all -S "$column" -o id --json | jq -c '.jobs[].id')
		done
	done
	export UC_SOURCE=synthetic:nodes=20,jobs=200,seed=3
	all=$(uqueue --json)
	for column in user account partition qos name nodes; do
		of=$(jq -r "first(.jobs[].$column | values)" <<<"$all")
		uqueue "--${option[$column]:-$column}=$of" --json | jq -c '.jobs[].id' >some
		[ -s some ]
		diff some <(uqueue "--${option[$column]:-$column}=$of" -o id --json |
			jq -c '.jobs[].id')
	done
}

@test "JSON without jobs is an empty list" {
	UC_SOURCE=synthetic:nodes=2,jobs=0,seed=1 run -0 uqueue --json
	jq -e '.jobs == []' <<<"$output"
}

@test "--iterate prints the list again, each time with the time it is of" {
	run -124 timeout 3 uqueue -i 2 -j 100001 -o id
	[ "$(grep -c '^JOBID$' <<<"$output")" -eq 2 ]
	[ "${lines[0]}" = "2026-01-01T12:00:00" ]
	run -0 bash -c 'timeout 10 uqueue --iterate=2 | head -n 1'
	run -124 timeout 3 uqueue -i 2 -j 99
	[ "$(grep -c 'job 99 is not in the queue' <<<"$output")" -eq 2 ]
}

@test "uqueue show has help and completion of its own" {
	run -0 uqueue show --help
	[[ ${lines[0]} == "Usage: uqueue show JOBID..." ]]
	uqueue --help=bash | grep -q "'uqueue show') cmd='uqueue show'"
	uqueue --help=mdoc | grep -q '^\.Ss uqueue show'
	uqueue --help=mdoc | grep -q '^\.It Fl -why'
}

@test "an empty list is success and prints nothing" {
	UC_SOURCE=synthetic:nodes=2,jobs=0,seed=1 run -0 uqueue
	[ -z "$output" ]
	run -0 uqueue --me
	[ -z "$output" ]
}

@test "a full disk is an error, in one line" {
	run -1 bash -c 'uqueue >/dev/full'
	[ "$output" = "uqueue: cannot write standard output: No space left on device" ]
	run -1 bash -c 'uqueue --json >/dev/full'
	[ "$output" = "uqueue: cannot write standard output: No space left on device" ]
	run -1 bash -c 'uqueue --help >/dev/full'
	[ "$output" = "uqueue: cannot write standard output: No space left on device" ]
}

@test "a closed stdout is an error, a closed stdin or stderr is not" {
	run -1 bash -c 'uqueue >&-'
	[ "$output" = "uqueue: cannot write standard output: Bad file descriptor" ]
	run -0 bash -c 'uqueue <&- 2>&- | wc -l'
	[ "$output" -eq 13 ]
}

@test "a reader that goes away is no error of ours" {
	run -0 bash -c 'trap "" PIPE; { uqueue; echo "$?" >status; } | true; cat status'
	[ "$output" = 0 ]
}

@test "a terminal of 40, 80 or 300 columns gets lines that fit, ids whole" {
	local columns

	for columns in 40 80 300; do
		NO_COLOR=1 on_terminal "$columns" uqueue -t all >out
		[ "$(wc -l <out)" -eq 13 ]
		[ "$(grep -c '^1000[01][0-9] ' out)" -eq 12 ]
		if ((columns >= 80)); then
			run ! grep -E ".{$((columns + 1))}" out
		fi
	done
	grep -q 'a b c "x"' out
}

@test "no jobs of a partition that there is not: it is said, and what is like it" {
	run -3 uqueue -p gup
	[ "$output" = $'uqueue: no partition \'gup\'\nhint: did you mean \'gpu\'?' ]
	run -3 --separate-stderr uqueue -p gpu,nothing -t CG --json
	[ "$stderr" = "uqueue: no partition 'nothing'" ]
	[ "$(jq '.jobs | length' <<<"$output")" -eq 0 ]
	run -0 uqueue -p gpu -t CG -h
	[ -z "$output" ]
}

@test "why one job waits is asked of one" {
	local more

	for more in 100005 '-j 100005' '-j 100005,100006'; do
		# shellcheck disable=SC2086 # words
		run -2 uqueue --why 100004 $more
		[ "$output" = "uqueue: option '--why' is about one job: '100005' is one too many" ]
	done
}

@test "what a narrow terminal cuts ends in a mark" {
	local id name

	uqueue -t all --format=id,name --noheader >whole
	read -r id name < <(grep finetune whole)
	[ -n "$name" ]
	NO_COLOR=1 on_terminal 30 uqueue -j "$id" --format=id,name,where,end_time >out
	grep -qE "^$id  ${name:0:4}[^ ]*…" out
	LC_ALL=C NO_COLOR=1 on_terminal 30 uqueue -j "$id" --format=id,name,where,end_time >out
	grep -qE "^$id  ${name:0:4}[^ ]*~" out
	run ! grep -q '[^ -~]' out
	NO_COLOR=1 on_terminal 300 uqueue -t all >out
	run ! grep -q '…' out
}

@test "colour: on a terminal, unless NO_COLOR; always and never obey" {
	local esc=$'\e'

	on_terminal 100 uqueue | grep -q "${esc}\[32mRUNNING${esc}\[0m"
	[ "$(NO_COLOR=1 on_terminal 100 uqueue | grep -c "$esc")" -eq 0 ]
	[ "$(on_terminal 100 uqueue --color=never | grep -c "$esc")" -eq 0 ]
	[ "$(uqueue | grep -c "$esc")" -eq 0 ]
	uqueue --color=always | grep -q "${esc}\[32mRUNNING${esc}\[0m"
	NO_COLOR=1 uqueue --color | grep -q "${esc}\[32mRUNNING${esc}\[0m"
	[ "$(UCLUSTER_COLOR=never on_terminal 100 uqueue | grep -c "$esc")" -eq 0 ]
	UCLUSTER_COLOR=always uqueue | grep -q "${esc}\[32m"
}

@test "without UTF-8 everything is ASCII" {
	LC_ALL=C run -0 uqueue -t all
	[ "$(LC_ALL=C grep -c '[^ -~]' <<<"$output")" -eq 0 ]
	grep -q ' 2xa100 ' <<<"$output"
}

@test "help fits 80 columns, and any terminal" {
	COLUMNS=80 uqueue --help >out
	[ "$(wc -l <out)" -le 56 ]
	run ! grep -E '.{81}' out
	COLUMNS=40 uqueue --help >out
	run ! grep -E '.{41}' out
}

@test "--verbose twice says where an error comes from" {
	run -3 uqueue -vv -j 99
	[ "${lines[0]}" = "uqueue: job 99 is not in the queue" ]
	[[ ${lines[1]} == from:*filter.c:* ]]
	run -3 uqueue --verbose --verbose -j 99
	[[ ${lines[1]} == from:*filter.c:* ]]
}

@test "the home directory may be missing and the working directory deleted" {
	mkdir gone
	cd gone || return 1
	rmdir ../gone
	HOME=/proc/none run -0 uqueue
	run -0 env -u HOME uqueue
}

@test "a broken configuration is exit status 2, with its place" {
	echo 'colour: never' >config.yaml
	UCLUSTER_SITE_CONFIG=$PWD/config.yaml run -2 uqueue
	[[ $output == "uqueue: $PWD/config.yaml:1:1: "* ]]
}
