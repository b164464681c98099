# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# A slurmctld with any number of nodes and jobs, for benchmarks: its nodes are all played
# by fakenodes, so that jobs run without a process. Root only; read by the scripts here.
# Expects lib.bash and $build (a build without sanitizers). Nothing of it touches a Slurm or
# munge of this machine.
# shellcheck disable=SC2154

# Some that this system has, as squeue asks slurmctld for everything when a user has no
# name, and numbers that nobody has.
world_named=(games news mail)

# world_folder NAME: sets $top, a folder that goes away at the end with all that runs in
# it; in memory where there is some, as each job is a folder of its own. UC_BENCH_WORLD is
# one that stays, for several scripts.
world_folder()
{
	local under=${TMPDIR:-/tmp}

	if [ -w /dev/shm ] && [ -x /dev/shm ]; then under=/dev/shm; fi
	if [ -n "${UC_BENCH_WORLD-}" ]; then
		top=$UC_BENCH_WORLD
	else
		top=$(mktemp -d "$under/bench-$1.XXXXXX")
		trap 'world_stop; rm -rf "$top"' EXIT
	fi
	export TMPDIR=$top HOME=$top UCLUSTER_SITE_CONFIG=$top/none
	export UCLUSTER_LIBEXEC=$build/libexec/ucluster UCLUSTER_SLURM_TIMEOUT=2m
}

# world_tools: what is compiled for it.
world_tools()
{
	bench_compile "$top/mkjobs" -I"$bench_repo/include" -L"$build/lib" -lucluster \
		-Wl,-rpath,"$build/lib"
	bench_compile "$top/fakenodes" -ldl -lpthread
	bench_compile "$top/bareload" -lslurm
	bench_compile "$top/measure"
}

# world_conf NODES on|off: with or without a scheduler that starts jobs.
world_conf()
{
	local schedule=sched_interval=-1,bf_interval=3600

	if [ "$2" = on ]; then
		schedule=sched_interval=2,max_sched_time=10,default_queue_depth=200000
		schedule+=,partition_job_depth=0,bf_interval=3600
	fi
	cat >"$top/slurm.conf" <<-CONF
	ClusterName=bench
	SlurmctldHost=localhost
	SlurmUser=root
	SlurmdUser=root
	AuthType=auth/munge
	AuthInfo=socket=$top/run/munge.sock
	SlurmctldPort=$world_port
	SlurmdPort=$((world_port + 1))
	StateSaveLocation=$top/state
	SlurmdSpoolDir=$top/spool/%n
	SlurmctldPidFile=$top/run/slurmctld.pid
	SlurmctldLogFile=$top/log/slurmctld.log
	SlurmctldDebug=error
	ProctrackType=proctrack/linuxproc
	TaskPlugin=task/none
	LaunchParameters=disable_send_gids
	SelectType=select/cons_tres
	SelectTypeParameters=CR_Core_Memory
	SchedulerType=sched/builtin
	SchedulerParameters=defer,$schedule
	JobAcctGatherType=jobacct_gather/none
	AccountingStorageType=accounting_storage/none
	SlurmdTimeout=0
	InactiveLimit=0
	SlurmdParameters=config_overrides
	GresTypes=gpu
	MaxJobCount=250000
	MinJobAge=2000000
	MpiDefault=none
	TreeWidth=65533
	MessageTimeout=100
	NodeName=node[0001-$(printf %04d "$1")] NodeAddr=127.0.0.1 NodeHostname=localhost \
	Port=$((world_port + 1)) CPUs=256 Boards=1 SocketsPerBoard=2 CoresPerSocket=128 \
	ThreadsPerCore=1 RealMemory=2048000 Gres=gpu:a100:8
	PartitionName=gpu Nodes=ALL Default=YES MaxTime=INFINITE
	PartitionName=cpu Nodes=ALL MaxTime=INFINITE PriorityTier=9
	PartitionName=long Nodes=ALL MaxTime=INFINITE
	CONF
}

# world_slurmctld: start it on what state there is.
world_slurmctld()
{
	local try

	slurmctld -f "$top/slurm.conf" >/dev/null 2>&1
	for ((try = 0; try < 300; try++)); do
		if scontrol ping 2>/dev/null | grep -q UP; then return; fi
		sleep 0.1
	done
	tail -5 "$top/log/slurmctld.log" >&2
	exit 1
}

# world_end PIDFILE
world_end()
{
	local pid

	if ! pid=$(cat "$top/run/$1" 2>/dev/null) || ! kill "$pid" 2>/dev/null; then return 0; fi
	while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
}

# world_start NODES: unless it runs already.
world_start()
{
	local try

	export SLURM_CONF=$top/slurm.conf
	if [ -e "$top/port" ]; then
		world_port=$(cat "$top/port")
		return
	fi
	mkdir -p "$top"/{run,log,state,spool}
	chmod 0755 "$top" "$top/run"
	dd if=/dev/urandom of="$top/munge.key" bs=1024 count=1 status=none
	chmod 600 "$top/munge.key"
	munged --socket="$top/run/munge.sock" --key-file="$top/munge.key" --num-threads=4 \
		--pid-file="$top/run/munged.pid" --log-file="$top/log/munged.log" \
		--seed-file="$top/run/munge.seed" --force 2>/dev/null
	echo CgroupPlugin=cgroup/v1 >"$top/cgroup.conf"
	# a port that another has may be drawn
	for ((try = 0; try < 20; try++)); do
		world_port=$((20000 + RANDOM % 10000))
		world_conf "$1" off
		if "$top/fakenodes" $((world_port + 1)) "$top/run/fakenodes.pid"; then break; fi
	done
	world_slurmctld
	echo "$world_port" >"$top/port"
}

# world_nodes NODES: the same jobs with another number of nodes.
world_nodes()
{
	world_end slurmctld.pid
	world_conf "$1" off
	world_slurmctld
}

# world_run NODES: let start what can within two minutes; then nothing starts any more, so
# that figures repeat.
world_run()
{
	local before=-1 now=0 try

	world_conf "$1" on
	scontrol reconfigure
	for ((try = 0; try < 20; try++)); do
		if [ "$now" = "$before" ] && [ "$now" != 0 ]; then break; fi
		before=$now
		sleep 6
		now=$(squeue -h -t R -o x | wc -l)
	done
	world_conf "$1" off
	scontrol reconfigure
}

# world_fill JOBS: as many more as are missing.
world_fill()
{
	local have user
	local -a uids=()

	have=$(squeue -h -t all -o x | wc -l)
	for user in "${world_named[@]}"; do uids+=("$(id -u "$user")"); done
	"$top/mkjobs" "$have" "$1" "${uids[@]}" $(seq 60001 60047)
}

world_stop()
{
	world_end slurmctld.pid
	world_end fakenodes.pid
	world_end munged.pid
}
