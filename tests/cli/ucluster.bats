# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031 # names with $ in them; each test is its own shell
# ucluster's own commands, without a cluster (config has its own file).
bats_require_minimum_version 1.5.0

load transcript.bash

setup()
{
	export HOME=$BATS_TEST_TMPDIR UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "help of every command is what it always was" {
	COLUMNS=80 check_transcript ucluster
}

@test "a recording can be read as a source, and the directory must be empty" {
	export UC_SOURCE=synthetic:nodes=4,jobs=20,seed=2
	run -0 ucluster record rec
	[ "$(UC_SOURCE=record:$PWD/rec uqueue -t all -h | wc -l)" -eq 20 ]
	run -2 ucluster record rec
	[[ ${lines[0]} == "ucluster record: "* ]]
	run -0 ucluster record --source=synthetic:nodes=1,jobs=1,seed=1 other
	[ -d other ]
}

@test "of a recording that finds no room nothing is left" {
	export UC_SOURCE=synthetic:nodes=2000,jobs=1,seed=2
	trap '' XFSZ
	mkdir mine
	for dir in new/rec mine; do
		# a file of one KiB is the job's, not that of the nodes
		run -1 bash -c 'ulimit -f 1 && ucluster record "$1"' _ "$dir"
		[[ ${lines[0]} == "ucluster record: cannot write $dir/nodes.jsonl.zst: "* ]]
	done
	[ ! -e new/rec ]
	[ -d mine ] && [ -z "$(ls -A mine)" ]
}

@test "a recording that is not there is not found" {
	UC_SOURCE=record:$PWD/nothing run -3 uqueue
	[[ ${lines[0]} == "uqueue: "*"'$PWD/nothing'"* ]]
}

@test "words for completion: partitions, nodes, images, profiles" {
	export UC_SOURCE=synthetic:nodes=20,jobs=5,seed=1
	run -0 ucluster complete PARTITION
	[ "$output" = $'gpu\nbatch\nlong' ]
	run -0 ucluster complete NODE
	[ "${#lines[@]}" -eq 20 ]
	mkdir images
	touch images/torch.sqsh images/'a b.sqsh' images/'$(id).sqsh' images/readme
	UCLUSTER_IMAGE_DIRS=$PWD/images run -0 ucluster complete IMAGE
	[ "$output" = torch ]
	printf 'profiles:\n  train: {gpus: 4}\n  eval: {gpus: 1}\n' >site.yaml
	UCLUSTER_SITE_CONFIG=$PWD/site.yaml run -0 ucluster complete PROFILE
	[ "$output" = $'eval\ntrain' ]
}

# The program alone in a prefix of its own, with the library where it was built.
copy_ucluster()
{
	local program library

	program=$(command -v ucluster)
	library=$(ldd "$program" | awk '/libucluster/ { print $3 }')
	mkdir -p prefix/bin
	cp "$program" prefix/bin/
	export LD_LIBRARY_PATH=${library%/*}
}

@test "a sandbox that is not installed is said to be so" {
	copy_ucluster
	run -3 prefix/bin/ucluster sandbox status
	[[ ${lines[0]} == "ucluster sandbox status: the sandbox is not installed: "* ]]
	[[ ${lines[1]} == "hint: "* ]]
}

@test "the sandbox's script gets the words and where ucluster's parts are" {
	copy_ucluster
	mkdir -p prefix/share/ucluster/sandbox
	cat >prefix/share/ucluster/sandbox/sandbox <<-'END'
		#!/bin/sh
		echo "$UCLUSTER_LIBEXEC"
		echo "$UCLUSTER_BINDIR"
		printf '[%s]' "$@"
		exit 7
	END
	chmod +x prefix/share/ucluster/sandbox/sandbox
	run -7 prefix/bin/ucluster sandbox start --dir 'a b' --nodes gpu:2x8xa100,cpu:2 --accounting
	[ "${lines[0]}" = "$PWD/prefix/libexec/ucluster" ]
	[ "${lines[1]}" = "$PWD/prefix/bin" ]
	[ "${lines[2]}" = '[start][--nodes=gpu:2x8xa100,cpu:2][--dir=a b][--accounting]' ]
	run -7 prefix/bin/ucluster sandbox stop --purge
	[ "${lines[2]}" = '[stop][--purge]' ]
	run -7 prefix/bin/ucluster sandbox status --json
	[ "${lines[2]}" = '[status][--json]' ]
	run -7 prefix/bin/ucluster sandbox env --dir=x
	[ "${lines[2]}" = '[env][--dir=x]' ]
	run -7 prefix/bin/ucluster sandbox logs -f slurmctld munged
	[ "${lines[2]}" = '[logs][slurmctld][munged][-f]' ]
	run -7 prefix/bin/ucluster sandbox logs --follow
	[ "${lines[2]}" = '[logs][-f]' ]
	run -7 prefix/bin/ucluster sandbox image box --from=busybox --force
	[ "${lines[2]}" = '[image][box][--from=busybox][--force]' ]
}
