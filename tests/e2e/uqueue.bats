#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# uqueue on a cluster with jobs of three users: its sums are Slurm's, its ids and reasons
# are squeue's, and it asks slurmctld no more than it has to.
load helper

setup()
{
	e2e_setup
	user_add uctqa
	user_add uctqb
}

teardown()
{
	e2e_teardown
}

# job USER OPTION...: a job that sleeps; prints its id.
job()
{
	local user=$1

	shift
	if [ "$user" = root ]; then
		sbatch --parsable -o /dev/null "$@" --wrap 'sleep 300'
	else
		as "$user" sbatch --parsable -o /dev/null "$@" --wrap 'sleep 300'
	fi
}

# Everything at once: ids in the variables named.
fill_cluster()
{
	plain=$(job root -J plain -p gpu --gres=gpu:2 -w gpu1 --mem=300M)
	six=$(job uctqa -J six -p gpu -q short --gpus=a100:6 -t 30)
	limited=$(job uctqa -J limited -p gpu -q short --gpus=4 -t 30)
	array=$(job uctqb -J sweep -p gpu -a 0-9%2 --gpus-per-node=1)
	held=$(job uctqb -J held -H --ntasks=4 --gpus-per-task=1 -N 1)
	after=$(job uctqb -J after -d "afterok:$plain" -p gpu)
	printf '#!/bin/bash\n#SBATCH -o /dev/null -p gpu --gres=gpu:1\n#SBATCH hetjob\n#SBATCH -p batch -w cpu1\nsleep 300\n' >het.sh
	het=$(sbatch --parsable -J het het.sh)
	wait_for_job "$plain" RUNNING
	wait_for_job "$six" RUNNING
	wait_until 30 running_are "$array" 2
	wait_until 60 running_are "$het" 2
	wait_until 60 reason_is "$limited" QOSMaxGRESPerUser
}

running_are()
{
	[ "$(squeue -h -j "$1" -t R -o %i | wc -l)" -eq "$2" ]
}

reason_is()
{
	[ "$(squeue -h -j "$1" -o %r)" = "$2" ]
}

# GPUs allocated to each user, as scontrol tells them.
user_gpus()
{
	scontrol -d show job | awk '
		/UserId=/ { sub(/.*UserId=/, ""); sub(/\(.*/, ""); user = $0 }
		/JobState=/ { running = /JobState=RUNNING/ }
		running && /^ +Nodes=.*GRES=gpu/ { match($0, /GRES=gpu:[a-z0-9]+:[0-9]+/)
			s = substr($0, RSTART, RLENGTH); sub(/.*:/, "", s); sum[user] += s }
		END { for (user in sum) print user, sum[user] }' | sort
}

@test "GPUs in use by node and by user, computed two ways" {
	fill_cluster
	uqueue --by node --json | jq -r '.totals[] | "\(.node) \(.gpus)"' | sort >ours
	node_gpus >theirs
	diff ours theirs
	[ "$(awk '{ n += $2 } END { print n }' ours)" -eq 11 ]
	uqueue --by user --json | jq -r '.totals[] | select(.gpus > 0) | "\(.user) \(.gpus)"' |
		sort >ours
	user_gpus >theirs
	diff ours theirs
	run -0 uqueue --by gpu -h -o gpu,gpus,gpus_total,pending_gpus --parsable2
	[ "$output" = $'a100|11|16|
any|||16' ]
	# the same again from the jobs, one by one, with their exact GPUs
	uqueue -t R -o gpus,gpu_ids --json | jq -r '.jobs[] | select(.gpus > 0) | .gpu_ids' |
		tr , '\n' | sort >ours
	[ "$(cut -d: -f1 ours | sort -u | tr '\n' ' ')" = "gpu1 gpu2 " ]
	scontrol -d show job "$plain" | grep -o 'Nodes=.*IDX:[0-9,-]*' |
		sed 's/Nodes=\([^ ]*\).*IDX:/\1:/' >theirs
	[ "$(uqueue -h -j "$plain" -o gpu_ids)" = "$(cat theirs)" ]
}

@test "ids, states and reasons are squeue's" {
	fill_cluster
	uqueue -h -o id,user,state,reason --parsable2 | sort >ours
	squeue -h -o '%i|%u|%T|%r' | sed 's/|None$/|/' | sort >theirs
	diff ours theirs
	uqueue -h -r -t PD,R -o id | sort >ours
	squeue -h -r -t PD,R -o %i | sort >theirs
	diff <(sed 's/ *$//' ours) theirs
	for options in "-u uctqb" "-A research" "-q short" "-n sweep,het" "-w gpu1" \
		"-p batch" "-t PD" "-j $array" "-j ${array}_1,$held" "-u uctqa -t PD"; do
		# shellcheck disable=SC2086
		diff <(uqueue -h $options -o id | sed 's/ *$//' | sort) \
			<(squeue -h $options -o %i | sort) || {
			echo "$options"
			return 1
		}
	done
}

@test "GPUs asked for, in every form" {
	fill_cluster
	[ "$(uqueue -h -j "$limited" -o gpus --parsable2)" = 4 ]
	[ "$(uqueue -h -j "$held" -o gpus --parsable2)" = 4 ]
	[ "$(uqueue -h -j "$six" -o gpus --parsable2)" = "6×a100" ]
	[ "$(uqueue -h -j "$after" -o gpus --parsable2)" = "" ]
	[ "$(uqueue -h -j "$het" -o id,gpus --parsable2)" = "$het+0|1×a100
$het+1|" ]
	# eight tasks of the array wait for one each
	[ "$(uqueue --by user -u uctqb -h -o running,pending,pending_gpus --parsable2)" = "2|10|12" ]
	run -0 uqueue -h -u uctqb -n sweep -t PD -o id,progress --parsable2
	[ "$output" = "${array}_[2-9%2]|0/10" ]
}

@test "why a job waits, with the numbers of its limit" {
	fill_cluster
	run -0 uqueue --why "$limited"
	echo "$output"
	[[ $output == "Job $limited (limited): "* ]]
	[[ $output == *" 8 "*" 6"* && $output == *"$six"* ]]
	run -0 uqueue --why "$held"
	[[ $output == *"held"*"uqueue --release $held" ]]
	run -0 uqueue --why "$after"
	[[ $output == *"$plain"* ]]
	run -0 uqueue --why "$plain"
	[[ $output == *"does not wait"*"gpu1"* ]]
	run -0 uqueue -h -j "$limited" -o where,reason --parsable2
	[[ $output == "("*")|QOSMaxGRESPerUser" ]]
}

@test "own jobs and one id are asked for alone, in one request" {
	fill_cluster
	before=$(rpcs)
	run -0 as uctqb uqueue -h --me -o user
	[ $(($(rpcs) - before)) -eq 1 ]
	[ "$(sort -u <<<"$output" | tr -d ' ')" = uctqb ]
	before=$(rpcs)
	run -0 uqueue -h -j "$held" -o gpu_ids,id
	[ $(($(rpcs) - before)) -eq 1 ]
	before=$(rpcs)
	run -0 uqueue
	[ $(($(rpcs) - before)) -eq 1 ]
}

@test "own jobs are marked on a terminal, where everything fits" {
	fill_cluster
	tmux_start 80 24 uqueue
	tmux_wait 'WHERE'
	tmux_screen >screen
	grep -q "^$plain  *root\*" screen
	grep -q "^$six  *uctqa " screen
	run ! grep -E '.{81}' screen
	[ "$(tmux_status)" -eq 0 ]
}

@test "everything about one job" {
	fill_cluster
	run -0 uqueue show "$plain" "${array}_0"
	for line in "  id  *$plain" '  gpus  *2×a100' '  nodes  *gpu1' '  gpu ids  *gpu1:0-1' \
		'  memory total  *300M' "  id  *${array}_0" '  user  *uctqb' '  std out  */dev/null'; do
		grep -q "^$line\$" <<<"$output" || { echo "no $line"; return 1; }
	done
	run -3 uqueue show 999999
}

@test "hostile names: one line each, JSON that parses" {
	sbatch -H -o /dev/null -J $'a\nb\e[31mc' --wrap true
	sbatch -H -o /dev/null -J 'x|y"z\b' --wrap true
	sbatch -H -o /dev/null -J $'\xff\xfe' --wrap true
	[ "$(uqueue -h -t PD -o name | wc -l)" -eq 3 ]
	uqueue -t PD --json | jq -e '.jobs | length == 3'
	[ "$(uqueue -t PD --json | jq -r '[.jobs[].name] | sort | .[0]')" = $'a\nb\e[31mc' ]
	[ "$(uqueue -h -t PD --parsable2 -o name,state | grep -c '^[^|]*|PENDING$')" -eq 3 ]
}
