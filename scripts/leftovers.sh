# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by run-tests: what tests may leave behind, cleared away and complained about.
: "${program:?}" "${top:?}"

# leftovers_before FOLDER: what there is before the tests. FOLDER is the build folder,
# absolute.
leftovers_before()
{
	build=$1
	run_start=$(start_time self)
	UC_TEST_RUN=${build//[^A-Za-z0-9\/]/_} # a word without meaning to grep
	stop_sandboxes >/dev/null # of a run that was killed
	end_processes
	mounts_before=$(mounts)
	users_before=$(test_users)
	files_before=$(files_outside)
	namespaces_before=$(named_namespaces)
}

mounts()
{
	awk '{ print $5, $4, $(NF - 1) }' /proc/self/mountinfo | sort
}

# Test users have their homes under the build folder.
test_users()
{
	grep -F ":$build/" /etc/passwd | cut -d: -f1 | sort
}

named_namespaces()
{
	ls /run/netns 2>/dev/null
}

# Where programs of ours, Slurm, munge and enroot put things when they are told nothing.
files_outside()
{
	local state=${XDG_STATE_HOME:-${HOME:-/nonexistent}/.local/state}

	find /tmp /var/tmp /dev/shm /run "$state" -maxdepth 1 \( -name 'uct*' \
		-o -name 'ucluster*' -o -name 'slurm*' -o -name 'munge*' \
		-o -name 'enroot*' -o -name 'pyxis*' \) 2>/dev/null | sort
}

# start_time PID: clock ticks since boot.
start_time()
{
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

# has_terminal PID
has_terminal()
{
	[ "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f5)" != 0 ]
}

# Processes of the tests: by our mark, by a sandbox of the build folder, by their program;
# and those that threw their environment away by where they stand, when they have no
# terminal and are younger than we.
processes()
{
	{
		grep -lazE "^(UC_TEST_RUN=$UC_TEST_RUN\$|SLURM_CONF=$build/|UCLUSTER_SANDBOX_RUN=$build/)" \
			/proc/[0-9]*/environ
		find /proc/[0-9]*/exe -maxdepth 0 -lname "$build/*"
		find /proc/[0-9]*/cwd -maxdepth 0 -lname "$build*" | while IFS=/ read -r _ _ pid _; do
			if ! has_terminal "$pid" && [ "$(start_time "$pid")" -gt "$run_start" ]; then
				printf '/proc/%s/cwd\n' "$pid"
			fi
		done
	} 2>/dev/null | cut -d/ -f3 | sort -un | while IFS= read -r pid; do
		[ "$pid" = "$$" ] || [ ! -e "/proc/$pid/exe" ] || printf '%s\n' "$pid"
	done
}

describe()
{
	local pid

	for pid; do
		printf 'process %s: %s\n' "$pid" \
			"$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c 1-120)"
	done 2>/dev/null
}

# Bounded: TERM, then KILL.
end_processes()
{
	local pids signal tries

	for signal in TERM KILL; do
		mapfile -t pids < <(processes)
		[ ${#pids[@]} -gt 0 ] || return 0
		kill -"$signal" "${pids[@]}" 2>/dev/null
		for ((tries = 0; tries < 50; tries++)); do
			[ -n "$(processes)" ] || return 0
			sleep 0.1
		done
	done
	return 1
}

# Every sandbox below the build folder, by the book: it knows its jobs, mounts and folders.
# Prints those that there were.
stop_sandboxes()
{
	local marker

	find "$build" -maxdepth 6 -name .ucluster-sandbox 2>/dev/null |
		while IFS= read -r marker; do
			[ ! -e "${marker%/*}/procs" ] || printf 'sandbox in %s\n' "${marker%/*}"
			"$top/share/sandbox/sandbox" stop --purge --dir "${marker%/*}" \
				</dev/null >>"${log:?}" 2>&1
		done
}

# What is there now and was not before; the words after "user", "mount" are its name.
new_things()
{
	comm -13 <(printf '%s\n' "$mounts_before") <(mounts) | sort -r | sed 's/^/mount /'
	comm -13 <(printf '%s\n' "$users_before") <(test_users) | sed 's/^/user /'
	comm -13 <(printf '%s\n' "$files_before") <(files_outside) | sed 's/^/file /'
	comm -13 <(printf '%s\n' "$namespaces_before") <(named_namespaces) |
		sed 's/^/network namespace /'
}

# leftovers_end HOW: stop what is there, remove what is ours. After tests that ended by
# themselves (HOW = ended) everything found is a fault; else only what would not go.
leftovers_end()
{
	local found pids what name tries

	if [ "$1" != ended ]; then
		end_processes
	fi
	found=$(stop_sandboxes)
	# What is about to end by itself may do so.
	for ((tries = 0; tries < 30; tries++)); do
		[ -n "$(processes)" ] || break
		sleep 0.1
	done
	mapfile -t pids < <(processes)
	found+=$'\n'$(describe "${pids[@]}")
	end_processes || found+=$'\n'"processes that do not end: $(processes | tr '\n' ' ')"
	[ "$1" = ended ] || found=
	found+=$'\n'$(new_things)
	while read -r what name _; do
		case $what:$name in
		mount:"$build"/*) umount -l "$name" ;;
		user:*) userdel "$name" ;;
		esac >>"${log:?}" 2>&1
	done <<<"$found"
	[ -n "${found//$'\n'/}" ] || return 0
	printf '%s: left behind by the tests (processes, sandboxes, users now gone):\n' \
		"$program" >&2
	printf '%s\n' "$found" | sed '/^$/d; s/^/  /' >&2
	return 1
}
