#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# usrun --on: from a laptop without Slurm, over a real sshd, to the sandbox and back.
# The words in single quotes are for the job's shell.
# shellcheck disable=SC1003,SC2016,SC2030,SC2031,SC2046,SC2103,SC2154,SC2164
load helper
load sshd

setup()
{
	usrun_setup
	export UCLUSTER_RUNTIME=none XDG_RUNTIME_DIR=$WORK/run
	mkdir -p "$XDG_RUNTIME_DIR" proj far
	chmod 700 "$XDG_RUNTIME_DIR"
	sshd_start "SetEnv \"PATH=$PATH\" \"SLURM_CONF=$SLURM_CONF\" \"HOME=$HOME\" \
\"XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR\" \"XDG_STATE_HOME=$WORK/far-state\" \
\"UCLUSTER_RUNTIME=none\" \"ASAN_OPTIONS=${ASAN_OPTIONS-}\""
	cd proj || return 1
	usync init "there:$WORK/far" 2>/dev/null
	echo '  outputs: [results/]' >>.ucluster.yaml
	ON=(usrun --on there --ssh-config "$SSHD_CONFIG")
}

teardown()
{
	tmux_end
	sshd_stop
	e2e_teardown
}

# A command as on a machine that has no Slurm.
laptop()
{
	env -u SLURM_CONF "$@"
}

script()
{
	printf '#!/bin/bash\n%s\n' "$2" >"$1"
	chmod +x "$1"
}

# The number that usrun has said it submitted.
submitted()
{
	sed -n 's/.*submitted job \([0-9]*\) on there$/\1/p' "$1"
}

@test "push, submit, output, exit status and results" {
	script job.sh 'mkdir -p results; echo "say $1"; echo 42 >results/answer; pwd; exit 3'
	run -3 --separate-stderr laptop "${ON[@]}" --time=5 ./job.sh hello
	[ "${lines[0]}" = "say hello" ]
	[ "${lines[1]}" = "$WORK/far" ]
	[[ $stderr == *"submitted job "*" on there"* ]]
	[ "$(cat results/answer)" = 42 ]
	# the code that ran is the snapshot's, and what ran is remembered
	[ "$(jq -r .host "$XDG_STATE_HOME"/ucluster/on/there/*.json)" = there ]
	[ -x "$WORK/far/.ucluster-snapshots/$(jq -r .snapshot \
		"$XDG_STATE_HOME"/ucluster/on/there/*.json)/tree/job.sh" ]
}

@test "from a folder of the project; it works there" {
	mkdir -p sub/deep
	script sub/deep/job.sh 'pwd; echo "$0" >&2'
	cd sub/deep
	run -0 --separate-stderr laptop "${ON[@]}" --error=errors ./job.sh
	[ "$output" = "$WORK/far/sub/deep" ]
	[[ $(cat "$WORK/far/sub/deep/errors") == */sub/deep/job.sh ]] ||
		[[ $(cat "$WORK/far/sub/deep/errors") == */slurm_script ]]
}

@test "arguments arrive byte for byte" {
	local -a odd=('a  b' $'two\nlines' "it's" '"q"' '$HOME' '`id`' '*' '' '\\' $'\x01\xff' '!x'
		';' '--on' 'ü')

	printf '%s\0' "${odd[@]}" >"$WORK/wanted"
	script args.sh 'printf "%s\0" "$@" >results'
	sed -i 's,results/,results,' .ucluster.yaml
	laptop "${ON[@]}" ./args.sh "${odd[@]}"
	cmp results "$WORK/wanted"
	rm results
	laptop "${ON[@]}" -- bash -c 'printf "%s\0" "$@" >results' bash "${odd[@]}"
	cmp results "$WORK/wanted"
}

@test "what is edited after it was submitted is not what runs" {
	echo 'print("first")' >train.py
	run -0 --separate-stderr laptop "${ON[@]}" --batch --parsable --hold python3 train.py
	[[ $output =~ ^[0-9]+$ ]]
	job=$output
	echo 'print("second")' >train.py
	usync push -Q --config "$SSHD_CONFIG"
	[ "$(cat "$WORK/far/train.py")" = 'print("second")' ]
	scontrol release "$job"
	wait_for_job "$job" GONE
	[ "$(cat "$WORK/far/slurm-$job.out")" = first ]
}

@test "connections that are cut: all of the output once, and the exit status" {
	script job.sh 'for i in {1..40}; do echo "line $i"; sleep 0.2; done; exit 7'
	{
		status=0
		laptop "${ON[@]}" ./job.sh || status=$?
		echo "$status" >"$WORK/status"
	} >"$WORK/out" 2>"$WORK/err" 3>&- &
	for line in 5 20; do
		wait_until 60 grep -q "^line $line\$" "$WORK/out"
		kill -KILL $(sshd_processes) || :
	done
	# nobody is there for a while
	wait_until 60 grep -q '^line 25$' "$WORK/out"
	kill -KILL "$SSHD_PID" $(sshd_processes) || :
	wait "$SSHD_PID" || :
	wait_until 60 grep -q 'Connection refused' "$WORK/err"
	sshd_run
	wait_until 60 test -s "$WORK/status"
	cat "$WORK/err"
	[ "$(cat "$WORK/status")" -eq 7 ]
	diff "$WORK/out" <(printf 'line %s\n' {1..40})
	grep -q 'the connection to there is lost; job [0-9]* goes on' "$WORK/err"
}

@test "a job that exits with ssh's own status, and output without an end" {
	run -255 --separate-stderr laptop "${ON[@]}" -- bash -c 'printf "a\036b\036"; exit 255'
	[[ $output == *$'a\036b\036'* ]] # srun's own words are before or behind it
}

@test "Ctrl-C leaves the job alone and says how to come back" {
	tmux_start 100 30 env -u SLURM_CONF "${ON[@]}" -- bash -c 'echo begun; sleep 300'
	tmux_wait begun 60
	tmux_keys C-c
	tmux_wait 'goes on; its output: ssh there uattach [0-9]+'
	[ "$(tmux_status)" -eq 130 ]
	[ "$(squeue -h -t R -o %T)" = RUNNING ]
}

@test "a signal while there is no connection: the exit status names it" {
	env -u SLURM_CONF "${ON[@]}" -- bash -c 'echo begun; sleep 300' >"$WORK/out" 2>"$WORK/err" 3>&- &
	pid=$!
	wait_until 60 grep -q begun "$WORK/out"
	kill -KILL "$SSHD_PID" $(sshd_processes) || :
	wait "$SSHD_PID" || :
	wait_until 60 grep -q 'Connection refused' "$WORK/err"
	kill -TERM "$pid"
	wait_status "$pid"
	[ "$status" -eq 143 ]
	grep -q 'goes on; its output' "$WORK/err"
	sshd_run
}

@test "a signal that is sent ends it, and not the job; a reader that is gone, too" {
	# as nohup has it: that the terminal goes does not end it
	(
		trap '' HUP
		exec env -u SLURM_CONF "${ON[@]}" -- bash -c \
			"echo begun; until [ -e $WORK/go ]; do sleep 0.1; done; echo more; sleep 300" \
			>"$WORK/out" 2>"$WORK/err" 3>&-
	) &
	wait_until 60 grep -q begun "$WORK/out"
	kill -HUP $!
	touch "$WORK/go"
	wait_until 60 grep -q more "$WORK/out"
	kill -TERM $!
	wait_status $!
	[ "$status" -eq 143 ]
	grep -q 'goes on; its output' "$WORK/err"
	laptop "${ON[@]}" -- bash -c 'echo begun; while sleep 0.1; do echo y; done' \
		2>"$WORK/err" 3>&- | head -n 1 | grep begun
	[ "$(squeue -h -t R -o %T | wc -l)" -eq 2 ]
	run ! grep -qi 'broken pipe' "$WORK/err"
}

@test "a terminal there" {
	script ask.sh '[ -t 0 ] && read -rp "name? " n && mkdir -p results && echo "hi $n" | tee results/n'
	tmux_start 100 30 env -u SLURM_CONF "${ON[@]}" --pty ./ask.sh
	tmux_wait 'name\?' 60
	tmux_keys anna Enter
	tmux_wait 'hi anna'
	[ "$(tmux_status)" -eq 0 ]
	[ "$(cat results/n)" = 'hi anna' ]
}

@test "--batch returns; --follow stays" {
	run -0 --separate-stderr laptop "${ON[@]}" --batch true
	[[ $output == "Submitted batch job "*" on there" ]]
	run -4 laptop "${ON[@]}" --batch --follow -- bash -c 'echo followed; exit 4'
	[[ $output == *followed* ]]
}

@test "--dry-run prints the commands and connects to nobody" {
	echo 1 >file
	run -0 --separate-stderr laptop "${ON[@]}" --dry-run --gpus=1 -- echo 'a b'
	[[ ${lines[0]} == "usync push --config $SSHD_CONFIG --snapshot "* ]]
	[[ ${lines[1]} == "ssh -F $SSHD_CONFIG "*" there "*--gpus=1* ]]
	[[ ${lines[2]} == *uattach* ]]
	[[ ${lines[3]} == "usync pull --config $SSHD_CONFIG --outputs" ]]
	[ ! -e "$WORK/far/file" ]
	# what it prints is what is done
	[ -z "$(squeue -h)" ]
}

@test "no place on that host, another host" {
	run -2 laptop usrun --on other true
	[[ $output == *"this project goes to 'there', not to 'other'"* ]]
	[[ $output == *"usync init other:DIR"* ]]
	cd "$WORK"
	run -2 laptop usrun --on there true
	[[ $output == *"where on 'there' this project goes is not known"* ]]
	[[ $output == *"usync init there:DIR"* ]]
}

@test "a host that does not answer is 4, one without usrun 3" {
	mkdir "$WORK/bin"
	ln -s "$(command -v usync)" "$WORK/bin"
	sed -i "s,\"PATH=[^\"]*\",\"PATH=$WORK/bin:/usr/bin:/bin\"," "$SSHD_DIR/sshd_config"
	kill -KILL "$SSHD_PID" $(sshd_processes) || :
	wait "$SSHD_PID" || :
	sshd_run
	run -3 laptop "${ON[@]}" true
	[[ $output == *"no usrun on 'there', in PATH or ~/.local/bin"* ]]
	kill -KILL "$SSHD_PID"
	wait "$SSHD_PID" || :
	run -4 laptop "${ON[@]}" true
	[[ $output != *"submitted job"* ]]
}

@test "what a job cannot have there is refused here or there" {
	run -2 laptop "${ON[@]}" --no-such-option true
	[ -z "$(squeue -h)" ]
	run -2 laptop "${ON[@]}" --snapshot true
	[[ $output == *"'--snapshot' does not go with '--on'"* ]]
	run -2 laptop "${ON[@]}" --env HOME true
	[[ $output == *"--env NAME=VALUE"* ]]
	run -2 laptop "${ON[@]}" --forward 80 true
	run -2 laptop "${ON[@]}" --again last
	run -2 laptop "${ON[@]}" --pty --batch true
	run -2 laptop usrun --ssh-config "$SSHD_CONFIG" true
	run -2 laptop "${ON[@]}"
	[[ $output == *"no command"* ]]
	run -2 laptop "${ON[@]}" --partition=none true
	[[ $output == *none* ]]
}
