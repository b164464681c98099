# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# uattach without a cluster: what it refuses, what it lists, over made-up clusters.
bats_require_minimum_version 1.5.0

setup()
{
	export HOME=$BATS_TEST_TMPDIR UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export UC_SOURCE=synthetic:nodes=20,jobs=12,seed=1
	cd "$BATS_TEST_TMPDIR" || return 1
}

# refuses STATUS TEXT WORD...: uattach WORD... ends with that status and says TEXT.
refuses()
{
	local status=$1 text=$2

	shift 2
	run "-$status" uattach "$@" </dev/null
	[[ $output == *"$text"* ]] || {
		echo "uattach $*: $output"
		return 1
	}
}

@test "what makes no sense is refused" {
	refuses 2 "unknown option '--nope'" --nope
	refuses 2 "unexpected word '2'" 1 2
	refuses 2 "--lines" --lines=x 1
	refuses 2 "exclude each other" -n 3 --from-start 1
	refuses 2 "at a time" --shell --top 1
	refuses 2 "at a time" --list --forward 80
	refuses 2 "--host goes with --shell" --host 1
	refuses 2 "--node goes with --shell, --top, --gpu or --forward" --node=gpu1 1
	refuses 2 "'ls': a command needs --shell" 1 -- ls
	refuses 2 "--list takes no job" --list 1
	refuses 2 "is no step" 4711.x
	refuses 2 "4711_" 4711_
}

@test "what is not there is said so, with what to type next" {
	refuses 3 "none of your jobs waits or runs" --
	refuses 3 "none of your jobs is called 'train'" train
	refuses 3 "hint: 'uattach --list' shows them" train
	refuses 3 "usrun has submitted nothing yet" -
	refuses 3 "slurmctld does not know job 1" 1
}

@test "an empty list is no error; JSON of it is a list" {
	run -0 uattach --list
	[ -z "$output" ]
	run -0 --separate-stderr uattach --list --json
	jq -e '.version == 1 and .jobs == []' <<<"$output"
}

@test "the command behind the job's id keeps its own options" {
	# a source that is not live runs nothing, but the words are read
	refuses 3 "does not know job 5" 5 --shell ls -l --grep x
	refuses 3 "does not know job 5" --shell 5 ls --list
	refuses 3 "does not know job 5" --shell --node n1 5 top -b
	refuses 3 "none of your jobs" --shell -- ls -l
}

@test "a source of no answers: said in time" {
	UC_SOURCE=record:nowhere run -3 uattach 1
	UC_SOURCE=nonsense: run -2 uattach 1
}
