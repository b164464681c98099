# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: GPL-2.0-or-later
# For tests of usync against a real sshd: `load helper`, `load sshd`, `load usync`;
# usync_setup in setup(), usync_teardown in teardown(). $WORK is an empty folder, and the
# working directory; $WAYS are the ways to the host, words for `way`.

# usync_setup [FOLDER]: $WORK is made in that folder.
usync_setup()
{
	WORK=$(mktemp -d "${1:-$UC_TEST_BUILD/tests/tmp}/usync-XXXXXX") || return 1
	export HOME=$WORK/home UCLUSTER_SITE_CONFIG=$WORK/none E2E_TMUX="" SMALL=""
	# kept connections of this test, which end with its sshd
	export XDG_RUNTIME_DIR=$WORK/run
	# a sanitizer's report of the other end is in a file
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:log_path=$WORK/asan
	mkdir -p "$HOME" "$XDG_RUNTIME_DIR"
	chmod 700 "$XDG_RUNTIME_DIR"
	read -ra WAYS <<<"${UC_SYNC_WAYS:-libssh2 ssh sftp sftp-ssh}"
	sshd_start "$(far_environment "PATH=$PATH")" || return 1
	cd "$WORK" || return 1
}

# far_environment WORD...: the line of sshd's configuration; only the first one counts.
far_environment()
{
	printf 'SetEnv'
	printf ' "%s"' "$@" "HOME=$HOME" "XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR" \
		"ASAN_OPTIONS=$ASAN_OPTIONS" "UBSAN_OPTIONS=${UBSAN_OPTIONS-}"
}

usync_teardown()
{
	tmux_end
	sshd_stop
	[ -z "${SMALL-}" ] || umount -l "$SMALL"
	cat "$WORK"/asan.* 2>/dev/null || :
	# folders that a test took the permission from
	chmod -R u+rwX "$WORK" 2>/dev/null || :
	cd / && rm -rf "$WORK"
}

# way NAME: options of usync for one way to the host, in $WAY.
way()
{
	echo "way $1" # seen when the test fails
	WAY=(--config "$SSHD_CONFIG")
	# SFTP knows whole seconds only, and does not tell which names are one file
	SECONDS_ONLY='' APART=''
	[[ $1 != sftp* ]] || SECONDS_ONLY=--seconds APART=--apart
	case $1 in
	libssh2) WAY+=(--transport=libssh2) ;;
	ssh) WAY+=(--transport=ssh) ;;
	sftp) WAY+=(--transport=libssh2 --sftp) ;;
	sftp-ssh) WAY+=(--transport=ssh --sftp) ;;
	*)
		echo "no way '$1'"
		return 1
		;;
	esac
}

# Everything travels, and nobody is asked.
ALL=(--allow-secrets --yes --max-delete=1000000)

tree()
{
	perl "$BATS_TEST_DIRNAME/usync_tree.pl" "$@"
}

# same A B [pulled|edited]: the two trees are the same, but for what usync keeps for itself,
# and what the way does not tell: over SFTP not which files are one, so that these are apart
# when they were pulled, and when they were there and equal before.
same()
{
	local flags=$SECONDS_ONLY

	[ -z "${3-}" ] || flags+=" $APART"
	# shellcheck disable=SC2086
	diff <(tree list $flags "$1") <(tree list $flags "$2") >"$WORK/difference" || {
		echo "$1 and $2 differ:"
		head -n 20 "$WORK/difference" | cut -c1-300
		return 1
	}
}

# No temporary of ours is below it, but for parts to go on from.
no_leftovers()
{
	[ -z "$(find "$1" -name '.uc-*' -not -path '*/.ucluster-*' -print -quit)" ]
}
