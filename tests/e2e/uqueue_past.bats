#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Jobs that ended, what they used, everything about one, and what would make one that
# waits start sooner: as accounting has it, and so that it is true when one does it.
load helper

setup()
{
	e2e_setup
}

teardown()
{
	kill -CONT "$(slurmdbd)" 2>/dev/null || :
	scontrol delete reservation=uct 2>/dev/null || :
	e2e_teardown
}

slurmdbd()
{
	cat "$UCLUSTER_SANDBOX/run/slurmdbd.pid"
}

submit()
{
	sbatch --parsable -o /dev/null "$@"
}

# in_accounting JOB...: slurmdbd has heard how they ended.
in_accounting()
{
	local id

	for id; do
		wait_for_job "$id" GONE 60 || return 1
		wait_until 30 ended_in_accounting "$id" || return 1
	done
}

ended_in_accounting()
{
	local states

	states=$(sacct -X -n -P -j "$1" -o state)
	[[ -n $states && $states != *PENDING* && $states != *RUNNING* ]]
}

# Each of an array's tasks is a row of its own, not yet all of them perhaps.
has_tasks()
{
	[ "$(sacct -X -n -P -j "$1" -o jobid,state | grep -cE '_[0-9]+\|(COMPLETED|FAILED)')" -eq "$2" ]
}

# As sacct has them: id, state, exit status as a shell's, seconds, times.
from_sacct()
{
	SLURM_TIME_FORMAT=%s sacct -X -n -P -j "$1" \
		-o jobid,state,exitcode,derivedexitcode,elapsedraw,start,end |
		awk -F'|' '{
		sub(/ by .*/, "", $2); split($3, e, ":"); split($4, d, ":")
		print $1, $2, e[2] ? 128 + e[2] : e[1], d[2] ? 128 + d[2] : d[1],
			$5, $6, $7 }' | sort
}

from_uqueue()
{
	uqueue --finished -j "$1" --json | jq -r '.finished[] |
		"\(.id) \(.state) \(.exit_code) \(.derived_code) \(.elapsed) \(.start_time) \(.end_time)"' | sort
}

@test "jobs that ended are those of sacct, and how they ended is said in words" {
	fine=$(submit -J fine --wrap true)
	bad=$(submit -J bad --wrap 'exit 3')
	crash=$(submit -J crash --wrap 'kill -SEGV $$')
	step=$(submit -J step --wrap 'srun --mem=100M bash -c "exit 4"; true')
	# shellcheck disable=SC2016 # the job's shell expands it
	sweep=$(submit -J sweep -a 0-2 --wrap 'exit $SLURM_ARRAY_TASK_ID')
	stopped=$(submit -J stopped -p gpu --gres=gpu:2 --wrap 'sleep 300')
	wait_for_job "$stopped" RUNNING
	scancel "$stopped"
	ids=$fine,$bad,$crash,$step,$sweep,$stopped
	in_accounting "$fine" "$bad" "$crash" "$step" "$sweep" "$stopped"
	wait_until 30 has_tasks "$sweep" 3
	from_sacct "$ids" >theirs
	from_uqueue "$ids" >ours
	diff ours theirs
	[ "$(wc -l <ours)" -eq 8 ]

	uqueue --finished -j "$ids" --json >all
	said() { jq -r --arg id "$1" '.finished[] | select(.id == $id).ended' all; }
	[ "$(said "$fine")" = "completed" ]
	[ "$(said "$bad")" = "failed with exit code 3" ]
	[ "$(said "$crash")" = "was ended by signal 11 (SEGV): it crashed" ]
	[[ "$(said "$step")" == "completed"* ]]
	[ "$(said "${sweep}_2")" = "failed with exit code 2" ]
	[[ "$(said "$stopped")" == "was cancelled by $(id -un)"* ]]
	[ "$(jq -r --arg id "$stopped" '.finished[] | select(.id == $id).gpus' all)" -eq 2 ]
	# filters are those of the queue
	run -0 uqueue --finished -j "$ids" -n bad,sweep -t F -h --parsable2 -o id,exit_code
	diff <(sort <<<"$output") - <<-EOT
		${bad}|3
		${sweep}_1|1
		${sweep}_2|2
	EOT
	[ -z "$(uqueue --finished=0 -j "$bad" -u nobody -h 2>&1)" ]
	[ "$(uqueue --finished=1h -j "${sweep}_1" -h -o id | tr -d ' ')" = "${sweep}_1" ]
}

@test "what a job used is what sacct says, with advice" {
	cat >use.py <<-'EOT'
		import time
		memory = bytearray(90 << 20)
		end = time.time() + 13
		while time.time() < end:
		    time.sleep(0.05)
	EOT
	job=$(submit -J use -c 2 --mem=200M --wrap "python3 $WORK/use.py")
	sweep=$(submit -J short -a 1-2 --wrap true)
	in_accounting "$job" "$sweep"
	wait_until 30 has_tasks "$sweep" 2
	uqueue eff "$job" --json >used
	jq '.jobs[0]' used
	peak=$(sacct -n -P -j "$job.batch" -o maxrss)
	[ "$(jq '.jobs[0].memory.most' used)" -eq $((${peak%K} * 1024)) ]
	[ "$(jq '.jobs[0].memory_given' used)" -eq $((200 << 20)) ]
	[ "$(jq '.jobs[0].elapsed.most' used)" -eq "$(sacct -X -n -P -j "$job" -o elapsedraw)" ]
	[ "$(jq '.jobs[0].cpu_seconds' used)" -eq "$(sacct -X -n -P -j "$job" -o cputimeraw)" ]
	[ "$(jq '.jobs[0].sampled' used)" -eq 1 ]
	run -0 uqueue eff "$job" "$sweep"
	[[ ${lines[0]} == "Job $job (use) completed" ]]
	[[ $output == *"of 2 CPUs busy on average"*"of 200M at most"* ]]
	[[ $output == *"Job $sweep (short): 2 runs, 2 completed"*"too short to be measured"* ]]
	run -3 uqueue eff 999999
	[[ $output == *"job 999999 is not known"* ]]
}

@test "everything about a job that ended, one that runs and one that waits" {
	printf '#!/bin/bash\n#SBATCH -o out-%%j.txt -p gpu --gres=gpu:1\n#SBATCH hetjob\n#SBATCH -p batch -w cpu1\nsleep 300\n' >het.sh
	ended=$(submit -J ended --wrap 'exit 5')
	two=$(submit -J two -p gpu -N2 --gres=gpu:3 -o "$WORK/two-%j.out" --wrap 'sleep 300')
	held=$(submit -J held -H -a 3-5 --wrap true)
	het=$(sbatch --parsable -J het het.sh)
	wait_for_job "$two" RUNNING
	in_accounting "$ended"
	run -0 uqueue show "$ended"
	[[ $output == *"how it ended     failed with exit code 5"* ]]
	[[ $output == *"what to do       look at its output"* ]]
	run -0 uqueue show "$two"
	[[ $output == *"gpu1             0-2 (a100:3)"*"gpu2             0-2 (a100:3)"* ]]
	[[ $output == *"output           $WORK/two-$two.out"* ]]
	uqueue show "$two" "$held" --json >all
	[ "$(jq '[.jobs[0].gpus_by_node[].gpus] | add' all)" -eq 6 ]
	[ "$(jq -r '.jobs[1].state' all)" = PENDING ]
	[ "$(jq '.jobs | length' all)" -eq 2 ]
	run -0 uqueue show "$held"
	[[ $output == *"id               ${held}_[3-5]"* ]]
	run -0 uqueue show "$het"
	[[ $output == *"id               $het+0"*"id               $het+1"* ]]
}

@test "a job of usrun has its receipt shown" {
	export UCLUSTER_RECEIPTS=true XDG_STATE_HOME=$WORK/state
	echo 'sleep 300' >train.sh
	usrun --no-container --batch -o /dev/null bash train.sh --rate 0.1
	job=$(squeue -h --me -o %A)
	run -0 uqueue show "$job"
	[[ $output == *"Submitted with usrun"*"bash train.sh --rate 0.1"* ]]
	[[ $output == *"usrun --again=$job"* ]]
	[ "$(uqueue show "$job" --json | jq -r '.jobs[0].receipt.command | join(" ")')" = \
		"bash train.sh --rate 0.1" ]
}

@test "slurmdbd hangs: what slurmctld knows is shown, the rest is one line and status 4" {
	ended=$(submit -J ended --wrap 'exit 5')
	wait_for_job "$ended" GONE
	export UCLUSTER_SLURM_TIMEOUT=2s
	kill -STOP "$(slurmdbd)"
	run -4 --separate-stderr uqueue --finished
	[ "$output" = "" ]
	# shellcheck disable=SC2154 # bats sets it
	[ "$stderr" = "uqueue: slurmdbd did not answer within 2 s" ]
	run -0 --separate-stderr uqueue show "$ended"
	[[ $output == *"how it ended     failed with exit code 5"* ]]
	[ "$stderr" = "uqueue show: accounting: slurmdbd did not answer within 2 s" ]
}

# offered JOB OPTION: the command with which slurmctld would start it sooner.
offered()
{
	uqueue --why "$1" --json >why
	jq -r --arg option "$2" '.changes[] | select(.option == $option).command' why
}

@test "a shorter limit that ends before a reservation is offered, and starts the job" {
	user_add uctother
	scontrol create reservation reservationname=uct starttime=now+30minutes \
		duration=60 nodes=gpu1,gpu2 users=uctother flags=maint,ignore_jobs
	job=$(submit -J long -p gpu --gres=gpu:2 -t 60 --wrap 'sleep 300')
	wait_until 30 reason_is "$job" 'Reservation|ReqNodeNotAvail.*'
	command=$(offered "$job" time)
	jq . why
	[[ $command == "uqueue --set time="*" $job" ]]
	[[ "$(jq -r '.changes[0].because' why)" == "it would end before reservation uct begins at "* ]]
	uqueue --why "$job" | grep -qxF "    $command"
	$command --yes
	wait_for_job "$job" RUNNING 60
}

@test "a shorter limit that fits into a gap is offered, and starts the job" {
	six=$(submit -J six -p gpu -w gpu1 --gres=gpu:6 -t 60 --wrap 'sleep 300')
	wait_for_job "$six" RUNNING
	eight=$(submit -J eight -p gpu -w gpu1 --gres=gpu:8 -t 60 --wrap 'sleep 300')
	two=$(submit -J two -p gpu -w gpu1 --gres=gpu:2 -t 120 --wrap 'sleep 300')
	wait_until 60 is_planned "$eight"
	wait_until 60 is_planned "$two"
	# two are free, which eight could do with
	[[ "$(offered "$eight" gpus-per-node)" == *"$eight"*"--gpus-per-node=2"* ]]
	command=$(offered "$two" time)
	jq . why
	[[ "$(jq -r '.changes[0].because' why)" == "it would end before job $eight by "* ]]
	$command --yes
	wait_for_job "$two" RUNNING 60
	job_is "$eight" PENDING
}

@test "another partition, and as many GPUs as a limit leaves" {
	full=$(submit -J full -p gpu -N2 --exclusive --wrap 'sleep 300')
	wait_for_job "$full" RUNNING
	move=$(submit -J move -p gpu --wrap 'sleep 300')
	wait_until 30 reason_is "$move" 'Resources|Priority'
	command=$(offered "$move" partition)
	jq . why
	[ "$command" = "uqueue --set partition=batch $move" ]
	$command --yes
	wait_for_job "$move" RUNNING 60
	scancel "$full"
	wait_for_job "$full" GONE
	six=$(submit -J six -p gpu -q short --gpus=6 -N1 -t 30 --wrap 'sleep 300')
	wait_for_job "$six" RUNNING
	four=$(submit -J four -p gpu -q short --gpus=4 -N1 -t 30 --wrap 'sleep 300')
	wait_until 60 reason_is "$four" QOSMaxGRESPerUser
	offered "$four" gpus
	jq . why
	jq -e '.changes[0] | .option == "gpus" and (.value | endswith("2"))' why
	again=$(submit -J again -p gpu -q short --gpus=2 -N1 -t 30 --wrap 'sleep 300')
	wait_for_job "$again" RUNNING 60
}

@test "nothing is offered where nothing helps, nor for a job that is not one's own" {
	full=$(submit -J full -p gpu -N2 --exclusive -t 60 --wrap 'sleep 300')
	all=$(submit -J all -N2 -w cpu1,cpu2 --exclusive -t 60 --wrap 'sleep 300')
	wait_for_job "$full" RUNNING
	wait_for_job "$all" RUNNING
	job=$(submit -J next -p gpu --gres=gpu:1 -w gpu1 --wrap 'sleep 300')
	wait_until 30 reason_is "$job" 'Resources|Priority'
	uqueue --why "$job" --json | jq -e '.changes == [] and .never_starts == false'
	run -0 uqueue --why "$job"
	[[ $output != *"would start sooner, says"* ]]
	need_root
	user_add uctother
	run -0 as uctother uqueue --why "$job" --json
	jq -e '.changes_tried == 0' <<<"$output"
}

reason_is()
{
	[[ "$(squeue -h -j "$1" -o %r)" =~ ^($2)$ ]]
}

is_planned()
{
	[[ "$(squeue -h -j "$1" -o %S)" == 20* ]]
}
