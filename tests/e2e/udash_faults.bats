#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# udash while slurmctld, munged, slurm.conf and its own worker stop, end and come back at
# random: keys are answered all the time, nothing is left behind, it recovers by itself.
# UC_DASH_FAULT_SECONDS: how long (30); 600 by hand. UC_DASH_FAULT_SEED: which.
load helper

setup_file()
{
	BASE=$(mktemp -d "$UC_TEST_BUILD/tests/tmp/dash-XXXXXX")
	SANDBOX=$UC_TEST_TOP/share/sandbox/sandbox
	PROBE=$UC_TEST_BUILD/tests/keyprobe
	export BASE SANDBOX PROBE
	"$SANDBOX" start --dir "$BASE/c" --nodes cpu:1
	"$SANDBOX" env --dir "$BASE/c" >"$BASE/env"
	mkdir -m 0700 "$BASE/run"
}

teardown_file()
{
	"$SANDBOX" stop --purge --dir "$BASE/c"
	rm -rf "$BASE"
}

setup()
{
	# shellcheck disable=SC1091
	. "$BASE/env"
	export WORK=$BASE E2E_TMUX=
	export XDG_RUNTIME_DIR=$BASE/run XDG_STATE_HOME=$BASE/state UCLUSTER_SLURM_TIMEOUT=2s
	# what is freed is to go, so that it can be seen whether memory grows
	export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1
	cd "$BASE" || return 1
	rm -rf state
	OURS=() TYPIST=
	declare -gA DAEMON=() # their process ids
}

teardown()
{
	[ -z "$TYPIST" ] || kill -KILL "$TYPIST" 2>/dev/null || :
	((${#OURS[@]} == 0)) || kill -KILL "${OURS[@]}" 2>/dev/null || :
}

# daemon NAME: remember how it was started.
daemon()
{
	DAEMON[$1]=$(cat "$BASE/c/run/$1.pid")
	cp "/proc/${DAEMON[$1]}/cmdline" "$1.words"
	cp "/proc/${DAEMON[$1]}/environ" "$1.settings"
}

# begin NAME: start it again, should it not run.
begin()
{
	local -a words settings

	if kill -0 "${DAEMON[$1]}" 2>/dev/null; then return 0; fi
	mapfile -d '' words <"$1.words"
	words=("${words[@]/#-c/-v}") # not a clean start: the jobs stay
	mapfile -d '' settings <"$1.settings"
	if [ "$1" = munged ]; then rm -f "$BASE/c/run/munge.sock"*; fi
	env -i "${settings[@]}" "${words[@]}" </dev/null >/dev/null 2>&1 3>&- &
	DAEMON[$1]=$!
	OURS+=("$!")
}

# end NAME: kill it, and see it go.
end()
{
	kill -KILL "${DAEMON[$1]}" 2>/dev/null || :
	wait_until 20 is_gone "${DAEMON[$1]}"
}

# halt NAME: for a while; one that could not start because of the last fault is gone.
halt()
{
	kill -STOP "${DAEMON[$1]}" 2>/dev/null || return 0
	a_while
	kill -CONT "${DAEMON[$1]}" 2>/dev/null || :
}

is_gone()
{
	[[ $(ps -o stat= -p "$1" 2>/dev/null) =~ ^(Z.*)?$ ]]
}

# slurmctld writes them a few seconds later; one killed before forgets them.
jobs_are_saved()
{
	[ "$(grep -ao 'waits' "$BASE/c/ctld/job_state" | wc -l)" -ge 3 ]
}

worker()
{
	pgrep -P "$(cat dash.pid)" slurm-worker
}

a_while()
{
	sleep "$((RANDOM % 3)).$((RANDOM % 10))"
}

one_fault()
{
	begin munged
	begin slurmctld
	case $((RANDOM % 9)) in
	0 | 1) halt slurmctld ;;
	2) end slurmctld && a_while && begin slurmctld ;;
	3) halt munged ;;
	4) end munged && a_while && begin munged ;;
	5) for pid in $(worker); do kill -STOP "$pid" || :; done ;;
	6) for pid in $(worker); do kill -KILL "$pid" || :; done ;;
	7) printf '# %d\n' "$RANDOM" >>"$SLURM_CONF" && a_while ;;
	8) mv "$SLURM_CONF" "$SLURM_CONF.away" && a_while && mv "$SLURM_CONF.away" "$SLURM_CONF" ;;
	esac
}

# The screen as it is now, into "screen".
look()
{
	rm -f screen
	kill -USR1 "$TYPIST"
	wait_until 10 test -s screen
}

recovered()
{
	begin munged
	begin slurmctld
	look && grep -q 'me: ' screen && ! grep -qE 'no answer|failed' screen
}

# figure LINE WORD: what follows it in the probe's report.
figure()
{
	awk -v line="$1" -v word="$2" '$1 == line {
		for (i = 1; i < NF; i++) if ($i == word) print int($(i + 1)) }' report
}

@test "whatever stops, keys are answered, nothing grows, it recovers" {
	for _ in 1 2 3; do sbatch -H -o /dev/null -J waits --wrap true; done
	# without a job in the list no key would move anything
	wait_until 30 jobs_are_saved
	daemon slurmctld
	daemon munged
	RANDOM=${UC_DASH_FAULT_SEED:-$$}
	"$PROBE" -r 24 -c 100 -w 'me: ' -t 100000 -e 40 -p dash.pid -o screen \
		udash -i 2 >report 2>&1 3>&- &
	TYPIST=$!
	wait_until 60 test -s dash.pid
	wait_until 60 recovered || { cat report screen; false; }
	until=$((SECONDS + ${UC_DASH_FAULT_SECONDS:-30}))
	while [ "$SECONDS" -lt "$until" ]; do
		one_fault
		a_while
		look
		# what a library says is not seen
		run ! grep -nE 'slurm_|error:|fatal:|ERROR' screen
	done
	wait_until 90 recovered || { cat screen; false; }
	id=$(sbatch --parsable -H -o /dev/null -J after --wrap true)
	wait_until 60 eval "look && grep -q '^$id .* after' screen" || { cat screen; false; }
	kill "$TYPIST"
	wait "$TYPIST" || { cat report; false; }
	TYPIST=
	cat report
	cat report >&3
	# keys that nobody answers are lost after 10 s; the worker's time-out is 2 s
	[ "$(figure keys lost)" = 0 ]
	[ "$(figure keys max)" -lt $((1000 + 4 * $(figure alone max))) ]
	[ "$(figure keys slow)" -le $(($(awk '$1 == "keys" { print $2 }' report) / 50)) ]
	[ "$(figure files zombies)" = 0 ]
	[ "$(figure files last)" -le $(($(figure files first) + 4)) ]
	grown=$(($(figure rss last) - $(figure rss first)))
	echo "grown by $grown KiB"
	[ "$grown" -lt "$([ -n "$UC_TEST_SANITIZE" ] && echo 65536 || echo 4096)" ]
	grep -q '^end status 0 modes restored screen restored cursor visible' report
	grep -q after screen
}

@test "the terminal is as it was, however udash ends" {
	while read -r how expected; do
		"$PROBE" -w 'me: ' -t 1 -x "$how" udash \
			--source synthetic:nodes=20,jobs=300,seed=3 >report
		cat report
		grep -q "^end $expected modes restored screen restored cursor visible" report
	done <<-'HOW'
	q status 0
	TERM status 143
	HUP status 129
	INT status 130
	SEGV signal 11
	ABRT signal 6
	HOW
}
