# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# The node specification and the configuration files made from it.
#
# Variables are shared by the files that 'sandbox' reads together.
# shellcheck disable=SC2034,SC2154

# Every node has this many CPUs and MiB, whatever the host has (config_overrides).
readonly NODE_CPUS=16 NODE_MEMORY=64000
# More virtual nodes than this are for other tools: each has its slurmd.
readonly MAX_NODES=64 MAX_GPUS=64

# parse_nodes SPEC: fills node_names, node_gpus and node_types.
parse_nodes()
{
	local spec=$1 item prefix count gpus has_type type seen=' ' i
	local want='PREFIX:COUNT[xGPUS[xTYPE]], as gpu:2x8xa100'
	node_names=() node_gpus=() node_types=()
	while [[ -n $spec || $seen == ' ' ]]; do
		item=${spec%%,*}
		if [[ $item == "$spec" ]]; then
			spec=
		else
			spec=${spec#*,}
			if [[ -z $spec ]]; then bad_nodes "$item," "nothing follows its comma" "$want"; fi
		fi
		if [[ ! $item =~ ^([^:]*):([0-9]+)(x([0-9]+)(x([^,]*))?)?$ ]]; then
			bad_nodes "$item" "expected $want" "$want"
		fi
		prefix=${BASH_REMATCH[1]} count=${BASH_REMATCH[2]}
		gpus=${BASH_REMATCH[4]:-0}
		has_type=${BASH_REMATCH[5]-} type=${BASH_REMATCH[6]-}
		if [[ ! $prefix =~ ^[a-z]([a-z0-9-]{0,30}[a-z])?$ ]]; then
			bad_nodes "$item" "a prefix is letters a-z, digits and '-', and ends in a letter" "$want"
		fi
		if [[ $seen == *" $prefix "* ]]; then
			bad_nodes "$item" "prefix '$prefix' is given twice" "$want"
		fi
		seen+="$prefix "
		if ((${#count} > 3 || 10#$count < 1 || 10#$count > MAX_NODES)); then
			bad_nodes "$item" "a count is 1 to $MAX_NODES" "$want"
		fi
		if ((${#gpus} > 3 || 10#$gpus > MAX_GPUS)); then
			bad_nodes "$item" "a node has 0 to $MAX_GPUS GPUs" "$want"
		fi
		if [[ -n $has_type && ! $type =~ ^[A-Za-z][A-Za-z0-9_-]{0,30}$ ]]; then
			bad_nodes "$item" "a GPU type starts with a letter and is letters, digits, '-', '_'" "$want"
		fi
		for ((i = 1; i <= 10#$count; i++)); do
			node_names+=("$prefix$i")
			node_gpus+=("$((10#$gpus))")
			node_types+=("$type")
		done
		if ((${#node_names[@]} > MAX_NODES)); then
			bad_nodes "$item" "more than $MAX_NODES nodes in all" "$want"
		fi
	done
}

bad_nodes()
{
	die 2 "--nodes: '$(show "$1")': $2" "write $3"
}

# slurm_release: release*100+month of the installed Slurm, as 2205, in REPLY.
slurm_release()
{
	local version
	version=$("$slurmd_bin" -V 2>/dev/null) || version=
	if [[ $version =~ ([0-9][0-9])\.([0-9][0-9]) ]]; then
		REPLY=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
	else
		die 1 "'$slurmd_bin -V' says '$(show "$version")', expected a Slurm release" "apt-get install slurmd"
	fi
}

# make_devices: GPU device nodes nvidia0... of this sandbox; all virtual nodes
# share them. Where making devices is refused, links to the null device do:
# slurmd wants a device, and sets CUDA_VISIBLE_DEVICES for nothing else.
make_devices()
{
	local max=0 n i
	for n in "${node_gpus[@]}"; do
		if ((n > max)); then max=$n; fi
	done
	mkdir -p "$dir/dev"
	for ((i = 0; i < max; i++)); do
		if ((uid == 0)) && mknod -m 0666 "$dir/dev/nvidia$i" c 195 "$i" 2>/dev/null; then continue; fi
		ln -sf /dev/null "$dir/dev/nvidia$i"
	done
}

# write_slurm_conf: ports are BASE for slurmctld, BASE+1 for slurmdbd, then one
# for each node.
write_slurm_conf()
{
	cat >"$conf" <<-CONF
	# Written by 'ucluster sandbox start'; gone after 'stop'.
	ClusterName=sandbox
	SlurmctldHost=localhost(127.0.0.1)
	SlurmUser=$user
	SlurmdUser=$user
	AuthType=auth/munge
	AuthInfo=socket=$run/munge.sock
	SlurmctldPort=$port_base
	SlurmdPort=$((port_base + 2))
	StateSaveLocation=$dir/ctld
	SlurmdSpoolDir=$spool/%n
	SlurmctldPidFile=$run/slurmctld.pid
	SlurmdPidFile=$run/slurmd-%n.pid
	SlurmctldLogFile=$log/slurmctld.log
	SlurmdLogFile=$log/slurmd-%n.log
	SlurmctldDebug=info
	SlurmdDebug=info
	PlugStackConfig=$etc/plugstack.conf
	ProctrackType=proctrack/linuxproc
	TaskPlugin=task/none
	JobAcctGatherType=jobacct_gather/linux
	JobAcctGatherFrequency=task=10
	SelectType=select/cons_tres
	SelectTypeParameters=CR_Core_Memory
	GresTypes=gpu
	MpiDefault=none
	MailProg=/bin/true
	SchedulerType=sched/backfill
	SchedulerParameters=sched_interval=2,bf_interval=2,bf_resolution=60,batch_sched_delay=0
	SlurmdParameters=config_overrides
	# A job over a limit is refused when submitted.
	EnforcePartLimits=ALL
	ReturnToService=2
	# Seconds.
	SlurmctldTimeout=30
	SlurmdTimeout=60
	InactiveLimit=0
	KillWait=5
	UnkillableStepTimeout=30
	CONF
	write_accounting_conf >>"$conf"
	write_nodes >>"$conf"
}

# write_nodes: the nodes and the partitions of slurm.conf.
write_nodes()
{
	local i gres weight all=() gpu=()
	for i in "${!node_names[@]}"; do
		gres='' weight=1
		if ((node_gpus[i])); then
			gres=" Gres=gpu:${node_types[i]:+${node_types[i]}:}${node_gpus[i]}"
			# Jobs without GPUs go to the CPU nodes first.
			weight=10
			gpu+=("${node_names[i]}")
		fi
		all+=("${node_names[i]}")
		printf 'NodeName=%s NodeHostname=localhost NodeAddr=127.0.0.1 Port=%d CPUs=%d Sockets=2 CoresPerSocket=%d ThreadsPerCore=1 RealMemory=%d Weight=%d%s State=UNKNOWN\n' \
			"${node_names[i]}" $((port_base + 2 + i)) "$NODE_CPUS" $((NODE_CPUS / 2)) \
			"$NODE_MEMORY" "$weight" "$gres"
	done
	local IFS=,
	printf 'PartitionName=batch Nodes=%s Default=YES MaxTime=24:00:00 DefaultTime=1:00:00 DefMemPerCPU=%d State=UP\n' \
		"${all[*]}" $((NODE_MEMORY / NODE_CPUS))
	if ((${#gpu[@]})); then
		printf 'PartitionName=gpu Nodes=%s MaxTime=8:00:00 DefaultTime=1:00:00 DefMemPerCPU=%d State=UP\n' \
			"${gpu[*]}" $((NODE_MEMORY / NODE_CPUS))
	fi
}

write_gres_conf()
{
	local i range
	{
		printf 'AutoDetect=off\n'
		for i in "${!node_names[@]}"; do
			if ((!node_gpus[i])); then continue; fi
			range="[0-$((node_gpus[i] - 1))]"
			if ((node_gpus[i] == 1)); then range=0; fi
			printf 'NodeName=%s Name=gpu %sFile=%s/dev/nvidia%s\n' "${node_names[i]}" \
				"${node_types[i]:+Type=${node_types[i]} }" "$dir" "$range"
		done
	} >"$etc/gres.conf"
}

# write_cgroup_conf: nothing here uses cgroups, but slurmd loads the plugin and
# refuses to start when that fails. 24.05 can be told not to; before, v1 is
# the one whose loading touches nothing, so it works on v1, v2 and none.
# 20.11 has no such plugin and does not know the key.
write_cgroup_conf()
{
	slurm_release
	if ((REPLY >= 2405)); then
		printf 'CgroupPlugin=disabled\n'
	elif ((REPLY >= 2108)); then
		printf 'CgroupPlugin=cgroup/v1\n'
	fi >"$etc/cgroup.conf"
}

# find_real_pyxis: an installed spank_pyxis.so in REPLY, if enroot is there too.
find_real_pyxis()
{
	local file enroot
	enroot=$(type -P enroot) || return 1
	for file in /usr/lib/*/slurm-wlm/spank_pyxis.so /usr/lib/*/slurm/spank_pyxis.so \
		/usr/lib/slurm/spank_pyxis.so /usr/lib64/slurm/spank_pyxis.so \
		/usr/local/lib/slurm/spank_pyxis.so; do
		if [[ -f $file ]]; then
			# slurmd must find enroot too, wherever the user has it.
			daemon_path+=:${enroot%/*}
			REPLY=$file
			return 0
		fi
	done
	return 1
}

# find_stand_in: our stand-in for pyxis in REPLY: as installed, as told, or in
# the build folder of this source tree made last.
find_stand_in()
{
	local file newest=
	for file in "${UCLUSTER_LIBEXEC:+$UCLUSTER_LIBEXEC/sandbox/pyxis.so}" "${UCLUSTER_SANDBOX_PYXIS-}"; do
		if [[ -n $file && -f $file ]]; then REPLY=$(realpath -- "$file"); return 0; fi
	done
	for file in "$here"/../../build*/libexec/ucluster/sandbox/pyxis.so; do
		if [[ -f $file && ( -z $newest || $file -nt $newest ) ]]; then newest=$file; fi
	done
	if [[ -z $newest ]]; then return 1; fi
	REPLY=$(realpath -- "$newest")
}

# write_plugstack: sets $containers to pyxis, stand-in or off.
write_plugstack()
{
	local line
	mkdir -p "$run/pyxis" "$dir/cache/pyxis"
	if find_real_pyxis; then
		containers=pyxis
		line="required $REPLY runtime_path=$run/pyxis"
	elif find_stand_in; then
		containers=stand-in
		# A copy: every user reaches it, and a rebuild does not change it under slurmd.
		cp -- "$REPLY" "$etc/pyxis.so"
		chmod 0755 "$etc/pyxis.so"
		line="required $etc/pyxis.so runtime_path=$run/pyxis cache_path=$dir/cache/pyxis gpu_dir=$dir/dev"
	else
		containers=off
		line='# neither pyxis nor its stand-in was found'
		say "no pyxis and no stand-in for it: --container options are off"
		hint "build the stand-in (cmake --build), or name it: UCLUSTER_SANDBOX_PYXIS=FILE"
	fi
	printf '%s\n' "$line" >"$etc/plugstack.conf"
}

write_conf()
{
	write_slurm_conf
	write_gres_conf
	write_cgroup_conf
	write_plugstack
}
