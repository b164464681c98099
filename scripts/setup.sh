# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by quickstart and run-tests: numbered steps, and the packages they need.
# The caller sets where it is and what it may do; `log` is a file, later set.
: "${program:?}" "${top:?}"

step_count=0 step_text='' step_since=0 step_total=0

say()
{
	printf '%s\n' "$*"
}

# fail TEXT [HINT]: end with status 1.
fail()
{
	printf '%s: %s\n' "$program" "$1" >&2
	[ -z "${2:-}" ] || printf '  %s\n' "$2" >&2
	exit 1
}

# step TEXT: the next numbered step begins; done_step [NOTE] ends it with its time.
# live_step TEXT: one whose own output follows.
step()
{
	step_count=$((step_count + 1)) step_text=$1 step_since=${EPOCHREALTIME/[^0-9]/}
	printf '[%d/%d] %-44s ' "$step_count" "$step_total" "$step_text"
	[ ! -t 1 ] || printf '... '
}

live_step()
{
	step_count=$((step_count + 1)) step_text=$1
	printf '[%d/%d] %s\n' "$step_count" "$step_total" "$step_text"
}

done_step()
{
	local took=$(((${EPOCHREALTIME/[^0-9]/} - step_since) / 100000))

	[ ! -t 1 ] || printf '\b\b\b\b'
	printf '%3d.%d s%s\n' $((took / 10)) $((took % 10)) "${1:+  $1}"
	step_text=
}

# in_group COMMAND...: as a process group of its own, so that the caller hears a signal at
# once and can end all of it: end_group.
in_group()
{
	local status

	set -m
	"$@" </dev/null &
	group=$!
	set +m
	wait "$group"
	status=$?
	group=
	return $status
}

group=
end_group()
{
	[ -n "$group" ] || return 0
	kill -TERM -- "-$group" 2>/dev/null
	wait "$group" 2>/dev/null
	group=
}

# quietly COMMAND...: its output goes to the log; when it fails the end of it is shown.
quietly()
{
	local from status

	from=$(wc -c <"${log:?}") || return 1
	in_group "$@" >>"$log" 2>&1 && return 0
	status=$?
	printf '\n\n' >&2
	tail -c "+$((from + 1))" "$log" | tail -n 25 | sed 's/^/    /' >&2
	printf '\n%s: %s: "%s" ended with status %d\n' \
		"$program" "$step_text" "$(shown "$@")" "$status" >&2
	printf '  everything it printed is in %s\n' "$log" >&2
	exit 1
}

shown()
{
	local words="$*"

	[ ${#words} -le 60 ] || words=${words:0:57}...
	printf '%s' "$words"
}

# forget_moved FOLDER: a build folder that came here with a copy of the tree.
forget_moved()
{
	[ ! -f "$1/CMakeCache.txt" ] ||
		grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$top" "$1/CMakeCache.txt" ||
		rm -rf "$1/CMakeCache.txt" "$1/CMakeFiles"
}

# need_namespaces: containers are user and mount namespaces.
need_namespaces()
{
	[ -r /proc/self/mountinfo ] || fail "/proc is not mounted" "mount -t proc proc /proc"
	unshare --user --map-root-user --mount true 2>/dev/null </dev/null && return 0
	if [ "$(id -u)" = 0 ]; then
		fail "user namespaces are refused here, so no container can start" \
			"in a plain chroot the kernel refuses them: use pivot_root, as containers do"
	fi
	fail "user namespaces are refused to you, so no container can start" \
		"as root: sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu 24.04)"
}

# release_is_known: is this a release whose package names are in scripts/packages?
release_is_known()
{
	local ID='' VERSION_ID=''

	# shellcheck disable=SC1091
	[ ! -r /etc/os-release ] || . /etc/os-release
	release="${ID:-this system} ${VERSION_ID:-}"
	case $ID:$VERSION_ID in
	debian:12 | ubuntu:22.04 | ubuntu:24.04) return 0 ;;
	esac
	return 1
}

# wanted GROUP...: the package lines of these groups.
wanted()
{
	local group package

	while read -r group package; do
		[[ $group == \#* || " $* " != *" $group "* ]] || printf '%s\n' "$package"
	done <"$top/scripts/packages"
}

installed()
{
	# shellcheck disable=SC2016 # dpkg's own ${...}
	[ "$(dpkg-query -Wf '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# missing GROUP...: those of them of which no alternative is installed.
missing()
{
	local line package

	wanted "$@" | while IFS= read -r line; do
		for package in ${line//|/ }; do
			! installed "$package" || continue 2
		done
		printf '%s\n' "$line"
	done
}

# Programs instead of packages where dpkg is not: good enough to go on.
need_packages()
{
	local lines names

	release_is_known ||
		fail "$release is not a release this script can set up" \
			"install what these are called there, then build with cmake: $(wanted "$@" | tr '\n' ' ')"
	lines=$(missing "$@")
	[ -n "$lines" ] || return 0
	names=${lines//$'\n'/ }
	[ "${may_install:?}" = yes ] ||
		fail "packages are missing: $names"
	if [ "$(id -u)" = 0 ]; then
		as_root=()
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		as_root=(sudo -n)
	else
		fail "packages are missing, and you are neither root nor allowed to sudo without a password" \
			"ask for them, or: sudo apt-get install --no-install-recommends $names"
	fi
	# shellcheck disable=SC2086
	install_packages $lines
}

install_packages()
{
	local line package names=()

	# Lists may be old or absent; without a network those that are there have to do.
	apt_get update || say "apt-get update failed; trying with the lists that are there" >>"$log"
	for line; do
		for package in ${line//|/ }; do
			if apt-cache show "$package" >/dev/null 2>&1; then
				break
			fi
		done
		names+=("$package")
	done
	forbid_services
	# What a crash interrupted before.
	[ -z "$(dpkg --audit 2>/dev/null)" ] ||
		"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive dpkg --configure -a \
			</dev/null >>"$log" 2>&1
	apt_get install --no-install-recommends "${names[@]}" ||
		quietly_failed "apt-get install ${names[*]}"
	allow_services
}

# In a session of its own: Ctrl-C waits for it, as half an installation helps nobody.
apt_get()
{
	"${as_root[@]}" setsid --wait env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
		apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@" \
		</dev/null >>"$log" 2>&1
}

quietly_failed()
{
	allow_services
	printf '\n\n' >&2
	grep -E '^(E|W|dpkg|Err)[: ]' "$log" | tail -n 15 | sed 's/^/    /' >&2
	fail "'$(shown "$1")' failed" "everything it printed is in $log"
}

# A package's daemons must not start: this is somebody's machine, and the sandbox has its
# own. dpkg asks policy-rc.d; what was there before comes back, also after Ctrl-C.
policy=/usr/sbin/policy-rc.d
policy_mark='ucluster: while packages are installed'
forbid_services()
{
	policy_set=yes
	if [ -e "$policy" ] && ! grep -q "$policy_mark" "$policy"; then
		"${as_root[@]}" mv -f "$policy" "$policy.before-ucluster"
	fi
	printf '#!/bin/sh\n# %s\nexit 101\n' "$policy_mark" |
		"${as_root[@]}" tee "$policy" >/dev/null
	"${as_root[@]}" chmod 755 "$policy"
	services_before=$(enabled_services)
}

allow_services()
{
	local service

	[ "${policy_set:-}" = yes ] || return 0
	policy_set=
	"${as_root[@]}" rm -f "$policy"
	[ ! -e "$policy.before-ucluster" ] ||
		"${as_root[@]}" mv -f "$policy.before-ucluster" "$policy"
	# Nor at the next boot, where this installed them.
	for service in $(enabled_services); do
		[[ " ${services_before//$'\n'/ } " == *" $service "* ]] ||
			"${as_root[@]}" systemctl --quiet disable "$service" >>"$log" 2>&1
	done
}

enabled_services()
{
	local service

	[ -d /run/systemd/system ] || return 0
	for service in munge slurmctld slurmd slurmdbd mariadb; do
		! systemctl --quiet is-enabled "$service" 2>/dev/null || printf '%s\n' "$service"
	done
}
