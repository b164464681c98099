#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Interactive steps, shells and servers in jobs.
load helper

# The words in single quotes are for the job's shell.
# shellcheck disable=SC2016,SC2154

setup()
{
	e2e_setup
}

teardown()
{
	exec 7>&- 2>/dev/null || :
	[ -z "${OTHER-}" ] || tmux -L "$OTHER" kill-server 2>/dev/null || :
	e2e_teardown
}

no_helpers()
{
	! pgrep -f "libexec/ucluster/job-[i]nside" >/dev/null
}

@test "a step of three tasks: labelled; one task; left alone" {
	srun -J three -n3 --time=5 bash -c \
		'while :; do echo "task $SLURM_PROCID"; sleep 0.2; done' \
		>/dev/null 2>&1 3>&- &
	wait_until 20 runs three
	# as nohup has it
	(
		trap '' HUP
		exec uattach three >out 2>err </dev/null 3>&-
	) &
	attached=$!
	uattach three --task 1 >one 2>/dev/null </dev/null 3>&- &
	other=$!
	wait_until 20 grep -qx '2: task 2' out
	wait_until 20 grep -qx 'task 1' one
	run -3 uattach "$(job_named three).0" --task 3 </dev/null
	[[ $output == *"no task 3"* ]]
	run -3 uattach "$(job_named three).7" </dev/null
	[[ $output == *"runs no step 7"* ]]
	# the step does not end with those who watch it
	kill -HUP "$attached"
	kill "$attached" "$other"
	wait_status "$attached"
	[ "$status" -eq 143 ]
	runs three
	grep -qx '0: task 0' out
	run -1 grep -v 'task 1' one
}

@test "standard input goes to the step only when that is asked for; its exit code" {
	mkfifo in
	srun -J cat --time=5 sh -c 'cat; exit 3' <in >got 2>&1 3>&- &
	exec 7>in
	wait_until 20 runs cat
	echo typed >&7
	uattach cat </dev/null >out 2>err 3>&- &
	attached=$!
	wait_until 20 grep -q typed out
	# an end of file here was none there
	echo more >&7
	wait_until 20 grep -q more out
	printf 'from uattach\n' | uattach cat --input >/dev/null 2>&1 || :
	wait_until 20 grep -q 'from uattach' got
	# its end was the step's: that is what --input says
	wait_status "$attached"
	[ "$status" -eq 3 ]
	grep -qE 'step [0-9]+\.0 ended with exit code 3' err
}

# A second terminal, of another size: other_start COLUMNS ROWS COMMAND.
other_start()
{
	OTHER=uct-other-$BASHPID
	tmux -L "$OTHER" -f /dev/null new-session -d -x "$1" -y "$2" "$3"
	tmux -L "$OTHER" set-option -g status off
}

other_has()
{
	tmux -L "$OTHER" capture-pane -p -J | grep -qE -- "$1"
}

other_keys()
{
	tmux -L "$OTHER" send-keys "$@"
}

@test "a terminal step: screen, typing, size, detach keys" {
	tmux_start 90 15 srun -J screen --time=5 --pty bash --norc
	wait_until 20 runs screen
	tmux_keys 'PS1="here> "; size() { until [ "$(stty size)" = "$*" ]; do sleep 0.1; done; echo it is $*; }' Enter
	tmux_wait '^here>'
	other_start 70 20 "uattach screen; echo left with \$?; sleep 100"
	wait_until 20 other_has '^here>'
	other_keys 'echo $((40 + 2)); size 20 70' Enter
	wait_until 20 other_has '^42'
	tmux_wait '^42'
	wait_until 20 other_has '^it is 20 70'
	tmux -L "$OTHER" resize-window -x 60 -y 18
	other_keys 'size 18 60' Enter
	wait_until 20 other_has '^it is 18 60'
	other_keys C-a d
	wait_until 20 other_has 'detached, job .* goes on'
	wait_until 20 other_has 'left with 0'
	tmux_keys 'size 15 90' Enter
	tmux_wait '^it is 15 90'
	tmux_keys 'exit 9' Enter
	[ "$(tmux_status)" = 9 ]
	wait_until 20 no_helpers
}

@test "a shell in the container: its mounts, its system, its GPUs; exit codes" {
	mkdir data && echo inside >data/f
	usrun --batch --parsable --image="$IMAGES/tiny.sqsh" --mounts="$WORK/data:/data:ro" \
		--gpus=2 -J box --time=5 sleep 600 >id
	wait_until 30 runs box
	wait_until 30 step_runs "$(cat id).0"
	run -0 --separate-stderr uattach box --shell cat /data/f
	[ "$output" = inside ]
	run -0 --separate-stderr uattach box --shell -- sh -c \
		'. /etc/os-release; echo ${NAME%% *}; echo x 2>/dev/null >/data/g || echo ro; echo $CUDA_VISIBLE_DEVICES; pwd'
	[ "$output" = $'BusyBox\nro\n0,1\n'"$PWD" ]
	run -7 uattach box --shell sh -c 'exit 7'
	run -0 --separate-stderr uattach box --shell --host cat /etc/os-release
	[ "$output" = "$(cat /etc/os-release)" ]
	# the job lost nothing of it
	[[ $(scontrol show job "$(cat id)") == *gres/gpu=2* ]]
	job_is "$(cat id)" RUNNING
	tmux_start 90 12 uattach box --shell
	tmux_keys 'cat /data/f; tty; stty size' Enter
	tmux_wait '^inside'
	tmux_wait '^/dev/pts/'
	tmux_wait '^12 90'
	tmux_keys 'exit 4' Enter
	[ "$(tmux_status)" = 4 ]
}

step_runs()
{
	[ -n "$(squeue -h -s -o %i | grep -x "$1")" ]
}

@test "a named container, and one of plain namespaces" {
	srun -J named --time=5 --container-image="$IMAGES/tiny.sqsh" \
		--container-mounts="$WORK:$WORK" --container-name="uct$BASHPID" \
		sh -c "echo mine >/tmp/mark; : >'$WORK/up'; sleep 600" >/dev/null 2>&1 3>&- &
	wait_until 30 test -e "$WORK/up" # a step that runs may not be in its container yet
	run -0 --separate-stderr uattach named --shell cat /tmp/mark
	[ "$output" = mine ]
	unshare -rm true 2>/dev/null || skip "no user namespaces here"
	sbatch -J spaces --time=5 -o /dev/null --wrap \
		'exec srun unshare -rm sh -c "mount -t tmpfs none /mnt; echo hidden >/mnt/f; cd /mnt; MARK=1 exec sleep 600"'
	wait_until 30 runs spaces
	wait_until 20 sees_namespace
	run -0 --separate-stderr uattach spaces --shell sh -c 'cat f; pwd; echo $MARK'
	[ "$output" = $'hidden\n/mnt\n1' ]
}

sees_namespace()
{
	[ "$(uattach spaces --shell cat /mnt/f 2>/dev/null)" = hidden ]
}

@test "on a node of one's choice" {
	sbatch -J two -N2 -w cpu1,cpu2 --time=5 -o /dev/null --wrap 'sleep 600'
	wait_until 20 runs two
	for want in cpu1 cpu2; do
		run -0 --separate-stderr uattach two --node "$want" --shell \
			sh -c 'echo $SLURMD_NODENAME'
		[ "$output" = "$want" ]
	done
	run -0 --separate-stderr uattach two --node 1 --shell sh -c 'echo $SLURMD_NODENAME'
	[ "$output" = cpu2 ]
	srun -J tasks -N2 -n2 -w cpu1,cpu2 --time=5 sleep 600 >/dev/null 2>&1 3>&- &
	wait_until 20 runs tasks
	for task in 0 1; do
		run -0 --separate-stderr uattach tasks --task "$task" --shell \
			sh -c 'echo $SLURM_PROCID $SLURMD_NODENAME'
		[ "$output" = "$task cpu$((task + 1))" ]
	done
	run -3 uattach tasks --task 2 --shell true
	[[ $output == *"the step has no task 2"* ]]
	run -3 uattach two --node gpu1 --shell true
	[[ $output == *"'gpu1' is no node of the job: it has 'cpu[1-2]'"* ]]
}

@test "a job that has no step, and one that is over" {
	# no command that would outlive the job
	salloc -J bare --time=5 --no-shell
	wait_until 20 runs bare
	run -3 uattach bare </dev/null
	[[ $output == *"runs nothing that could be attached to"*"--shell"* ]]
	run -0 --separate-stderr uattach bare --shell echo in
	[ "$output" = in ]
	id=$(job_named bare)
	scancel "$id"
	wait_until 30 job_is "$id" GONE
	run -3 uattach "$id" --shell true
	[[ $output == *"does not run: it is CANCELLED"* ]]
}

@test "one that waited and is over at once: no shell was in it" {
	local id

	id=$(sbatch --parsable --hold --time=5 -o /dev/null --wrap true)
	uattach "$id" --shell true >out 2>err </dev/null 3>&- &
	wait_until 30 grep -q "job $id waits" err
	scontrol release "$id"
	wait_status "$!"
	echo "status $status"; cat err
	[ "$status" -eq 3 ]
	grep -q "^uattach: job $id completed" err
	grep -qx "uattach: job $id is over" err
}

@test "it waited, and now one of its tasks is to be picked: a signal still ends it" {
	local id

	id=$(sbatch --parsable --hold --array=0-1 --time=5 -o /dev/null --wrap 'sleep 1000')
	tmux_start 100 30 uattach "$id" --top
	tmux_wait "job ${id}.* waits" 30
	scontrol release "$id"
	tmux_wait 'which one' 90
	kill "$(pgrep -x uattach -P "$(tmux_do display-message -p '#{pane_pid}')")"
	[ "$(tmux_status 60)" = 143 ]
}

@test "what it uses: processes, CPUs, memory, GPUs" {
	mkdir bin
	cat >bin/nvidia-smi <<-'EOT'
		#!/bin/sh
		echo "0, NVIDIA A100-SXM4-40GB, 97, 30720, 40960, 61, 250.11"
		echo "1, NVIDIA A100-SXM4-40GB, 3, 0, 40960, 30, [N/A]"
		echo "2, NVIDIA A100-SXM4-40GB, 0, 0, 40960, 30, 50.00"
	EOT
	chmod +x bin/nvidia-smi
	sbatch -J busy -w gpu1 --gpus=2 --time=5 -o /dev/null --wrap 'sh -c "while :; do :; done"'
	wait_until 20 runs busy
	run -0 --separate-stderr env PATH="$WORK/bin:$PATH" uattach busy --top --json
	# what a busy machine leaves it; the script that waits for it uses less
	jq -e '.node == "gpu1" and (.processes[0] | .cpu > 0.02 and (.command | test("while"))) and
		.processes[1].cpu < .processes[0].cpu / 2 and
		([.gpus[].index] == [0, 1]) and (.gpus[0] | .use_percent == 97 and
		.memory_used == 32212254720 and .temperature == 61) and
		.gpus[1].power == null and .gpus_note == null' <<<"$output"
	run -0 --separate-stderr uattach busy --gpu
	[[ $output == *"nvidia-smi is not on this node"* ]]
	tmux_start 90 12 uattach busy --top
	tmux_wait 'CPUs busy \(the job has'
	tmux_wait 'while :; do :; done'
	tmux_keys q
	[ "$(tmux_status)" = 0 ]
	tmux_end
	rm "$WORK/tmux.status"
	tmux_start 90 12 uattach busy --top
	tmux_wait 'while :; do :; done' 40
	kill "$(pgrep -x uattach -P "$(tmux_do display-message -p '#{pane_pid}')")"
	[ "$(tmux_status 40)" = 143 ]
	wait_until 20 no_helpers
}

@test "a server in the job is reached from here, and by its owner only" {
	port=$((20000 + RANDOM % 20000))
	head -c 3000000 /dev/urandom >blob
	sbatch -J web -w gpu2 --time=5 -o web.out --wrap \
		"exec python3 -m http.server --bind 127.0.0.1 $port"
	wait_until 20 runs web
	uattach web --forward "$((port + 1)):$port" --forward "$WORK/s:$port" >out 2>err 3>&- &
	tunnel=$!
	wait_until 30 grep -q "^ssh -N -L $port:$WORK/s " out
	grep -q "^ssh -N -L $port:127.0.0.1:$((port + 1)) $(id -un)@" out
	[ "$(stat -c %a s)" = 600 ]
	wait_until 20 fetch "http://127.0.0.1:$((port + 1))/blob"
	for i in 1 2 3 4 5 6; do
		fetch "http://127.0.0.1:$((port + 1))/blob" >"got$i" 3>&- &
		pids[i]=$!
	done
	wait "${pids[@]}"
	for i in 1 2 3 4 5 6; do
		cmp blob "got$i"
	done
	curl -sf --unix-socket s http://job/blob | cmp - blob
	if [ "$(id -u)" = 0 ]; then
		run ! setpriv --reuid=65534 --regid=65534 --clear-groups \
			curl -sf -m 5 "http://127.0.0.1:$((port + 1))/blob"
		grep -q "connection of another user was refused" err
	fi
	scancel -n web
	wait_until 20 job_is_over
	wait_status "$tunnel"
	[ "$status" -eq 0 ]
	[ ! -e s ]
	wait_until 20 no_helpers
}

fetch()
{
	curl -sf "$1"
}

job_is_over()
{
	grep -q 'the job is over' err
}

@test "nothing listens there: the connection ends, and it is said why" {
	sbatch -J quiet --time=5 -o /dev/null --wrap 'sleep 600'
	wait_until 20 runs quiet
	port=$((20000 + RANDOM % 20000))
	# as nohup has it
	(
		trap '' HUP
		exec env --default-signal=INT uattach quiet --forward "$port" >out 2>err 3>&-
	) &
	tunnel=$!
	wait_until 30 test -s out
	run ! curl -s -m 10 "http://127.0.0.1:$port/"
	wait_until 10 grep -q "nothing listens at port $port" err
	kill -HUP "$tunnel"
	kill -TERM "$tunnel"
	wait_status "$tunnel"
	[ "$status" -eq 143 ]
	env --default-signal=INT uattach quiet --forward "$port" >out 2>err 3>&- &
	tunnel=$!
	wait_until 30 test -s out
	kill -INT "$tunnel"
	wait_status "$tunnel"
	[ "$status" -eq 130 ]
	run -2 uattach quiet --forward 99999
	[[ $output == *"a port is expected"* ]]
}
