#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154
# Requests that cannot run are refused before they are queued, with the limit and the
# nearest legal request; and slurmctld agrees.
load helper

setup()
{
	e2e_setup
	export XDG_STATE_HOME=$WORK/state
}

teardown()
{
	[ -z "${DOWN:-}" ] || scontrol update "partitionname=$DOWN" state=up maxtime=8:00:00 \
		defaulttime=1:00:00
	[ -z "${LIMITED:-}" ] || limits -1 UNLIMITED 0
	e2e_teardown
}

# refused TEXT HINT OPTION...: one line each, status 2, and nothing was queued.
refused()
{
	local text=$1 hint=$2

	shift 2
	run -2 --separate-stderr usrun --no-container "$@" true
	printf '%s\n' "$stderr"
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "usrun: $text" ]
	if [ -n "$hint" ]; then
		[ "${stderr_lines[1]}" = "hint: $hint" ]
		[ "${#stderr_lines[@]}" -eq 2 ]
	else
		[ "${#stderr_lines[@]}" -eq 1 ]
	fi
	no_jobs
}

@test "a partition that is not there, with the nearest name" {
	refused "there is no partition 'gpuu'; did you mean 'gpu'?" \
		"partitions that take jobs: batch, gpu" -p gpuu
	SLURM_PARTITION=nowhere refused "there is no partition 'nowhere'" \
		"partitions that take jobs: batch, gpu"
	refused "there is no partition 'nowhere'" "partitions that take jobs: batch, gpu" \
		--batch -p gpu,nowhere
}

@test "a partition that is down starts nothing, and drained takes nothing" {
	DOWN=gpu
	scontrol update partitionname=gpu state=down
	refused "partition 'gpu' is down: it starts no jobs" \
		"--batch queues the job until it is up again" -p gpu
	usrun --batch --parsable --no-container -p gpu true >id
	scancel "$(cat id)"
	wait_until 20 no_jobs
	scontrol update partitionname=gpu state=drain
	refused "partition 'gpu' is draining: it takes no new jobs" "--partition=batch" -p gpu
}

@test "a time over the partition's limit, or the QOS's" {
	refused "partition 'gpu' allows at most 8:00:00, 10:00:00 is asked for" \
		"--time=8:00:00, or --partition=batch (1-00:00:00)" -p gpu --time=10h
	refused "partition 'batch' allows at most 1-00:00:00, UNLIMITED is asked for" \
		"--time=1-00:00:00" --batch --time=0
	refused "QOS 'short' allows at most 1:00:00, 1:01:00 is asked for" \
		"--time=1:00:00, or --qos=normal" --qos=short --time=60:01
	run -0 usrun --no-container -p gpu --time=8h true
}

# said LINE: by usrun, beside what srun says and that it waits.
said()
{
	[ "$(grep ^usrun: <<<"$stderr" | grep -v ' waits')" = "$1" ]
}

@test "without --time, where the partition's largest limit is what it gets, it is named" {
	local line="usrun: time limit 8:00:00, all that partition 'gpu' allows; with a shorter --time it may start sooner"

	run -0 --separate-stderr usrun --no-container -p gpu true
	said ''
	DOWN=gpu
	scontrol update partitionname=gpu defaulttime=8:00:00
	rm -r state
	run -0 --separate-stderr usrun --no-container -p gpu true
	said "$line"
	run -0 --separate-stderr usrun --batch --parsable --no-container -p gpu -o /dev/null true
	said "$line"
	run -0 --separate-stderr usrun --no-container -p gpu --time=8h true
	said ''
	run -0 --separate-stderr usrun --no-container -p gpu --quiet true
	said ''
	scontrol update partitionname=gpu maxtime=UNLIMITED
	rm -r state
	run -0 --separate-stderr usrun --no-container -p gpu true
	said ''
	scontrol update partitionname=gpu defaulttime=UNLIMITED
	rm -r state
	run -0 --separate-stderr usrun --no-container -p gpu true
	said "usrun: no time limit, as partition 'gpu' has none; with --time it may start sooner"
}

@test "GPUs that no node has, or not so many" {
	refused "partition 'batch' has no GPUs of type 'a10'; did you mean 'a100'?" \
		"types there: a100" --gpus=a10:1
	refused "a node of partition 'gpu' has at most 8 GPUs, 9 are asked for" \
		"--gpus-per-node=8" -p gpu --gpus-per-node=9
	refused "a node of partition 'gpu' has at most 8 a100 GPUs, 9 are asked for" \
		"--gpus-per-node=a100:8" -p gpu --gres=gpu:a100:9
	refused "partition 'gpu' has 16 GPUs in all, 17 are asked for" "--gpus=16" \
		-p gpu --gpus=17
	refused "1 node of partition 'gpu' has at most 8 GPUs, 9 are asked for" "--gpus=8" \
		-p gpu -N1 --gpus=9
	refused "4 nodes need at least 4 GPUs, 1 is asked for" \
		"--nodes=1, or --gpus-per-node=1" -N4 --gpus=1
	refused "QOS 'short' allows a user at most 8 GPUs, 9 GPUs are asked for" \
		"--gpus=8, or --qos=normal" --qos=short --gpus=9
}

@test "memory, CPUs and nodes that are not there" {
	refused "a node of partition 'batch' has at most 62.5G of memory, 100G is asked for" \
		"--mem=64000M" --mem=100G
	refused "a node of partition 'batch' has at most 16 CPUs, 17 are asked for each task" \
		"--cpus-per-task=16" -c 17
	refused "partition 'gpu' has 32 CPUs in all, 33 are asked for" \
		"--ntasks=32, or --partition=batch" -p gpu -n 33
	refused "partition 'gpu' has 2 nodes, 3 are asked for" \
		"--nodes=2, or --partition=batch" -p gpu -N 3
	refused "no nodes of partition 'batch' have all at once what is asked for: tasks, CPUs, memory and GPUs" \
		"ask for less of one of them; nodes are listed by: sinfo -o '%P %D %c %m %G'" \
		--gpus=2 -n 33
}

@test "an account and a QOS that are not there" {
	refused "there is no QOS 'shrt'; did you mean 'short'?" \
		"QOSes of account 'research': normal,short" --qos=shrt
	run -2 --separate-stderr usrun --no-container -A nobodys true
	[[ $stderr == "usrun: you have no account 'nobodys'"*"hint: yours: "*research* ]]
}

@test "all faults are told, one line each" {
	run -2 --separate-stderr usrun --batch --no-container -p gpu --time=1d -N3 \
		--gpus-per-node=9 true
	[ "$(grep -c ^usrun: <<<"$stderr")" -eq 3 ]
	[[ $stderr == *"at most 8:00:00"*"has 2 nodes"*"at most 8 GPUs"* ]]
}

@test "--no-check leaves it to slurmctld, and so does a step" {
	run -1 --separate-stderr usrun --no-check --no-container -p gpuu true
	[[ $stderr == *"nvalid partition"* ]]
	run -0 --separate-stderr salloc -Q -p batch -N1 -n1 usrun --no-container -p gpuu true
}

@test "what is remembered for ten minutes refuses nothing by itself" {
	DOWN=gpu
	scontrol update partitionname=gpu maxtime=10
	refused "partition 'gpu' allows at most 10:00, 11:00 is asked for" \
		"--time=10:00, or --partition=batch (1-00:00:00)" -p gpu --time=11 --gpus=1
	[ "$(find state/ucluster/cache -type f | wc -l)" -eq 3 ]
	[ -z "$(find state/ucluster/cache -type f ! -perm 600)" ]
	scontrol update partitionname=gpu maxtime=8:00:00
	# the cache says 10 minutes, slurmctld more
	run -0 usrun --no-container -p gpu --time=11 --gpus=1 true
	# broken or somebody else's: asked anew
	for file in state/ucluster/cache/*; do
		head -c 100 "$file" >part && cp part "$file"
	done
	run -0 usrun --no-container -p gpu --gpus=1 true
}

@test "limits and their use, as accounting has them" {
	run -0 "$UC_TEST_BUILD/tests/probe" limits
	grep -qx 'qos name=short account= allowed= default= user=gres/gpu=8 used= wall=3600' \
		<<<"$output"
	grep -q '^own name= account=research allowed=normal,short default=normal .* wall=-1$' \
		<<<"$output"
	grep -q '^account name= account=root ' <<<"$output"
	usrun --no-container -p gpu --gpus=2 --qos=short \
		sh -c "'$UC_TEST_BUILD/tests/probe' limits >used"
	grep -q '^qos name=short .*used=.*gres/gpu=2' used
	# nobody: no association, all QOSes
	run -0 "$UC_TEST_BUILD/tests/probe" limits 65533
	[ "$(grep -c ^own <<<"$output")" -eq 0 ]
	[ "$(grep -c ^qos <<<"$output")" -ge 2 ]
}

@test "when and where a job would start" {
	local probe=$UC_TEST_BUILD/tests/probe script=$'#!/bin/sh\n:\n'

	run -0 "$probe" estimate "$script" partition=gpu gpus=2
	[[ $output =~ ^in\ -?[0-9]\ s\ nodes=gpu[12]\ partition=gpu\ preempted=0$ ]]
	sbatch -Q -p gpu -N2 --exclusive --time=30 -o /dev/null --wrap 'sleep 1000'
	wait_until 20 all_running
	run -0 "$probe" estimate "$script" partition=gpu gpus=2
	[[ $output =~ ^in\ 1[0-9]{3}\ s\ nodes=gpu[12]\ partition=gpu\ preempted=0$ ]]
	[ "$(squeue -h | wc -l)" -eq 1 ]
	run -2 "$probe" estimate "$script" gpus=99
	[[ $output == *"Requested node configuration is not available"* ]]
	run -5 "$probe" -s synthetic: estimate "$script"
}

all_running()
{
	[ "$(squeue -h -t R | wc -l)" -eq 1 ]
}

@test "two users, each with the limits of their own" {
	need_root
	user_add uctone
	user_add ucttwo
	sacctmgr -i -Q modify user uctone set maxwall=20 >/dev/null
	sacctmgr -i -Q modify user ucttwo set maxtresperjob=cpu=4 >/dev/null
	wait_until 10 has_limit uctone MaxWallPJ=20
	wait_until 10 has_limit ucttwo MaxTRESPJ=cpu=4
	cd "$WORK/home-uctone"
	unset XDG_STATE_HOME
	run -2 --separate-stderr as uctone usrun --no-container --time=30 true
	[ "${stderr_lines[0]}" = "usrun: account 'research' allows at most 20:00, 30:00 is asked for" ]
	run -0 as uctone usrun --no-container --time=20 -c 5 true
	cd "$WORK/home-ucttwo"
	run -2 --separate-stderr as ucttwo usrun --batch --no-container -c 5 true
	[ "${stderr_lines[0]}" = "usrun: account 'research' allows a job at most 4 CPUs, 5 CPUs are asked for" ]
	run -0 as ucttwo usrun --no-container --time=30 true
	run -2 --separate-stderr as ucttwo usrun --no-container -A teaching true
	[ "${stderr_lines[0]}" = "usrun: you have no account 'teaching'" ]
	[ "${stderr_lines[1]}" = "hint: yours: research" ]
}

has_limit()
{
	scontrol show assoc_mgr "users=$1" flags=assoc | grep -q "$2"
}

judge()
{
	"$UC_TEST_BUILD/tests/judge" "$@"
}

# agreed SEED: nothing different, and both judgements came.
agreed()
{
	local refusals

	judge "$1" 200 >judged || {
		grep -A 2 ^DIFFERENT judged
		return 1
	}
	tail -n 1 judged
	# a test of what is refused only, or of what runs only, would be none
	refusals=$(grep -c 'slurmctld: [^r]' judged)
	[ "$refusals" -gt 50 ]
	[ "$refusals" -lt 160 ]
	[[ $(tail -n 1 judged) =~ ,\ ([0-9]+)\ without\ the\ nodes ]]
	[ "${BASH_REMATCH[1]}" -gt 10 ]
}

@test "slurmctld agrees about 200 random requests" {
	agreed 1
}

# limits N NODES MEMORY: of accounts, a QOS and partitions.
limits()
{
	local me

	me=$(id -un)
	sacctmgr -i -Q modify account teaching set "grptres=cpu=${1/3/20},gres/gpu=$1"
	sacctmgr -i -Q modify user "$me" where account=research set "maxtresperjob=node=${1/3/2}"
	sacctmgr -i -Q modify qos short set "maxtresperjob=cpu=${1/3/24}"
	scontrol update partitionname=gpu "maxnodes=$2" "maxmempernode=$3"
	scontrol update partitionname=batch "maxcpuspernode=${2/1/12}"
}

@test "slurmctld agrees about 200 more, with limits of all kinds" {
	LIMITED=yes
	limits 3 1 40000
	wait_until 10 has_limit "$(id -un)" MaxTRESPJ=node=2
	agreed 12
}
