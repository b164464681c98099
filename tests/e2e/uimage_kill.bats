#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# An import that is killed, at UC_IMPORT_KILLS random points: its image is whole or not
# there, nothing of it goes on, the next import works, and clean finds what is left.

load helper
load registry

setup()
{
	e2e_setup
	registry_start
}

teardown()
{
	registry_stop
	e2e_teardown
}

# Processes of enroot here.
no_enroot()
{
	! grep -qsza "^ENROOT_TEMP_PATH=$WORK/tmp" /proc/[0-9]*/environ
}

below()
{
	local child
	for child in $(ps -o pid= --ppid "$1"); do below "$child"; done
	echo "$1"
}

# What is left, sorted: the paths that clean must tell of.
left()
{
	{
		find "$WORK/images" -name '.*' -type f
		find "$WORK/tmp" -mindepth 2 -maxdepth 2 -name 'import-*'
		[ -e "$WORK/images/x.sqsh" ] || find "$WORK/images" -name 'x.*'
	} | sort
}

told()
{
	uimage clean --dry-run --json | jq -r '.left[] | select(.kind == "import") | .path' | sort
}

# once I MS: kill the I-th import after MS milliseconds, and look.
once()
{
	local pid there
	rm -f images/x.*
	uimage import --local "$R/open/app" x >said 2>&1 3>&- &
	pid=$!
	sleep "$(printf '%d.%03d' $(($2 / 1000)) $(($2 % 1000)))"
	if (($1 % 2)); then
		kill -9 "$pid" 2>/dev/null || :
	else
		# shellcheck disable=SC2046
		kill -9 $(below "$pid") 2>/dev/null || :
	fi
	wait "$pid" 2>/dev/null || :
	wait_until 60 no_enroot || { echo "$1, $2 ms: enroot goes on"; return 1; }
	there=absent
	if [ -e images/x.sqsh ]; then
		whole images/x.sqsh || { echo "$1, $2 ms: it is not whole"; return 1; }
		there=whole
	fi
	diff <(left) <(told) || { echo "$1, $2 ms: clean finds something else"; return 1; }
	echo "$1 $2 ms: $there, $(left | wc -l) left" >>points
	if (($1 % 3 == 0)); then
		uimage clean --yes >/dev/null 2>&1 || { echo "$1, $2 ms: clean failed"; return 1; }
		[ -z "$(left)" ] || { echo "$1, $2 ms: clean left $(left)"; return 1; }
	fi
	rm -f images/x.sqsh
	uimage import --local "$R/open/app" x >again 2>&1 || {
		echo "$1, $2 ms: the next import failed: $(cat again)"
		return 1
	}
	whole images/x.sqsh || { echo "$1, $2 ms: the next one is not whole"; return 1; }
	[ -z "$(left)" ] || { echo "$1, $2 ms: it left $(left)"; return 1; }
}

@test "killed at random points: whole or absent, the next one works, clean finds the rest" {
	from=${EPOCHREALTIME/./}
	uimage import --local "$R/open/app" first
	took=$(((${EPOCHREALTIME/./} - from) / 1000))
	rm -rf cache
	: >points
	for i in $(seq "${UC_IMPORT_KILLS:-30}"); do
		once "$i" $((RANDOM % (took * 11 / 10)))
		if ((i % 5 == 0)); then rm -rf cache; fi
	done
	awk '{ n[$4]++; if ($5 > 0) l++ } END { for (w in n) print w, n[w]; print "with something left:", l + 0 }' points >&3
}

@test "a job that is killed leaves nothing that the next one trips over" {
	id=$(uimage import --batch --parsable "$R/slow/app" x)
	wait_until 60 grep -qs downloading "state/ucluster/imports/$id.log"
	# the guard, which looks the same and is younger, ends what enroot has started; without
	# it that is for the cgroup of the job, which there is none of here
	pkill -9 -o -f "^[^ ]*uimage import --local --inside .*$WORK/images/x.sqsh"
	wait_for_job "$id" GONE 60
	wait_until 60 no_enroot
	[ ! -e images/x.sqsh ]
	diff <(left) <(told)
	[ "$(left | wc -l)" -ge 2 ]
	touch registry/go
	uimage import "$R/slow/app" x
	whole images/x.sqsh
	[ -z "$(left)" ]
}
