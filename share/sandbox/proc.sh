# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# Processes, ports and mounts: who is really ours, and how it is ended.
#
# A process is ours when its pid, its start time (field 22 of /proc/PID/stat,
# clock ticks since boot), its program's name and this boot all match what
# 'procs' recorded; a pid alone may belong to somebody else by now.
#
# Variables are shared by the files that 'sandbox' reads together.
# shellcheck disable=SC2034,SC2154

read_boot()
{
	read -r REPLY </proc/sys/kernel/random/boot_id
}

# proc_start PID: its start time in REPLY.
proc_start()
{
	local stat
	REPLY=
	{ read -r stat </proc/"$1"/stat; } 2>/dev/null || return 1
	# The name in parentheses may hold anything; fields count after the last ')'.
	stat=${stat##*) }
	# shellcheck disable=SC2086
	set -- $stat
	if [[ $1 == Z ]]; then return 1; fi
	REPLY=${20}
}

# proc_exe PID: the name of its program in REPLY.
proc_exe()
{
	REPLY=$(readlink /proc/"$1"/exe 2>/dev/null) || return 1
	REPLY=${REPLY% (deleted)}
	REPLY=${REPLY##*/}
}

# proc_record NAME PID EXE: notes a daemon just started.
proc_record()
{
	local boot
	proc_start "$2" || return 1
	set -- "$@" "$REPLY"
	read_boot
	boot=$REPLY
	printf '%s %s %s %s %s\n' "$1" "$2" "$4" "$3" "$boot" >>"$dir/procs"
}

# proc_ours PID START EXE BOOT
proc_ours()
{
	proc_start "$1" && [[ $REPLY == "$2" ]] || return 1
	proc_exe "$1" && [[ $REPLY == "$3" ]] || return 1
	read_boot
	[[ $REPLY == "$4" ]]
}

# procs_alive [PREFIX]: recorded daemons that live, as "NAME PID" lines.
procs_alive()
{
	local name pid start exe boot
	if [[ ! -r $dir/procs ]]; then return 0; fi
	while read -r name pid start exe boot; do
		if [[ $name == "${1-}"* ]] && proc_ours "$pid" "$start" "$exe" "$boot"; then
			printf '%s %s\n' "$name" "$pid"
		fi
	done <"$dir/procs"
}

# proc_pid NAME: the pid of a living daemon in REPLY.
proc_pid()
{
	local name pid start exe boot
	REPLY=
	if [[ ! -r $dir/procs ]]; then return 1; fi
	while read -r name pid start exe boot; do
		if [[ $name == "$1" ]] && proc_ours "$pid" "$start" "$exe" "$boot"; then
			REPLY=$pid
			return 0
		fi
	done <"$dir/procs"
	return 1
}

# end_procs PREFIX SECONDS: TERM, a bounded wait, KILL.
end_procs()
{
	local name pid tries=$(($2 * 50)) alive
	alive=$(procs_alive "$1")
	if [[ -z $alive ]]; then return 0; fi
	while read -r name pid; do kill -TERM "$pid" 2>/dev/null || :; done <<<"$alive"
	while ((tries-- > 0)); do
		if [[ -z $(procs_alive "$1") ]]; then return 0; fi
		sleep 0.02
	done
	alive=$(procs_alive "$1")
	if [[ -z $alive ]]; then return 0; fi
	while read -r name pid; do kill -KILL "$pid" 2>/dev/null || :; done <<<"$alive"
	tries=100
	while [[ -n $(procs_alive "$1") ]] && ((tries-- > 0)); do sleep 0.02; done
}

# job_pids: processes of this sandbox's jobs: slurmstepds that hold a file of
# ours open, and tasks by the environment Slurm gave them.
job_pids()
{
	local folder file
	find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -lname '*/slurmstepd*' -printf '%h\n' 2>/dev/null |
		while read -r folder; do
			if find "$folder/fd" "$folder/cwd" -maxdepth 1 \( -lname "$runtime/*" -o -lname "$log/*" \) \
				-print -quit 2>/dev/null | grep -q . ||
				grep -qazxF "UCLUSTER_SANDBOX_RUN=$run" "$folder/environ" 2>/dev/null; then
				printf '%s\n' "${folder#/proc/}"
			fi
		done || :
	{ grep -lazxF "SLURM_CONF=$conf" /proc/[0-9]*/environ 2>/dev/null || :; } |
		while read -r file; do
			if grep -qaz '^SLURMD_NODENAME=' "$file" 2>/dev/null; then
				file=${file#/proc/}
				printf '%s\n' "${file%/environ}"
			fi
		done || :
}

# end_jobs SECONDS: waits for cancelled jobs to be gone, then kills the rest.
end_jobs()
{
	local tries=$(($1 * 10)) pids
	while :; do
		pids=$(job_pids)
		if [[ -z $pids ]]; then return 0; fi
		if ((tries-- <= 0)); then break; fi
		sleep 0.1
	done
	tries=50
	while [[ -n $pids ]] && ((tries-- > 0)); do
		# shellcheck disable=SC2086
		kill -KILL $pids 2>/dev/null || :
		sleep 0.05
		pids=$(job_pids)
	done
}

# end_strays: daemons of this directory that no file tells of any more, as when
# the directory was deleted under them; found by the environment we gave them.
# Their runtime directory goes too. False when there are none.
end_strays()
{
	local file place found=1
	for file in $(grep -lazxF "SLURM_CONF=$conf" /proc/[0-9]*/environ 2>/dev/null || :); do
		place=$(tr '\0' '\n' 2>/dev/null <"$file" | sed -n 's/^UCLUSTER_SANDBOX_RUN=//p') || continue
		if [[ -z $place ]]; then continue; fi
		found=0
		file=${file#/proc/}
		kill -KILL "${file%/environ}" 2>/dev/null || :
		place=${place%/run}
		case $place in
		*/ucluster-??????) if [[ -O $place && ! -L $place ]]; then rm -rf -- "$place"; fi ;;
		esac
	done
	return "$found"
}

# busy_ports: local TCP ports in use, one a line, in decimal.
busy_ports()
{
	local addr hex rest
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | while read -r _ addr rest; do
		hex=${addr##*:}
		if [[ $hex == [0-9A-F][0-9A-F][0-9A-F][0-9A-F] ]]; then printf '%d\n' "0x$hex"; fi
	done
}

# pick_ports COUNT: the first of COUNT free neighbours in REPLY. They lie below
# the range the kernel gives to clients (32768 on), so no client takes one.
pick_ports()
{
	local busy base tries=200 p
	if [[ -n ${SANDBOX_PORT_BASE-} ]]; then
		if [[ ! $SANDBOX_PORT_BASE =~ ^[1-9][0-9]{3,4}$ ]] || ((SANDBOX_PORT_BASE + $1 > 65536)); then
			die 2 "SANDBOX_PORT_BASE '$(show "$SANDBOX_PORT_BASE")': expected a port, 1024 to 65000" \
				"unset it, and free ports are found"
		fi
		REPLY=$SANDBOX_PORT_BASE
		return 0
	fi
	busy=" $(busy_ports | tr '\n' ' ') "
	while ((tries-- > 0)); do
		base=$((16384 + (RANDOM * 32768 + RANDOM) % (32700 - 16384 - $1)))
		for ((p = base; p < base + $1; p++)); do
			if [[ $busy == *" $p "* ]]; then continue 2; fi
		done
		REPLY=$base
		return 0
	done
	die 1 "no $1 free neighbouring ports between 16384 and 32700" "give one: SANDBOX_PORT_BASE=PORT"
}

# listening PORT NAME: true when our daemon NAME listens there, not somebody else.
listening()
{
	local hex pid line
	proc_pid "$2" || return 1
	pid=$REPLY
	printf -v hex ':%04X' "$1"
	while read -r line; do
		# Fields of a line: index, local address, peer, state (0A: listens) ... inode.
		# shellcheck disable=SC2086
		set -- $line
		if [[ ${2-} == *"$hex" && ${4-} == 0A ]] &&
			find "/proc/$pid/fd" -lname "socket:\[${10}\]" -print -quit 2>/dev/null | grep -q .; then
			return 0
		fi
	done < <(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
	return 1
}

# end_mounts: unmounts everything below our directories, innermost first.
end_mounts()
{
	local point
	while read -r _ _ _ _ point _; do
		printf -v point '%b' "$point"
		if [[ $point == "$dir"/* || $point == "$runtime"/* ]]; then printf '%s\n' "$point"; fi
	done </proc/self/mountinfo | sort -r | while IFS= read -r point; do
		umount -l -- "$point" 2>/dev/null ||
			fusermount3 -uz -- "$point" 2>/dev/null ||
			say "cannot unmount '$(show "$point")'"
	done
}
