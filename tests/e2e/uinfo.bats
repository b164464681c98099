#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# uinfo on a cluster with accounting: two users, limits, a reservation, a drained node; its
# numbers are Slurm's, and it asks slurmctld no more than it has to.
load helper

setup()
{
	e2e_setup
	export XDG_STATE_HOME=$WORK/state TZ=UTC
}

teardown()
{
	local name

	for name in uct-now uct-later uct-own; do
		scontrol delete reservation="$name" 2>/dev/null || :
	done
	scontrol update nodename=cpu2 state=resume 2>/dev/null || :
	sacctmgr -i -Q modify qos short set MaxTRESPerUser=gres/gpu=8 >/dev/null 2>&1 || :
	e2e_teardown
}

# job USER OPTION...: a job that sleeps; prints its id.
job()
{
	local user=$1

	shift
	as "$user" sbatch --parsable -o /dev/null "$@" --wrap 'sleep 300'
}

# cell USER PARTITION TYPE COLUMN: of that user's overview ("" = CPUs).
cell()
{
	as "$1" uinfo --json | jq -r --arg p "$2" --arg t "$3" --arg c "$4" \
		'.capacity[] | select(.partition == $p and (.type // "") == $t) | .[$c]'
}

@test "what is free, for whom, is what Slurm says; each GPU has its holder" {
	local mine other

	user_add uctia
	user_add uctib
	scontrol update nodename=cpu2 state=drain reason="bad disk"
	mine=$(job uctia -p gpu --gres=gpu:3 -w gpu1 -t 30)
	other=$(job uctib -p gpu --gres=gpu:2 -w gpu1 -t 20)
	job uctib -p gpu --gres=gpu:8 -N 2 -t 10 >/dev/null # waits
	wait_for_job "$mine" RUNNING
	wait_for_job "$other" RUNNING

	[ "$(as uctia uinfo nodes -h -o node,gpus_used -p gpu | tr -s ' ' | sort)" = \
		"$(node_gpus | grep ^gpu)" ]
	[ "$(cell uctia gpu a100 total)" = 16 ]
	[ "$(cell uctia gpu a100 used)" = 5 ]
	[ "$(cell uctia gpu a100 free)" = 11 ]
	[ "$(cell uctia gpu a100 used_mine)" = 3 ]
	[ "$(cell uctia batch "" out)" -gt 0 ]
	[ "$(cell uctib gpu a100 pending_gpus)" -ge 16 ]
	as uctia uinfo --json | jq -e '.jobs[0] == {state: "running", jobs: 1, gpus: 3, cpus: .jobs[0].cpus,
		next_time: .jobs[0].next_time, next_job_id: '"$mine"'}'

	as uctia uinfo gpus --map --json >map
	[ "$(jq -r '[.gpus[] | select(.state == "mine") | .index] | join(",")' map)" = \
		"$(scontrol -d show job "$mine" | grep -o 'IDX:[0-9-]*' | sed 's/IDX://' |
			awk -F- '{ for (i = $1; i <= $NF; i++) printf "%s%d", n++ ? "," : "", i }')" ]
	jq -e --arg j "$other" '[.gpus[] | select(.state == "other")] |
		length == 2 and all(.user == "uctib" and .job_id == ($j | tonumber) and .node == "gpu1")' map
	as uctia uinfo gpus --map >picture
	grep -qE '^gpu1 +a100 +[#a.]{8}$' picture
	grep -qE "^a uctib 2, until .* \(job $other\)$" picture
	[ "$(as uctia uinfo nodes -t drain -h -o node,state,reason)" = "cpu2  drained  bad disk" ]
	# two questions for partitions and nodes, one for each other thing
	before=$(rpcs)
	as uctia uinfo --json >/dev/null
	[ $(($(rpcs) - before)) -le 6 ]
}

@test "limits: what the QOS leaves, and what would start with another one" {
	local id

	user_add uctia
	user_add uctib
	[ "$(cell uctia gpu a100 mine)" = 16 ]
	[ "$(cell uctia gpu a100 qos)" = normal ]
	id=$(job uctia -p gpu -q short --gpus=3 -t 20)
	wait_for_job "$id" RUNNING
	as uctia uinfo limits --json | jq -e '.limits[] |
		select(.name == "short" and .what == "GPUs") |
		.limit == 8 and .used == 3 and .left == 5 and .per == "user"'
	# as it would be seen by one who may use no other QOS
	sacctmgr -i -Q modify user uctib set qos=short defaultqos=short >/dev/null
	wait_until 10 only_short uctib
	[ "$(cell uctib gpu a100 mine)" = 8 ]
	[ "$(cell uctib gpu a100 why)" = "limit of QOS short" ]
	[ "$(cell uctib gpu a100 time)" = 3600 ]
	[ "$(cell uctib gpu a100 by)" = "QOS short" ]
	as uctib uinfo >text
	grep -q 'limit of QOS short' text
	# and a job of that size does start, one more GPU does not
	id=$(job uctib -p gpu -q short --gpus=8 -t 60)
	wait_for_job "$id" RUNNING
	[ "$(cell uctib gpu a100 mine)" = 0 ]
	as uctib uinfo | grep -q '^limit: 8 of 8 GPUs in use, QOS short (you)$'
}

only_short()
{
	[ "$(cell "$1" gpu a100 qos)" = short ]
}

@test "reservations: those of others, one's own, and how long a job may run before the next" {
	local at id

	user_add uctia
	user_add uctib
	scontrol create reservation reservationname=uct-now starttime=now duration=60 users=uctib \
		nodes=gpu2 flags=ignore_jobs >/dev/null
	[ "$(cell uctia gpu a100 mine)" = 8 ]
	[ "$(cell uctia gpu a100 reserved)" = 8 ]
	[ "$(cell uctia gpu a100 why)" = "reserved: uct-now" ]
	[ "$(cell uctib gpu a100 mine)" = 16 ]
	as uctia uinfo gpus --map | grep -qE '^gpu2 +a100 +={8}  reservation uct-now until '
	as uctib uinfo -p gpu -h -o note | grep -q -- '--reservation=uct-now'
	scontrol delete reservation=uct-now

	at=$(($(date +%s) + 7200))
	scontrol create reservation reservationname=uct-later starttime="$(date -d "@$at" +%FT%T)" \
		duration=60 users=root nodes=gpu[1-2] flags=maint >/dev/null
	as uctia uinfo --json >out
	jq -e '.capacity[] | select(.partition == "gpu") |
		.mine == 16 and .time <= 7200 and .time > 6900 and (.by | startswith("reservation uct-later at "))' out
	# as long as that starts at once, five minutes more would not
	id=$(job uctia -p gpu --gpus=1 -t $(($(jq '.capacity[] | select(.partition == "gpu") | .time' out) / 60 - 1)))
	wait_for_job "$id" RUNNING
	id=$(job uctia -p gpu --gpus=1 -t 125)
	wait_until 20 waits_for_reservation "$id"
}

waits_for_reservation()
{
	[[ $(squeue -h -j "$1" -o %r) == *ReqNodeNotAvail* || $(squeue -h -j "$1" -o %r) == *eserv* ]]
}

@test "partitions that one may not use are said to be closed, and are" {
	user_add uctia
	scontrol create partitionname=uctpart nodes=gpu[1-2] allowaccounts=teaching >/dev/null
	[ "$(as uctia uinfo partitions -p uctpart -h -o access)" = "only accounts teaching" ]
	[ "$(cell uctia uctpart a100 mine)" = 0 ]
	run ! job uctia -p uctpart -t 1
	scontrol update partitionname=uctpart allowaccounts=ALL allowgroups=root
	[ "$(as uctia uinfo partitions -p uctpart -h -o access)" = "only groups root" ]
	run ! job uctia -p uctpart -t 1
	scontrol update partitionname=uctpart allowgroups=ALL state=drain
	[ "$(as uctia uinfo partitions -p uctpart -h -o access)" = "partition takes no jobs" ]
	scontrol delete partitionname=uctpart
}

@test "usage is accounting's" {
	local id

	user_add uctia
	id=$(as uctia sbatch --parsable -o /dev/null -p gpu --gpus=2 -c 3 -t 5 --wrap 'sleep 3')
	wait_for_job "$id" GONE
	wait_until 30 accounted "$id"
	# slurmdbd hears of the ends of jobs, those of tests before too, one after the other
	wait_until 30 usage_agrees || show out
	jq -e '.accounting and .gpus_known and (.usage | length) == 7' out
	[ "$(jq '[.usage[].gpu_seconds] | add' out)" = "$(jq .total.gpu_seconds out)" ] || show out
	# a slurmdbd that is busy for seconds is one that does not answer: asked again
	wait_until 30 asks_by account || show by
	jq -e '[.usage[].account] == ["research"]' by || show out by
	uinfo usage --all --by user --json | jq -e '.usage | map(.user) | index("uctia")'
	uinfo usage -u uctia | grep -q '▇'
	LC_ALL=C uinfo usage -u uctia | grep -q '#'
	run -3 uinfo usage -u no-such-user
}

# show FILE...: what is in them and what sacct has, then the test fails.
show()
{
	tail -n +1 "$@"
	sacct -n -X -P -u uctia -S today -o jobid,account,state,start,end,elapsedraw,alloctres
	return 1
}

# Nothing on both sides would agree as well.
usage_agrees()
{
	as uctia uinfo usage --json >out &&
		jq -e '.total.gpu_seconds > 0' out &&
		[ "$(jq .total.gpu_seconds out)" = "$(sacct_seconds gres/gpu)" ] &&
		[ "$(jq .total.cpu_seconds out)" = "$(sacct_seconds cpu)" ]
}

asks_by()
{
	as uctia uinfo usage --by "$1" --json >by
}

accounted()
{
	[[ $(sacct -n -X -P -j "$1" -o end 2>/dev/null) == 20* ]]
}

# GPU or CPU seconds of uctia's jobs, from sacct.
sacct_seconds()
{
	sacct -n -X -P -u uctia -S today -o elapsedraw,alloctres | awk -F'|' -v what="$1" '
		{ n = split($2, part, ","); for (i = 1; i <= n; i++)
			if (split(part[i], kv, "=") == 2 && kv[1] == what) sum += $1 * kv[2] }
		END { print sum + 0 }'
}

@test "all is well: health says so, with versions" {
	user_add uctia
	run -0 uinfo health
	[[ $output == *"slurmctld "*" answered in "*" ms"* ]]
	[[ $output == *"slurm "*"slurmctld $(scontrol --version | cut -d' ' -f2)"* ]]
	[[ $output == *"slurmdbd "*" answered in "* ]]
	[[ $output == *"munge "* && $output == *"pyxis "*"srun has it"* ]]
	as uctia uinfo health --json | jq -e '.checks | all(.state != "bad")'
}

@test "Tab: accounts, QOSes, reservations, own jobs, kept for the next time" {
	local id

	user_add uctia
	id=$(job uctia -p gpu --gpus=1 -a 0-1)
	[ "$(as uctia ucluster complete ACCOUNT)" = research ]
	[ "$(as uctia ucluster complete QOS | sort | xargs)" = "normal short" ]
	wait_for_job "$id" RUNNING || :
	as uctia env XDG_STATE_HOME="$WORK/home-uctia" ucluster complete JOBID | grep -qx "$id"
	[ "$(as uctia env XDG_STATE_HOME="$WORK/home-uctia" ucluster complete PARTITION | sort | xargs)" = \
		"$(sinfo -h -o %R | sort -u | xargs)" ]
	# a slurmctld that is silent: what is known, and at once
	SLURM_CONF=$SLURM_CONF as uctia env XDG_STATE_HOME="$WORK/home-uctia" \
		timeout 3 ucluster complete PARTITION | grep -qx gpu
}

@test "on a terminal of 80 by 24" {
	tmux_start 80 24 uinfo
	tmux_wait '^disk: '
	tmux_screen >screen
	[ "$(tmux_status)" = 0 ]
	grep -qE '^PARTITION +TYPE +TOTAL +USED +FREE +YOURS' screen
	grep -q '^you have no jobs in the queue' screen
	[ "$(grep -c . screen)" -le 23 ]
}
