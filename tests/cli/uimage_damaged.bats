# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# uimage and damaged images: some hundred of them, of each compressor. None may crash or
# hang what reads it, nor make it write.
bats_require_minimum_version 1.5.0

load image.bash

setup()
{
	export HOME=$BATS_TEST_TMPDIR/home UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export UCLUSTER_IMAGE_DIRS=$BATS_TEST_TMPDIR/bad
	unset XDG_STATE_HOME UCLUSTER_IMAGE_PACKAGES
	mkdir "$HOME" "$BATS_TEST_TMPDIR/good" "$BATS_TEST_TMPDIR/bad"
	cd "$BATS_TEST_TMPDIR" || return 1
	reader=$(echo "$UC_TEST_BUILD"/lib*/ucluster/image-reader)
	make_tree tree
	seq 60000 >tree/numbers
	for compressor in gzip lzo lz4 xz zstd; do
		pack tree "good/$compressor.sqsh" -comp "$compressor"
	done
	pack tree good/plain.sqsh -noI -noD -noF -noX
}

@test "damaged images are skipped or read, and no more" {
	count=$(python3 "$BATS_TEST_DIRNAME/damaged_images.py" good bad)
	[ "$count" -ge 300 ]
	sha256sum bad/* >before
	timeout 500 uimage list --json >out 2>err
	sha256sum bad/* >after
	cmp before after
	[ "$(jq '.images | length' out)" = "$count" ]
	# each that is not read has its line, and each was refused by the reader's own words
	[ "$(jq '[.images[] | select(.state == "unreadable")] | length' out)" = "$(wc -l <err)" ]
	run ! grep -E 'ended with|in time|garbled' err
	jq -e '[.images[] | select(.state == "unreadable")] | length > 150' out
	grep -q 'folder in it is in itself' err
	grep -q 'a name in it is none' err
	run ! grep -q $'[\e\a]' err
}

@test "all of a damaged image is read without harm" {
	python3 "$BATS_TEST_DIRNAME/damaged_images.py" good bad 1 >/dev/null
	for image in good/*.sqsh; do
		"$reader" check "$image" 20 | cat >"$image.good"
	done
	faulty=0
	for image in bad/*; do
		timeout 30 "$reader" check "$image" 20 2>err | cat >out
		[ "${PIPESTATUS[0]}" = 0 ] && [ -s out ] && [ ! -s err ] || {
			echo "$image"
			head -5 err
			return 1
		}
		name=${image#bad/}
		cmp -s out "good/${name%%-*}.sqsh.good" || faulty=$((faulty + 1))
	done
	[ "$faulty" -gt 250 ]
}
