#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# uqueue --watch and --cancel while slurmctld is stopped: the screen stays and says so, keys
# are heard, it recovers; an action ends in time and changes nothing. On a cluster
# of its own.
load helper

setup_file()
{
	BASE=$(mktemp -d "$UC_TEST_BUILD/tests/tmp/queue-XXXXXX")
	SANDBOX=$UC_TEST_TOP/share/sandbox/sandbox
	export BASE SANDBOX
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
	export XDG_RUNTIME_DIR=$BASE/run UCLUSTER_SLURM_TIMEOUT=2s
	cd "$BASE" || return 1
	rm -f tmux.status
}

teardown()
{
	tmux_end
	slurmctld CONT
	wait_until 20 scontrol ping
	scancel -f --user="$(id -un)"
}

slurmctld()
{
	kill -"$1" "$(cat "$BASE/c/run/slurmctld.pid")"
}

@test "the screen stays with its age, says why, and recovers" {
	sbatch -H -o /dev/null -J one --wrap true
	tmux_start 120 12 uqueue --watch=2
	tmux_wait ' one '
	slurmctld STOP
	tmux_wait 'slurmctld at .* did not answer within 2 s' 40
	tmux_wait '^1 job: .*, ([5-9]|[1-9][0-9])s ago'
	tmux_has ' one '
	slurmctld CONT
	sbatch -H -o /dev/null -J two --wrap true
	tmux_wait '^\+ .* two ' 40
	run ! tmux_has 'did not answer'
	slurmctld STOP
	tmux_wait 'did not answer' 40
	tmux_keys q
	[ "$(tmux_status)" -eq 0 ]
}

@test "an action while nobody answers changes nothing, status 4" {
	id=$(sbatch --parsable -H -o /dev/null --wrap true)
	tmux_start 120 12 uqueue "$id" --cancel
	tmux_wait '\[y/N\]'
	slurmctld STOP
	tmux_keys y Enter
	# it looks at the job first: nothing was sent
	[ "$(tmux_status 30)" -eq 4 ]
	tmux_has 'did not answer within 2 s$'
	slurmctld CONT
	wait_for_job "$id" PENDING
	slurmctld STOP
	run -4 uqueue "$id" --cancel --yes
	[[ $output == *"did not answer within 2 s"* ]]
}

# It has begun: Ctrl-C no longer kills it.
acts()
{
	local blocked

	blocked=$(sed -n 's/^SigBlk:[[:blank:]]*//p' "/proc/$(pgrep -f '^uqueue --me --cancel')/status")
	((0x$blocked & 2))
}

@test "Ctrl-C between two jobs: what was reached is said, the rest is left alone" {
	export UCLUSTER_SLURM_TIMEOUT=60s
	for _ in 1 2 3; do
		sbatch -H -o /dev/null --wrap true
	done
	tmux_start 120 20 env PS1='ready ' bash --norc
	tmux_wait '^ready'
	tmux_keys 'uqueue --me --cancel' Enter
	tmux_wait '\[y/N\]'
	slurmctld STOP
	tmux_keys y Enter
	wait_until 20 acts
	tmux_keys C-c
	tmux_wait '\^C'
	slurmctld CONT
	tmux_wait 'cancelled 1 of 3 jobs' 60
	tmux_has 'not tried any more'
	tmux_keys 'echo then=$?' Enter
	tmux_wait '^then=130'
	[ "$(squeue -h -t PD -o %i | wc -l)" -eq 2 ]
}
