#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# uimage import against a registry on this machine: in a job and here, whole or not at
# all, in words when it fails.

load helper
load registry

setup()
{
	e2e_setup
	registry_start
}

teardown()
{
	touch "$WORK/registry/go"
	registry_stop
	e2e_teardown
}

@test "a job imports an image, and its words come here" {
	run uimage import "$R/open/app:1.0"
	echo "$output"
	[ "$status" -eq 0 ]
	name=${R/:/_}_open_app_1.0
	[[ $output == *"downloading 3 missing layers"* ]]
	[[ $output == *"packing the image"* ]]
	[[ $output == *"imported '$WORK/images/$name.sqsh'"*"2 packages"* ]]
	whole "images/$name.sqsh"
	[ "$(sed -n '3,$p' "images/$name.packages")" = $'numpy   1.26.4\ntorch   2.3.0' ]
	jq -e --arg uri "docker://$R#open/app:1.0" '.source == $uri and
		(.digest | test("^sha256:[0-9a-f]{64}$")) and .enroot != null and
		.imported > 1e9 and .size > 1000 and .arch == null' "images/$name.origin"
	[ -z "$(leftovers)" ]
	# it ran in the job, and nothing was put into the home directory
	accounted()
	{
		[ "$(sacct -X -n -o jobname%80,state | grep -c "import-$name.sqsh *COMPLETED")" -eq 1 ]
	}
	wait_until 60 accounted # slurmdbd hears of it later
	[ ! -e .cache ] && [ ! -e .local ]
	run uimage list -h -o name,origin
	[ "$output" = "$name"$'\t'"docker://$R#open/app:1.0" ] || echo "$output"
	usrun --image="$name" /bin/true
}

@test "the script is shown by --dry-run, and --batch gives the job's number" {
	run uimage import --dry-run --force --arch x86_64 -p batch -t 20m --mem 4G "$R/open/app" new
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = '#!/bin/bash' ]
	[ "${lines[1]}" = '# made by uimage import' ]
	[[ $output == *'#SBATCH --job-name=import-new.sqsh'* ]]
	[[ $output == *'#SBATCH --partition=batch'*'#SBATCH --time=20'*'#SBATCH --mem=4G'* ]]
	[[ $output == *"exec srun"*"/uimage import --local --inside --force --arch=x86_64 'docker://$R#open/app' $WORK/images/new.sqsh"* ]]
	[ -z "$(squeue -h)" ]
	id=$(uimage import --batch --parsable "$R/open/app" new)
	[[ $id =~ ^[0-9]+$ ]]
	wait_until 60 test -e images/new.sqsh
	wait_for_job "$id" GONE 60
	grep -q 'imported' "state/ucluster/imports/$id.log"
	whole images/new.sqsh
}

@test "another architecture is imported for it" {
	uimage import --local --arch aarch64 "$R/open/app" arm
	jq -e '.arch == "aarch64"' images/arm.origin
	run uimage import --arch sparc "$R/open/app" x
	[ "$status" -eq 2 ]
	[[ $output == *"expected x86_64, aarch64 or ppc64le"* ]]
}

@test "an image that is there is replaced with --force only, and by a whole one" {
	echo precious >images/app.sqsh
	run uimage import "$R/open/app" app
	[ "$status" -eq 2 ]
	[[ $output == *"'$WORK/images/app.sqsh' is there already"*"--force"* ]]
	run uimage import --local --force "$R/wrong/app" app
	[ "$status" -ne 0 ]
	[ "$(cat images/app.sqsh)" = precious ]
	[ ! -e images/app.origin ]
	uimage import --local --force "$R/open/app" app
	whole images/app.sqsh
	[ -z "$(leftovers)" ]
}

# fails STATUS WORDS SOURCE: a --local import does, in these words, and leaves nothing.
fails()
{
	local said rc=0
	rm -rf cache
	said=$(uimage import --local "$3" x 2>&1) || rc=$?
	echo "$3: $rc: $said"
	[ "$rc" -eq "$1" ] && [[ $said == *"$2"* ]] && [ -z "$(leftovers)" ] &&
		[ -z "$(ls images)" ]
}

@test "what registries refuse is said in words, with enroot's own" {
	fails 3 "has no image or no tag 'open/app:9'" "$R/open/app:9"
	[[ $(uimage import --local "$R/open/app:9" x 2>&1) == *"enroot: [ERROR] URL http://$R/v2/open/app/manifests/9 returned error code: 404"* ]]
	fails 3 "has no image or no tag 'nothing:latest'" "$R/nothing:latest"
	fails 5 "uimage login $R" "$R/secret/app"
	fails 5 "uimage login $R" "$R/basic/app"
	fails 4 "rate limit" "$R/limited/app"
	fails 4 "it answered with 500" "$R/broken/app"
	fails 4 "the transfer from $R was cut off" "$R/cut/app"
	fails 1 "a layer is not what the registry promised" "$R/wrong/app"
	fails 4 "cannot be reached" "127.0.0.1:1/a/b"
	fails 4 "is not found" "registry.invalid/a/b"
}

@test "a job's failure is the command's, with its words" {
	run uimage import "$R/open/app:9" x
	echo "$output"
	[ "$status" -eq 3 ]
	[[ $output == *"has no image or no tag 'open/app:9'"* ]]
}

@test "sources that enroot does not know are refused before anything is queued" {
	run uimage import ./x.tar
	[ "$status" -eq 2 ]
	[[ $output == *"not from files"*"podman://"* ]]
	run uimage import "$R/Open/app"
	[ "$status" -eq 2 ]
	run uimage import "$R/open/app" 'a b'
	[ "$status" -eq 2 ]
	run uimage import "$R/open/app" nowhere/x
	[ "$status" -eq 3 ]
	run uimage import --local dockerd://app x
	[ "$status" -eq 1 ]
	[[ $output == *"enroot needs 'docker' here"* ]]
	[ -z "$(squeue -h)" ]
}

@test "a disk without space is found before anything is fetched" {
	need_root
	mkdir small
	mount -t tmpfs -o size=8M none small
	run env UCLUSTER_IMPORT_SPACE=1G uimage import --local "$R/open/app" "$WORK/small/x"
	first=$output
	run env UCLUSTER_IMPORT_TEMP_DIR="$WORK/small" UCLUSTER_IMPORT_SPACE=20M \
		uimage import --local "$R/open/app" x
	second=$output
	asked=$(registry_log)
	# a disk that becomes full meanwhile
	run env UCLUSTER_IMPORT_TEMP_DIR="$WORK/small" uimage import --local "$R/fat/app" x
	third=$status:$output
	left=$(find small -name 'import-*')
	umount small
	printf '%s\n' "$first" "$second" "$third"
	[[ $first == *"the image's folder '$WORK/small' has 8M free, 1G are wanted"*"import.space"* ]]
	[[ $second == *"no place to unpack the image: '$WORK/small' has too little space"* ]]
	[ -z "$asked" ]
	[[ $third == "1:"*"a disk is full"* ]]
	[ -z "$left" ]
	[ -z "$(leftovers)" ]
}

@test "two imports of one name: the second is refused, also while a job does it" {
	uimage import --local "$R/slow/app" x 2>first 3>&- &
	wait_until 60 grep -q downloading first
	run uimage import --local "$R/open/app" x
	[ "$status" -eq 5 ]
	[[ $output == *"'x.sqsh' is being imported already, by $(id -un) on $(hostname)"* ]]
	run uimage import "$R/open/app" x
	[ "$status" -eq 5 ]
	[ -z "$(squeue -h)" ]
	# another name does not wait
	uimage import --local "$R/open/app" y
	touch registry/go
	wait $!
	whole images/x.sqsh
	whole images/y.sqsh
	rm registry/go
	rm -r cache/* # its layers come once more, and slowly
	id=$(uimage import --batch --parsable "$R/slow/app" z)
	wait_until 60 test -s images/.z.sqsh.importing
	run uimage import "$R/open/app" z
	[ "$status" -eq 5 ]
	[[ $output == *"'uattach $id' shows how far it is"* ]]
	touch registry/go
	wait_until 60 test -e images/z.sqsh
	[ -z "$(leftovers)" ]
}

@test "twenty imports of one name at once: one is the image, the others say why not" {
	pids=()
	for i in $(seq 20); do
		{
			rc=0
			uimage import --local "$R/open/app" x >"out.$i" 2>&1 3>&- || rc=$?
			echo "$rc" >"rc.$i"
		} &
		pids+=($!)
	done
	wait "${pids[@]}"
	whole images/x.sqsh
	[ -z "$(leftovers)" ]
	[ "$(grep -lx 0 rc.* | wc -l)" -eq 1 ]
	[ "$(grep -lxE '2|5' rc.* | wc -l)" -eq 19 ]
}

@test "two users import the same name into a folder of everybody's" {
	user_add uctone
	user_add ucttwo
	chmod 1777 images
	chmod 755 registry
	for_user()
	{
		local home=$WORK/home-$1
		mkdir -p "$home/tmp"
		chown "$1:" "$home/tmp"
		as "$1" env XDG_STATE_HOME="$home/state" XDG_CONFIG_HOME="$home/config" \
			XDG_RUNTIME_DIR="$home/run" XDG_CACHE_HOME="$home/.cache" \
			UCLUSTER_IMPORT_TEMP_DIR="$home/tmp" UCLUSTER_IMPORT_CACHE_DIR="$home/cache" \
			"${@:2}"
	}
	for_user uctone uimage import --local "$R/slow/app" x 2>first 3>&- &
	wait_until 60 grep -q downloading first
	run for_user ucttwo uimage import --local "$R/open/app" x
	echo "$output"
	[ "$status" -eq 5 ]
	[[ $output == *"is being imported already, by uctone on"* ]]
	# the first dies; the second goes on where it can
	pkill_below "$!"
	wait $! || :
	run for_user ucttwo uimage import --local "$R/open/app" x
	echo "$output"
	[ "$status" -eq 0 ]
	whole images/x.sqsh
	[ "$(stat -c %U images/x.sqsh)" = ucttwo ]
}

# pkill_below PID: kill -9 the process and those that it started itself.
pkill_below()
{
	local child
	for child in $(ps -o pid= --ppid "$1"); do pkill_below "$child"; done
	kill -9 "$1" 2>/dev/null || :
}

@test "Ctrl-C leaves the job alone and says how to come back; cancelled, it leaves nothing" {
	tmux_start 120 20 uimage import "$R/slow/app" x
	tmux_wait downloading 60
	id=$(job_named import-x.sqsh)
	tmux_keys C-c
	tmux_wait "detached, job $id goes on" 30
	tmux_wait "'uattach $id' comes back" 30
	[ "$(tmux_status 30)" = 130 ]
	[ "$(job_named import-x.sqsh)" = "$id" ]
	scancel "$id"
	wait_for_job "$id" GONE 60
	wait_until 60 test ! -e images/.x.sqsh.importing
	[ -z "$(leftovers)" ]
	[ -z "$(ls images)" ]
}

@test "Ctrl-C while it imports here ends enroot and all that it started" {
	tmux_start 120 20 uimage import --local "$R/slow/app" x
	tmux_wait downloading 60
	tmux_keys C-c
	tmux_wait 'ended by a signal' 30
	[ "$(tmux_status 30)" = 130 ]
	[ -z "$(leftovers)" ]
	no_enroot()
	{
		! grep -qsza "ENROOT_TEMP_PATH=$WORK/tmp" /proc/[0-9]*/environ
	}
	wait_until 30 no_enroot
}
