# shellcheck shell=bash disable=SC2016,SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
# uimage import --local with programs in enroot's place, and without a registry.
bats_require_minimum_version 1.5.0

setup()
{
	export HOME=$BATS_TEST_TMPDIR/home UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export UCLUSTER_IMAGE_DIRS=$BATS_TEST_TMPDIR/images UCLUSTER_IMPORT_SPACE=0
	export UCLUSTER_IMPORT_TEMP_DIR=$BATS_TEST_TMPDIR/temp
	export PATH=$BATS_TEST_TMPDIR/bin:$PATH
	unset XDG_STATE_HOME
	mkdir "$HOME" "$UCLUSTER_IMAGE_DIRS" "$UCLUSTER_IMPORT_TEMP_DIR" "$BATS_TEST_TMPDIR/bin"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# What `enroot import` does, in bash; the rest of enroot is not asked for.
enroot()
{
	printf '#!/bin/bash\ncase $1 in version) echo 4.1.2; exit ;; digest) exit 1 ;; esac\n%s\n' \
		"$1" >bin/enroot
	chmod +x bin/enroot
}

# soon COMMAND...: within a minute.
soon()
{
	local i
	for ((i = 0; i < 1200; i++)); do
		if "$@"; then return 0; fi
		sleep 0.05
	done
	return 1
}

are_gone()
{
	local pid
	while read -r pid; do
		if [ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status"; then return 1; fi
	done <pids
}

@test "a signal ends all that enroot started, in whatever group it is" {
	# as parallel(1) does with its children
	enroot 'set -m; sleep 600 & echo $! >new; set +m; sleep 600 & echo $! >>new
mv new "'"$PWD"'/pids"; wait'
	sed -i "2i cd '$PWD'" bin/enroot
	for signal in INT TERM HUP; do
		rm -f pids
		status=0
		# bash has background jobs ignore INT
		env --default-signal=INT uimage import --local ubuntu:22.04 x 3>&- 2>said &
		pid=$!
		soon test -s pids
		kill -"$signal" "$pid"
		wait "$pid" || status=$?
		[ "$status" = $((128 + $(kill -l "$signal"))) ]
		are_gone
		grep -q 'ended by a signal' said
		[ -z "$(ls -A images)" ]
	done
}

@test "nohup: that the terminal goes ends nothing" {
	enroot 'echo $$ >new; mv new pids; until [ -e go ]; do sleep 0.05; done
echo "[ERROR] its own end" >&2; exit 1'
	sed -i "2i cd '$PWD'" bin/enroot
	(
		trap '' HUP
		exec uimage import --local ubuntu:22.04 x 3>&- 2>said
	) &
	soon test -s pids
	kill -HUP $!
	touch go
	wait $! && status=0 || status=$?
	[ "$status" -eq 1 ]
	grep -q 'its own end' said
}

@test "the last words of an enroot that fails are not lost" {
	enroot 'sleep 0.$((RANDOM % 10)); echo "[ERROR] the last words" >&2; exit 1'
	for _ in 1 2 3 4 5 6 7 8; do
		run -1 --separate-stderr uimage import --local ubuntu:22.04 x
		[[ $stderr == *'the last words'* ]]
	done
}
