#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# udash in a real terminal on the sandbox: what it shows is what Slurm says, keys do what
# they say and only that, and it lives through whatever happens to slurmctld.
load helper

setup()
{
	e2e_setup
	export XDG_RUNTIME_DIR=$WORK/run XDG_STATE_HOME=$WORK/state
	mkdir -m 0700 run
}

teardown()
{
	[ -z "${CTLD-}" ] || kill -CONT "$CTLD" 2>/dev/null || :
	e2e_teardown
}

job()
{
	sbatch --parsable -p gpu "$@"
}

@test "jobs as they come and go; details, why, filter, search; the screen is given back" {
	first=$(job -J first --gpus=2 -o /dev/null --wrap 'sleep 300')
	wait_for_job "$first" RUNNING
	tmux_start 100 24 bash -c 'echo before; udash -i 2; echo "then $?"'
	tmux_wait "^$first .* first .* R .* 2×a100 +gpu"
	tmux_has '^udash  free a100 14/16   me: 1 running, 0 waiting, 2 GPUs'
	second=$(job -J second -H -o /dev/null --wrap 'sleep 300')
	tmux_wait "^$second .* second .* PD .*held"
	tmux_keys Enter
	tmux_wait "Job $first  first"
	tmux_has 'GPUs +gpu:a100:2\(IDX:0-1\)'
	tmux_keys Escape
	wait_until 10 eval "! tmux_has 'Job $first  first'"
	tmux_keys j w
	tmux_wait "Why $second  second"
	tmux_wait "release" || { tmux_screen; false; }
	tmux_keys Escape
	tmux_keys f s e c o Enter
	wait_until 10 eval "! tmux_has '^$first '"
	tmux_has 'only: seco'
	tmux_keys f Escape
	wait_until 10 eval "! tmux_has 'only: '"
	tmux_keys g
	tmux_wait "^$first "
	tmux_keys q
	tmux_wait '^then 0'
	tmux_has '^before'
}

@test "commands, limits and hours; view, order and filter are remembered" {
	tmux_start 100 24 udash --source synthetic:nodes=20,jobs=300,seed=3
	tmux_wait '^100278 '
	tmux_keys : j o b Space 1 0 0 0 6 2 Enter Enter
	tmux_wait 'Job 100062 '
	tmux_keys Escape m
	tmux_wait 'GPU hours are not known'
	tmux_keys Escape : n o Enter
	tmux_wait ':interval +SECONDS'
	tmux_keys Escape s s : f i l Space u s e r 0 0 4 Enter
	wait_until 10 eval "! tmux_has ' user008 '"
	tmux_keys 5 q
	[ "$(tmux_status)" = 0 ]
	[ "$(jq -r .view "$XDG_STATE_HOME/ucluster/udash.json")" = Nodes ]
	tmux_end
	tmux_start 100 24 udash --source synthetic:nodes=20,jobs=300,seed=3
	tmux_wait 'only: user004'
	tmux_keys f Escape
	tmux_wait "^cpu001 "
	tmux_keys 1 g
	tmux_wait '^[0-9_]+ +user001 '
	tmux_keys q
}

@test "the map says who holds which GPU, as scontrol does" {
	id=$(job -J holder --gres=gpu:3 -w gpu2 -o /dev/null --wrap 'sleep 300')
	wait_for_job "$id" RUNNING
	tmux_start 100 24 udash --view gpus -i 2
	tmux_wait '^gpu1 \.{8}  gpu2 ###\.{5}'
	tmux_wait '^gpu1:0 a100  free'
	tmux_keys Home
	for _ in 1 2 3 4 5 6 7 8; do tmux_keys Right; done
	tmux_wait "^gpu2:[0-2] a100  yours: job $id of $(id -un) holder, until "
	tmux_keys 5
	tmux_wait '^gpu2 +mixed .* 3/8 '
	tmux_keys q
	[ "$(tmux_status)" = 0 ]
}

@test "output is followed, errors too; its control sequences are shown, not obeyed" {
	id=$(job -J writer -o "$WORK/out" -e "$WORK/err" --wrap \
		'printf "one\n\033[31mtwo\033[2J\nthree\n"; echo wrong >&2; sleep 300')
	wait_for_job "$id" RUNNING
	tmux_start 100 24 udash -i 2
	tmux_wait "^$id "
	tmux_keys l
	tmux_wait '^three'
	tmux_has '^\\x1b\[31mtwo\\x1b\[2J'
	tmux_has "^$id writer"
	echo four >>"$WORK/out"
	tmux_wait '^four'
	tmux_keys e
	tmux_wait '^wrong'
	tmux_has '\(errors\)'
	tmux_keys q
	[ "$(tmux_status)" = 0 ]
}

@test "cancel asks, lists, and does it to what was listed only" {
	a=$(job -J keep -o /dev/null --wrap 'sleep 300')
	b=$(job -J gone -o /dev/null --wrap 'sleep 300')
	wait_for_job "$a" RUNNING
	wait_for_job "$b" RUNNING
	tmux_start 100 24 udash -i 2
	tmux_wait "^$b "
	tmux_keys / g o n e Enter
	tmux_keys c
	tmux_wait 'Cancel 1 job\? y/N'
	tmux_has "$b  $(id -un)  gone"
	tmux_keys n
	tmux_wait 'nothing was done'
	job_is "$b" RUNNING
	tmux_keys c
	tmux_wait 'Cancel 1 job\? y/N'
	tmux_keys y
	wait_for_job "$b" GONE
	tmux_wait 'done: 1 job'
	job_is "$a" RUNNING
	tmux_keys q
	[ "$(tmux_status)" = 0 ]
}

@test "read-only: no key changes anything" {
	id=$(job -J safe -o /dev/null --wrap 'sleep 300')
	wait_for_job "$id" RUNNING
	tmux_start 100 24 udash --read-only -i 2
	tmux_wait "^$id "
	tmux_keys c
	tmux_wait 'was started with --read-only'
	tmux_keys y
	job_is "$id" RUNNING
	tmux_keys q
	[ "$(tmux_status)" = 0 ]
}

@test "a attaches and comes back; Ctrl-Z and fg; signals give the terminal back" {
	id=$(job -J visit -o "$WORK/out" --wrap 'echo hello from it; sleep 300')
	wait_for_job "$id" RUNNING
	tmux_start 100 24 env PS1='ready ' bash --norc
	tmux_wait '^ready'
	tmux_keys 'udash -i 2' Enter
	tmux_wait "^$id "
	tmux_keys a
	tmux_wait '^hello from it'
	tmux_keys C-c
	tmux_wait "^$id .* visit"
	tmux_keys C-z
	tmux_wait 'Stopped .* udash -i 2'
	tmux_keys fg Enter
	tmux_wait "^$id .* visit"
	pkill -TERM -f '^udash -i 2$'
	tmux_wait '^ready'
	tmux_keys 'stty -a | grep -c " echo "; udash -i 2' Enter
	tmux_wait "^$id .* visit"
	pkill -SEGV -f '^udash -i 2$'
	tmux_wait 'Segmentation fault'
	tmux_keys 'stty -a | grep -o " echo " | wc -l' Enter
	tmux_wait '^1$'
}

@test "slurmctld stopped: the last data stay, with their age; keys work; it recovers" {
	id=$(job -J stays -o /dev/null --wrap 'sleep 300')
	wait_for_job "$id" RUNNING
	tmux_start 100 24 env UCLUSTER_SLURM_TIMEOUT=3s udash -i 2
	tmux_wait "^$id "
	CTLD=$(cat "$UC_E2E_DIR/cluster/run/slurmctld.pid")
	kill -STOP "$CTLD"
	tmux_wait 'no answer, shown: [0-9]+s old' 30
	tmux_keys Enter
	tmux_wait "Job $id  stays"
	tmux_keys Escape 2
	tmux_wait '^gpu1 '
	tmux_keys 1
	tmux_wait "^$id "
	kill -CONT "$CTLD"
	wait_until 40 eval "! tmux_has 'no answer'"
	tmux_has "^$id "
	tmux_keys q
	[ "$(tmux_status)" = 0 ]
}

@test "resizing at once, down to nothing and up" {
	tmux_start 100 24 udash --source synthetic:nodes=20,jobs=300,seed=3
	tmux_wait '^100278 '
	for size in '1 1' '40 10' '300 100' '20 3' '80 24'; do
		tmux_do resize-window -x "${size% *}" -y "${size#* }"
	done
	tmux_wait '^100278 +user008 '
	tmux_wait '^F1Help F3Search'
	tmux_keys q
	[ "$(tmux_status)" = 0 ]
}

@test "where it cannot draw it says so" {
	run -2 udash </dev/null
	[[ $output == *"udash draws on a terminal"* ]]
	[[ $output == *"'udash --dump' prints one frame"* ]]
	tmux_start 100 24 env TERM=dumb udash
	tmux_wait "TERM is 'dumb', which cannot be drawn on"
	[ "$(tmux_status)" = 2 ]
	id=$(job -J dumped -o /dev/null --wrap 'sleep 300')
	COLUMNS=100 udash --dump >out
	grep -qE "^$id .* dumped " out
	udash --json | jq -e --arg id "$id" '.version == 1 and .live and
		(.gpus == [{type: "a100", free: 16, mine: 0, others: 0, reserved: 0, out: 0}]) and
		(.jobs[] | select(.id == $id) | .name == "dumped" and .mine)'
}
