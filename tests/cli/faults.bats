# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Commands while an allocation or a call of the system fails (tests/helpers/fault_run.c).
# UC_FAULT_POINTS: so many of each, spread; the night tries all.
bats_require_minimum_version 1.5.0

load image.bash

setup()
{
	[[ ${UC_TEST_SANITIZE:-} != *thread* ]] || skip "its runtime does not live without memory"
	export HOME=$BATS_TEST_TMPDIR/home UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export UC_SOURCE=record:$UC_TEST_TOP/tests/data/clusters/slurm-22.05
	export UCLUSTER_IMAGE_DIRS=$BATS_TEST_TMPDIR/images
	unset XDG_STATE_HOME
	wrong=
	mkdir -p "$HOME/.config/ucluster" "$UCLUSTER_IMAGE_DIRS"
	cd "$BATS_TEST_TMPDIR" || return 1
	cat >"$HOME/.config/ucluster/config.yaml" <<-'YAML'
		mounts: [/tmp:/tmp]
		env: {A: 1}
		profiles:
		  base: {gpus: 2}
		  train: {inherit: base, env: {B: 2}}
	YAML
}

# faults KIND COMMAND...: tries the points and prints how many there were; those that are
# wrong fail the test at none_wrong.
faults()
{
	local kind=$1 most=${UC_FAULT_POINTS:-25}

	shift
	# leaks are looked for where the fuzz targets lose memory: 10 times as fast
	run env UC_FAULT_RUN="$kind" UC_FAULT_MOST="$most" \
		ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0:detect_leaks=${UC_FAULT_LEAKS:-0}" \
		LD_PRELOAD="$UC_TEST_BUILD/tests/uc_fault_run.so" \
		"$UC_TEST_BUILD/bin/$1" "${@:2}" </dev/null
	echo "$output"
	echo "# $kind, $1 ${*:2}: ${lines[-1]#\# }" >&3
	[ "$status" = 0 ] || wrong+="$kind, $*"$'\n'
}

none_wrong()
{
	[ -z "$wrong" ] || echo "$wrong"
	[ -z "$wrong" ]
}

@test "listings of a cluster" {
	faults memory uqueue
	faults memory uqueue --json
	faults calls uqueue
	faults memory uinfo nodes
	faults memory uinfo gpus --json
	faults calls uinfo nodes
	# names with the sign that stands between the fields
	cp -r "${UC_SOURCE#record:}" bars
	zstdcat bars/jobs.jsonl.zst | jq -c '.name = "a|b"' | zstd -q -f -o bars/jobs.jsonl.zst
	UC_SOURCE=record:$PWD/bars faults memory uqueue --parsable2 -t all -o id,name
	# the disk there is as full each time, whatever others write
	cd /proc
	HOME=/proc UCLUSTER_IMAGE_DIRS=/proc faults memory uinfo
	HOME=/proc UCLUSTER_IMAGE_DIRS=/proc faults memory uinfo disk
	none_wrong
}

@test "a job that is put together" {
	printf '%s\n' '#!/bin/bash' '#SBATCH --time=1:00:00' true >job.sh
	faults memory usrun --dry-run --gpus=1 python x.py
	faults memory usrun --dry-run --batch --preset=train --time=1h ./job.sh
	faults calls usrun --dry-run --batch --preset=train --time=1h ./job.sh
	none_wrong
}

# What is printed becomes a file: a part of it would be taken for the whole.
@test "a script that is adopted" {
	cat >old.sh <<-'SH'
		#!/bin/bash
		#SBATCH --partition="gpu" --time=1:00:00
		source env.sh
		export LR=0.1 WANDB_API_KEY=x
		DATA=/data/$USER
		srun -p"gpu" --container-mounts="$DATA":/data,"`pwd`":"`pwd`" --mem=8G \
			--container-image=$'/images/a\x2esqsh' python x.py --lr $LR "$@" >log 2>&1
		sbatch --wrap="python y.py --seed 1"
	SH
	faults memory ucluster adopt old.sh
	faults memory ucluster adopt --script old.sh
	faults calls ucluster adopt old.sh
	none_wrong
}

@test "configuration" {
	faults memory ucluster config --show
	faults calls ucluster config --show
	none_wrong
}

@test "images" {
	make_tree tree
	pack tree images/a.sqsh
	uimage list >/dev/null
	faults memory uimage list
	faults memory uimage show a
	faults memory uimage search torch
	none_wrong
}

@test "what is written is the old or the new" {
	export UC_FAULT_WORLD=$BATS_TEST_TMPDIR/world UC_FAULT_SKIP=/home/:/.ucluster-
	mkdir -p world/home world/src/d world/dst
	export HOME=$BATS_TEST_TMPDIR/world/home
	echo new >world/src/a
	head -c 70000 /dev/urandom >world/src/d/b
	ln -s a world/src/l
	echo older >world/dst/a
	touch -d 2020-01-01 world/dst/a
	faults memory usync --yes "$PWD/world/src/" "$PWD/world/dst"
	faults calls usync --yes "$PWD/world/src/" "$PWD/world/dst"
	rm -rf world.* world/src world/dst
	faults memory ucluster init train "$PWD/world/new"
	faults calls ucluster init train "$PWD/world/new"
	none_wrong
}
