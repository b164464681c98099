# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Images and registries for tests: `load registry`, then registry_start in setup() and
# registry_stop in teardown(). $R is the registry's host:port; enroot is the stand-in, and
# all that it keeps is in $WORK.
# shellcheck disable=SC2034

registry_start()
{
	mkdir -p "$WORK/registry" "$WORK/images" "$WORK/tmp" "$WORK/cache"
	python3 "$UC_TEST_TOP/tests/e2e/registry.py" "$WORK/registry" \
		>"$WORK/registry/err" 2>&1 3>&- &
	REGISTRY_PID=$!
	wait_until 60 test -s "$WORK/registry/port" || {
		cat "$WORK/registry/err"
		return 1
	}
	R=127.0.0.1:$(cat "$WORK/registry/port")
	export HOME=$WORK XDG_STATE_HOME=$WORK/state XDG_CONFIG_HOME=$WORK/config
	export XDG_CACHE_HOME=$WORK/.cache XDG_RUNTIME_DIR=$WORK/run
	export PATH=$UC_TEST_TOP/share/sandbox/enroot:$PATH ENROOT_ALLOW_HTTP=y
	export UCLUSTER_SITE_CONFIG=$WORK/no-site.yaml UCLUSTER_IMAGE_DIRS=$WORK/images
	export UCLUSTER_IMPORT_TEMP_DIR=$WORK/tmp UCLUSTER_IMPORT_CACHE_DIR=$WORK/cache
	export UCLUSTER_IMPORT_SPACE=1M
	unset ENROOT_CACHE_PATH ENROOT_TEMP_PATH ENROOT_DATA_PATH ENROOT_CONFIG_PATH
	chmod 755 "$WORK/registry"
}

registry_stop()
{
	[ -z "${REGISTRY_PID-}" ] || kill "$REGISTRY_PID" 2>/dev/null || :
}

# What was asked of it: "200 GET /v2/..." lines.
registry_log()
{
	cat "$WORK/registry/log" 2>/dev/null || :
}

# Everything that an import made and did not finish.
leftovers()
{
	find "$WORK/images" -name '.*' -type f
	find "$WORK/tmp" -mindepth 2 -maxdepth 2 -name 'import-*'
}

# whole IMAGE: it is complete, and has what the registry's image has.
whole()
{
	unsquashfs -cat "$1" opt/new | cmp - <(echo new) && uimage check "$1" >/dev/null
}
