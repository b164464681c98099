#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# uqueue --watch: a screen that is kept up, one question for several of them, and nobody
# else in between.
load helper

setup()
{
	e2e_setup
	export XDG_RUNTIME_DIR=$WORK/run
	mkdir -m 0700 run
}

teardown()
{
	e2e_teardown
}

job()
{
	sbatch --parsable -o /dev/null -p gpu "$@" --wrap 'sleep 300'
}

# How often slurmctld was asked for all jobs.
asked()
{
	sdiag | awk '/REQUEST_JOB_INFO /{ sub(/.*count:/, ""); n = $1; exit } END { print n + 0 }'
}

asked_since()
{
	[ $(($(asked) - $1)) -ge "$2" ]
}

@test "changes are marked, the screen is given back" {
	first=$(job -J first)
	wait_for_job "$first" RUNNING
	tmux_start 90 14 bash -c 'echo before; uqueue --watch=2; echo "then $?"'
	tmux_wait "^   $first +root\* +first .* RUNNING "
	tmux_wait '^1 job: 1 run, 0 wait   [0-9:]{8}, .* ago   slurmctld [0-9]+ ms   every 2s'
	run ! tmux_has '^before'
	second=$(job -J second -H)
	tmux_wait "^\+  $second .* PENDING "
	tmux_wait '^2 jobs: 1 run, 1 wait '
	scontrol release "$second"
	tmux_wait "^~  $second .* RUNNING "
	scancel "$first"
	tmux_wait "^[~-]  $first "
	tmux_wait "^-  $first "
	wait_until 20 eval "! tmux_has '^.  $first '"
	tmux_do resize-window -x 60 -y 10
	tmux_wait "^   $second"
	run ! grep -E '.{61}' <(tmux_screen)
	tmux_keys q
	tmux_wait '^then 0'
	tmux_has '^before'
}

@test "more jobs than lines: keys move through them; Ctrl-C and Ctrl-Z" {
	for i in $(seq 15); do
		job -H -J "row$i" >/dev/null
	done
	tmux_start 90 12 env PS1='ready ' bash --norc
	tmux_wait '^ready'
	tmux_keys 'uqueue --watch=60' Enter
	tmux_wait ' row1 '
	tmux_has '1-8 of 15'
	run ! tmux_has ' row9 '
	tmux_keys Down
	tmux_wait '2-9 of 15'
	tmux_has ' row9 '
	tmux_keys G
	tmux_wait '8-15 of 15'
	tmux_has ' row15 '
	tmux_keys PPage
	tmux_wait '1-8 of 15'
	tmux_keys NPage
	tmux_wait '8-15 of 15'
	new=$(job -H -J fresh)
	run ! tmux_has ' fresh '
	tmux_keys Space
	tmux_wait 'of 16'
	tmux_keys G
	tmux_wait "^\+  $new "
	tmux_keys C-z
	tmux_wait 'Stopped .* uqueue --watch=60'
	tmux_keys fg Enter
	tmux_wait 'of 16'
	tmux_keys C-c
	tmux_wait '^ready$'
	tmux_keys 'echo then=$?' Enter
	tmux_wait '^then=130'
}

four_run()
{
	[ "$(pgrep -cf '^uqueue --watch=2')" -eq 4 ]
}

@test "four watchers ask as often as one, and one that is killed is replaced" {
	job -H -J one >/dev/null
	tmux_start 90 14 uqueue --watch=2
	tmux_wait ' one '
	for _ in 1 2 3; do
		tmux_do new-window -d 'exec uqueue --watch=2'
	done
	wait_until 20 four_run
	begun=$SECONDS before=$(asked)
	wait_until 60 asked_since "$before" 4
	count=$(($(asked) - before)) took=$((SECONDS - begun + 1))
	echo "$count questions in $took s"
	# one alone asks every two seconds; four of their own would ask four times as often
	[ "$count" -le $((took / 2 + 2)) ]
	[ "$(stat -c %a run/ucluster)" = 700 ]
	[ "$(find run/ucluster -type f ! -perm 0600 | wc -l)" -eq 0 ]
	# whoever asks now: three of four die at once
	pgrep -f "^uqueue --watch=2" | head -n 3 | xargs kill -KILL
	before=$(asked)
	wait_until 30 asked_since "$before" 2
}

@test "nobody else reads or plants what is shared" {
	user_add uctqa
	job -H -J one >/dev/null
	chmod 0755 run # some systems have it so
	tmux_start 90 14 uqueue --watch=2
	tmux_wait ' one '
	tmux_end
	file=$(find run/ucluster -name '*.jobs')
	[ -s "$file" ]
	run ! as uctqa cat "$file"
	run ! as uctqa ls run/ucluster
	# a folder that somebody else made: nothing is written into it, nothing read
	rm -rf run/ucluster
	chmod 0777 run
	as uctqa mkdir -m 0777 "$PWD/run/ucluster"
	tmux_start 90 14 uqueue --watch=2
	tmux_wait ' one '
	[ -z "$(ls run/ucluster)" ]
}
