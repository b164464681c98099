#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2088,SC2154 # text as it is written; stderr is bats'
# SPDX-License-Identifier: GPL-2.0-or-later
# ucluster doctor: nothing fails where all is well; each planted fault is found, with what
# to type about it, in time; and the user's file in an editor.
bats_require_minimum_version 1.5.0
load helper

setup_file()
{
	BASE=$(mktemp -d "${UC_TEST_BUILD:?run it through ctest}/tests/tmp/doctor-XXXXXX")
	SANDBOX=${UC_TEST_TOP:?}/share/sandbox/sandbox
	export BASE SANDBOX
	chmod 0755 "$BASE"
	# which knows where the build has the stand-in for pyxis
	ucluster sandbox start --dir "$BASE/c" --nodes cpu:1
	"$SANDBOX" env --dir "$BASE/c" >"$BASE/env"
}

teardown_file()
{
	"$SANDBOX" stop --purge --dir "$BASE/c"
	rm -rf "$BASE"
}

# A user for whom all is well.
setup()
{
	# shellcheck disable=SC1091
	. "$BASE/env"
	STOPPED='' SMALL='' DOCTOR=$UC_TEST_BUILD/bin/ucluster FEW=''
	export HOME=$BATS_TEST_TMPDIR/home UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run COLUMNS=200
	unset UCLUSTER_IMAGE_DIRS XDG_CONFIG_HOME XDG_STATE_HOME ENROOT_CONFIG_PATH KAGGLE_CONFIG_DIR UCLUSTER_CONFIG
	CONFIG=$HOME/.config/ucluster/config.yaml
	mkdir -p "$HOME/.config/ucluster" "$HOME/.config/enroot" "$HOME/.ssh" "$HOME/.kaggle" \
		"$BATS_TEST_TMPDIR/images" "$BATS_TEST_TMPDIR/bin" "$XDG_RUNTIME_DIR"
	chmod 700 "$HOME/.ssh" "$XDG_RUNTIME_DIR"
	: >"$BATS_TEST_TMPDIR/images/base.sqsh"
	echo 'image_dirs: ['"$BATS_TEST_TMPDIR/images"']' >"$CONFIG"
	(umask 077 && echo 'machine x login y password secret-word' >"$HOME/.config/enroot/.credentials" &&
		echo '{}' >"$HOME/.kaggle/kaggle.json" && echo key >"$HOME/.ssh/id_ed25519")
	cd "$HOME" || return 1
}

teardown()
{
	[ -z "$STOPPED" ] || kill -CONT "$STOPPED" 2>/dev/null || :
	[ -z "$SMALL" ] || umount -l "$SMALL"
}

# command NAME LINE...: a program of that name, in front of all others.
command_is()
{
	local name=$1

	shift
	printf '%s\n' '#!/bin/sh' "$@" >"$BATS_TEST_TMPDIR/bin/$name"
	chmod +x "$BATS_TEST_TMPDIR/bin/$name"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# finds STATE CHECK DETAIL REMEDY: a line of the doctor has these words. It sees $FEW as
# PATH, when that is set.
finds()
{
	local wanted=0

	[ "$1" != fail ] || wanted=1
	SECONDS=0
	run --separate-stderr timeout 100 env "PATH=${FEW:-$PATH}" "$DOCTOR" doctor --json
	echo "status $status, $SECONDS s: $output $stderr"
	[ "$SECONDS" -le 60 ]
	[[ $output$stderr != *secret-word* && $output != *Sanitizer* && $stderr != *Sanitizer* ]]
	[ "$wanted" -eq 0 ] || [ "$status" -eq 1 ]
	jq -e --arg state "$1" --arg check "$2" --arg detail "$3" --arg remedy "$4" '
		.checks | map(select(.state == $state and .check == $check and
			(.detail | contains($detail)) and ((.remedy // "") | contains($remedy)))) |
		length == 1' <<<"$output"
	# whatever is not well has a remedy
	jq -e '.checks | all(.state == "ok" or (.remedy // "") != "")' <<<"$output"
}

@test "where all is well nothing fails" {
	run --separate-stderr ucluster doctor
	echo "$output $stderr"
	[ "$status" -eq 0 ]
	[[ $output != *$'\e'* ]]
	run -1 grep -E '^fail' <<<"$output"
	run --separate-stderr -0 ucluster doctor --json
	jq -e '.checks | map(select(.check == "slurm" and .state == "ok")) | length == 2' <<<"$output"
	jq -e '.checks | map(select(.check == "credentials" and .state == "ok" and
		(.detail | startswith("3 files")))) | length == 1' <<<"$output"
	# the disks are those of this machine
	jq -e '.checks | all(.state == "ok" or .check == "disks")' <<<"$output"
}

@test "on a terminal the remedy is a line of its own" {
	chmod 644 "$HOME/.ssh/id_ed25519"
	run script -qec 'ucluster doctor --color=always' /dev/null
	[[ $output == *$'\e['*'fail'*'credentials'*'~/.ssh/id_ed25519 has mode 644'*$'\n'*'chmod 600 ~/.ssh/id_ed25519'* ]]
}

@test "a fault in the user's configuration" {
	echo 'gpu: 2' >>"$CONFIG"
	finds fail config 'config.yaml:2:1' 'ucluster config --edit'
}

@test "a fault in a project's configuration" {
	mkdir project && cd project
	printf 'gpus: 1\nnonsense: 2\n' >.ucluster.yaml
	finds fail config '.ucluster.yaml:2:1' '+2 '
}

@test "a slurmctld that hangs" {
	STOPPED=$(cat "$BASE"/c/*/slurmctld.pid "$BASE"/c/slurmctld.pid 2>/dev/null | head -n 1)
	[ -n "$STOPPED" ]
	kill -STOP "$STOPPED"
	finds fail slurm 'slurmctld' 'scontrol ping'
}

@test "no slurm.conf" {
	SLURM_CONF=$BATS_TEST_TMPDIR/nothing finds fail slurm 'cannot be read' 'unset SLURM_CONF'
}

@test "no srun" {
	FEW=$UC_TEST_BUILD/bin
	finds fail containers 'no srun in PATH' 'module load slurm'
}

@test "an srun that hangs" {
	command_is srun 'exec sleep 1000'
	finds warn containers 'srun' 'srun --help'
}

@test "neither pyxis nor enroot" {
	command_is srun 'echo "  --help"'
	FEW=$BATS_TEST_TMPDIR/bin
	finds warn containers 'neither pyxis nor enroot' 'runtime'
}

@test "an image directory that is not there" {
	echo "image_dirs: [$BATS_TEST_TMPDIR/nowhere]" >"$CONFIG"
	finds fail images 'No such file' 'ucluster config --edit'
}

@test "an image directory without an image" {
	rm "$BATS_TEST_TMPDIR/images/base.sqsh"
	finds warn images 'no image in' 'uimage import'
}

@test "credentials of enroot that others can read" {
	chmod 644 "$HOME/.config/enroot/.credentials"
	finds fail credentials '.credentials has mode 644' 'chmod 600 ~/.config/enroot/.credentials'
}

@test "a token of kaggle that others can read" {
	chmod 640 "$HOME/.kaggle/kaggle.json"
	finds fail credentials 'kaggle.json has mode 640' 'chmod 600 ~/.kaggle/kaggle.json'
}

@test "a key of SSH that others can read" {
	chmod 604 "$HOME/.ssh/id_ed25519"
	finds fail credentials 'id_ed25519 has mode 604' 'chmod 600 ~/.ssh/id_ed25519'
}

@test "a directory of keys where others can write" {
	chmod 777 "$HOME/.ssh"
	finds fail credentials '~/.ssh has mode 777' 'chmod 700 ~/.ssh'
}

@test "state that cannot be written" {
	mkdir -p "$HOME/.local"
	: >"$HOME/.local/state"
	finds fail state '~/.local/state/ucluster cannot be written' 'ls -ld'
}

@test "another usrun in PATH" {
	command_is usrun 'exit 0'
	finds warn install 'usrun in PATH is another' "export PATH=$UC_TEST_BUILD/bin:"
}

@test "an installation that is not whole" {
	mkdir -p "$BATS_TEST_TMPDIR/inst/bin"
	cp "$UC_TEST_BUILD/bin/ucluster" "$BATS_TEST_TMPDIR/inst/bin"
	DOCTOR=$BATS_TEST_TMPDIR/inst/bin/ucluster
	LD_LIBRARY_PATH=$UC_TEST_BUILD/lib finds fail install 'programs are missing' 'cmake --install'
}

@test "a full disk" {
	[ "$(id -u)" = 0 ] || skip 'needs root, to mount one'
	SMALL=$BATS_TEST_TMPDIR/small
	mkdir "$SMALL"
	mount -t tmpfs -o size=80m tmpfs "$SMALL"
	head -c 70M /dev/zero >"$SMALL/data"
	cd "$SMALL"
	finds fail disks 'is full' 'uinfo disk --scan'
}

@test "a cache that fills the home directory" {
	mkdir -p "$HOME/.cache/pip" "$HOME/.cache/huggingface"
	fallocate -l 1200M "$HOME/.cache/pip/wheels"
	finds warn caches '~/.cache/pip takes 1.1' 'cache_dir'
	echo 'cache_dir: /tmp' >>"$CONFIG"
	finds warn caches '~/.cache/pip takes 1.1' 'rm -r ~/.cache/pip'
}

@test "a socket that nobody listens at" {
	mkdir -m 700 "$XDG_RUNTIME_DIR/ucluster-ssh"
	(cd "$XDG_RUNTIME_DIR/ucluster-ssh" &&
		perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "old", Listen => 1) or die "$!\n"')
	finds warn sockets 'nobody listens at' "rm '$XDG_RUNTIME_DIR/ucluster-ssh/old'"
}

@test "a directory of sockets where others can write" {
	mkdir -m 777 "$XDG_RUNTIME_DIR/ucluster-ssh"
	chmod 777 "$XDG_RUNTIME_DIR/ucluster-ssh"
	finds fail sockets 'not a directory of yours alone' 'chmod 700'
}

@test "an SSH host that refuses, one without usync, one that hangs, and a good one" {
	printf 'sync: {host: "me@host"}\n' >>"$CONFIG"
	command_is ssh 'exit 255'
	finds fail ssh 'cannot log in' 'ssh -v me@host'
	command_is ssh 'exit 127'
	finds warn ssh 'no usync' 'usync install-helper me@host'
	command_is ssh 'exec sleep 1000'
	finds fail ssh 'does not answer' 'ssh -v me@host'
	# shellcheck disable=SC2016
	command_is ssh 'for word; do :; done' 'case $word in "usync --version"*) exit 0 ;; esac' 'exit 9'
	finds ok ssh 'lets you in' ''
	# a connection that is kept, as with ControlPersist, is not waited for
	command_is ssh "setsid sleep 600 </dev/null >/dev/null 2>&1 & echo \$! >$BATS_TEST_TMPDIR/kept"
	run --separate-stderr ucluster doctor --json
	kill "$(cat "$BATS_TEST_TMPDIR/kept")"
	[ "$(jq -r '.checks[] | select(.check == "ssh") | .state' <<<"$output")" = ok ]
}

@test "config --edit: what has a fault does not take the file's place" {
	before=$(<"$CONFIG")
	command_is edit 'echo "time: 8h" >>"$2"' '[ "$1" = "with blanks" ]'
	EDITOR="edit 'with blanks'" run -0 ucluster config --edit
	[ "$(<"$CONFIG")" = "$before"$'\n''time: 8h' ]
	command_is edit 'echo "nonsense: 1" >>"$1"'
	before=$(<"$CONFIG")
	VISUAL=edit EDITOR=false run -2 ucluster config --edit
	[[ $output == *nonsense* && $output == *'is as it was'* ]]
	[ "$(<"$CONFIG")" = "$before" ]
	# what was written is not lost
	grep -q nonsense "$CONFIG".*.yaml
	rm "$CONFIG".*.yaml
	EDITOR=false run -1 ucluster config --edit
	[ "$(<"$CONFIG")" = "$before" ]
	EDITOR=true run -0 ucluster config --edit
	EDITOR=/nonesuch/editor run -3 ucluster config --edit
	EDITOR="vi 'open" run -2 ucluster config --edit
	[ "$(ls -A "$HOME/.config/ucluster")" = config.yaml ]
	[ "$(ucluster config --path)" = "$CONFIG" ]
}

@test "config --edit: what somebody else wrote meanwhile is not replaced" {
	printf 'color: never\n' >"$CONFIG"
	command_is editor "echo 'color: always' >\"\$1\"" "echo 'color: auto' >$CONFIG"
	EDITOR=editor run -2 ucluster config --edit
	[[ $output == *'somebody else changed it meanwhile'*"hint: it is in '$CONFIG."* ]]
	[ "$(cat "$CONFIG")" = 'color: auto' ]
	[ "$(cat "$CONFIG".*)" = 'color: always' ]
}

@test "config --edit: a link stays, a mode stays, and there need be no file" {
	command_is edit 'echo "gpus: 1" >>"$1"'
	mkdir "$HOME/dotfiles"
	mv "$CONFIG" "$HOME/dotfiles/uc.yaml"
	ln -s "$HOME/dotfiles/uc.yaml" "$CONFIG"
	chmod 600 "$HOME/dotfiles/uc.yaml"
	EDITOR=edit run -0 ucluster config --edit
	[ -L "$CONFIG" ]
	[ "$(stat -c %a "$HOME/dotfiles/uc.yaml")" = 600 ]
	grep -q 'gpus: 1' "$HOME/dotfiles/uc.yaml"
	rm "$CONFIG" && rmdir "$HOME/.config/ucluster"
	EDITOR=edit run -0 ucluster config --edit
	[ "$(ucluster config gpus)" = 1 ]
}

@test "version says what is there" {
	run --separate-stderr -0 ucluster version --json
	jq -e '.slurm_workers | length >= 1' <<<"$output"
	[ "$(jq -r .bin_dir <<<"$output")" = "$UC_TEST_BUILD/bin" ]
	run -0 ucluster version
	[ "$output" = "ucluster $(ucluster version --json | jq -r .version)" ]
}
