#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A million files: neither side of a run takes 200 MB, whatever there is to do. For a build
# without sanitizers, whose own memory is a multiple; UC_SYNC_FILES says how many.
load helper
load sshd
load usync

setup()
{
	[ -z "$UC_TEST_SANITIZE" ] || skip "memory of a sanitizer"
	usync_setup
}

teardown()
{
	usync_teardown
}

# measured WORD...: run usync; the most memory of it and of what sshd started, in MB.
measured()
{
	local client pid most=0

	usync -Q "$@" 3>&- &
	client=$!
	while kill -0 "$client" 2>/dev/null; do
		for pid in "$client" $(sshd_processes); do
			most=$(awk -v most="$most" '/^VmHWM/ { mb = int($2 / 1024) }
				END { print (mb > most ? mb : most) }' "/proc/$pid/status" 2>/dev/null ||
				echo "$most")
		done
		read -rt 0.1 <> <(:) || :
	done
	wait "$client" || return 1
	echo "# $most MB: usync $*" >&3
	[ "$most" -lt 200 ]
}

@test "a million files take less than 200 MB on both sides" {
	local files=${UC_SYNC_FILES:-1000000}

	way libssh2
	perl -e 'my ($root, $files) = @ARGV;
		mkdir $root or die;
		for my $d (0 .. $files / 1000 - 1) {
			mkdir "$root/folder-$d" or die;
			for my $f (0 .. 999) {
				open my $out, ">", "$root/folder-$d/sample_${f}_of_dataset.npy" or die;
			}
		}' here "$files"
	measured "${WAY[@]}" here/ "there:$WORK/there"
	measured "${WAY[@]}" here/ "there:$WORK/there"
	measured "${WAY[@]}" "there:$WORK/there/" here
	rm -rf here
	measured "${WAY[@]}" "there:$WORK/there/" back
	[ "$(find back -type f | wc -l)" -eq "$files" ]
}
