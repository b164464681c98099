#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# usrun: receipts, --again, --snapshot.

load helper

setup()
{
	usrun_setup
	RECEIPTS=$XDG_STATE_HOME/ucluster/receipts
	mkdir code
	cd code || return 1
}

teardown()
{
	e2e_teardown
}

repository()
{
	git init -q .
	printf '*.tmp\n' >.gitignore
	echo one >code.txt
	git add .
	commit
}

commit()
{
	git -c user.name=a -c user.email=a@example.org commit -qam "$RANDOM"
}

receipts()
{
	find "$RECEIPTS" -name '*.json' 2>/dev/null | sort -V
}

have_receipts()
{
	[ "$(receipts | wc -l)" -ge "$1" ]
}

@test "srun's job has a receipt, without values, for its user's eyes only" {
	repository
	run -0 usrun --image=tiny --mem=64M --env SECRETIVE=value-of-it --mounts=/usr/share:/s:ro \
		sh -c 'echo done'
	wait_until 15 have_receipts 1
	run -0 jq -r '[.batch, .runtime, .cwd, .command[2], .env[0], .git.dirty,
		(.options[] | select(.name == "mem").value)] | join(" ")' "$(receipts)"
	[ "$output" = "false pyxis $WORK/code echo done SECRETIVE false 64M" ]
	[ "$(jq -r .git.commit "$(receipts)")" = "$(git rev-parse HEAD)" ]
	[ "$(jq -r .container.size "$(receipts)")" = "$(stat -c %s "$IMAGES/tiny.sqsh")" ]
	[[ $(jq -r '.container.mounts[]' "$(receipts)") == *"/usr/share:/s:ro"* ]]
	run ! grep -r value-of-it "$RECEIPTS"
	[ "$(stat -c %a "$(receipts)")" = 600 ]
	[ "$(stat -c %a "$RECEIPTS")" = 700 ]
}

@test "a long job has its receipt while it runs; --quiet does not hinder it" {
	usrun --no-container -Q sh -c 'while [ ! -e go ]; do sleep 0.1; done' 3>&- &
	local pid=$!
	wait_until 20 have_receipts 1
	touch go
	wait "$pid"
	[ "$(receipts | wc -l)" -eq 1 ]
}

# of_their_own COMMAND: four runs of it at once; those that have a receipt have their own.
of_their_own()
{
	local i receipt

	for i in 1 2 3 4; do
		usrun --no-container -p gpu --gpus=8 --time=5 \
			sh -c "echo \$SLURM_JOB_ID >id.$i; $1" "$i" 2>/dev/null 3>&- &
	done
	wait
	wait_until 20 no_watchers
	for i in 1 2 3 4; do
		receipt=$(compgen -G "$RECEIPTS/$(cat "id.$i")-*.json") || continue
		[ "$(jq -r '.command[3]' "$receipt")" = "$i" ]
	done
}

no_watchers()
{
	! pgrep -f '^usrun .*--gpus=8' >/dev/null
}

@test "runs that are started together have each its own receipt" {
	of_their_own 'sleep 5' # two of them wait
	[ "$(receipts | wc -l)" -eq 4 ]
	# where nothing tells them apart none is better than another's
	of_their_own 'sleep 1'
}

@test "no receipts where they are turned off or cannot be written" {
	run -0 env UCLUSTER_RECEIPTS=false usrun --batch --no-container --wait true
	[ -z "$(receipts)" ]
	user_add uctrec
	mkdir "$WORK/shut"
	chmod 755 "$WORK/shut"
	cd /
	run -0 as uctrec env XDG_STATE_HOME="$WORK/shut" usrun --batch --no-container \
		-o /dev/null --parsable true
	[[ $output =~ ^[0-9]+$ ]]
	[ -z "$(ls "$WORK/shut")" ]
}

@test "--again: the same options, container, directory and command" {
	local id

	export TOKEN=token-1
	id=$(usrun --batch --parsable --image=tiny --mem=64M -n2 --env MODE=train \
		--secret TOKEN -o "$WORK/out-%j" sh -c 'echo "$MODE ${#TOKEN} $(pwd)"')
	wait_for_job "$id" GONE
	cd /
	run -3 usrun --again="$id" --dry-run
	[ "${lines[0]}" = "usrun: job $id again: variable 'MODE' of job $id is not set here, and receipts have no values" ]
	[ "${lines[1]}" = "hint: give it again: --env MODE=VALUE" ]
	run -3 env -u TOKEN MODE=x usrun --again="$id" --dry-run
	[[ $output == *"hint: job $id had it: --secret TOKEN=FILE"* ]]
	run -0 usrun --again="$id" --env MODE=eval --follow --mem=100M
	[[ $output == *"job $id ran in '$WORK/code', and so does this"* ]]
	[[ $output == *"usrun: job $id again, with --mem=100M instead of 64M"* ]]
	[ "$(grep -c "eval 7 $WORK/code" <<<"$output")" -eq 2 ]
	# what was given then counts as well, what is given now more
	MODE=x run -0 usrun --again=last --dry-run
	[[ $output == *"#SBATCH --mem=100M"* ]]
	[[ $output == *"#SBATCH --ntasks=2"* ]]
	[[ $output != *"again, with"* ]]
	[[ $output != *token-1* ]]
	run -2 usrun --again=last --env MODE=x ls
	[[ ${lines[0]} == *"'ls' is too much"* ]]
	run -3 usrun --again=999999
	[ "${lines[0]}" = "usrun: there is no receipt of job 999999" ]
	run -2 usrun --again=newest
	[[ ${lines[0]} == *"a job's number or 'last' is expected"* ]]
}

@test "--again leaves configuration alone, and says what changed" {
	repository
	cp "$IMAGES/tiny.sqsh" image.sqsh
	usrun --batch --wait --image=./image.sqsh true
	printf 'mem: 77M\n' >.ucluster.yaml
	echo two >>code.txt
	commit
	echo three >>code.txt
	touch -d '1 hour ago' image.sqsh
	run -0 usrun --again=last --dry-run
	[[ $output == *"the image '$WORK/code/image.sqsh' is not what it was for job"* ]]
	[[ $output == *"the code is at commit "*", for job "*" it was "* ]]
	[[ $output == *"changes that are not committed"* ]]
	[[ $output != *77M* ]]
}

@test "--snapshot: the job sees the code as it was, its output stays here" {
	local id

	repository
	echo scratch >ignored.tmp
	run -0 --separate-stderr usrun --batch --parsable --no-container --snapshot \
		sh -c "while [ ! -e '$WORK/go' ]; do sleep 0.1; done; cat code.txt; ls ignored.tmp; pwd"
	id=$output
	[[ $stderr == *"usrun: snapshot of 2 files, 1 KiB, commit $(git rev-parse --short=12 HEAD): $WORK/code/.ucluster/snapshots/"* ]]
	echo changed >code.txt
	touch "$WORK/go"
	wait_for_job "$id" GONE
	[ "$(head -1 "slurm-$id.out")" = one ]
	grep -q "No such file" "slurm-$id.out"
	grep -q "^$WORK/code/.ucluster/snapshots/" "slurm-$id.out"
	run -0 git status --porcelain
	[[ $output != *.ucluster* ]]
	# the receipt names it, and a run again is in it
	run -0 jq -r .snapshot "$RECEIPTS/$id-"*
	[[ $output == "$WORK/code/.ucluster/snapshots/"* ]]
	run -0 usrun --again="$id" --follow
	[[ $output == *$'\none\n'* ]]
}

@test "--snapshot in a container, from a folder below" {
	repository
	mkdir sub
	echo deep >sub/file
	cd sub
	run -0 --separate-stderr usrun --image=tiny --snapshot sh -c 'cat file; pwd'
	[ "${lines[0]}" = deep ]
	[[ ${lines[1]} == "$WORK/code/.ucluster/snapshots/"*/sub ]]
	wait_until 15 have_receipts 1
}

@test "old snapshots go, those in use stay; --dry-run makes none" {
	local i held

	repository
	usrun --dry-run --no-container --snapshot true
	[ ! -e .ucluster ]
	held=$(usrun --batch --parsable -H --no-container --snapshot true)
	for i in {1..22}; do
		usrun --batch -H --no-container --snapshot true >/dev/null 2>&1
		scancel --name=true --state=PENDING --me --hurry 2>/dev/null || :
		[ "$i" -ne 1 ] || held=$(usrun --batch --parsable -H -J held --no-container --snapshot true)
	done
	# twenty, and the one that the held job waits with
	wait_until 10 job_is "$held" PENDING
	[ -d "$(scontrol show job "$held" | sed -n 's/ *WorkDir=//p')" ]
	[ "$(find .ucluster/snapshots -mindepth 1 -maxdepth 1 -type d | wc -l)" -le 22 ]
	[ "$(find .ucluster/snapshots -mindepth 1 -maxdepth 1 -type d | wc -l)" -ge 20 ]
}
