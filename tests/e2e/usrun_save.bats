#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# usrun --save: whole or not at all, never over what is not meant.

load helper

setup()
{
	e2e_setup
	export UCLUSTER_IMAGE=tiny
	if grep -q spank_pyxis "$UC_E2E_DIR/cluster/etc/plugstack.conf"; then
		PYXIS=real
	else
		PYXIS=standin
	fi
}

teardown()
{
	e2e_teardown
}

# leftovers: temporary files of saves
leftovers()
{
	find . -name '.*saving*' | sort
}

@test "a container is saved, can be run, and the job's exit status is kept" {
	run usrun --save=mine.sqsh sh -c 'echo hello >/etc/greeting; exit 3'
	[ "$status" -eq 3 ]
	[[ $output == *"usrun: saved the container to '$WORK/mine.sqsh'"* ]]
	[ -z "$(leftovers)" ]
	run usrun --image=./mine.sqsh cat /etc/greeting
	[ "$status" -eq 0 ]
	[ "$output" = hello ]
}

@test "a file that exists is refused before queueing, --force replaces it" {
	echo precious >old.sqsh
	run usrun --save=old.sqsh touch ran
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "usrun: --save: save to '$WORK/old.sqsh': it exists" ]
	[ "${lines[1]}" = "hint: --force replaces it" ]
	[ "$(cat old.sqsh)" = precious ]
	[ ! -e ran ]
	run usrun --save=old.sqsh --force true
	[ "$status" -eq 0 ]
	[ "$(head -c 4 old.sqsh)" = hsqs ]
}

@test "srun is started with the signals that the caller has blocked" {
	mkdir bin
	printf '#!/bin/bash\nexec grep SigBlk /proc/self/status\n' >bin/srun
	chmod +x bin/srun
	blocked=$(env --block-signal=USR2 bin/srun)
	[ "$blocked" != "$(bin/srun)" ]
	PATH=$WORK/bin:$PATH run env --block-signal=USR2 usrun --runtime=pyxis --save=x.sqsh true
	[ "${lines[0]}" = "$blocked" ]
}

@test "a directory is refused, with --force too" {
	mkdir folder
	echo precious >folder/file
	for word in folder folder/ . "$WORK"; do
		run usrun --save="$word" --force true
		[ "$status" -eq 2 ]
		[[ $output == *"it is a directory, a file is expected"* ]]
	done
	[ "$(cat folder/file)" = precious ]
}

@test "a save that failed is an error although srun says 0" {
	run usrun --save=gone/mine.sqsh true
	[ "$status" -eq 3 ]
	mkdir gone
	run usrun --save=gone/mine.sqsh rm -rf "$WORK/gone"
	[ "$status" -eq 1 ]
	[[ $output == *"usrun: the container was not saved to '$WORK/gone/mine.sqsh'"* ]]
}

@test "a file that appears meanwhile is not replaced" {
	run usrun --save=mine.sqsh sh -c "echo precious >'$WORK/mine.sqsh'"
	[ "$status" -eq 1 ]
	[ "$(cat mine.sqsh)" = precious ]
	[[ $output == *"hint: the saved container is '$WORK/.mine.sqsh.saving-"* ]]
	[ "$(head -c 4 .mine.sqsh.saving-*)" = hsqs ]
}

@test "TERM ends the job, and what was whole is kept" {
	usrun --save=mine.sqsh sh -c 'echo up >up; sleep 100' 3>&- &
	local pid=$!
	wait_until 20 test -s up
	kill -TERM "$pid"
	wait_status "$pid"
	[ "$status" -ne 0 ]
	wait_until 20 no_jobs
	if [ -e mine.sqsh ]; then [ "$(head -c 4 mine.sqsh)" = hsqs ]; fi
	[ -z "$(leftovers)" ]
}

@test "killed at 50 random points an existing image is never harmed" {
	local i pid sum
	[ "$PYXIS" = standin ] || skip "quick only with the stand-in"
	usrun --save=mine.sqsh sh -c 'echo one >/etc/greeting'
	sum=$(sha256sum <mine.sqsh)
	for i in {1..50}; do
		usrun --save=mine.sqsh --force -Q sh -c 'echo two >/etc/greeting' \
			>/dev/null 2>&1 3>&- &
		pid=$!
		sleep "0.$(printf %03d $((RANDOM % 400)))"
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" || :
		# the one there was, or the whole new one
		[ "$(head -c 4 mine.sqsh)" = hsqs ]
		if [ "$(sha256sum <mine.sqsh)" != "$sum" ]; then
			unsquashfs -cat mine.sqsh etc/greeting | grep -qx two
			sum=$(sha256sum <mine.sqsh)
		fi
	done
	wait_until 60 no_jobs
	# the next run takes away what the killed ones left
	usrun --save=mine.sqsh --force true
	[ -z "$(leftovers)" ]
}

@test "a batch job saves whole or not at all, and keeps its exit status" {
	local id

	run -3 usrun --batch --wait --save=mine.sqsh sh -c 'echo hello >/etc/greeting; exit 3'
	[ "$(head -c 4 mine.sqsh)" = hsqs ]
	[ -z "$(leftovers)" ]
	run -0 usrun --image=./mine.sqsh cat /etc/greeting
	[ "${lines[-1]}" = hello ]
	# a file that appears meanwhile stays, and so does what was saved
	run -1 usrun --batch --follow --save=new.sqsh sh -c "echo precious >'$WORK/new.sqsh'"
	[[ $output == *"cannot save to '$WORK/new.sqsh', the saved container is '$WORK/.new.sqsh.saving-"* ]]
	[ "$(cat new.sqsh)" = precious ]
	run -0 usrun --batch --wait --force --save=new.sqsh true
	[ "$(head -c 4 new.sqsh)" = hsqs ]
	rm -f .new.sqsh.saving-*
	# srun says 0 when the save fails
	mkdir gone
	run -1 usrun --batch --follow --save=gone/mine.sqsh rm -rf "$WORK/gone"
	[[ $output == *"the container was not saved to '$WORK/gone/mine.sqsh'"* ]]
	# cancelled in the middle: nothing that is not whole has the name
	id=$(usrun --batch --parsable --save=late.sqsh sh -c 'touch up; sleep 100')
	wait_until 30 test -e up
	scancel "$id"
	wait_for_job "$id" GONE 60
	[ ! -e late.sqsh ] || [ "$(head -c 4 late.sqsh)" = hsqs ]
	[ -z "$(leftovers)" ]
}

@test "what batch jobs that were killed leave is taken away by the next save" {
	local id how

	id=$(usrun --batch --parsable -H --no-container true)
	for how in "" "--batch --wait"; do
		for name in 999999999 "$id" 999999997; do
			echo part >".mine.sqsh.saving-$name"
		done
		cp "$IMAGES/tiny.sqsh" .mine.sqsh.saving-999999998
		echo another >.mine.sqsh.saving-999999999x
		touch -d "2 hours ago" .mine.sqsh.saving-{999999999,999999998,"$id",999999999x}
		# shellcheck disable=SC2086
		usrun $how --force --save=mine.sqsh true
		[ "$(head -c 4 mine.sqsh)" = hsqs ]
		# left: a whole image, one that is being written, a queued job's, another file
		[ "$(leftovers)" = "$(printf './.mine.sqsh.saving-%s\n' \
			999999997 999999998 999999999x "$id" | sort)" ]
	done
}

answered()
{
	grep -q 'sending Ctrl-C' err || [ "$(grep -c interrupt err)" -gt "$answers" ]
}

@test "Ctrl-C sent to usrun alone reaches srun: twice ends the job" {
	local answers
	env --default-signal=INT "$(command -v usrun)" --save=mine.sqsh \
		sh -c 'echo up >up; sleep 100' 2>err 3>&- &
	local pid=$!
	wait_until 20 test -s up
	# a third one, before the second is answered, would be another end
	until grep -q 'sending Ctrl-C' err; do
		answers=$(grep -c interrupt err) || :
		kill -INT "$pid"
		wait_until 20 answered
	done
	wait_status "$pid"
	[ "$status" -eq 130 ]
	wait_until 20 no_jobs
	[ -z "$(leftovers)" ]
}
