# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# env, status and logs.
#
# Variables are shared by the files that 'sandbox' reads together.
# shellcheck disable=SC2034,SC2154

# cmd_env: nothing but text for eval.
cmd_env()
{
	local bin name
	need_sandbox
	if [[ ${SLURM_CONF-} != "$conf" ]]; then
		# Variables of another cluster would send jobs to partitions,
		# accounts or jobs that do not exist here.
		for name in $(compgen -e); do
			case $name in
			SLURM_CONF) ;;
			SLURM_* | SBATCH_* | SALLOC_* | SRUN_* | SQUEUE_* | SINFO_* | SCANCEL_* | SACCT_* | SACCTMGR_*)
				printf 'unset %s\n' "$name" ;;
			esac
		done
	fi
	printf 'export SLURM_CONF=%s\n' "$(quote "$conf")"
	printf 'export UCLUSTER_SANDBOX=%s\n' "$(quote "$dir")"
	printf 'export UCLUSTER_IMAGE_DIRS=%s\n' "$(quote "$dir/images")"
	if [[ -n ${UCLUSTER_BINDIR-} ]]; then
		bin=$(quote "$UCLUSTER_BINDIR")
		# shellcheck disable=SC2016
		printf 'case $PATH: in %s:*) ;; *) export PATH=%s:"$PATH" ;; esac\n' "$bin" "$bin"
	fi
}

# read_nodes: "NAME STATE GRES" lines from slurmctld, none when it is silent.
read_nodes()
{
	unset_foreign
	SLURM_CONF=$conf timeout 5 sinfo -h -N -p batch -o '%N %T %G' 2>/dev/null || :
}

# uptime_text SECONDS
uptime_text()
{
	printf '%dd %02d:%02d:%02d' $(($1 / 86400)) $(($1 / 3600 % 24)) $(($1 / 60 % 60)) $(($1 % 60))
}

cmd_status()
{
	local name pid start exe boot nodes up=0 started containers port_base
	local names=() pids=() dead=0
	need_sandbox
	state_number started; started=$REPLY
	state_get containers; containers=$REPLY
	state_number port_base; port_base=$REPLY
	if ((started)); then up=$(($(date +%s) - started)); fi
	while read -r name pid start exe boot; do
		names+=("$name")
		if ! proc_ours "$pid" "$start" "$exe" "$boot"; then pid=0 dead=1; fi
		pids+=("$pid")
	done < <(cat "$dir/procs" 2>/dev/null)
	if ((!${#names[@]} || !started)); then dead=1; fi
	nodes=
	if proc_pid slurmctld; then nodes=$(read_nodes); fi
	if ((opt_json)); then status_json; else status_text; fi
	return "$dead"
}

# Both see the variables of cmd_status.
status_text()
{
	local i state=running node rest
	if ((dead)); then state=broken; fi
	printf 'sandbox     %s, up %s\n' "$state" "$(uptime_text "$up")"
	printf 'directory   %s\n' "$dir"
	if [[ $runtime != "$dir" ]]; then printf 'sockets in  %s\n' "$runtime"; fi
	printf 'containers  %s\n' "$containers"
	printf 'port        %s (slurmctld)\n' "$port_base"
	printf '\n%-20s %s\n' DAEMON PID
	for i in "${!names[@]}"; do
		if ((pids[i])); then
			printf '%-20s %s\n' "${names[i]}" "${pids[i]}"
		else
			printf '%-20s dead\n' "${names[i]}"
		fi
	done
	printf '\n%-20s %-12s %s\n' NODE STATE GRES
	if [[ -z $nodes ]]; then
		printf '%s\n' "(slurmctld does not answer)"
	else
		while read -r node state rest; do
			printf '%-20s %-12s %s\n' "$node" "$state" "${rest/(null)/-}"
		done <<<"$nodes"
	fi
	if ((dead)); then
		say "daemons of the sandbox are dead"
		hint "see '$(command_name) logs$(dir_option)', then stop and start it again"
	fi
}

status_json()
{
	local i sep='' node state rest
	printf '{"schema":"ucluster.sandbox/1","state":"%s","dir":%s,"runtime":%s,' \
		"$( ((dead)) && echo broken || echo running)" "$(json "$dir")" "$(json "$runtime")"
	printf '"slurm_conf":%s,"containers":%s,"started":%d,"uptime":%d,"port":%d,"daemons":[' \
		"$(json "$conf")" "$(json "$containers")" "$started" "$up" "$port_base"
	for i in "${!names[@]}"; do
		printf '%s{"name":%s,"pid":%s}' "$sep" "$(json "${names[i]}")" \
			"$( ((pids[i])) && echo "${pids[i]}" || echo null)"
		sep=,
	done
	sep=
	printf '],"nodes":['
	if [[ -n $nodes ]]; then
		while read -r node state rest; do
			if [[ $rest == '(null)' ]]; then rest=; fi
			printf '%s{"name":%s,"state":%s,"gres":%s}' "$sep" "$(json "$node")" \
				"$(json "$state")" "$(json "$rest")"
			sep=,
		done <<<"$nodes"
	fi
	printf ']}\n'
}

# cmd_logs [DAEMON...]: the last lines of each log.
cmd_logs()
{
	local name files=() file filter=cat lines=20
	need_sandbox
	if [[ -t 1 ]]; then filter=clean; fi
	for name in "$@"; do
		if [[ $name == */* || ! -f $log/$name.log ]]; then
			die 3 "no daemon '$(show "$name")' here" "one of: $(log_names)"
		fi
		files+=("$log/$name.log")
	done
	if ((!$#)); then
		for file in "$log"/*.log; do
			if [[ -s $file ]]; then files+=("$file"); fi
		done
	elif (($# == 1)); then
		lines=100
	fi
	if ((!${#files[@]})); then die 3 "no logs in '$log'"; fi
	# tail prints each path above its lines.
	if ((opt_follow)); then
		tail -v -n 5 -F -- "${files[@]}" 2>/dev/null | "$filter"
	else
		tail -v -n "$lines" -- "${files[@]}" | "$filter"
	fi
}

log_names()
{
	local file list=''
	for file in "$log"/*.log; do
		file=${file##*/}
		list+=" ${file%.log}"
	done
	printf '%s' "${list# }"
}
