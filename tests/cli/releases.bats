# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The workers for the oldest and the newest release, with what a cluster of each release says
# (tests/data/releases): the strings are the controller's, whatever the library is.
bats_require_minimum_version 1.5.0

setup()
{
	export HOME=$BATS_TEST_TMPDIR UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export SLURM_CONF=$BATS_TEST_TMPDIR/slurm.conf
	unset UC_SOURCE
	echo ClusterName=stand-in >"$SLURM_CONF"
	[ -e "$UC_TEST_BUILD/tests/slurm/26.05/libexec/slurm-worker-45" ] ||
		skip "this build has no worker"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# each COMMAND...: by both workers, about each release; $strings is the release.
each()
{
	local worker

	for worker in 20.11/libexec/slurm-worker-36 26.05/libexec/slurm-worker-45; do
		export UCLUSTER_SLURM_WORKER=$UC_TEST_BUILD/tests/slurm/$worker
		for strings in 20.11 22.05 23.11 24.11; do
			export STAND_IN_CLUSTER=$UC_TEST_TOP/tests/data/releases/$strings
			echo "# $worker, $strings"
			"$@" || return 1
		done
	done
}

queue()
{
	# 20.11 does not say of which model they are that were asked for without one
	local two='2×a100' one='1×a100'

	[ "$strings" != 20.11 ] || two=2 one=1
	diff - <(uqueue -h -t all --parsable2 -o id,state,gpus,gpu_ids | sort) <<-EOT
		11|RUNNING|$two|gpu1:0-1
		12|RUNNING|6×a100|gpu1:2,4-5,gpu2:0-2
		13|PENDING|2|
		14|PENDING|6×a100|
		15|PENDING|3|
		16|PENDING||
		17|PENDING|4|
		18|COMPLETED|$one|
	EOT
}

@test "uqueue: GPUs of jobs that run, wait and have ended" {
	each queue
}

nodes()
{
	diff - <(uinfo nodes -h --parsable2) <<-'EOT'
		gpu1|mixed|gpu|a100|5/8|3|2/16|0.00|1.95G/62.5G|
		gpu2|draining|gpu|a100|3/8|0|1/16|0.00|0.98G/62.5G|disk
		gpu3|idle|gpu|a100|0/8|8|0/16|0.00|0B/62.5G|
		cpu1|down|gpu||||0/16|0.00|0B/62.5G|
	EOT
}

@test "uinfo nodes: states, GPUs and what is taken of CPUs and memory" {
	each nodes
}

gpus()
{
	diff - <(uinfo gpus --json | jq -c '.gpus[] | [.node, .gpus, .used, .free]') <<-'EOT'
		["gpu1",8,5,3]
		["gpu2",8,3,0]
		["gpu3",8,0,8]
	EOT
}

@test "uinfo gpus: how many are free, with sockets behind them or not" {
	each gpus
}

@test "a recording keeps what the release said" {
	local back=$UC_TEST_TOP/tests/data/releases/24.11

	UCLUSTER_SLURM_WORKER=$UC_TEST_BUILD/tests/slurm/26.05/libexec/slurm-worker-45
	export UCLUSTER_SLURM_WORKER STAND_IN_CLUSTER=$back
	uqueue -t all --json -o id,gpus,gpu_ids | jq -S .jobs >live
	ucluster record taken
	UC_SOURCE=record:taken uqueue -t all --json -o id,gpus,gpu_ids | jq -S .jobs >kept
	diff live kept
	zstd -dcq taken/jobs.jsonl.zst | grep -qF '"tres_per_task":"gres/gpu=1"'
}
