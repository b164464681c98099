# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A real sshd for one test: `load helper`, `load sshd`; sshd_start in setup(), sshd_stop in
# teardown(). It listens on this machine only and lets in who runs the test, with a key that
# lies in $SSHD_DIR; nobody's own ~/.ssh is read or written.
#
#	ssh -F "$SSHD_CONFIG" there true
#
# $SSHD_PORT, $SSHD_PID; $SSHD_DIR/known_hosts, id, authorized_keys, log, and its own
# configuration, sshd_config. Commands find what the test finds in PATH.

# sshd_start [LINE...]: with these lines in front of its configuration.
sshd_start()
{
	local try

	SSHD_DIR=$(mktemp -d "$UC_TEST_BUILD/tests/tmp/sshd-XXXXXX") || return 1
	SSHD_CONFIG=$SSHD_DIR/config SSHD_PID=
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$SSHD_DIR/id" &&
		ssh-keygen -q -t ed25519 -N '' -C '' -f "$SSHD_DIR/host_ed25519" &&
		ssh-keygen -q -t ecdsa -N '' -C '' -f "$SSHD_DIR/host_ecdsa" &&
		cp "$SSHD_DIR/id.pub" "$SSHD_DIR/authorized_keys" || return 1
	for try in 1 2 3 4 5 6 7 8 9 10; do
		# below the ports that the system gives to those who ask for none
		SSHD_PORT=$((20000 + RANDOM % 12000))
		sshd_configure "$@"
		sshd_run && return 0
		grep -q 'Address already in use' "$SSHD_DIR/log" || break
	done
	echo "sshd does not start (try $try):"
	cat "$SSHD_DIR/log"
	return 1
}

sshd_configure()
{
	local line

	{
		for line; do
			printf '%s\n' "$line"
		done
		cat <<-EOT
			ListenAddress 127.0.0.1:$SSHD_PORT
			HostKey "$SSHD_DIR/host_ed25519"
			HostKey "$SSHD_DIR/host_ecdsa"
			PidFile none
			AuthorizedKeysFile "$SSHD_DIR/authorized_keys"
			AuthenticationMethods publickey
			# the build folder may be anybody's
			StrictModes no
			UsePAM no
			PrintMotd no
			PermitUserRC no
			SetEnv "PATH=$PATH"
			Subsystem sftp internal-sftp
		EOT
	} >"$SSHD_DIR/sshd_config"
	cat >"$SSHD_CONFIG" <<-EOT
		Host there
		HostName 127.0.0.1
		Port $SSHD_PORT
		User $(id -un)
		IdentityFile "$SSHD_DIR/id"
		IdentitiesOnly yes
		IdentityAgent none
		UserKnownHostsFile "$SSHD_DIR/known_hosts"
		GlobalKnownHostsFile none
		StrictHostKeyChecking yes
		BatchMode yes
		ConnectTimeout 10
	EOT
	sed "s/^/[127.0.0.1]:$SSHD_PORT /" "$SSHD_DIR"/host_*.pub >"$SSHD_DIR/known_hosts"
}

# True when it listens. 3 is bats' own: it would wait for the sshd.
sshd_run()
{
	: >"$SSHD_DIR/log"
	if [ "$(id -u)" = 0 ] && [ ! -d /run/sshd ]; then
		unshare --mount bash -c "$(declare -f sshd_in_own_run); sshd_in_own_run \"\$1\"" \
			sshd "$SSHD_DIR" </dev/null >>"$SSHD_DIR/log" 2>&1 3>&- &
	else
		/usr/sbin/sshd -D -f "$SSHD_DIR/sshd_config" -E "$SSHD_DIR/log" \
			</dev/null >/dev/null 2>&1 3>&- &
	fi
	SSHD_PID=$!
	wait_until 20 sshd_decided && kill -0 "$SSHD_PID" 2>/dev/null &&
		grep -q '^Server listening' "$SSHD_DIR/log"
}

sshd_decided()
{
	grep -q '^Server listening' "$SSHD_DIR/log" || ! kill -0 "$SSHD_PID" 2>/dev/null
}

# root's sshd wants /run/sshd, which the system's start script makes. Here only this sshd
# sees one: its /run has all that the real one has, besides.
sshd_in_own_run()
{
	local entry

	mkdir "$1/run" && mount --rbind /run "$1/run" && mount -t tmpfs -o mode=755 run /run &&
		mkdir /run/sshd || exit 1
	for entry in "$1"/run/*; do
		if [ -L "$entry" ]; then
			cp -P "$entry" /run/
		elif [ -d "$entry" ]; then
			mkdir "/run/${entry##*/}" && mount --rbind "$entry" "/run/${entry##*/}"
		else
			: >"/run/${entry##*/}" && mount --bind "$entry" "/run/${entry##*/}"
		fi
	done
	umount -l "$1/run" && rmdir "$1/run"
	exec /usr/sbin/sshd -D -f "$1/sshd_config" -E "$1/log"
}

# sshd_processes [PID]: what it started for its connections, one a line, youngest last.
sshd_processes()
{
	local child

	ps -o pid= --ppid "${1:-$SSHD_PID}" | while read -r child; do
		printf '%s\n' "$child"
		sshd_processes "$child"
	done
}

# Connections end with it. What a command left behind in a session of its own does not.
sshd_stop()
{
	local -a all

	[ -n "${SSHD_DIR-}" ] || return 0
	if [ -n "$SSHD_PID" ]; then
		mapfile -t all < <(sshd_processes)
		kill -KILL "$SSHD_PID" "${all[@]}" 2>/dev/null || :
		wait "$SSHD_PID" 2>/dev/null || :
	fi
	rm -rf "$SSHD_DIR"
	SSHD_DIR='' SSHD_PID=''
}
