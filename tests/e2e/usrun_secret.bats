#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# usrun --secret: a canary that is looked for everywhere while twenty jobs have it.

load helper

setup()
{
	usrun_setup
	SPY=
	CANARY=canary-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
	(umask 077 && printf '%s\n' "$CANARY" >token)
	SUM=$(printf %s "$CANARY" | sha256sum | cut -d' ' -f1)
}

teardown()
{
	touch spy.stop
	[ -z "$SPY" ] || wait "$SPY" || :
	e2e_teardown
}

# What another user sees, again and again: command lines, jobs, steps. The canary itself
# is in a file that only the spy reads, for its own command line is looked at as well.
spy_start()
{
	user_add uctspy
	install -m 600 -o uctspy token spy.pattern
	cat >spy.sh <<-'EOT'
		#!/bin/bash
		while [ ! -e spy.stop ]; do
			grep -laFf spy.pattern /proc/[0-9]*/cmdline /proc/[0-9]*/environ \
				2>/dev/null >>spy.found
			{
				scontrol show job -d
				scontrol show step -d
				squeue -h -o '%all'
				squeue -h -s
			} 2>/dev/null | grep -aFf spy.pattern >>spy.found
			echo round >>spy.rounds
		done
	EOT
	chmod 755 spy.sh
	touch spy.found spy.rounds
	chown uctspy spy.found spy.rounds
	as uctspy ./spy.sh 3>&- &
	SPY=$!
	wait_until 20 test -s spy.rounds
}

spy_stop()
{
	touch spy.stop
	wait "$SPY"
	SPY=
}

# job WORDS...: with the secret; it says that it has the right one, not which.
job()
{
	"$@" sh -c 'printf %s "$TOKEN" | sha256sum; sleep 0.5'
}

# Every file of the sandbox that is not for root alone, and all that usrun leaves. Not the
# state and the spool of Slurm, which keep the environment of batch jobs (usrun(1)).
search()
{
	grep -rlaF "$CANARY" "$UC_E2E_DIR/cluster/log" "$UC_E2E_DIR/cluster/run" \
		"$UC_E2E_DIR/cluster/state" "$UC_E2E_DIR/cluster/etc" \
		"$UC_E2E_DIR/cluster/cache" "$WORK" |
		grep -vxF -e "$WORK/token" -e "$WORK/spy.pattern"
}

@test "a secret is found nowhere during twenty runs" {
	local i how rounds out=$WORK/out

	spy_start
	for i in {1..4}; do
		job usrun --no-container --secret TOKEN=token >>"$out"
		job usrun --image=tiny --secret TOKEN=token >>"$out"
		job usrun --batch --no-container --wait -o "$out.$i.1" --secret TOKEN=token
		TOKEN=$CANARY job usrun --batch --image=tiny --wait -o "$out.$i.2" \
			--secret TOKEN
		script -qec "usrun --pty --image=tiny --secret TOKEN=token sh -c 'printf %s \"\$TOKEN\" | sha256sum'" \
			/dev/null >>"$out"
	done
	cat "$out".?.? >>"$out"
	[ "$(grep -c "$SUM" "$out")" -eq 20 ]
	rounds=$(wc -l <spy.rounds)
	spy_stop
	[ "$rounds" -ge 10 ]
	# what is shown; here the secret is an argument, and has to be hidden
	for how in --dry-run --explain '--explain --json' '--batch --dry-run' '--batch --explain'; do
		# shellcheck disable=SC2086
		usrun $how --image=tiny --secret TOKEN=token echo "$CANARY"
	done >shown 2>&1
	usrun --again=last --explain --secret TOKEN=token >>shown
	grep -q TOKEN shown
	wait_until 60 eval '[ "$(find state -name "*.json" | wc -l)" -ge 20 ]'
	for i in $(squeue -h -t all -o %A); do
		scontrol write batch_script "$i" "script.$i" >/dev/null 2>&1 || :
		scontrol show job -d "$i" >>records 2>/dev/null || :
	done
	[ ! -s spy.found ]
	run search
	[ -z "$output" ]
}

@test "the spy sees what can be seen" {
	spy_start
	usrun --no-container sh -c "sleep 2; : $CANARY"
	wait_until 20 test -s spy.found
	spy_stop
}

@test "while usrun holds a secret nobody looks into it, and srun has its limits" {
	local limits
	ulimit -S -c 4096
	limits=$(usrun --no-container sh -c 'ulimit -a')
	[ "$(usrun --no-container --secret TOKEN=token sh -c 'ulimit -a')" = "$limits" ]
	user_add uctsec
	install -m 600 -o uctsec token token.sec
	mkfifo gate
	chmod 666 gate
	as uctsec env XDG_STATE_HOME="$WORK/home-uctsec" usrun --batch --no-container --follow \
		-o "$WORK/home-uctsec/log" --secret TOKEN=token.sec sh -c "read -r _ <'$WORK/gate'" 3>&- &
	local pid=$! holder
	# it has read the secret when there is a job
	wait_until 60 eval '[ -n "$(squeue -h -u uctsec -t R -o %A)" ]'
	holder=$(pgrep -u uctsec -x usrun)
	run as uctsec cat "/proc/$holder/environ"
	echo go >gate
	[ "$status" -ne 0 ]
	wait "$pid"
}
