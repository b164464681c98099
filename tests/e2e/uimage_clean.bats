#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# uimage clean and save, with jobs that use what is there.

load helper
load registry

setup()
{
	usrun_setup
	registry_start
	ln -s "$IMAGES/tiny.sqsh" images/tiny.sqsh
}

teardown()
{
	touch "$WORK/registry/go"
	registry_stop
	e2e_teardown
}

# told KIND: the paths that clean would remove, by it.
told()
{
	uimage clean --dry-run --json "${@:2}" |
		jq -r --arg kind "$1" '.left[] | select(.kind == $kind and .goes) | .path' | sort
}

@test "imports that died are told and removed, one that lives is left alone" {
	uimage import --local "$R/slow/app" live 2>said 3>&- &
	wait_until 60 grep -q downloading said
	echo half >images/.dead.sqsh.part-0badcafe
	echo '{"user":"me","host":"elsewhere","job_id":0}' >images/.dead.sqsh.importing
	echo '{"version":1,"source":"docker://x"}' >images/gone.origin
	echo 'Package Version' >images/gone.packages
	echo 'Package Version' >images/site.packages
	mkdir -p "tmp/uimage-$(id -u)/import-dead01/enroot.x"
	mkdir -m 0 "tmp/uimage-$(id -u)/import-dead01/locked"
	planted() { find images/.dead* images/*.* "tmp/uimage-$(id -u)/import-dead01" | sort; }
	before=$(planted)
	run told import
	[ "$output" = "$(printf '%s\n' "$WORK/images/.dead.sqsh.importing" \
		"$WORK/images/.dead.sqsh.part-0badcafe" "$WORK/images/gone.origin" \
		"$WORK/images/gone.packages" "$WORK/tmp/uimage-$(id -u)/import-dead01")" ]
	[ "$(planted)" = "$before" ]
	run uimage clean </dev/null
	[ "$status" -eq 2 ]
	[[ $output == *"nothing was removed: nobody can be asked"*"--yes"* ]]
	[ "$(planted)" = "$before" ]
	run uimage clean --yes
	[ "$status" -eq 0 ]
	[ -z "$(told import)" ]
	[ -e images/site.packages ]
	touch registry/go
	wait $!
	whole images/live.sqsh
}

@test "on a terminal it asks" {
	echo half >images/.dead.sqsh.part-0badcafe
	tmux_start 120 20 uimage clean
	tmux_wait 'remove 1, .*\? \[y/N\]' 60
	tmux_keys n Enter
	[ "$(tmux_status 30)" = 0 ]
	[ -e images/.dead.sqsh.part-0badcafe ]
	tmux_end
	rm -f tmux.status
	tmux_start 120 20 uimage clean
	tmux_wait 'remove 1, .*\? \[y/N\]' 60
	tmux_keys y Enter
	[ "$(tmux_status 30)" = 0 ]
	[ ! -e images/.dead.sqsh.part-0badcafe ]
}

@test "layers go when they are old, those that just came do not" {
	uimage import --local "$R/open/app" x
	count=$(find cache -type f | wc -l)
	[ "$count" -ge 4 ]
	[ -z "$(told layers)" ]
	find cache -type f -exec touch -d '3 hours ago' {} +
	mkdir cache/.tokens.0
	echo secret >cache/.tokens.0/reg.4711
	touch -d '3 hours ago' cache/.tokens.0
	echo mine >cache/notes
	touch -d '3 hours ago' cache/notes
	[ -z "$(told layers --older 1d)" ]
	run uimage clean --dry-run --json
	jq -e --arg path "$WORK/cache" --argjson files "$((count + 1))" \
		'.left[] | select(.kind == "layers") | .path == $path and .files == $files' <<<"$output"
	uimage clean --yes
	[ "$(find cache -type f)" = cache/notes ]
}

@test "containers of jobs that are over go, those of jobs in the queue stay" {
	export ENROOT_DATA_PATH=$WORK/containers
	id=$(sbatch --parsable --wrap 'sleep 1000')
	wait_for_job "$id" RUNNING
	mkdir -p "containers/pyxis_$id.0" containers/pyxis_4000000.0 \
		"containers/pyxis_${id}_name" containers/pyxis_named containers/old
	touch -d '40 days ago' containers/old
	[ "$(told container)" = "$(printf '%s\n' "$WORK/containers/old" "$WORK/containers/pyxis_4000000.0")" ]
	uimage clean --yes
	[ "$(cd containers && echo *)" = "pyxis_$id.0 pyxis_${id}_name pyxis_named" ]
	[ "$(told container --older 0)" = "$WORK/containers/pyxis_named" ]
	scancel "$id"
	wait_for_job "$id" GONE
	[ "$(told container --older 0 | wc -l)" -eq 3 ]
}

@test "a container that was started after the question stays" {
	need_root
	export ENROOT_DATA_PATH=$WORK/containers
	mkdir -p containers/old
	touch -d '40 days ago' containers/old
	tmux_start 120 24 uimage clean
	tmux_wait 'remove 1, '
	python3 -c 'import os, time; os.chroot("containers/old"); open("/in", "w"); time.sleep(1000)' 3>&- &
	inside=$!
	wait_until 30 test -e containers/old/in
	tmux_keys y Enter
	tmux_wait "containers/old' stays"
	kill "$inside"
	[ "$(tmux_status)" = 1 ]
	[ -d containers/old ]
}

@test "unused own images are named, go with --images only, and never while a job uses them" {
	for name in used waits old new; do
		uimage import --local "$R/open/app" "$name"
	done
	touch -d '100 days ago' images/{used,waits,old}.sqsh
	run uimage clean --dry-run
	[[ $output == *"3 images of yours, "*" were not used for long: --images lists them"* ]]
	run=$(usrun --batch --parsable --image=used -- /bin/busybox sleep 1000)
	wait=$(usrun --batch --parsable --hold --image=waits -- /bin/true)
	wait_for_job "$run" RUNNING 60
	touch -d '100 days ago' images/{used,waits,old}.sqsh
	[ "$(told image --images)" = "$WORK/images/old.sqsh" ]
	uimage clean --images --yes
	[ ! -e images/old.sqsh ] && [ ! -e images/old.packages ] && [ ! -e images/old.origin ]
	[ -e images/used.sqsh ] && [ -e images/waits.sqsh ] && [ -e images/new.sqsh ]
	# nobody can tell: they stay
	run env SLURM_CONF="$WORK/none.conf" uimage clean --images --yes --older 0
	[ -e images/used.sqsh ] && [ -e images/new.sqsh ]
	scancel "$run" "$wait"
}

@test "a container that runs is saved, can be run, and the job goes on" {
	id=$(usrun --batch --parsable --image=tiny -- \
		sh -c 'echo hello >/etc/greeting; echo ready; exec sleep 1000')
	wait_for_job "$id" RUNNING 60
	# who enters a container that is being made may find it gone for good
	wait_until 60 grep -qs ready "slurm-$id.out"
	run uimage save --dry-run "$id" mine
	[[ $output == "srun --jobid=$id "*"--overlap"*"--container-name=$id.0:exec --container-save=$WORK/images/.mine.sqsh.part-"* ]]
	run uimage save "$id" mine
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"saved '$WORK/images/mine.sqsh'"* ]]
	[ -z "$(leftovers)" ]
	job_is "$id" RUNNING
	jq -e --arg id "$id" '.source | startswith("container of step " + $id + ".0, from ")' images/mine.origin
	[ "$(usrun --image=mine cat /etc/greeting)" = hello ]
	run uimage save "$id.0" mine
	[ "$status" -eq 2 ]
	[[ $output == *"is there already"* ]]
	uimage save --force "$id.0" mine
	scancel "$id"
}

@test "what has no container is not saved, and it says why" {
	id=$(sbatch --parsable --wrap 'srun sleep 1000')
	wait_for_job "$id" RUNNING
	has_step() { squeue -h -s -j "$id" -o %i | grep -qF "$id.0"; }
	wait_until 60 has_step
	run uimage save "$id" x
	[ "$status" -eq 3 ]
	[[ $output == *"runs no step that srun started in a container"* ]]
	run uimage save "$id.7" x
	[ "$status" -eq 3 ]
	[[ $output == *"runs no step 7"* ]]
	scancel "$id"
	wait_for_job "$id" GONE
	run uimage save "$id" x
	[ "$status" -eq 3 ]
	run uimage save 4000000 x
	[ "$status" -eq 3 ]
	run uimage save abc x
	[ "$status" -eq 2 ]
	run uimage save 1
	[ "$status" -eq 2 ]
	[ -z "$(leftovers)" ]
	[ "$(ls images)" = tiny.sqsh ]
}
