#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# The sandbox's stand-in for pyxis against what is known of pyxis 0.24 with enroot:
# options, messages, exit codes, and nothing left behind. Skipped where real pyxis runs.

load helper
# What is in single quotes is for the shell in the container.
# shellcheck disable=SC2016

setup()
{
	e2e_setup
	if grep -q spank_pyxis "$UC_E2E_DIR/cluster/etc/plugstack.conf"; then
		skip "real pyxis runs"
	fi
	TINY=$IMAGES/tiny.sqsh
	RUNTIME=$UC_E2E_DIR/cluster/run/pyxis
	NAME=uct$BATS_TEST_NUMBER
	PLUGSTACK=$UC_E2E_DIR/cluster/etc/plugstack.conf
	cp "$PLUGSTACK" plugstack.before
	unset "${!PYXIS_CONTAINER_@}"
}

teardown()
{
	[ ! -e "$WORK/plugstack.before" ] || cat "$WORK/plugstack.before" >"$PLUGSTACK"
	rm -rf "$RUNTIME"/*/*/pyxis_uct* "$RUNTIME"/*/*/"pyxis_uct "*
	e2e_teardown
}

# site WORD...: the plugin's line in plugstack.conf has these words too, for this test.
site()
{
	sed "s|\$| $*|" plugstack.before >"$PLUGSTACK"
}

# box ARG...: srun in the small image on one node.
box()
{
	srun -w cpu1 --container-image="$TINY" "$@"
}

# refused TEXT ARG...: srun says TEXT and ends with 255 before anything is queued.
refused()
{
	local text=$1

	shift
	run srun "$@" true
	[ "$status" -eq 255 ]
	[[ $output == *"srun: error: pyxis: $text"* ]]
}

# fails TEXT ARG...: the start fails on the node with TEXT and exit code 1.
fails()
{
	local text=$1

	shift
	run srun -w cpu1 "$@" true
	[ "$status" -eq 1 ]
	[[ $output == *"error: pyxis: $text"* ]]
	[[ $output == *"task_init() failed with rc=-1"* ]]
	[[ $output == *"Failed to invoke spank plugin stack"* ]]
}

# fails_because LINE ARG...: the same with LINE, indented, in the printed log.
fails_because()
{
	local line=$1

	shift
	fails "    $line" "$@"
	[[ $output == *"error: pyxis: printing enroot log file:"* ]]
}

loops()
{
	losetup -n -O BACK-FILE 2>/dev/null | grep -cF "$UC_E2E_DIR" || :
}

nothing_left()
{
	[ -z "$(find "$RUNTIME" -mindepth 3 -maxdepth 3 ! -name 'pyxis_uct*')" ] &&
		[ "$(loops)" -eq 0 ] && ! grep -qF "$RUNTIME" /proc/self/mounts
}

@test "srun, sbatch and salloc show all options as pyxis's" {
	local command option
	for command in srun sbatch salloc; do
		"$command" --help >help
		for option in image mounts workdir name save env unshare mount-home remap-root \
			entrypoint entrypoint-log writable readonly; do
			grep -q -- "--container-$option" help
		done
		[ "$(grep -c '\[pyxis\]' help)" -eq 16 ]
	done
}

@test "the task runs in the image, may write there, and the writes are gone after it" {
	run --separate-stderr box sh -c 'grep ^ID= /etc/os-release; echo x >/new && cat /new; pwd'
	[ "$status" -eq 0 ]
	[ "$output" = $'ID=busybox\nx\n'"$(getent passwd "$(id -u)" | cut -d: -f6)" ]
	run box test -e /new
	[ "$status" -eq 1 ]
	nothing_left
}

@test "slurmd's log says first that a stand-in starts the container" {
	box true
	wait_until 5 grep -q 'pyxis: sandbox stand-in for pyxis and enroot, starting container' \
		"$UC_E2E_DIR/cluster/log/slurmd-cpu1.log"
}

@test "exit codes and signals of the command pass unchanged" {
	run box sh -c 'exit 7'
	[ "$status" -eq 7 ]
	run box sh -c 'kill -9 $$'
	[ "$status" -eq 137 ]
	run box no-such-command
	[ "$status" -eq 2 ]
	[[ $output == *'execve(): no-such-command: No such file or directory'* ]]
}

@test "arguments reach the command byte for byte" {
	run --separate-stderr box sh -c 'printf "%s|" "$@"' sh 'a b' '' $'new\nline' '*' '--x' $'\xff'
	[ "$output" = $'a b||new\nline|*|--x|\xff|' ]
}

@test "the first argument forms: = and a blank" {
	srun -w cpu1 --container-image "$TINY" --container-workdir /etc test -f os-release
}

@test "bad option values are refused by srun with 255" {
	refused '--container-mounts: invalid format: /a:' --container-image=/x --container-mounts=/a:
	refused '--container-mounts: invalid format: ' --container-image=/x --container-mounts=/a,
	refused '--container-image: argument required' --container-image=
	refused 'mount source must be a relative path, an absolute path, "tmpfs" or "umount"' \
		--container-mounts=a:/b
	refused 'mount target must be a relative path or an absolute path' --container-mounts=/a:b
	refused '--container-name: empty name' --container-name=:exec
	refused '--container-name: flag must be "auto", "create", "exec" or "no_exec"' \
		--container-name=x:y
	refused '--container-save: target is a directory' --container-save=/tmp/
	refused "--container-env: invalid format: A,,B" --container-env=A,,B
	refused "--container-unshare: unknown namespace 'pid'" --container-unshare=pid
	refused '--container-unshare: empty namespace argument' --container-unshare=net,
}

@test "an option given twice: another value is refused, the same is not, of mounts the last counts" {
	refused '--container-image specified multiple times' --container-image=/a --container-image=/b
	refused '--container-workdir specified multiple times' --container-workdir=/a --container-workdir=/b
	refused '--container-save specified multiple times' --container-save=/a --container-save=/b
	refused '--container-name specified multiple times' --container-name=a --container-name=b
	refused 'both --container-writable and --container-readonly were specified' \
		--container-readonly --container-writable
	refused 'both --container-remap-root and --no-container-remap-root were specified' \
		--container-remap-root --no-container-remap-root
	box --container-image="$TINY" --container-mounts="$WORK:/a" --container-mounts="$WORK:/b" \
		sh -c '[ ! -e /a ] && [ -d /b ]'
}

@test "options without an image are said to be ignored, and the command runs on the host" {
	local option
	for option in mounts=/tmp workdir=/ save=/x readonly writable entrypoint-log; do
		run srun "--container-$option" test ! -e /nowhere
		[ "$status" -eq 0 ]
		[[ $output == *"pyxis: ignoring --container-${option%%=*} because neither --container-image nor --container-name is set"* ]]
	done
	run srun --container-mount-home --no-container-remap-root --no-container-entrypoint true
	[ "$status" -eq 0 ]
	[[ $output == *'ignoring --[no-]container-mount-home'* ]]
	[[ $output == *'ignoring --[no-]container-remap-root'* ]]
	[[ $output == *'ignoring --[no-]container-entrypoint'* ]]
}

@test "images that are none: missing, a folder, not squashfs, empty, truncated" {
	mkdir folder
	echo text >text.sqsh
	: >empty.sqsh
	head -c 300000 "$TINY" >short.sqsh
	fails "failed to create container filesystem for image: $WORK/no.sqsh" --container-image="$WORK/no.sqsh"
	fails_because "[ERROR] No such file or directory: $WORK/no.sqsh" --container-image="$WORK/no.sqsh"
	fails_because "[ERROR] No such file or directory: $WORK/folder" --container-image="$WORK/folder"
	fails_because "[ERROR] Invalid image format: $WORK/text.sqsh" --container-image="$WORK/text.sqsh"
	fails_because "[ERROR] Invalid image format: $WORK/empty.sqsh" --container-image="$WORK/empty.sqsh"
	fails_because 'FATAL ERROR: File system corruption detected' --container-image="$WORK/short.sqsh"
	nothing_left
}

@test "what starts with neither / nor . is asked from a registry, which cannot be reached" {
	fails 'failed to import docker image: tiny.sqsh' --container-image=tiny.sqsh
	[[ $output == *'pyxis: importing docker image: tiny.sqsh'* ]]
	fails_because 'curl: (6) Could not resolve host: reg.example.org' \
		--container-image='me@reg.example.org#team/app:1'
	cp "$TINY" here.sqsh
	srun -w cpu1 --container-image=./here.sqsh test -e /bin/busybox
}

@test "mounts: read-only and not, a file, missing parents, relative, tmpfs, umount" {
	mkdir data
	echo text >data/file
	box --container-mounts="$WORK/data:/data:ro,$WORK/data/file:/deep/er/file,./data:/rel,tmpfs:/small:size=64k,umount:/tmp" \
		sh -c 'grep -q text /data/file && grep -q text /deep/er/file && ! touch /data/x &&
			touch /rel/new && ! dd if=/dev/zero of=/small/x bs=1k count=100 &&
			! grep " /tmp " /proc/mounts' 2>/dev/null
	[ -e data/new ]
	box --container-mounts="$WORK/data" test -e "$WORK/data/file"
}

@test "mount flags: several at once work, unknown ones are ignored" {
	box --container-mounts="$WORK:/w:ro+nosuid+nodev+noexec+rprivate" \
		grep -q ' /w .*ro,nosuid,nodev,noexec' /proc/self/mountinfo
	box --container-mounts="$WORK:/w:r0" touch /w/written
	[ -e written ]
}

@test "a mount source that is missing, absolute or relative" {
	fails '--container-mounts: source path does not exist: /no/such' \
		--container-image="$TINY" --container-mounts=/no/such:/x
	fails_because 'enroot-mount: failed to mount: ./no at /x: No such file or directory' \
		--container-image="$TINY" --container-mounts=./no:/x
	nothing_left
}

@test "what is always there: proc, sys, dev, a private tmp, shm, the host's names" {
	touch "/tmp/$NAME"
	run box sh -c "test -e /proc/self && test -d /sys/class && ! touch /sys/x 2>/dev/null &&
		test -c /dev/null && test -d /dev/shm && test -d /var/lock && touch /tmp/ok &&
		[ ! -e /tmp/$NAME ] && cat /etc/hostname && ! touch /etc/hostname 2>/dev/null"
	rm -f "/tmp/$NAME"
	[ "$status" -eq 0 ]
	[ "$output" = "$(cat /etc/hostname)" ]
}

@test "read-only: the root is, /tmp is not, mount points are made all the same" {
	box --container-readonly --container-mounts="$WORK:/some/where" \
		sh -c '! touch /x 2>/dev/null && touch /tmp/x && test -d /some/where'
}

@test "the working directory is the one asked for, or it fails" {
	run --separate-stderr box --container-workdir=/etc pwd
	[ "$output" = /etc ]
	fails "couldn't chdir to /no/where: No such file or directory" \
		--container-image="$TINY" --container-workdir=/no/where
}

@test "remap-root: root inside, owners and users change without effect" {
	box --container-remap-root sh -c '[ "$(id -u)" = 0 ] && [ "$HOME" = /root ] &&
		touch /usr/x && chown 33:33 /usr/x && [ "$(stat -c %u /usr/x)" = 0 ]'
	run --separate-stderr box --no-container-remap-root id -u
	[ "$output" = "$(id -u)" ]
}

@test "the environment: the image's wins, the host's fills in, names of --container-env keep the host's" {
	export UCT_HOST=host LANG=C.UTF-8
	box sh -c '[ "$UCT_HOST" = host ] && [ -z "$LANG" ] && [ -n "$SLURM_JOB_ID" ]'
	PATH=$PATH:/uct-host box sh -c 'case $PATH in */uct-host*) false ;; esac'
	PATH=$PATH:/uct-host box --container-env=LANG,PATH /bin/sh -c \
		'case $PATH in */uct-host*) [ "$LANG" = C.UTF-8 ] ;; *) false ;; esac'
}

@test "the environment's form of the options; the command line wins" {
	export PYXIS_CONTAINER_IMAGE=$TINY PYXIS_CONTAINER_READONLY=yes
	export PYXIS_CONTAINER_MOUNTS=$WORK:/env PYXIS_CONTAINER_REMAP_ROOT=perhaps
	srun -w cpu1 sh -c 'test -d /env && ! touch /x 2>/dev/null'
	srun -w cpu1 --container-writable --container-mounts="$WORK:/line" \
		sh -c 'test ! -e /env && test -d /line && touch /x'
}

@test "the tasks of a step share one container; nothing is left after it" {
	run --separate-stderr box -n4 sh -c 'touch /tmp/$SLURM_PROCID
		for i in 0 1 2 3; do while [ ! -e /tmp/$i ]; do sleep 0.05; done; done; echo all'
	[ "$output" = $'all\nall\nall\nall' ]
	nothing_left
}

@test "a failed start is told once, the other tasks say that it was another's" {
	run srun -w cpu1 -n3 --container-image=/no.sqsh true
	[ "$status" -eq 1 ]
	[ "$(grep -c 'failed to create container filesystem' <<<"$output")" -eq 1 ]
	[ "$(grep -c 'container was not started successfully by another task' <<<"$output")" -eq 2 ]
}

@test "a named container keeps its files; create, exec and no image where it matters" {
	box --container-name="$NAME" sh -c 'echo kept >/kept'
	run --separate-stderr srun -w cpu1 --container-name="$NAME" cat /kept
	[ "$output" = kept ]
	srun -w cpu1 --container-name="$NAME" --container-image=/no/such.sqsh test -e /kept
	fails 'error: "create" flag was passed to --container-name but the container already exists' \
		--container-image="$TINY" --container-name="$NAME:create"
	fails 'error: "exec" flag was passed to --container-name but the container is not running' \
		--container-name="$NAME:exec"
	fails "error: a container with name \"pyxis_${NAME}x\" does not exist, and --container-image is not set" \
		--container-name="${NAME}x"
	run srun -w cpu2 --container-name="$NAME" true
	[ "$status" -eq 1 ]
}

@test "names: a slash fails, a blank spoils every other name on the node" {
	fails_because "[ERROR] Invalid argument: pyxis_uct/x" --container-image="$TINY" --container-name=uct/x
	box --container-name="$NAME" true
	box --container-name='uct b' true
	fails "couldn't get list of containers" --container-name="$NAME"
	rm -rf "$RUNTIME"/cpu1/*/'pyxis_uct b'
	srun -w cpu1 --container-name="$NAME" true
}

@test "JOBID.STEPID:exec enters a running container, without its mounts, with another workdir" {
	box sh -c 'echo here >/tmp/here; while [ ! -e /tmp/go ]; do sleep 0.1; done' 3>&- &
	wait_until 10 eval '[ -n "$(squeue -h -s -o %i | grep "\.0$")" ]'
	local step
	step=$(squeue -h -s -o %i | grep '\.0$')
	run --separate-stderr srun --jobid="${step%.*}" --overlap --container-name="$step:exec" \
		--container-mounts=/etc:/mnt/etc --container-workdir=/etc sh -c 'pwd; cat /tmp/here; ls /mnt'
	[ "$status" -eq 0 ]
	[ "$output" = $'/etc\nhere' ]
	[[ $stderr == *'pyxis: ignoring --container-mounts when attaching to a running container'* ]]
	srun --jobid="${step%.*}" --overlap --container-name="$step" touch /tmp/go
	wait
	nothing_left
}

@test "a saved container is a new image, also over the one in use; mounts are not in it" {
	cp "$TINY" image.sqsh
	run srun -w cpu1 --container-image="$WORK/image.sqsh" --container-save="$WORK/image.sqsh" \
		--container-mounts="$WORK:/mnt/w" sh -c 'echo saved >/saved; touch /tmp/not'
	[ "$status" -eq 0 ]
	[[ $output == *"pyxis: exported container pyxis_"*" to $WORK/image.sqsh"* ]]
	srun -w cpu1 --container-image="$WORK/image.sqsh" \
		sh -c 'grep -q saved /saved && [ -d /mnt/w ] && [ -z "$(ls -A /mnt/w)" ]'
	run box --container-save=relative.sqsh sh -c 'exit 4'
	[ "$status" -eq 4 ]
	[ -s relative.sqsh ]
}

@test "a save that fails is only told: the exit code is the command's" {
	run box --container-save="$WORK/no/such.sqsh" true
	[ "$status" -eq 0 ]
	[[ $output == *"[ERROR] No such file or directory: $WORK/no/such.sqsh"* ]]
	[[ $output == *"failed to export container"* ]]
	run box --container-save="$WORK" true
	[ "$status" -eq 0 ]
	[[ $output == *'Is a directory'* ]]
}

@test "namespaces that are asked for are new ones" {
	box --container-unshare=net,ipc,uts sh -c '[ "$(grep -c : /proc/net/dev)" -eq 1 ]'
	[ "$(box --container-unshare=uts readlink /proc/self/ns/uts)" != "$(readlink /proc/self/ns/uts)" ]
	[ "$(box readlink /proc/self/ns/uts)" = "$(readlink /proc/self/ns/uts)" ]
}

@test "the job's GPUs are in /dev, and only those" {
	run --separate-stderr srun -w gpu1 --gpus=2 --container-image="$TINY" \
		sh -c 'ls /dev | grep -c nvidia; ls /dev/nvidia*; test -c /dev/null && echo $CUDA_VISIBLE_DEVICES'
	[ "$status" -eq 0 ]
	[ "$output" = $'2\n/dev/nvidia0\n/dev/nvidia1\n0,1' ]
}

@test "the entrypoint runs when asked for: its directory and variables are the task's" {
	unsquashfs -q -n -d root "$TINY" >/dev/null
	mkdir -p root/app
	printf 'cd "/app" && unset OLDPWD || exit 1\necho "entry $UCT"\nexport ENTRY=yes\nexec "$@"\n' >root/etc/rc
	echo UCT=image >>root/etc/environment
	mksquashfs root entry.sqsh -all-root -no-progress -quiet >/dev/null
	run --separate-stderr srun --container-image="$WORK/entry.sqsh" sh -c 'pwd; echo "$UCT,$ENTRY"'
	[ "$output" = $'/app\nimage,' ]
	UCT=host run srun --container-image="$WORK/entry.sqsh" --container-entrypoint \
		--container-entrypoint-log --container-env=UCT sh -c 'echo "$UCT,$ENTRY"'
	[[ $output == *'entry host'* && $output == *'host,yes'* ]]
	echo 'exit 5' >root/etc/rc
	mksquashfs root bad.sqsh -all-root -no-progress -quiet >/dev/null
	fails 'container start failed with error code: 5' --container-image="$WORK/bad.sqsh" --container-entrypoint
	[[ $output == *'try using --no-container-entrypoint'* ]]
	rm root/bin/sh
	mksquashfs root none.sqsh -all-root -no-progress -quiet >/dev/null
	fails_because 'enroot-switchroot: failed to execute: /bin/sh' --container-image="$WORK/none.sqsh"
}

@test "sbatch runs its script inside; salloc hands its image to the steps, another is refused" {
	printf '#!/bin/sh\n#SBATCH --container-image=%s\ngrep ^ID= /etc/os-release\n' "$TINY" >job.sh
	sbatch -Q -W -o out job.sh
	[ "$(cat out)" = ID=busybox ]
	salloc -Q -w cpu1 --container-image="$TINY" srun grep -q ID=busybox /etc/os-release
	run salloc -Q -w cpu1 --container-image="$TINY" srun --container-image=/x true
	[ "$status" -eq 255 ]
	[[ $output == *'pyxis: --container-image specified multiple times'* ]]
}

@test "a pty in a container: size, Ctrl-C, exit code" {
	tmux_start 90 20 srun -w cpu1 --pty --container-image="$TINY" sh
	tmux_wait '(#|\$)$'
	tmux_keys 'stty size' Enter
	tmux_wait '20 90'
	tmux_do resize-window -x 100 -y 30
	tmux_wait '(#|\$)$'
	tmux_keys 'until stty size | grep "30 100"; do sleep 0.1; done' Enter
	tmux_wait '^30 100'
	tmux_keys 'echo start; sleep 100' Enter
	tmux_wait '^start'
	tmux_keys C-c
	tmux_keys 'echo int=$?' Enter
	tmux_wait '^int=130'
	tmux_keys 'exit 3' Enter
	[ "$(tmux_status)" -eq 3 ]
	nothing_left
}

@test "nothing is left after a cancelled step, by whatever signal" {
	local signal
	for signal in TERM KILL; do
		box -n2 sh -c 'touch /big; sleep 300 & sleep 300' 2>/dev/null 3>&- &
		wait_until 10 eval '[ -n "$(find "$RUNTIME" -maxdepth 3 -name "pyxis_[0-9]*")" ]'
		scancel -s "$signal" --user="$(id -un)" 2>/dev/null
		scancel --user="$(id -un)"
		wait || :
		wait_until 15 nothing_left
	done
}

@test "a folder left by a killed slurmstepd goes with the next start" {
	local user_folder
	box true
	user_folder=$(echo "$RUNTIME/cpu1/$(id -u)")
	mkdir -p "$user_folder/pyxis_1.0/up/upper"
	: >"$user_folder/pyxis_1.0/lock"
	box true
	[ ! -e "$user_folder/pyxis_1.0" ]
}

@test "an image can be unpacked into a cache instead: once, and again when it changes" {
	local cache
	site use=unsquashfs
	cache=$UC_E2E_DIR/cluster/cache/pyxis/$(id -u)
	rm -rf "$cache"
	cp "$TINY" image.sqsh
	srun -w cpu1 -n2 --container-image="$WORK/image.sqsh" sh -c 'echo x >/etc/new; ! grep overlay /proc/mounts | grep -q ro,'
	srun -w cpu2 --container-image="$WORK/image.sqsh" test ! -e /etc/new
	[ "$(find "$cache" -mindepth 1 -maxdepth 1 -type d | wc -l)" -eq 1 ]
	touch -d yesterday image.sqsh
	srun -w cpu1 --container-image="$WORK/image.sqsh" true
	[ "$(find "$cache" -mindepth 1 -maxdepth 1 -type d | wc -l)" -eq 2 ]
	nothing_left
}

@test "an image can be served by squashfuse instead, which ends with the step" {
	[ -r /dev/fuse ] && [ -w /dev/fuse ] || skip "/dev/fuse is closed to this user"
	type -P squashfuse >/dev/null || skip "no squashfuse"
	site use=squashfuse
	box -n2 sh -c 'echo x >/etc/new && grep -q ID=busybox /etc/os-release'
	box --container-remap-root --container-readonly sh -c '! touch /x 2>/dev/null'
	run box --container-save=saved.sqsh touch /more
	[ "$status" -eq 0 ]
	[ -s saved.sqsh ]
	[ -z "$(pgrep -f 'squashfuse.*tiny.sqsh')" ]
	nothing_left
}

@test "site switches: entrypoint, read-only, remap-root, names of one job only, no sbatch" {
	site writable=0 remap_root=1 container_scope=job sbatch_support=0
	box sh -c '[ "$(id -u)" = 0 ] && ! touch /x 2>/dev/null'
	box --container-writable --no-container-remap-root touch /x
	run srun -w cpu1 --container-image="$TINY" --container-name="$NAME" true
	[ "$status" -eq 0 ]
	run srun -w cpu1 --container-name="$NAME" true
	[[ $output == *"a container with name \"pyxis_"*"_$NAME\" does not exist"* ]]
	salloc -Q -w cpu1 sh -c "srun --container-image='$TINY' --container-name=$NAME true &&
		srun --container-name=$NAME test -e /bin/busybox"
	wait_until 20 eval '[ -z "$(find "$RUNTIME" -name "pyxis_*_$NAME")" ]'
	[ -z "$(sbatch --help | grep -- --container-image)" ]
	site writable=maybe
	run srun true
	[ "$status" -ne 0 ]
	[[ $output == *'pyxis: unknown configuration option: writable=maybe'* ]]
}

@test "ordinary users of one cluster: own files, no rights more, no image they may not read" {
	user_add uctp1
	user_add uctp2
	as uctp1 srun -w cpu1 --container-image="$TINY" --container-name=uctmine \
		sh -c 'touch /mine && [ "$(id -un)" = uctp1 ] && [ "$HOME" = "'"$WORK"'/home-uctp1" ]'
	run as uctp2 srun -w cpu1 --container-name=uctmine true
	[ "$status" -eq 1 ]
	as uctp2 srun -w cpu1 --container-image="$TINY" --container-remap-root --container-mount-home \
		--container-mounts="/etc/shadow:/shadow" \
		sh -c 'touch /usr/new && touch "$HOME/file" && ! cat /shadow 2>/dev/null'
	[ "$(stat -c %U home-uctp2/file)" = uctp2 ]
	install -m 600 "$TINY" secret.sqsh
	run as uctp1 srun -w cpu1 --container-image="$WORK/secret.sqsh" true
	[ "$status" -eq 1 ]
	[[ $output == *"[ERROR] Invalid image format: $WORK/secret.sqsh"* ]]
	as uctp1 srun -w cpu1 --container-image="$TINY" --container-save="$WORK/home-uctp1/s.sqsh" \
		touch /saved 2>/dev/null
	[ "$(stat -c %U home-uctp1/s.sqsh)" = uctp1 ]
	nothing_left
}

@test "a cluster without any root runs containers from a cache of unpacked images" {
	user_add uctp3
	local dir=$WORK/home-uctp3/c
	cp -R "$UC_TEST_TOP/share/sandbox" code
	cp "$TINY" open.sqsh
	install -m 755 "$UC_TEST_BUILD/libexec/ucluster/sandbox/pyxis.so" pyxis.so
	chmod -R a+rX code open.sqsh
	as uctp3 env -u SLURM_CONF UCLUSTER_SANDBOX_PYXIS="$WORK/pyxis.so" code/sandbox start --dir "$dir" --nodes cpu:1
	run --separate-stderr as uctp3 env SLURM_CONF="$dir/etc/slurm.conf" srun -n2 \
		--container-image="$WORK/open.sqsh" sh -c 'touch /usr/new; id -un; grep ^ID= /etc/os-release'
	local first=$status shown=$output
	as uctp3 env SLURM_CONF="$dir/etc/slurm.conf" srun --container-image="$WORK/open.sqsh" \
		--container-remap-root test ! -e /usr/new
	local second=$?
	find "$dir/cache" -mindepth 3 -maxdepth 3 >cached
	as uctp3 env -u SLURM_CONF code/sandbox stop --purge --dir "$dir"
	[ "$first" -eq 0 ]
	[ "$(sort -u <<<"$shown")" = $'ID=busybox\nuctp3' ]
	[ "$second" -eq 0 ]
	[ "$(grep -vc '\.lock$' cached)" -eq 1 ]
}
