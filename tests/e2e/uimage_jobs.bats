#!/usr/bin/env bats
# shellcheck disable=SC2154 # run --separate-stderr sets it
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# uimage list: who uses an image now.

load helper

setup()
{
	usrun_setup
	export UCLUSTER_IMAGE_DIRS=$IMAGES
}

teardown()
{
	e2e_teardown
}

@test "jobs that run in an image are counted, as far as usrun started them" {
	[ -z "$(uimage list -h -o jobs tiny | tr -d ' -')" ]
	id=$(usrun --batch --image=tiny --time=5 sleep 300 | grep -o '[0-9]*$')
	wait_for_job "$id" RUNNING 60
	[ "$(uimage list -h -o name,jobs tiny | tr -s ' ')" = 'tiny 1' ]
	[ "$(uimage list --json tiny | jq '.images[0].jobs')" = 1 ]
	scancel "$id"
	wait_for_job "$id" GONE 60
	[ "$(uimage list --json tiny | jq '.images[0].jobs')" = 0 ]
	# slurmctld is not there: the list is, and says what is not known
	run --separate-stderr env SLURM_CONF="$WORK/none.conf" timeout 30 uimage list -h -o name,jobs tiny
	[ "$status" -eq 0 ]
	[[ $output == tiny* ]]
	[ -n "$stderr" ]
}
