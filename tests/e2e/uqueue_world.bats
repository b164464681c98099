#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A cluster with everything at once: five users, every state that can be had without a
# machine breaking, an array, a heterogeneous job, all kinds of waiting, a drained node, a
# reservation. What uqueue says is what squeue, scontrol and sacct say.
load helper

setup()
{
	e2e_setup
	for user in uctwa uctwb uctwc uctwd; do
		user_add "$user"
	done
}

teardown()
{
	scontrol update nodename=cpu2 state=resume 2>/dev/null || :
	scontrol delete reservation=uctworld 2>/dev/null || :
	e2e_teardown
}

# job USER OPTION...: one that sleeps; RUN: another command.
job()
{
	local user=$1 as=()

	shift
	[ "$user" = root ] || as=(as "$user")
	"${as[@]}" sbatch --parsable -o /dev/null "$@" --wrap "${RUN:-sleep 300}"
}

# Jobs end in all ways, on nodes that are free again afterwards.
end_some()
{
	completed=$(RUN=true job uctwa -J completed)
	failed=$(RUN='exit 3' job uctwb -J failed)
	cancelled=$(job uctwc -J cancelled -w cpu1)
	timeout=$(job uctwd -J timeout -w cpu1 -t 1)
	broken=$(job uctwa -J broken -w cpu2 --no-requeue)
	wait_for_job "$cancelled" RUNNING
	wait_for_job "$timeout" RUNNING
	wait_for_job "$broken" RUNNING
	as uctwc scancel "$cancelled"
	# at its limit already: the next look at time limits ends it
	wait_until 10 scontrol update "jobid=$timeout" endtime=now+2
	scontrol update nodename=cpu2 state=down reason="test"
	wait_for_job "$broken" GONE
	# it may have come back by itself (ReturnToService)
	scontrol update nodename=cpu2 state=resume 2>/dev/null || :
	wait_until 30 node_is cpu2 idle
	scontrol update nodename=cpu2 state=drain reason="fan broken"
}

node_is()
{
	[[ "$(sinfo -h -n "$1" -o %t | head -n 1)" == "$2"* ]]
}

fill()
{
	local i

	two=$(job root -J two -p gpu -w gpu1 --gres=gpu:2 --mem=300M)
	six=$(job uctwa -J six -p gpu -q short --gpus=a100:6 -N1 -t 30)
	wait_for_job "$six" RUNNING
	stopped=$(job uctwb -J stopped -w cpu1)
	wait_for_job "$stopped" RUNNING
	scontrol suspend "$stopped"
	printf '#!/bin/bash\n#SBATCH -o /dev/null -p gpu --gres=gpu:1\n#SBATCH hetjob\n#SBATCH -p batch -w cpu1\nsleep 300\n' >het.sh
	het=$(as uctwd sbatch --parsable -J het het.sh)
	sweep=$(job uctwc -J sweep -p gpu -a 0-7%2 --gpus-per-node=1)
	wait_until 60 running_are "$het" 2
	wait_until 60 running_are "$sweep" 2
	limited=$(job uctwa -J limited -p gpu -q short --gpus=4 -t 30)
	large=$(job uctwb -J large -p gpu -w gpu1 --gres=gpu:8)
	job uctwb -J small -p gpu -w gpu1 --gres=gpu:7
	after=$(job uctwc -J after -d "afterok:$two" -p gpu)
	never=$(job uctwc -J never -d "afterok:$failed")
	held=$(job uctwd -J held -H)
	later=$(job uctwd -J later --begin=now+2hours)
	drained=$(job root -J drained -w cpu2)
	late=$(job root -J late -w gpu1 -p gpu --exclusive --deadline=now+65seconds -t 1)
	scontrol create reservation reservationname=uctworld starttime=now+20minutes \
		duration=30 nodes=cpu1 users=root flags=maint,ignore_jobs
	for i in "$limited:QOSMaxGRESPerUser" "$large:Resources|Priority" \
		"$after:Dependency" "$never:DependencyNeverSatisfied" "$held:JobHeldUser" \
		"$later:BeginTime" "$drained:ReqNodeNotAvail.*|Resources|Priority"; do
		wait_until 60 reason_is "${i%%:*}" "${i#*:}" || {
			echo "$i: $(squeue -h -j "${i%%:*}" -o %r)"
			return 1
		}
	done
	wait_until 60 state_is "$late" DEADLINE
	wait_until 90 state_is "$timeout" TIMEOUT
}

running_are()
{
	[ "$(squeue -h -j "$1" -t R -o %i | wc -l)" -eq "$2" ]
}

reason_is()
{
	[[ "$(squeue -h -j "$1" -o %r)" =~ ^($2)$ ]]
}

state_is()
{
	[ "$(squeue -h -t all -j "$1" -o %T)" = "$2" ]
}

# Users of tests before are gone and have no names any more.
USERS=root,uctwa,uctwb,uctwc,uctwd

# Twice the same, so that nothing changed between the two questions.
same()
{
	local theirs

	for _ in 1 2 3 4 5; do
		theirs=$("$1")
		"$2" >ours
		[ "$("$1")" = "$theirs" ] || continue
		printf '%s\n' "$theirs" >theirs
		diff ours theirs
		return
	done
	echo "never quiet"
	return 1
}

squeue_all()
{
	squeue -h -t all -u "$USERS" -o '%i|%u|%T|%r' | sed 's/|None$/|/; s/, .*//; s/|(null)$/|/' | sort
}

uqueue_all()
{
	uqueue -h -t all -u "$USERS" -o id,user,state,reason --parsable2 | sort
}

uqueue_node_gpus()
{
	uqueue --by node --json | jq -r '.totals[] | "\(.node) \(.gpus)"' | sort
}

# GPUs, CPUs and jobs of each user that runs any, by sacct.
user_sums()
{
	sacct -a -X -n -P -s R -o user,allocnodes,alloccpus,alloctres,state |
		awk -F'|' '$5 == "RUNNING" { n = 0
			if (match($4, /gres\/gpu=[0-9]+/))
				n = substr($4, RSTART + 9, RLENGTH - 9)
			gpus[$1] += n; cpus[$1] += $3; jobs[$1]++ }
			END { for (u in jobs) print u, jobs[u], cpus[u], gpus[u] }' | sort
}

uqueue_user_sums()
{
	uqueue -t R --by user --json | jq -r '.totals[] | select(.running > 0) |
		"\(.user) \(.running) \(.cpus) \(.gpus)"' | sort
}

# Tasks of an array counted one by one.
waiting_jobs()
{
	squeue -h -r -t PD -o %u | sort | uniq -c | awk '{ print $2, $1 }'
}

uqueue_waiting_jobs()
{
	uqueue --by user --json | jq -r '.totals[] | select(.pending > 0) |
		"\(.user) \(.pending)"' | sort
}

@test "five users, every state, all kinds of jobs, a drained node, a reservation" {
	end_some
	fill
	same squeue_all uqueue_all
	for state in PENDING RUNNING SUSPENDED COMPLETED FAILED CANCELLED TIMEOUT NODE_FAIL \
		DEADLINE; do
		grep -q "|$state|" ours || { echo "no job is $state"; cat ours; return 1; }
	done
	[ "$(cut -d'|' -f2 ours | sort -u | wc -l)" -eq 5 ]
	# each id once
	[ -z "$(cut -d'|' -f1 ours | sort | uniq -d)" ]

	same node_gpus uqueue_node_gpus
	[ "$(awk '{ n += $2 } END { print n }' ours)" -eq 11 ]
	same user_sums uqueue_user_sums
	[ "$(awk '{ n += $4 } END { print n }' ours)" -eq 11 ]
	same waiting_jobs uqueue_waiting_jobs

	# why each waits, in words that name what matters
	says() { uqueue --why "$1" | tr '\n' ' ' | grep -qE "$2" || { uqueue --why "$1"; return 1; }; }
	says "$limited" "6 of 8 in use; job $six frees"
	says "$after" "$two"
	says "$never" "never start"
	says "$held" "held.*uqueue --release $held"
	says "$later" "not to start before"
	says "$large" "GPUs? of job $two"
	says "$drained" "cpu2|not available|no nodes|free"
	says "$stopped" "does not wait"
	says "$failed" "does not wait: it failed with exit code 3"
	for id in $(squeue -h -t PD -o %A | sort -u); do
		uqueue --why "$id" --json | jq -e '.waits and (.text | length > 20)' >/dev/null
	done

	# and how those ended that did
	uqueue --finished -u uctwa,uctwb,uctwc,uctwd --json >all
	how() { jq -r --arg id "$1" '.finished[] | select(.id == $id).ended' all; }
	[ "$(how "$completed")" = completed ]
	[[ "$(how "$cancelled")" == "was cancelled by uctwc"* ]]
	[[ "$(how "$timeout")" == "reached its time limit of 1m"* ]]
	[[ "$(how "$broken")" == "ended because a node of it failed"* ]]
	uqueue show "$sweep" | grep -q "^  runs  *2: [0-9,]*$"
	run -0 uqueue show "$het"
	[[ $output == *"id               $het+0"*"id               $het+1"* ]]
}
