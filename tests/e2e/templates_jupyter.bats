#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ucluster init jupyter: the server is reached, with its token alone, and nobody sees that.
load helper
load templates

setup()
{
	template_setup jupyter image=python mem=1G time=10m
}

teardown()
{
	[ -z "${tunnel-}" ] || kill -KILL "$tunnel" 2>/dev/null || :
	template_teardown
}

answers()
{
	curl -sf -m 20 -o got "http://127.0.0.1:$here/api"
}

@test "the URL and the laptop's command are printed; the token opens it; it stays secret" {
	port=$((20000 + RANDOM % 10000)) here=$((port + 1))
	env --default-signal=INT ./run-jupyter.sh "$port" >out 2>err 3>&- &
	tunnel=$!
	wait_until 90 grep -q "^ssh -N -L $port:127.0.0.1:$here " out || {
		cat out err .jupyter/*.log
		return 1
	}
	wait_until 120 answers || {
		cat out err .jupyter/*.log
		return 1
	}
	job=$(sed -n 's/^job \([0-9]*\): JupyterLab, once it runs: .*/\1/p' out)
	grep -qx "job $job: JupyterLab, once it runs: http://127.0.0.1:$port/lab" out
	grep -qx "later again: uattach $job --forward $here:$port; end it: scancel $job" out
	token=$(cat .jupyter/token)
	[ "${#token}" -eq 48 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$here/lab")" = 403 ]
	url=$(cat .jupyter/url)
	[ "$url" = "http://127.0.0.1:$port/lab?token=$token" ]
	curl -sf "http://127.0.0.1:$here/lab?token=$token" | grep -q '"jupyter.sh"'
	# for its owner alone, and nowhere else
	[ "$(stat -c %a .jupyter .jupyter/token .jupyter/url | xargs)" = "700 600 600" ]
	run ! grep -rlF "$token" out err ".jupyter/$job.log"
	run ! grep -F "$token" <(scontrol show job "$job"; scontrol write batch_script "$job" -)
	run ! grep -laF "$token" /proc/[0-9]*/cmdline /proc/[0-9]*/environ
	[ -z "$(find "$HOME" -mindepth 1 ! -path "$HOME/.local*")" ]
	# Ctrl-C ends the forwarding, not the job
	kill -INT "$tunnel"
	wait "$tunnel" || :
	tunnel=
	[ "$(squeue -h -j "$job" -o %T)" = RUNNING ]
	scancel "$job"
}

@test "on a terminal the URL is shown with its token, which stays the same next time" {
	mkdir -m 700 .jupyter
	(umask 077 && printf 'abc123' >.jupyter/token)
	tmux_start 120 20 ./run-jupyter.sh 33456
	tmux_wait 'with its token: http://127.0.0.1:33456/lab\?token=abc123' 60
	tmux_wait '^ssh -N -L [0-9]+:127.0.0.1:[0-9]+ ' 90
	tmux_keys C-c
	[ "$(tmux_status 60)" -eq 130 ]
}
