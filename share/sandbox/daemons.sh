# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# Start: the daemons, in their order, and what a failed one said.
#
# Variables are shared by the files that 'sandbox' reads together.
# shellcheck disable=SC2034,SC2154

# Bounds of the waits, seconds. A start takes a fraction of one; these are for
# a busy host.
readonly WAIT_DAEMON=15 WAIT_NODES=20 WAIT_LOCK=60

cmd_start()
{
	unset_foreign
	parse_nodes "$opt_nodes"
	find_program munged munge; munged_bin=$REPLY
	find_program slurmctld slurmctld; slurmctld_bin=$REPLY
	find_program slurmd slurmd; slurmd_bin=$REPLY
	find_program sinfo slurm-client; sinfo_bin=$REPLY
	if ((opt_accounting)); then find_accounting; fi
	make_dir
	take_lock "$WAIT_LOCK"
	load_state
	if already_running; then return 0; fi
	clear_away
	trap 'abort_start 130' INT TERM HUP
	trap 'abort_start $?' EXIT
	choose_runtime
	start_all
	trap - INT TERM HUP EXIT
	state_write "runtime=$runtime" "port_base=$port_base" "nodes=$opt_nodes" \
		"accounting=$opt_accounting" "containers=$containers" "started=$(date +%s)"
	say "started $(describe_nodes) in '$dir' ($((${EPOCHREALTIME/./} / 1000 - start_ms)) ms)"
	note_closed_path
	hint "eval \"\$($(command_name) env$(dir_option))\"; then srun, sinfo, squeue as usual"
}

# describe_nodes: "4 nodes, 16 GPUs"
describe_nodes()
{
	local sum=0 n
	for n in "${node_gpus[@]}"; do sum=$((sum + n)); done
	printf '%d node%s, %d GPU%s' "${#node_names[@]}" "$(plural "${#node_names[@]}")" \
		"$sum" "$(plural "$sum")"
}

plural()
{
	if (($1 != 1)); then printf s; fi
}

# note_closed_path: as root, other users' jobs need to pass the path to us.
note_closed_path()
{
	local part=$dir
	if ((uid != 0)); then return 0; fi
	while [[ $part != / && -n $part ]]; do
		if [[ $(stat -c %A -- "$part") != *[xt] ]]; then
			say "note: only root reaches this sandbox, as '$part' is closed to others"
			hint "for jobs of several users start it with --dir under an open directory"
			return 0
		fi
		part=${part%/*}
	done
}

# already_running: true, and said, when all daemons of the sandbox live.
already_running()
{
	local lines
	if [[ ! -f $dir/state || ! -f $dir/procs ]]; then return 1; fi
	lines=$(procs_alive)
	if [[ -z $lines || $(wc -l <"$dir/procs") != "$(wc -l <<<"$lines")" ]]; then return 1; fi
	state_get nodes
	say "already running in '$dir' (nodes $REPLY)"
	if [[ $REPLY != "$opt_nodes" ]]; then
		hint "for other nodes stop it first: $(command_name) stop$(dir_option)"
	fi
	return 0
}

# choose_runtime: sockets and spool lie in $dir, or, when a socket's path would
# be too long there, in a short private directory.
choose_runtime()
{
	local base longest=0 name need
	for name in "${node_names[@]}"; do
		if ((${#name} > longest)); then longest=${#name}; fi
	done
	# slurmstepd binds SPOOL/NODE/NODE_JOBID.STEPID, each id of up to 10 digits.
	need=$((${#dir} + 7 + 2 * (longest + 1) + 21))
	start_ms=$((${EPOCHREALTIME/./} / 1000))
	set_paths "$dir"
	if ((need > SOCKET_MAX)); then
		base=/tmp
		if ((uid != 0)) && [[ -d ${XDG_RUNTIME_DIR-} && -O $XDG_RUNTIME_DIR && -w $XDG_RUNTIME_DIR &&
			$XDG_RUNTIME_DIR != *[!a-zA-Z0-9_./-]* ]] && ((${#XDG_RUNTIME_DIR} < 40)); then
			base=$XDG_RUNTIME_DIR
		fi
		base=$(mktemp -d "$base/ucluster-XXXXXX") ||
			die 1 "cannot make a directory for sockets in '$base'" "give a shorter --dir"
		chmod 0755 "$base"
		set_paths "$base"
	fi
	state_write "runtime=$runtime"
}

start_all()
{
	local tries=3
	mkdir -p "$etc" "$log" "$dir/ctld" "$dir/images"
	mkdir -p "$run" "$spool"
	make_devices
	while :; do
		: >"$dir/procs"
		failed_daemon=
		if start_once; then return 0; fi
		# Somebody took one of the ports between the look and the bind.
		if ((--tries > 0)) && [[ -z ${SANDBOX_PORT_BASE-} ]] &&
			grep -qs 'Address already in use' "$log"/slurm*.???; then
			end_procs '' 2
			rm -rf -- "$log" "$dir/ctld" "$dir/db" "$spool"
			mkdir -p "$log" "$dir/ctld" "$spool"
			continue
		fi
		explain_failure
		exit 1
	done
}

start_once()
{
	local i name
	pick_ports $((${#node_names[@]} + 2))
	port_base=$REPLY
	start_munge || return 1
	if ((opt_accounting)); then prepare_database || return 1; fi
	write_conf
	wait_for munged "$WAIT_DAEMON" munge_ready || return 1
	if ((opt_accounting)); then start_accounting || return 1; fi
	launch slurmctld "$slurmctld_bin" -D -c -f "$conf"
	# A slurmd that finds no slurmctld tries again only a second later.
	wait_for slurmctld "$WAIT_DAEMON" listening "$port_base" slurmctld || return 1
	for i in "${!node_names[@]}"; do
		name=${node_names[i]}
		mkdir -p "$spool/$name"
		launch "slurmd-$name" "$slurmd_bin" -D -N "$name" -f "$conf"
	done
	if ((opt_accounting)); then fill_accounting || return 1; fi
	wait_for '' "$WAIT_NODES" nodes_ready || return 1
}

# launch NAME PROGRAM [ARG...]: starts a daemon in its own session, with an
# environment of its own, none of our descriptors, and signals at their
# defaults (bash lets a background child ignore SIGINT, and jobs inherit it).
launch()
{
	local name=$1 program=$2 file fd pid tries=250
	shift 2
	# Slurm's daemons write a log of their own; the rest is what they say before.
	file=$log/$name.log
	if [[ $name == slurm* ]]; then file=$log/$name.err; fi
	(
		for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			if ((fd > 2 && fd < 255)); then eval "exec $fd>&-"; fi
		done
		trap - INT TERM HUP EXIT
		exec setsid env -i --default-signal=INT,QUIT,HUP,TERM PATH="$daemon_path" HOME=/ \
			LANG=C.UTF-8 SLURM_CONF="$conf" UCLUSTER_SANDBOX_RUN="$run" \
			${daemon_env[@]+"${daemon_env[@]}"} "$program" "$@" \
			</dev/null >>"$file" 2>&1
	) &
	pid=$!
	launching=$pid
	# The record names the program, so wait until the exec has happened.
	program=$(realpath -- "$program")
	program=${program##*/}
	while ((tries-- > 0)) && proc_exe "$pid" && [[ $REPLY != "$program" ]]; do sleep 0.01; done
	if ! proc_record "$name" "$pid" "$program"; then
		if [[ -z $failed_daemon ]]; then failed_daemon=$name; fi
	fi
	launching=
}
# A child that is not in 'procs' yet.
launching=
daemon_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
daemon_env=()

start_munge()
{
	if [[ ! -f $etc/munge.key ]]; then
		(umask 077; head -c 1024 /dev/urandom >"$etc/munge.key")
	fi
	rm -f -- "$run/munge.sock" "$run/munge.sock.lock"
	# --force: a sandbox below a group-writable directory is the user's choice.
	launch munged "$munged_bin" --foreground --force --socket="$run/munge.sock" \
		--key-file="$etc/munge.key" --pid-file="$run/munged.pid" \
		--seed-file="$run/munge.seed" --num-threads=4
}

munge_ready()
{
	[[ -S $run/munge.sock ]]
}

# nodes_ready: every node has registered and is idle.
nodes_ready()
{
	local states
	states=$(SLURM_CONF=$conf timeout 5 "$sinfo_bin" -h -N -p batch -o %T 2>>"$log/sinfo.log") || return 1
	[[ $(grep -cx idle <<<"$states") == "${#node_names[@]}" ]]
}

# wait_for NAME SECONDS TEST [ARG...]: false when the test does not come true
# in time or a daemon ends meanwhile; $failed_daemon says which.
wait_for()
{
	local name=$1 end=$((SECONDS + $2)) tries=0
	shift 2
	until "$@"; do
		if ((tries++ % 8 == 0)); then
			find_dead
			if [[ -n $failed_daemon ]]; then return 1; fi
		fi
		if ((SECONDS >= end)); then
			failed_daemon=${name:-slurmctld}
			failed_late=1
			return 1
		fi
		sleep 0.02
	done
}
failed_daemon='' failed_late=0

# find_dead: the first recorded daemon that lives no more, in $failed_daemon.
find_dead()
{
	local name pid start exe boot
	while read -r name pid start exe boot; do
		if [[ -n $failed_daemon ]]; then return 0; fi
		if ! proc_ours "$pid" "$start" "$exe" "$boot"; then failed_daemon=$name; fi
	done <"$dir/procs"
}

# explain_failure: which daemon failed, and what its log says about it.
explain_failure()
{
	local file=$log/$failed_daemon lines
	if ((failed_late)); then
		say "$failed_daemon was not ready in time; its log says:"
	else
		say "$failed_daemon ended at its start; its log says:"
	fi
	lines=$(log_lines "$file" fatal)
	if [[ -z $lines ]]; then
		lines=$(log_lines "$file" 'error|fail|unable|refus|denied|in use|not found')
	fi
	if [[ -z $lines ]]; then lines=$(log_lines "$file" .); fi
	if [[ -z $lines ]]; then lines='(nothing)'; fi
	clean <<<"$lines" | sed "s/^/$failed_daemon: /" >&2
	if [[ -n ${SANDBOX_PORT_BASE-} && $lines == *'Address already in use'* ]]; then
		hint "unset SANDBOX_PORT_BASE, and free ports are found"
	else
		hint "everything was stopped and removed again"
	fi
}

# log_lines FILE PATTERN: the last matching lines of FILE.log, else of FILE.err,
# without what Slurm calls an error at every start.
log_lines()
{
	local suffix
	for suffix in log err; do
		if grep -hiE "$2" "$1.$suffix" 2>/dev/null |
			grep -vE 'mpi/pmix|state( save)? file|hwloc|recommended values' | tail -n 6 | grep .; then
			return 0
		fi
	done
	return 0
}

# abort_start STATUS: a start that failed or was interrupted leaves nothing.
abort_start()
{
	local rc=$1
	trap '' INT TERM HUP
	trap - EXIT
	set +e
	if ((rc == 130)); then say "interrupted; stopping what was started"; fi
	if [[ -n $launching ]]; then kill -KILL "$launching"; fi
	end_all 2
	remove_files
	exit "$rc"
}

# clear_away: what a crash, a kill or a reboot left.
clear_away()
{
	if [[ ! -e $dir/state && ! -e $dir/procs && ! -e $etc ]]; then
		end_strays || :
		return 0
	fi
	say "clearing away a sandbox that did not end well"
	end_all 1
	remove_files
}
