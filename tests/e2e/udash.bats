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
	tmux_wait "^$first .* first .* R .* 2×a100 .* gpu[12]$"
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

@test "Home and End, also where TERM is that of another terminal" {
	tmux_start 100 24 env TERM=xterm udash --source synthetic:nodes=20,jobs=300,seed=3
	tmux_wait '^[0-9_]+ +user'
	first=$(tmux_screen | sed -n 4p)
	tmux_keys End
	wait_until 10 eval '[ "$(tmux_screen | sed -n 4p)" != "$first" ]'
	tmux_has '^JOB +USER'
	tmux_keys Home
	wait_until 10 eval '[ "$(tmux_screen | sed -n 4p)" = "$first" ]'
	tmux_keys q
	[ "$(tmux_status)" = 0 ]
	[ "$(jq -r .view "$XDG_STATE_HOME/ucluster/udash.json")" = Jobs ]
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
	tmux_keys / "$b" Enter
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

@test "who ends udash before slurmctld has answered is told so" {
	id=$(job -J slow -o /dev/null --wrap 'sleep 300')
	wait_for_job "$id" RUNNING
	tmux_start 100 24 udash -i 2
	tmux_wait "^$id "
	CTLD=$(cat "$UC_E2E_DIR/cluster/run/slurmctld.pid")
	kill -STOP "$CTLD"
	tmux_keys c
	tmux_wait 'Cancel 1 job\? y/N'
	tmux_keys y
	tmux_wait 'asking slurmctld'
	tmux_keys q
	[ "$(tmux_status 60)" = 4 ]
	tmux_has "what was asked for may not be done to $id"
	kill -CONT "$CTLD"
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
	for size in '1 1' '40 10' '500 200' '20 3' '80 24'; do
		tmux_do resize-window -x "${size% *}" -y "${size#* }"
	done
	tmux_wait '^100278 +user008 '
	tmux_wait '^F1Help F2Columns F3Search'
	tmux_keys q
	[ "$(tmux_status)" = 0 ]
}

# Requests about jobs, nodes and partitions that slurmctld has had.
asked()
{
	sdiag | awk '/^\t*REQUEST_(JOB|NODE|PARTITION|RESERVATION)_INFO/ {
		sub(/.*count:/, ""); n += $1 } END { print n + 0 }'
}

asked_more()
{
	[ "$(asked)" -gt "$1" ]
}

@test "one asks for all udash of a user on a host" {
	job -J shared -o /dev/null --wrap 'sleep 300'
	tmux_start 100 24 udash -i 2
	tmux_wait ' shared .* R '
	for _ in 1 2 3; do
		tmux_do new-window "udash -i 2 2>$WORK/stderr"
		tmux_wait ' shared .* R '
	done
	before=$(asked) start=$SECONDS
	sleep 12
	after=$(asked) seconds=$((SECONDS - start))
	echo "$((after - before)) requests in $seconds s"
	# jobs every two seconds, nodes when they changed; four alone would ask 24 times
	[ "$((after - before))" -gt 2 ]
	[ "$((after - before))" -le "$((seconds / 2 + seconds / 4 + 3))" ]
}

# Nothing is asked for five seconds, once what was under way has ended.
asks_no_more()
{
	before=$(asked)
	sleep 5
	[ "$(asked)" = "$before" ]
}

@test "without keys it stops asking, and goes on with the next; p pauses; not while stopped" {
	tmux_start 100 24 env PS1='ready ' bash --norc
	tmux_wait '^ready'
	tmux_keys 'udash -i 2 --idle 2s' Enter
	tmux_wait ' idle$' 60
	wait_until 60 asks_no_more
	tmux_keys j
	wait_until 20 asked_more "$before"
	tmux_keys p
	tmux_wait ' paused$'
	wait_until 60 asks_no_more
	tmux_keys p
	wait_until 20 asked_more "$before"
	tmux_keys C-z
	tmux_wait 'Stopped .* udash'
	wait_until 60 asks_no_more
	tmux_keys fg Enter
	tmux_wait '^udash  free '
	tmux_keys q
	tmux_wait '^ready$'
}

@test "columns of one's choice are remembered; so are orders and wrapping" {
	tmux_start 120 24 udash --source synthetic:nodes=20,jobs=300,seed=3
	tmux_wait '^100278 +user008 .* cpu002'
	tmux_keys F2
	tmux_wait '\[x\] user +whose it is'
	tmux_keys Down Space
	tmux_wait '\[ \] user +whose it is'
	tmux_keys Down Down Down Down Space
	tmux_wait '\[x\] qos'
	tmux_keys Escape
	tmux_wait '^JOB +NAME +PART.* QOS '
	tmux_keys 5 s s 2 q
	[ "$(tmux_status)" = 0 ]
	jq -e '.view == "GPUs" and .nodes_sort == 2 and
		.columns.Jobs == "id,name,partition,qos,state,time,used,gpus,where"' \
		"$XDG_STATE_HOME/ucluster/udash.json"
	tmux_end
	tmux_start 120 24 udash --source synthetic:nodes=20,jobs=300,seed=3
	tmux_wait '^gpu,long  a100  8 of 96 free'
	tmux_keys 1
	tmux_wait '^JOB +NAME +PART.* QOS '
	tmux_keys : c o l u m n s Space r e s e t Enter
	tmux_wait '^JOB +USER '
	tmux_keys q
	COLUMNS=80 udash --dump --columns id,gpus,where >out
	grep -qE '^JOB +GPUS +WHERE OR WHY' out
	run -2 udash --dump --columns id,colour
	[[ $output == *"not all of 'id,colour' are columns"*"there are id,user,"* ]]
}

limit_is()
{
	[ "$(squeue -h -j "$1" -o %l)" = "$2" ]
}

clipboard_is()
{
	[ "$(tmux_do show-buffer 2>/dev/null)" = "$1" ]
}

# click X Y [BUTTON]: as terminals say it since 1006, the old way with TERM=screen.
click()
{
	local byte

	if [ -n "${OLD-}" ]; then
		printf -v byte '\\x%x\\x%x\\x%x' $((32 + ${3:-0})) $((32 + $1)) $((32 + $2))
		tmux_do send-keys -l "$(printf '\033[M%b' "$byte")"
		return
	fi
	tmux_do send-keys -l "$(printf '\033[<%d;%d;%dM' "${3:-0}" "$1" "$2")"
	tmux_do send-keys -l "$(printf '\033[<%d;%d;%dm' "${3:-0}" "$1" "$2")"
}

@test "the mouse: views, rows, headings, the wheel" {
	tmux_start 100 24 env TERM=xterm-256color \
		udash --mouse --source synthetic:nodes=20,jobs=300,seed=3
	tmux_wait '^100278 '
	click 12 2 # "2 GPUs"
	tmux_wait '^gpu-a001:0 a100 '
	click 12 5 # the third GPU of the third line's first node
	tmux_wait '^gpu-a004:2 a100 '
	click 3 2
	tmux_wait '^100278 '
	click 5 6
	click 5 6
	tmux_wait 'Job 100201 '
	click 5 24 # outside of the box
	wait_until 20 eval "! tmux_has 'Job 100201 '"
	click 12 3 # USER
	tmux_keys g
	tmux_wait '^[0-9]+ +user001 '
	for _ in 1 2 3 4 5 6 7 8 9; do click 5 6 65; done
	wait_until 20 eval "! tmux_has '^100237 '"
	click 3 24 # F1
	tmux_wait 'Keys'
	tmux_keys Escape q
	[ "$(tmux_status)" = 0 ]
	tmux_end
	rm "$XDG_STATE_HOME/ucluster/udash.json"
	tmux_start 100 24 env TERM=screen UCLUSTER_DASH_MOUSE=true \
		udash --source synthetic:nodes=20,jobs=300,seed=3
	tmux_wait '^100278 '
	OLD=1 click 12 2
	tmux_wait '^gpu-a001:0 a100 '
	tmux_keys q
	[ "$(tmux_status)" = 0 ]
}

@test "a time limit and a signal: the one that was listed, and as it was said" {
	id=$(job -J longer -t 30 -o "$WORK/out" --wrap \
		'srun bash -c "trap \"echo got it\" USR1; echo there; while :; do sleep 0.2; done"')
	wait_for_job "$id" RUNNING
	wait_until 30 grep -q there out
	tmux_start 100 24 udash -i 2
	tmux_wait "^$id .* longer"
	tmux_keys t
	tmux_wait '^New time limit'
	tmux_keys -l 20
	tmux_keys Enter
	tmux_wait 'Give a new time limit to 1 job\? y/N'
	tmux_has "$id  $(id -un)  longer: 20m"
	tmux_keys y
	wait_until 30 limit_is "$id" 20:00
	tmux_wait 'done: 1 job'
	tmux_keys : s i g n a l Space u s r 1 Enter
	tmux_wait 'Signal 10 to 1 job\? y/N'
	tmux_keys y
	tmux_wait 'done: 1 job'
	wait_until 30 grep -q 'got it' out
	tmux_keys q
	[ "$(tmux_status)" = 0 ]
}

@test "outputs of several jobs side by side; the end of a line that has none" {
	a=$(job -J left -o "$WORK/a" --wrap 'echo from a; sleep 300')
	b=$(job -J right -o "$WORK/b" --wrap 'echo from b; printf "10%%\r 55%%"; sleep 300')
	wait_for_job "$a" RUNNING
	wait_for_job "$b" RUNNING
	tmux_start 100 24 udash -i 2
	tmux_wait "^$a .* left"
	tmux_keys g Space Space
	tmux_wait '2 marked'
	tmux_keys l
	tmux_wait '^(from a +from b|from b +from a)'
	tmux_wait '(^| ) 55%'
	tmux_has "$b right" && tmux_has "$a left"
	tmux_do resize-window -x 60 -y 24 # one above the other
	tmux_wait '^from a$'
	tmux_wait '^from b$'
	tmux_keys q
	[ "$(tmux_status)" = 0 ]
}

@test "disk: a scan with its progress, folders, and what it is listed by" {
	mkdir -p home/runs/one home/data
	head -c 3000000 /dev/zero >home/runs/one/model.pt
	head -c 100000 /dev/zero >home/data/set.bin
	tmux_start 100 24 env HOME="$WORK/home" udash --view disk \
		--source synthetic:nodes=2,jobs=3
	tmux_wait '^home +/'
	tmux_wait 'never scanned; S finds out'
	tmux_keys S
	tmux_wait '2\.[89][0-9]?M .* runs/'
	tmux_keys Enter Enter
	tmux_wait 'by folder .*/home/runs '
	tmux_wait ' one/'
	tmux_keys BSpace b b b
	tmux_wait 'by kind '
	tmux_has 'checkpoints'
	tmux_keys b
	tmux_wait 'runs/one/model.pt'
	tmux_keys Escape Escape q
	[ "$(tmux_status)" = 0 ]
	[ "$(jq .disk_by "$XDG_STATE_HOME/ucluster/udash.json")" = 4 ]
}

@test "y puts the path on the clipboard" {
	id=$(job -J copied -o "$WORK/the-output" --wrap 'sleep 300')
	wait_for_job "$id" RUNNING
	tmux_start 100 24 env TERM=xterm-256color udash -i 2
	tmux_do set-option -s set-clipboard on
	tmux_wait "^$id .* copied"
	tmux_keys y
	tmux_wait "copied: $WORK/the-output"
	wait_until 20 clipboard_is "$WORK/the-output"
	tmux_keys q
}

@test "in any terminal, with and without colours, in ASCII where it must be" {
	for term in screen linux xterm xterm-16color screen-256color; do
		infocmp "$term" >/dev/null 2>&1 || continue
		tmux_start 100 24 env TERM="$term" udash --view jobs \
			--source synthetic:nodes=20,jobs=300,seed=3
		tmux_wait '^100278 +user008 +sweep .* cpu002'
		tmux_keys 2
		tmux_wait '^gpu-a001:0 a100 '
		tmux_keys q
		[ "$(tmux_status)" = 0 ]
		tmux_end
		rm -f tmux.status
	done
	tmux_start 100 24 env -u LC_ALL -u LC_CTYPE LANG=C udash --view jobs \
		--source synthetic:nodes=20,jobs=300,seed=3
	tmux_wait '^100278 +user008 +sweep .* #'
	tmux_keys Enter
	tmux_wait '^..\+- Job 100278 '
	[ "$(tmux_screen | LC_ALL=C tr -d '[:print:][:space:]' | wc -c)" = 0 ]
	tmux_end
	tmux_start 100 24 env TERM=screen udash --view jobs \
		--source synthetic:nodes=20,jobs=300,seed=3
	tmux_wait '^100278 '
	tmux_do capture-pane -pe | grep -q $'\033\[33m' # what stands still: yellow
	tmux_end
	tmux_start 100 24 env TERM=screen UCLUSTER_DASH_BACKGROUND=light \
		udash --view jobs --source synthetic:nodes=20,jobs=300,seed=3
	tmux_wait '^100278 '
	run ! grep -q $'\033\[33m' <(tmux_do capture-pane -pe)
	tmux_do capture-pane -pe | grep -q $'\033\[35m'
	tmux_end
	tmux_start 100 24 env NO_COLOR=1 udash --view jobs \
		--source synthetic:nodes=20,jobs=300,seed=3
	tmux_wait '^100278 '
	run ! grep -qE $'\033\[[0-9;]*[34][0-7]m' <(tmux_do capture-pane -pe)
}

@test "what is configured counts, options win" {
	tmux_start 100 24 env UCLUSTER_DASH_INTERVAL=1 udash
	tmux_wait "'?UCLUSTER_DASH_INTERVAL'?.* must be .*2"
	[ "$(tmux_status)" = 2 ]
	tmux_end
	tmux_start 100 24 env UCLUSTER_DASH_IDLE=2s udash --idle 1h -i 2
	tmux_wait '^udash  free '
	wait_until 30 asked_more $(($(asked) + 3)) # for longer than two seconds
	run ! tmux_has ' idle$'
	tmux_end
	tmux_start 100 24 env UCLUSTER_DASH_IDLE=2s udash -i 2
	tmux_wait ' idle$'
	tmux_keys q
}

@test "where it cannot draw it says so" {
	run -2 udash --lines=5
	[ "$output" = "udash: option '--lines' goes with '--dump'" ]
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
