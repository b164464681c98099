#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
# usrun on a real Slurm: what it does is srun's own, in a container and without.
load helper

setup()
{
	e2e_setup
}

teardown()
{
	[ -z "${STOPPED:-}" ] || kill -CONT "$STOPPED"
	e2e_teardown
}

# --- a terminal -------------------------------------------------------------------------

# shell_in_terminal OPTION...: the shell of a GPU job, driven by hand.
shell_in_terminal()
{
	tmux_start 100 30 usrun --gpus=1 --time=60 "$@" --pty bash --norc
	tmux_wait '[$#] *$' 30
	tmux_keys 'PS1="pro""mpt> "' Enter
	tmux_wait '^prompt> *$'
	tmux_keys 'echo gpu=$CUDA_VISIBLE_DEVICES job=${SLURM_JOB_ID:+yes}' Enter
	tmux_wait '^gpu=0 job=yes'
	tmux_keys 'stty size' Enter
	tmux_wait '^30 100'
	tmux_do resize-window -x 71 -y 23
	size_arrives '^23 71'
	tmux_keys 'sleep 1000' Enter
	tmux_wait 'sleep 1000'
	tmux_keys C-c
	tmux_keys 'echo status=$?' Enter
	tmux_wait '^status=130'
	tmux_keys 'tty && exit 3' Enter
	[ "$(tmux_status)" = 3 ]
}

# The new size travels through srun; ask until it is there.
size_arrives()
{
	local try

	for ((try = 0; try < 10; try++)); do
		tmux_keys "stty size # $try" Enter
		tmux_wait "stty size # $try"
		tmux_has "$1" && return 0
	done
	tmux_screen
	return 1
}

@test "a shell in a terminal: prompt, GPU, resize, Ctrl-C, exit status" {
	shell_in_terminal --no-container
}

@test "a shell in a terminal, in a container" {
	shell_in_terminal --image=python
}

# --- the main job -----------------------------------------------------------------------

@test "run-job.sh: a script prepares the container and runs Python" {
	mkdir data && echo '4 5 6' >data/numbers
	cat >job.sh <<-'EOT'
		#!/bin/bash
		set -e
		mkdir -p /opt/lib && echo 'def total(n): return sum(n)' >/opt/lib/addition.py
		PYTHONPATH=/opt/lib python3 - <<'PY'
		import addition, os
		numbers = [int(n) for n in open("/data/numbers").read().split()]
		with open("result", "w") as out:
		    print(addition.total(numbers), os.environ["CUDA_VISIBLE_DEVICES"], file=out)
		PY
	EOT
	cat >run-job.sh <<-EOT
		#!/bin/bash
		exec usrun --gpus=1 --mem=24GB --image=$IMAGES/python.sqsh --container-writable \\
			--mounts="$WORK/data:/data:ro" ./job.sh "\$@"
	EOT
	chmod +x job.sh run-job.sh
	sed -i 's/--mem=24GB/--mem=1GB/' run-job.sh
	./run-job.sh
	[ "$(cat result)" = "15 0" ]
}

@test "the working directory is mounted and entered" {
	mkdir 'with blanks' && cd 'with blanks'
	run -0 --separate-stderr usrun --image=tiny pwd
	[ "$output" = "$WORK/with blanks" ]
	usrun --image=tiny sh -c 'echo made >inside'
	[ "$(cat inside)" = made ]
}

@test "configured image, mounts and variables are used" {
	mkdir -p data && echo here >data/file
	cat >.ucluster.yaml <<-EOT
		image: tiny
		env: {GREETING: hello}
	EOT
	run -0 --separate-stderr usrun --mounts=./data:/data sh -c \
		'cat /data/file; echo "$GREETING $PYTHONUNBUFFERED"; pwd'
	[ "${lines[0]}" = here ]
	[ "${lines[1]}" = "hello 1" ]
	[ "${lines[2]}" = "$WORK" ]
	run -0 --separate-stderr usrun --no-container sh -c 'test -d /data; echo $?'
	[ "$output" = 1 ]
}

# --- as srun has it ---------------------------------------------------------------------

@test "exit codes are the job's" {
	run -0 usrun --no-container true
	run -3 usrun --no-container sh -c 'exit 3'
	run -137 usrun --no-container sh -c 'kill -KILL $$'
	run -2 usrun --no-container ./there-is-no-such-program
	touch plain
	run -13 usrun --no-container ./plain
	run -3 usrun --image=tiny sh -c 'exit 3'
	run -137 usrun --image=tiny sh -c 'kill -KILL $$'
}

@test "what srun refuses fails as srun fails" {
	run usrun --no-check --no-container -p nowhere true
	local own=$status
	run srun -p nowhere true
	[ "$own" -eq "$status" ]
	[ "$own" -ne 0 ]
}

@test "stdin and stdout are bytes" {
	head -c 3000000 /dev/urandom >in
	usrun --no-container cat <in >out
	cmp in out
	usrun --image=tiny cat <in >out
	cmp in out
	printf '' | usrun --no-container cat >out
	[ ! -s out ]
}

@test "a signal to usrun ends the job" {
	usrun --no-container --job-name=uct-term sleep 1000 3>&- &
	local pid=$! id='' status=0
	wait_until 20 has_job uct-term
	id=$(squeue -h -n uct-term -o %A)
	# srun takes the signal once its step runs
	wait_until 20 has_step "$id"
	kill -TERM "$pid"
	wait "$pid" || status=$?
	[ "$status" -ge 128 ]
	wait_for_job "$id" GONE
}

has_job()
{
	[ "$(squeue -h -n "$1" -o %T)" = RUNNING ]
}

has_step()
{
	squeue -h -s -j "$1" -o %i | grep -q '\.0$'
}

@test "srun's variables count before configuration, options before both" {
	printf 'partition: gpu\ntime: 7m\n' >.ucluster.yaml
	run -0 --separate-stderr usrun --no-container printenv SLURM_JOB_PARTITION
	[ "$output" = gpu ]
	[[ $stderr == *"time limit 7:00, from $WORK/.ucluster.yaml"* ]]
	SLURM_PARTITION='batch' run -0 --separate-stderr usrun --no-container printenv SLURM_JOB_PARTITION
	[ "$output" = batch ]
	SLURM_PARTITION=gpu run -0 --separate-stderr usrun -p batch --no-container printenv SLURM_JOB_PARTITION
	[ "$output" = batch ]
	SLURM_NTASKS=2 SLURM_LABELIO=1 run -0 --separate-stderr usrun --no-container -N1 echo x
	[ "$(sort <<<"$output")" = $'0: x\n1: x' ]
}

@test "in a job usrun makes a step, and its container wins over the job's" {
	cat >outer <<-EOT
		#!/bin/bash
		printf 'partition: gpu\ntime: 5m\n' >.ucluster.yaml
		usrun --no-container sh -c 'echo step \$SLURM_JOB_ID.\$SLURM_STEP_ID; pwd' >host
		usrun --image=tiny sh -c 'echo step \$SLURM_JOB_ID.\$SLURM_STEP_ID; command -v python3 || echo no python' >inside
		usrun sh -c 'command -v python3; ls -d /opt' >allocation
	EOT
	chmod +x outer
	run -0 salloc -p batch -N1 --container-image="$IMAGES/python.sqsh" ./outer
	head -1 host | grep -qx 'step [0-9]*\.0'
	head -1 inside | grep -qx 'step [0-9]*\.1'
	grep -qx 'no python' inside
	grep -qx '/usr/bin/python3' allocation
}

# --- batch ------------------------------------------------------------------------------

# finished ID FIELD: what scontrol says of a job that has ended.
finished()
{
	wait_for_job "$1" GONE
	scontrol show job "$1" | grep -oE "\\b$2=[^ ]*" | cut -d= -f2
}

@test "a batch job in a container is submitted, runs and keeps its exit code" {
	local id
	run -0 --separate-stderr usrun --batch --gpus=1 --image=python --output=out.txt \
		python3 -c 'import sys, os; print(sys.argv[1:], os.getcwd(), os.environ["CUDA_VISIBLE_DEVICES"]); sys.exit(7)' \
		'a b' '' '$HOME' $'new\nline'
	[[ $output =~ ^Submitted\ batch\ job\ ([0-9]+)$ ]]
	id=${BASH_REMATCH[1]}
	[ "$(finished "$id" ExitCode)" = 7:0 ]
	[ "$(finished "$id" JobName)" = python3 ]
	# before srun's own words or behind them
	[ "$(grep -v '^srun: ' out.txt | head -1)" = "['a b', '', '\$HOME', 'new\\nline'] $WORK 0" ]
}

@test "waiting for a batch job ends as it did; a signal ends the waiting, an ignored one not" {
	run usrun --batch --no-container --output=/dev/null --wait sh -c 'exit 3'
	[ "$status" -eq 3 ]
	env --default-signal=HUP usrun --batch --no-container --output=/dev/null --parsable \
		--wait sleep 1000 >id 3>&- &
	wait_until 10 test -s id
	kill -HUP $!
	wait $! || status=$?
	[ "$status" -eq 129 ]
	env --ignore-signal=HUP usrun --batch --no-container --output=/dev/null --parsable \
		--wait sleep 1000 >id2 3>&- &
	wait_until 10 test -s id2
	kill -HUP $!
	scancel "$(cat id)" "$(cat id2)"
	wait_status $!
	[ "$status" -eq 143 ]
}

@test "a batch script's #SBATCH lines count, the command line's options count more" {
	cat >job.sh <<-'EOT'
		#!/bin/bash
		#SBATCH --job-name="from # the script" --comment=kept
		#SBATCH -N 1 --ntasks=2 --output=%x.%j.out
		echo "name $SLURM_JOB_NAME tasks $SLURM_NTASKS args $*"
		#SBATCH --partition=nowhere
		srun -l echo step
	EOT
	local id
	id=$(usrun --batch --parsable --no-container -o mine.out job.sh x 'y z')
	[[ $id =~ ^[0-9]+$ ]]
	[ "$(finished "$id" ExitCode)" = 0:0 ]
	[ "$(finished "$id" Comment)" = kept ]
	grep -qx 'name from # the script tasks 2 args x y z' mine.out
	grep -qx '0: step' mine.out
	grep -qx '1: step' mine.out
}

@test "the script that is shown runs by sbatch as well" {
	local id
	usrun --batch --dry-run --image=tiny --gpus=1 --env=GREETING='a "b"' -o shown.out \
		sh -c 'echo "$GREETING $CUDA_VISIBLE_DEVICES"' >shown.sh
	id=$(sbatch --parsable shown.sh)
	[ "$(finished "$id" ExitCode)" = 0:0 ]
	[ "$(cat shown.out)" = 'a "b" 0' ]
}

@test "an array is an array" {
	local id
	id=$(usrun --batch --parsable --no-container --array=1-3 -o '%a.out' \
		printenv SLURM_ARRAY_TASK_ID)
	wait_until 30 test -s 3.out
	wait_until 30 no_jobs
	[ "$(cat 1.out 2.out 3.out | tr -d '\n')" = 123 ]
}

@test "what the controller refuses is said in its words, with status 2" {
	run -2 --separate-stderr usrun --batch --no-check --no-container -p nowhere true
	[[ $stderr == *"nvalid partition"* ]]
	[ -z "$output" ]
	run -2 --separate-stderr usrun --batch --no-container --gres=nothing:1 true
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -le 2 ]
}

# --- two users --------------------------------------------------------------------------

@test "two users at once" {
	need_root
	user_add uctone
	user_add ucttwo
	local user pids=()
	for user in uctone ucttwo; do
		(cd "$WORK/home-$user" && as "$user" usrun --gpus=1 --image=tiny \
			--time=2 --mounts="$WORK:$WORK" sh -c \
			'id -u >me; cat; until test -e ../both; do sleep 0.1; done; echo $CUDA_VISIBLE_DEVICES >gpu' \
			<<<"for $user" >"$WORK/$user.out" 2>"$WORK/$user.err") 3>&- &
		pids+=("$!")
	done
	wait_until 30 test -s home-uctone/me -a -s home-ucttwo/me || cat uct*.err
	touch both
	wait "${pids[@]}"
	for user in uctone ucttwo; do
		[ "$(cat "home-$user/me")" = "$(id -u "$user")" ]
		[ "$(stat -c %U "home-$user/gpu")" = "$user" ]
		[ "$(cat "$user.out")" = "for $user" ]
	done
}

# --- a controller that is not there -----------------------------------------------------

controller()
{
	pgrep -f "slurmctld.*$UC_E2E_DIR/cluster" | head -1
}

# One line says what is wrong, one may say what to do.
one_complaint()
{
	[[ ${stderr_lines[0]} == usrun:* ]]
	[ "${#stderr_lines[@]}" -eq 1 ] || [[ ${#stderr_lines[@]} -eq 2 && ${stderr_lines[1]} == hint:* ]]
}

@test "slurmctld stopped: one line and status 4 within the time-out" {
	printf 'slurm: {timeout: 2s}\n' >config.yaml
	export UCLUSTER_CONFIG=$WORK/config.yaml
	STOPPED=$(controller)
	[ -n "$STOPPED" ]
	kill -STOP "$STOPPED"
	local words before
	for words in 'usrun --no-container true' 'usrun --batch --no-container true'; do
		before=$EPOCHREALTIME
		# shellcheck disable=SC2086
		run -4 --separate-stderr $words
		one_complaint
		[ -z "$output" ]
		[ $((${EPOCHREALTIME/./} - ${before/./})) -lt 8000000 ] # squeue takes 9 s and more
	done
	kill -CONT "$STOPPED"
	STOPPED=
	run -0 usrun --no-container true
}

@test "slurmctld gone: one line and status 4 within the time-out" {
	# nobody listens on the port that this says
	sed 's/^SlurmctldPort=.*/SlurmctldPort=9/' "$SLURM_CONF" >slurm.conf
	cp "$(dirname "$SLURM_CONF")/plugstack.conf" "$(dirname "$SLURM_CONF")"/gres.conf .
	printf 'slurm: {timeout: 2s}\n' >config.yaml
	export UCLUSTER_CONFIG=$WORK/config.yaml SLURM_CONF=$WORK/slurm.conf
	local before=$EPOCHREALTIME
	run -4 --separate-stderr usrun --no-container true
	one_complaint
	[ $((${EPOCHREALTIME/./} - ${before/./})) -lt 8000000 ] # squeue takes 9 s and more
}
