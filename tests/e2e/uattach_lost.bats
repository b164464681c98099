#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Jobs that end by nobody's wish: their node fails, another job takes their place. On a
# cluster of its own, whose slurm.conf the test changes.
# shellcheck disable=SC2154
load helper

setup_file()
{
	BASE=$(mktemp -d "$UC_TEST_BUILD/tests/tmp/lost-XXXXXX")
	SANDBOX=$UC_TEST_TOP/share/sandbox/sandbox
	export BASE SANDBOX
	"$SANDBOX" start --dir "$BASE/c" --nodes cpu:2
	"$SANDBOX" env --dir "$BASE/c" >"$BASE/env"
	mkdir -m 0700 "$BASE/run"
	local conf=$BASE/c/etc/slurm.conf
	printf 'PreemptType=preempt/partition_prio\nPreemptMode=CANCEL\n' >>"$conf"
	sed -i 's/^PartitionName=batch .*/& PriorityTier=1/' "$conf"
	echo 'PartitionName=urgent Nodes=ALL PriorityTier=10 DefMemPerCPU=1000' >>"$conf"
	SLURM_CONF=$conf scontrol reconfigure
}

teardown_file()
{
	"$SANDBOX" stop --purge --dir "$BASE/c"
	rm -rf "$BASE"
}

setup()
{
	# shellcheck disable=SC1091
	. "$BASE/env"
	export WORK=$BASE/work XDG_STATE_HOME=$BASE/state XDG_RUNTIME_DIR=$BASE/run
	mkdir -p "$WORK"
	cd "$WORK" || return 1
}

teardown()
{
	scancel -f --user="$(id -un)"
	scontrol update nodename=cpu1 state=resume 2>/dev/null || :
	wait_until 60 no_jobs
	rm -rf "$WORK"
}

# follow OPTION...: a job whose beginning is in the file out.
follow()
{
	id=$(usrun --no-container --batch --parsable --time=5 "$@" sh -c 'echo begun; sleep 1000')
	uattach "$id" >out 2>err 3>&- &
	wait_until 60 grep -q begun out
}

fail_node()
{
	scontrol update nodename=cpu1 state=down reason=test
}

@test "its node fails: said, its code kept, and how to run it again" {
	follow -w cpu1 --no-requeue
	fail_node
	wait_status "$!"
	echo "status $status"; cat err
	# slurmctld's word for it, or the signal, when the step's end is heard of first
	[ "$status" -eq 1 ] || [ "$status" -eq 143 ]
	grep -qE "^uattach: job $id ended because a node of it failed" err
	grep -qxF 'hint: submit it again' err
	grep -qxF "again: usrun --again $id" err
	[ "$(jq .exit_code "$XDG_STATE_HOME/ucluster/receipts/$id"-*.json)" = "$status" ]
}

@test "its node fails and it is requeued: it is waited for" {
	follow -w cpu1 --requeue
	fail_node
	wait_until 60 grep -qxF "uattach: job $id was requeued, and begins anew" err
	wait_until 60 grep -q "job $id waits" err
	kill -0 $!
	scancel "$id"
	wait_status "$!"
	echo "status $status"; cat err
	[ "$status" -eq 143 ]
	grep -q "job $id was cancelled" err
	# it has another time of submission now; the receipt is found all the same
	[ "$(jq .exit_code "$XDG_STATE_HOME/ucluster/receipts/$id"-*.json)" = 143 ]
}

@test "preempted: by what, and what helps the next time" {
	follow --nodes=2 --exclusive --no-requeue
	sbatch -o /dev/null -p urgent --exclusive --wrap true
	wait_status "$!"
	echo "status $status"; cat err
	[ "$status" -eq 143 ]
	grep -qE "^uattach: job $id was preempted: a job that goes first took its nodes" err
	grep -q '^hint: .*--requeue' err
	grep -qxF "again: usrun --again $id" err
}

@test "another job's receipt of the same number is not this one's" {
	id=$(sbatch --parsable --no-requeue -w cpu1 --wrap 'echo begun; sleep 1000')
	(umask 077; mkdir -p "$XDG_STATE_HOME/ucluster/receipts")
	jq -n --argjson id "$id" '{schema: "ucluster-receipt", version: 1, ucluster: "0.1.0",
		job_id: $id, cluster: null, submit_time: 1690000000, cwd: "/", batch: true,
		command: ["true"]}' >"$XDG_STATE_HOME/ucluster/receipts/$id-1690000000.json"
	chmod 600 "$XDG_STATE_HOME/ucluster/receipts/$id"-*
	uattach "$id" >out 2>err 3>&- &
	wait_until 60 grep -q begun out
	fail_node
	wait "$!" || :
	echo "status $status"; cat err
	grep -q "job $id ended because a node of it failed" err
	run ! grep -q '^again:' err
	[ "$(jq .exit_code "$XDG_STATE_HOME/ucluster/receipts/$id"-*.json)" = null ]
}
