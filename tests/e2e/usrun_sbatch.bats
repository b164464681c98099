#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# usrun --batch beside the real sbatch: each option of sbatch gives the same job, the same
# variables, or is refused for a reason; --export gives tasks the same environment.

load helper

setup()
{
	e2e_setup
	export UCLUSTER_RUNTIME=none HOME=$WORK PYTHONUNBUFFERED=1
	CONTROLLER=$UC_E2E_DIR/cluster/ctld
	printf '#!/bin/bash\nenv -0\n' >job.sh
	chmod +x job.sh
}

teardown()
{
	e2e_teardown
}

need_release()
{
	[[ "$(sbatch --version)" == slurm*" 22.05."* ]] ||
		skip "the rows below are those of Slurm 22.05"
}

# What slurmctld keeps of a held job: its record, and the variables it is to get; what
# differs from job to job is left out.
kept()
{
	scontrol -o show job "$1" | head -1 | tr ' ' '\n' |
		sed -E "/^(JobId|ArrayJobId|SubmitTime|EligibleTime|AccrueTime|LastSchedEval|AllocNode:Sid)=/d
			/^Std/s/\b$1/ID/"
	# a count of 32 bits, then NAME=value and a NUL each
	tail -c +5 "$CONTROLLER"/hash.*/"job.$1/environment" | sort -z | tr '\n\0' '~\n' |
		sed -E '/^(_|SHLVL)=/d; s/^/env /'
}

# same WORDS...: both take them, and make the same job of it.
same()
{
	local theirs ours

	theirs=$(sbatch -H --parsable "$@" "$WORK/job.sh" 2>said) ||
		{ echo "sbatch $*: $(cat said)"; return 1; }
	ours=$(usrun --batch --no-check -H --parsable "$@" "$WORK/job.sh" 2>said) ||
		{ echo "usrun --batch $*: $(cat said)"; return 1; }
	diff <(kept "$theirs") <(kept "$ours") >differs ||
		{ echo "usrun --batch $* ($theirs, $ours):"; cat differs; return 1; }
	scancel "$theirs" "$ours"
}

# denied WORDS...: slurmctld takes it from neither, for the same reason.
denied()
{
	local theirs ours

	! sbatch -H --parsable "$@" job.sh >/dev/null 2>said || return 1
	theirs=$(sed 's/.*Batch job submission failed: //' said)
	! usrun --batch --no-check -H --parsable "$@" ./job.sh >/dev/null 2>said || return 1
	ours=$(sed -n '1s/.*slurmctld refuses the job: //p' said)
	[ -n "$theirs" ] && [ "$theirs" = "$ours" ] && return 0
	echo "$*: sbatch '$theirs', usrun '$ours'"
	return 1
}

# refused REASON WORDS...: usrun says why, and what to do instead, before anybody is asked.
refused()
{
	local reason=$1

	shift
	run -2 usrun --batch "$@" ./job.sh
	[ "${lines[0]}" = "usrun: ${1%%=*} does not go with --batch: $reason" ] &&
		[[ ${lines[1]} == "hint: "* ]] && return 0
	echo "usrun --batch $*: $output"
	return 1
}

# since RELEASE WORDS...: a later Slurm has it.
since()
{
	local release=$1

	shift
	run -2 usrun --batch --no-check -H "$@" ./job.sh
	[[ ${lines[0]} == "usrun: ${1%%=*}"*": expected "*"Slurm $release or newer" ]] &&
		return 0
	echo "usrun --batch $*: $output"
	return 1
}

# The whole table. One row an option and a form of value; words are those of a shell.
rows()
{
	cat <<-'EOT'
		same --account=research
		same --acctg-freq=task=5
		denied --acctg-freq=task=20
		same --array=0-3%2
		same --bb=capacity=1
		same --begin=2031-01-01T00:00:00
		same --chdir=$WORK/folder
		same --cluster-constraint=x
		same --comment="a  'b' \"c\""
		same --constraint=uct-fast
		denied --constraint=nothing-like-it
		same --container=/tmp
		same --context=x
		same --contiguous
		same --core-spec=1
		same --cores-per-socket=4
		same --cpu-freq=high
		same --cpu-freq=ondemand
		same --cpu-freq=1000000-2000000
		same --cpu-freq=low-high:performance
		same --cpus-per-gpu=2 --gpus=1
		same --cpus-per-task=2
		same --cpus-per-task=2 --ntasks=3
		same --cpus-per-task=4 --mincpus=2
		same --deadline=2032-01-01T00:00:00
		same --delay-boot=10
		same --dependency=singleton
		same --distribution=cyclic
		same --distribution=plane=2 -n4
		same --distribution=block:cyclic,Pack
		same --distribution=*:block:*
		same --distribution=NoPack
		same --distribution=arbitrary -w cpu[1-2]
		same --error=err-%j
		same --exclude=cpu1
		same --exclude=./hosts
		same --exclusive
		same --exclusive=user
		same --export=ALL
		same --export=NONE
		same --export=HOME,X=1
		same --export=ALL,X=2,HOME
		same --export="HOME,Y=\"a,b\",Z='1,2'"
		same --extra-node-info=2:4
		same --extra-node-info=1:*:1
		same -N2 -B1:2:1
		same --get-user-env
		same --get-user-env=10L
		same --gpu-bind=closest --gpus=1
		same --gpu-bind=verbose,map_gpu:0,1 --gpus=2
		same --gpu-bind=single:1 --gpus=1
		same --gpu-freq=medium --gpus=1
		same --gpus=2
		same --gpus=a100:2
		same --gpus-per-node=1
		same --gpus-per-socket=1 --sockets-per-node=1
		same --gpus-per-task=1 -n2
		same --gres=gpu:1
		same --gres=none
		same --gres-flags=enforce-binding
		same --gres-flags=disable-binding
		same --hint=compute_bound
		same --hint=memory_bound -N2
		same --hint=multithread
		same --hint=multithread --ntasks-per-core=1
		same --hint=nomultithread -N2
		same --hold
		same --ignore-pbs
		same --input=in
		same --job-name="another  one"
		same --kill-on-invalid-dep=yes
		denied --licenses=x
		same --mail-type=END,FAIL
		same --mail-type=ALL
		same --mail-type=TIME_LIMIT,TIME_LIMIT_80,INVALID_DEPEND,ARRAY_TASKS
		same --mail-user=ada@example.org
		same --mcs-label=x
		same --mem=1G
		same --mem=0
		same --mem-bind=local
		same --mem-bind=map_mem:0,1
		same --mem-bind=mask_mem:0x3*2,1 -n2
		same --mem-bind=verbose,prefer,sort,rank
		same --mem-per-cpu=1G
		same --mem-per-gpu=1G --gpus=1
		same --mincpus=2
		same --network=x
		same --nice
		same --nice=20
		same --nice=-20
		same --no-kill
		same --no-kill=off
		same --no-requeue
		same --nodefile=hosts
		same --nodelist=cpu1,cpu2
		same --nodelist=cpu[1-2] -n1
		same --nodelist=./hosts
		same --nodes=2
		same --nodes=1-2
		same --nodes=2 -n1
		same --nodes=2 --sockets-per-node=1 --cores-per-socket=2
		same --ntasks=3
		same --ntasks-per-core=1
		same --ntasks-per-gpu=2 --gpus=1
		same --ntasks-per-gpu=2 --gpus-per-node=2 -N2
		same --ntasks-per-node=2 -N2
		same --ntasks-per-socket=1
		same --ntasks-per-tres=2 --gpus=1
		same --open-mode=append
		same --open-mode=truncate
		same --output=out-%j
		same --overcommit
		same --overcommit -N2
		same --oversubscribe
		same --parsable
		same --partition=gpu
		same --power=level
		same --prefer=uct-fast
		same --priority=5
		same --priority=TOP
		same --profile=task,energy
		same --profile=all
		same --profile=none
		same --propagate
		same --propagate=STACK,NOFILE
		same --propagate=NONE
		same --qos=normal
		same --reboot
		same --requeue
		same --reservation=uct
		same --signal=USR1@120
		same --signal=B:10
		same --sockets-per-node=1
		same --spread-job
		same --switches=1@10:00
		same --tasks-per-node=2
		same --thread-spec=1
		same --threads-per-core=1
		same --time=90
		denied --time=4-12
		same --time-min=10 --time=20
		same --tmp=100
		same --use-min-nodes
		same --verbose
		same --wait-all-nodes=1
		same --wckey=x
		same -N2-4 -n3
		same -N4 -n3 -w cpu[1-2],gpu[1-2]
		same -N2 -B*:2
		same -N2 -n6 -m plane=3
		same -N2 --gpus-per-task=1
		same -N1-2 --ntasks-per-node=2
		same -n3 --ntasks-per-gpu=2 --gpus=1
		same -n3 -c2 --overcommit --mem=1500K --time=1:30
		same -D folder -o relative -e /absolute -i relative
		refused "a job is submitted as who runs usrun" --gid=1
		refused "a job is submitted as who runs usrun" --uid=1
		refused "it goes to the cluster of slurm.conf" --clusters=x
		refused "lines of a file would have to go into the script" --bbf=hosts
		refused "it is read by sbatch alone" --export-file=hosts
		refused "the command stands after the options" --wrap=true
		refused "sbatch --test-only says when it would start" --test-only
		refused "it makes sbatch talk, not submit" --usage
		refused "it makes sbatch talk, not submit" --autocomplete=x
		refused "an external job runs nothing" --external
		since 23.02 --container-id=x
		since 23.02 --extra=x
		since 23.02 --tres-per-task=cpu=1
		since 23.11 --tres-bind=gres/gpu:closest
		since 24.05 --resv-ports=1
		since 24.05 --segment=1
		since 24.05 --stepmgr
		since 24.11 --oom-kill-step
		since 25.11 --consolidate-segments
		since 25.11 --spread-segments
		since 26.05 --container-type=x
		since 26.05 --mem-update=10@30
		since 26.05 --resources=x
	EOT
}

# On nodes and in reservations that are for this alone.
furnish()
{
	mkdir -p folder
	printf 'cpu1\ncpu2\n' >hosts
	scontrol update NodeName=cpu1 AvailableFeatures=uct-fast ActiveFeatures=uct-fast
	scontrol create reservation ReservationName=uct StartTime=2030-01-01 \
		Duration=1 Nodes=cpu1 "Users=$(id -un)" >/dev/null
}

clear_away()
{
	scancel -f --user="$(id -un)" 2>/dev/null
	scontrol delete ReservationName=uct
	scontrol update NodeName=cpu1 AvailableFeatures= ActiveFeatures=
}

@test "each option of sbatch makes the same job, or is refused for a reason" {
	local row words faults=0

	need_release
	furnish
	while IFS= read -r row; do
		eval "words=($row)"
		"${words[@]}" || ((++faults))
	done < <(rows)
	clear_away
	[ "$faults" -eq 0 ]
}

@test "no option of sbatch is without a row" {
	local name missing="" worker=("$UC_TEST_BUILD"/libexec/ucluster/slurm-worker-*)

	need_release
	rows | grep -oE -- '--[a-z0-9-]+' | sort -u >named
	{
		# plugins have theirs in the list, too
		sbatch --help | grep -oE -- '--[a-z0-9-]+' | grep -vE -- '-?container-'
		"${worker[0]}" --options | sed 's/^/--/'
	} | sort -u >options
	# --batch is another one of usrun, and sbatch's a line of scripts; others have tests
	for name in $(comm -23 options named); do
		case $name in
		--batch | --help | --version | --wait | --quiet) ;;
		*) missing+=" $name" ;;
		esac
	done
	[ -s options ]
	[ -z "$missing" ] || { echo "no row:$missing"; false; }
}

@test "values that sbatch does not take are refused in the option's own words" {
	local word

	need_release
	for word in --cpu-freq=fast --cpu-freq=3-2 --cpu-freq=high:userspace \
		--distribution=round --distribution=plane --gpu-bind=near --gpu-bind=single: \
		--gpu-freq=fast --gres-flags=loose --hint=fast -B1:x --get-user-env=10X \
		--mem-bind=map_mem --mem-bind=mask_mem:g --mem-bind=near --no-kill=maybe \
		--nodefile=gone --nodelist=./gone --open-mode=x --profile=everything \
		--priority=high --mail-type=ALWAYS --signal=NONE --export="X='1"; do
		run sbatch -H "$word" job.sh
		# of these sbatch takes the first letter, the digits, and what is before the quote
		[ "$status" -ne 0 ] || [[ $word =~ ^--(gpu-bind|priority|export)= ]]
		run -2 usrun --batch --no-check -H "$word" ./job.sh
		[[ ${lines[0]} == "usrun: --"*": "* ]]
		[[ ${lines[0]} == *"expected "* || ${lines[0]} == *" is not closed" ]]
		[[ ${lines[0]} != *"slurmctld refuses"* ]]
	done
}

@test "--wrap has no command, and says where one stands" {
	run -2 usrun --batch --wrap="sleep 1"
	[ "${lines[0]}" = "usrun: --wrap does not go with --batch: the command stands after the options" ]
	[ "${lines[1]}" = "hint: write the words of the command without --wrap" ]
}

@test "--batch of sbatch is for scripts, --quiet says nothing" {
	furnish
	printf '#!/bin/bash\n#SBATCH --batch=uct-fast --constraint=uct-fast\n' >job.sh
	same --hold
	printf '#!/bin/bash\n' >job.sh
	clear_away
	run -0 usrun --batch -H -Q ./job.sh
	[ -z "$output" ]
	[ "$(squeue -h -n job.sh -o %j)" = job.sh ]
}

# The environment of the task, without what its number and place are.
task_env()
{
	tr '\n\0' '~\n' <"$1" | sort | sed -E '/^(_|SHLVL|PWD|OLDPWD)=/d
		/^SLURM_(JOB_?ID|JOB_NAME|TASK_PID|.*NODELIST|TOPOLOGY_ADDR)=/d
		/^(HOSTNAME|SLURMD_NODENAME|SLURM_NODE_ALIASES)=/d'
}

# What a step has besides, or says otherwise.
without_step()
{
	sed -E '/^(SLURM_(DISTRIBUTION|JOB_CPUS_PER_NODE_PACK_GROUP_0|LAUNCH_NODE_IPADDR)|SRUN_DEBUG)=/d
		/^SLURM_(NPROCS|NTASKS|SRUN_COMM_.*|STEP.*|UMASK|PRIO_PROCESS)=/d'
}

@test "--export: a task has the environment that it has under sbatch" {
	local which n=0
	# shellcheck disable=SC2054 # the commas are --export's
	local cases=(NONE X1,X2 ALL,X3=4 "X1,Y='a,b'" "'X3=1,2',X2,NOTHING" "X1=\"\",HOME" ALL)

	need_root # slurmd asks for the login's environment with su
	export X1=$'one\ntwo' X2="it's \"quoted\" \\ \$HOME" X3=three X1X=4
	for which in "${cases[@]}"; do
		sbatch --parsable -o "$n.theirs" --export="$which" job.sh
		usrun --batch --parsable -o "$n.ours" --export="$which" ./job.sh
		# the same by a step; a name is looked up by srun's PATH, as in a script
		usrun --batch --parsable -o "$n.step" --export="$which" /usr/bin/env -0
		((++n))
	done >ids
	wait_until 120 no_jobs
	for n in "${!cases[@]}"; do
		echo "${cases[n]}"
		[ -s "$n.theirs" ]
		diff <(task_env "$n.theirs") <(task_env "$n.ours")
		diff <(task_env "$n.theirs" | without_step) <(task_env "$n.step" | without_step)
	done
	# what is meant: three of these have X1, X3 is in all but ...
	grep -qx 'X1=one~two' <(task_env 1.ours)
	run ! grep -q '^X3=' <(task_env 1.ours)
	grep -qx 'X3=4' <(task_env 2.step)
	run ! grep -q '^X[0-9]' <(task_env 0.step)
}

@test "--export by a line of the script and by SBATCH_EXPORT; variables of the job stay" {
	need_root
	export X1=one X2=two
	printf '#!/bin/bash\n#SBATCH --export=X2\nenv -0\n' >job.sh
	sbatch --wait -o theirs job.sh
	usrun --batch --wait -o ours ./job.sh
	diff <(task_env theirs) <(task_env ours)
	grep -qx X2=two <(task_env ours)
	run ! grep -q ^X1= <(task_env ours)
	SBATCH_EXPORT=X1 usrun --batch --wait -o ours ./job.sh
	grep -qx X1=one <(task_env ours)
	run ! grep -q ^X2= <(task_env ours)
	# given variables, those of files and secrets are not taken away
	(umask 077 && echo hush >token)
	printf 'FILED=f\n' >file.env
	for which in NONE NIL X2; do
		usrun --batch --wait -o ours --export=$which --env GIVEN="a  b" --env X1 \
			--env-file file.env --secret TOKEN=token /usr/bin/env -0
		[ "$(grep -cxE 'GIVEN=a  b|X1=one|FILED=f|TOKEN=hush' <(task_env ours))" -eq 4 ]
	done
	run -2 usrun --batch --export="X='1" true
	[ "${lines[0]}" = "usrun: --export=X='1: a quote is not closed" ]
	run -2 usrun --batch --export=$'X=1\n2' true
	[ "${lines[1]}" = "hint: --env NAME=VALUE takes any value" ]
}

@test "NIL: Slurm's variables and nothing else, whatever the release" {
	usrun --batch --wait -o ours --export=NIL ./job.sh
	run ! grep -vE '^(SLURM|PWD=|SHLVL=|_=|TMPDIR=|ENVIRONMENT=|HOSTNAME=)' <(tr '\n\0' '~\n' <ours)
}

@test "a command with a line break in its name is a job with a name" {
	local odd=$'od\nd' id

	printf '#!/bin/sh\necho ran "$@"\n' >"$odd"
	chmod +x "$odd"
	run -0 --separate-stderr usrun --batch --follow ./"$odd" word
	[ "$output" = "ran word" ]
	id=$(usrun --batch -H --parsable "$WORK/$odd")
	[ "$(squeue -h -j "$id" -o %j)" = od_d ]
	# not a script
	id=$(usrun --batch -H --parsable $'/bin/no\nthing')
	[ "$(squeue -h -j "$id" -o %j)" = no_thing ]
}

@test "values that are to be secret do not get into the script" {
	local id name

	for name in HF_TOKEN secret DB_PASSWORD PASSWD OPENAI_API_KEY AWS_SECRET_ACCESS_KEY \
		X_CREDENTIALS; do
		run -2 usrun --batch --env "$name=hush" true
		[ "${lines[0]}" = "usrun: --env $name: its value would stand in the batch script, which Slurm keeps" ]
		[ "${lines[1]}" = "hint: --secret $name hands on the caller's, --secret $name=FILE a file's" ]
	done
	run -2 usrun --batch --dry-run --export=ALL,A=1,HF_TOKEN=hush true
	[[ ${lines[0]} == "usrun: --export HF_TOKEN: its value"* ]]
	# the caller's own value is in no script, and other names are no secrets
	HF_TOKEN=hush usrun --batch --dry-run --env HF_TOKEN --env TOKENS=3 true >script
	run ! grep -q hush script
	# configured ones go with the environment
	printf 'env: {HF_TOKEN: hush, PLAIN: seen}\n' >config.yaml
	export UCLUSTER_CONFIG=$WORK/config.yaml
	run -0 --separate-stderr usrun --batch --follow sh -c 'echo $HF_TOKEN $PLAIN'
	[ "$output" = "hush seen" ]
	id=$(usrun --batch --parsable -H true)
	scontrol write batch_script "$id" script
	grep -q seen script
	run ! grep -q hush script
}
