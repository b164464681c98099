# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# uimage without a cluster: images made here, found, read, searched.
bats_require_minimum_version 1.5.0

load transcript.bash

setup()
{
	export HOME=$BATS_TEST_TMPDIR/home UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export UCLUSTER_IMAGE_DIRS=$BATS_TEST_TMPDIR/images
	unset XDG_STATE_HOME
	mkdir "$HOME" "$UCLUSTER_IMAGE_DIRS"
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "images are listed by their short names, in the order of the folders" {
	mkdir other
	touch images/b.sqsh images/a.squashfs images/.tmp.sqsh images/a.packages other/b.sqsh
	UCLUSTER_IMAGE_DIRS=$PWD/images:$PWD/other
	[ "$(uimage list -h -o name)" = $'a\nb\nb' ]
}
