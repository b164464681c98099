#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
# The classic mistakes of people who run jobs, each with what a user sees of it.
load helper

setup()
{
	e2e_setup
	export XDG_STATE_HOME=$WORK/state XDG_CONFIG_HOME=$WORK/config
	mkdir -p config/ucluster
}

teardown()
{
	e2e_teardown
}

# said STATUS LINE HINT WORD...: usrun says just that, and nothing is queued.
said()
{
	local status_wanted=$1 line=$2 hint=$3

	shift 3
	run "-$status_wanted" --separate-stderr usrun "$@"
	printf '%s\n' "$stderr"
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "usrun: $line" ]
	[ "${stderr_lines[1]-}" = "${hint:+hint: $hint}" ]
	[ "${#stderr_lines[@]}" -le 2 ]
	no_jobs
}

fill_gpus()
{
	BLOCKER=$(sbatch --parsable --partition=gpu --nodes=2 --gpus-per-node=8 --exclusive \
		--time=30 --output=/dev/null --wrap 'sleep 1000')
	wait_for_job "$BLOCKER" RUNNING
}

has_lines()
{
	[ "$(wc -l <"$1")" -ge "$2" ]
}

# --- time -------------------------------------------------------------------------------

@test "no --time: the configured one is applied, and named" {
	local limit='scontrol show job "$SLURM_JOB_ID" | grep -o "TimeLimit=[^ ]*"'

	echo 'time: 7m' >config/ucluster/config.yaml
	run -0 --separate-stderr usrun --no-container sh -c "$limit"
	[ "$output" = TimeLimit=00:07:00 ]
	[ "$stderr" = "usrun: time limit 7:00, from $WORK/config/ucluster/config.yaml" ]
	run -0 --separate-stderr usrun --no-container --time=3 sh -c "$limit"
	[ "$output" = TimeLimit=00:03:00 ]
	[ -z "$stderr" ]
	run -0 --separate-stderr usrun --batch --no-container true
	[ "$stderr" = "usrun: time limit 7:00, from $WORK/config/ucluster/config.yaml" ]
}

# --- words ------------------------------------------------------------------------------

@test "words with blanks, globs and line breaks arrive, also through a script" {
	local words=('a b' '*' '' $'new\nline' '$HOME' "it's" '"q"') id

	printf '[%s]\n' "${words[@]}" >expected
	usrun --no-container printf '[%s]\n' "${words[@]}" >actual
	cmp expected actual
	usrun --image=python printf '[%s]\n' "${words[@]}" >actual
	cmp expected actual
	printf '#!/bin/bash\nexec usrun --no-container printf "[%%s]\\\\n" "$@"\n' >run.sh
	chmod +x run.sh
	./run.sh "${words[@]}" >actual
	cmp expected actual
	id=$(usrun --batch --parsable --image=python -o batch.out printf '[%s]\n' "${words[@]}")
	wait_for_job "$id" GONE
	cmp expected batch.out
}

# --- code that changes ------------------------------------------------------------------

@test "code that is edited while its job waits: --snapshot runs the old, else the new" {
	local ids=()

	fill_gpus
	mkdir code && cd code
	git init -q .
	echo 'echo old' >part.sh
	git add . && git -c user.name=u -c user.email=u@example.org commit -q -m one
	echo 'echo old' >part.sh
	run -0 --separate-stderr usrun --batch --parsable --no-container --snapshot -p gpu \
		--gpus=1 -o "$WORK/with.out" sh ./part.sh
	ids+=("$output")
	[[ $stderr =~ ^usrun:\ snapshot\ of\ 1\ files,\ 1\ KiB,\ commit\ [0-9a-f]{12}:\ "$WORK/code/.ucluster/snapshots/" ]]
	run -0 --separate-stderr usrun --batch --parsable --no-container -p gpu --gpus=1 --hold \
		-o "$WORK/without.out" sh ./part.sh
	ids+=("$output")
	# that it is held is no news
	[ "$stderr" = "usrun: './part.sh' is read when the job starts, with all edits until then; --snapshot keeps it as it is now" ]
	scontrol release "$output"
	run -0 --separate-stderr usrun --explain --no-container sh ./part.sh
	[[ $stderr == "usrun: './part.sh' is read when the job starts,"* ]]
	run -0 --separate-stderr usrun --explain --snapshot --no-container sh ./part.sh
	[[ $stderr != *'is read when'* ]]
	echo 'echo new' >part.sh
	scancel "$BLOCKER"
	wait_for_job "${ids[0]}" GONE
	wait_for_job "${ids[1]}" GONE
	wait_until 10 has_lines "$WORK/with.out" 1
	wait_until 10 has_lines "$WORK/without.out" 1
	[ "$(cat "$WORK/with.out")" = old ]
	[ "$(cat "$WORK/without.out")" = new ]
}

# --- a home that fills ------------------------------------------------------------------

@test "caches go to the configured directory, not to the home" {
	mkdir cache home
	echo "cache_dir: $WORK/cache" >config/ucluster/config.yaml
	HOME=$WORK/home usrun --image=tiny sh -c 'mkdir -p "$HF_HOME" "$PIP_CACHE_DIR" \
		"$XDG_CACHE_HOME/x" "$TORCH_HOME" "$TRITON_CACHE_DIR" && echo model >"$HF_HOME/file"'
	[ "$(cat cache/huggingface/file)" = model ]
	[ -d cache/pip ] && [ -d cache/torch ] && [ -d cache/triton ] && [ -d cache/x ]
	[ -z "$(ls -A home)" ]
	run -0 --separate-stderr env HF_HOME=/mine usrun --no-container printenv HF_HOME
	[ "$output" = /mine ]
	mv cache gone
	run -0 --separate-stderr usrun --no-container true
	[ "$stderr" = "usrun: cache_dir '$WORK/cache' is left out: it is no directory" ]
}

# --- more than there is -----------------------------------------------------------------

@test "more GPUs, memory or time than there is" {
	said 2 "partition 'gpu' has 16 GPUs in all, 17 are asked for" "--gpus=16" \
		--no-container -p gpu --gpus=17 true
	said 2 "a node of partition 'batch' has at most 62.5G of memory, 1T is asked for" \
		"--mem=64000M" --no-container --mem=1T true
	said 2 "partition 'gpu' allows at most 8:00:00, 9:00:00 is asked for" \
		"--time=8:00:00, or --partition=batch (1-00:00:00)" \
		--no-container -p gpu --time=9h true
	said 2 "partition 'gpu' allows at most 8:00:00, 9:00:00 is asked for" \
		"--time=8:00:00, or --partition=batch (1-00:00:00)" \
		--batch --no-container -p gpu --time=9h true
}

# --- images -----------------------------------------------------------------------------

@test "a relative image is a file, not a registry's name" {
	mkdir team && cp "$IMAGES/tiny.sqsh" team/mine.sqsh
	run -0 --separate-stderr usrun --image=team/mine.sqsh grep ^ID= /etc/os-release
	[ "$output" = ID=busybox ]
	cd team
	run -0 --separate-stderr usrun --image=mine.sqsh grep ^ID= /etc/os-release
	[ "$output" = ID=busybox ]
	run -0 --separate-stderr usrun --container-image=mine.sqsh --dry-run true
	[[ $output == *"--container-image=$WORK/team/mine.sqsh "* ]]
}

@test "an image that is not there, is a directory, was cut off or never finished" {
	mkdir dir.sqsh && cp "$IMAGES/tiny.sqsh" mine.sqsh
	head -c 5000 mine.sqsh >cut.sqsh
	head -c 5000 /dev/zero >zero.sqsh
	said 3 "--image: image '$WORK/mime.sqsh': No such file or directory" \
		"did you mean '$WORK/mine.sqsh'?" --image=mime.sqsh true
	said 3 "--image: image '$WORK/pythn.sqsh': No such file or directory" \
		"did you mean '$IMAGES/python.sqsh'?" --image=pythn.sqsh true
	said 3 "--image: no image 'pythn' in the image directories" \
		"did you mean 'python'?" --image=pythn true
	said 2 "--image: image '$WORK/dir.sqsh' is a directory, a squashfs file is expected" '' \
		--image=./dir.sqsh true
	said 2 "--image: image '$WORK/cut.sqsh' is cut off: 5000 of $(image_bytes mine.sqsh) bytes are there" \
		'' --image=cut.sqsh true
	said 2 "--image: image '$WORK/zero.sqsh' is not a squashfs file, or was never finished" '' \
		--batch --image=zero.sqsh true
}

# What the superblock says.
image_bytes()
{
	od -A n -t u8 -j 40 -N 8 "$1" | tr -d ' '
}

@test "a name that several images have" {
	mkdir images
	cp "$IMAGES/tiny.sqsh" images/a_tool-1.sqsh
	cp "$IMAGES/tiny.sqsh" images/a_tool-2.sqsh
	export UCLUSTER_IMAGE_DIRS=$WORK/images
	run -2 --separate-stderr usrun --image=tool true
	[ "${stderr_lines[0]}" = "usrun: --image: image 'tool' could be any of: a_tool-1, a_tool-2" ]
	[ "${stderr_lines[1]}" = "hint: say more of its name" ]
	run -0 usrun --image=tool-2 true
}

@test "--container-save ./ touches nothing" {
	echo precious >file
	said 2 "save to './': it is a directory, a file is expected" '' \
		--image=tiny --container-save ./ true
	said 2 "--save: save to '$WORK': it is a directory, a file is expected" '' \
		--image=tiny --save=. true
	said 2 "--save: save to '$WORK/file': it exists" "--force replaces it" \
		--image=tiny --save=file true
	[ "$(cat file)" = precious ]
}

# --- mounts -----------------------------------------------------------------------------

@test "mounts: no source, a comma or a colon in it, an unknown flag, a target twice" {
	local flags="flags are those of mount(8), joined with '+': ro, rw, nosuid, nodev, noexec, rprivate, rslave, ..."
	local rename="is there, but ',' separates mounts and ':' their parts: rename it, or mount what it is in"

	mkdir data 'c,d' 'a:b'
	said 3 "--mounts: mount './dat:/data': '$WORK/dat' does not exist" '' \
		--image=tiny --mounts=./dat:/data true
	said 3 "--mounts: mount 'c': '$WORK/c' does not exist" "'c,d' $rename" \
		--image=tiny --mounts=c,d:/data true
	said 3 "--mounts: mount 'a:b': '$WORK/a' does not exist" "'a:b' $rename" \
		--image=tiny --mounts=a:b true
	said 2 "--mounts: mount 'data:/data:r0': unknown flag 'r0'" "$flags" \
		--image=tiny --mounts=data:/data:r0 true
	said 2 "--mounts: two mounts on '/data': '$WORK/data' and '$WORK'" '' \
		--image=tiny --mounts=data:/data,.:/data true
	said 2 "--mounts: mount 'data:/data:ro:x': too many ':', SRC[:DST[:FLAG[+FLAG...]]] is expected" \
		'' --image=tiny --mounts=data:/data:ro:x true
	cd 'c,d'
	run -0 --separate-stderr usrun --image=tiny true
	[ "$stderr" = "usrun: the working directory is not mounted: '$WORK/c,d' has a comma, a colon or a line break in its name" ]
}

@test "a bad container name" {
	local name

	for name in 'a b' a/b; do
		said 2 "container name '$name': letters, digits, '.', '_' and '-' are expected" '' \
			--image=tiny --container-name="$name" true
	done
}

# --- tokens -----------------------------------------------------------------------------

@test "a token is neither in words nor in the script nor in what Slurm knows of the job" {
	local id token=hf_canary0123456789

	echo "$token" >token && chmod 600 token
	run -0 --separate-stderr usrun --no-container --secret=HF_TOKEN=token sh -c \
		'echo "$HF_TOKEN" | tr a-z A-Z; cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\0" " " | grep -c "[c]anary" || :'
	[ "$output" = $'HF_CANARY0123456789\n0' ]
	usrun --batch --dry-run --image=tiny --secret=HF_TOKEN=token env >script
	usrun --dry-run --image=tiny --secret=HF_TOKEN=token env >>script
	run -1 grep canary script
	id=$(HF_TOKEN=$token usrun --batch --parsable --image=tiny --secret=HF_TOKEN -o out \
		sh -c 'echo "$HF_TOKEN"')
	scontrol show job -d "$id" >known
	scontrol write batch_script "$id" - >>known
	wait_for_job "$id" GONE
	[ "$(cat out)" = "$token" ]
	rm out
	run -1 grep -rl canary known state
}

@test "a token in a file that others can read" {
	echo hf_canary >token && chmod 644 token
	said 5 "--secret: secret file '$WORK/token' has mode 0644, others could read it" \
		"chmod 600 '$WORK/token'" --no-container --secret=HF_TOKEN=token true
	said 3 "--secret: secret 'HF_TOKEN' is not set in the environment" \
		"export HF_TOKEN, or name a file: --secret HF_TOKEN=FILE" \
		--no-container --secret=HF_TOKEN true
}

# --- output -----------------------------------------------------------------------------

# A program that prints a line and goes on; it leaves a mark when it has.
slow='import os, time, sys
print("first")
open(sys.argv[1], "w").close()
while not os.path.exists("go"): time.sleep(0.05)'

@test "the first line is there while the program runs, in a pipe and in a batch job" {
	local id

	env -u PYTHONUNBUFFERED srun python3 -c "$slow" srun.mark | cat >srun.out &
	wait_until 20 test -e srun.mark
	env -u PYTHONUNBUFFERED usrun --image=python python3 -c "$slow" pipe.mark | cat >pipe.out &
	id=$(env -u PYTHONUNBUFFERED usrun --batch --parsable --image=python -o batch.out \
		python3 -c "$slow" batch.mark)
	wait_until 20 test -e pipe.mark -a -e batch.mark
	wait_until 5 test -s pipe.out
	wait_until 5 test -s batch.out
	[ "$(cat pipe.out batch.out)" = $'first\nfirst' ]
	# this is what was kept back before
	[ ! -s srun.out ]
	touch go
	wait_for_job "$id" GONE
	wait
}

# --- two users, with limits -------------------------------------------------------------

@test "QOS short gives each user 8 GPUs: one more is refused, or waits and says why" {
	need_root
	user_add uctone
	user_add ucttwo
	unset XDG_STATE_HOME XDG_CONFIG_HOME
	cd home-uctone
	said_as() { run -2 --separate-stderr as uctone usrun --no-container "$@"; }
	said_as --qos=short --gpus=9 true
	[ "${stderr_lines[0]}" = "usrun: QOS 'short' allows a user at most 8 GPUs, 9 GPUs are asked for" ]
	[ "${stderr_lines[1]}" = "hint: --gpus=8, or --qos=normal" ]
	as uctone usrun --no-container --qos=short --gpus=8 sleep 1000 2>/dev/null 3>&- &
	wait_until 20 runs uctone
	as uctone usrun --no-container --qos=short --gpus=1 true 2>waiting 3>&- &
	wait_until 20 grep -q waits waiting
	cat waiting
	grep -qE '^usrun: job [0-9]+ waits \(QOS .short. gives you 8 GPUs, you hold 8\)$' waiting
	# the other user has 8 of their own
	cd ../home-ucttwo
	run -0 as ucttwo usrun --no-container --qos=short --gpus=8 true
	scancel --user=uctone
	wait
}

runs()
{
	[ -n "$(squeue -h -u "$1" -t R -o %i)" ]
}
