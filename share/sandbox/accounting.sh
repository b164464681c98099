# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# --accounting: a private MariaDB and slurmdbd, so that sacct, sreport and
# limits are real. The database listens on a socket in a closed directory
# only; who reaches the socket is its root, so there is no password.
#
# Variables are shared by the files that 'sandbox' reads together.
# shellcheck disable=SC2034,SC2154

find_accounting()
{
	find_program mariadbd mariadb-server; mariadbd_bin=$REPLY
	find_program mariadb-install-db mariadb-server; install_db_bin=$REPLY
	find_program slurmdbd slurmdbd; slurmdbd_bin=$REPLY
	find_program sacctmgr slurm-client; sacctmgr_bin=$REPLY
}

# gpu_types: each GPU type of the nodes once.
gpu_types()
{
	local type
	for type in "${node_types[@]}"; do
		if [[ -n $type ]]; then printf '%s\n' "$type"; fi
	done | sort -u
}

# write_accounting_conf: slurm.conf's lines about accounting.
write_accounting_conf()
{
	local type tres=gres/gpu
	if ((!opt_accounting)); then
		printf 'AccountingStorageType=accounting_storage/none\n'
		return 0
	fi
	for type in $(gpu_types); do tres+=,gres/gpu:$type; done
	cat <<-CONF
	AccountingStorageType=accounting_storage/slurmdbd
	AccountingStorageHost=localhost
	AccountingStoragePort=$((port_base + 1))
	# Of munge: the socket clients of slurmdbd use.
	AccountingStoragePass=$run/munge.sock
	AccountingStorageTRES=$tres
	AccountingStorageEnforce=associations,limits,qos
	CONF
}

# prepare_database: makes the data directory and starts the server.
prepare_database()
{
	local options
	mkdir -p "$dir/db"
	chmod 0700 "$dir/db"
	mkdir -p "$run/db"
	chmod 0700 "$run/db"
	# A database that lives for hours: small, and not kept safe from power cuts.
	cat >"$etc/my.cnf" <<-CONF
	[mariadbd]
	user=$user
	datadir=$dir/db
	tmpdir=$run/db
	socket=$run/db/sock
	pid-file=$run/db/mariadbd.pid
	skip-networking
	skip-name-resolve
	skip-log-bin
	performance-schema=OFF
	innodb-buffer-pool-size=64M
	innodb-log-file-size=32M
	innodb-data-file-path=ibdata1:4M:autoextend
	innodb-flush-log-at-trx-commit=0
	innodb-flush-method=nosync
	innodb-doublewrite=OFF
	innodb-lock-wait-timeout=900
	CONF
	failed_daemon=mariadbd
	options=(--defaults-file="$etc/my.cnf" --auth-root-authentication-method=normal --skip-test-db)
	if ! (cd "$run/db" && env -i PATH="$daemon_path" HOME="$run/db" LC_ALL=C \
		"$install_db_bin" "${options[@]}" </dev/null >>"$log/mariadbd.log" 2>&1 9>&-); then
		return 1
	fi
	failed_daemon=
	launch mariadbd "$mariadbd_bin" --defaults-file="$etc/my.cnf"
}

database_ready()
{
	[[ -S $run/db/sock ]]
}

start_accounting()
{
	(
		umask 077
		cat >"$etc/slurmdbd.conf" <<-CONF
		DbdHost=localhost
		DbdAddr=127.0.0.1
		DbdPort=$((port_base + 1))
		SlurmUser=$user
		AuthType=auth/munge
		AuthInfo=socket=$run/munge.sock
		StorageType=accounting_storage/mysql
		StorageHost=localhost
		StorageLoc=slurm
		StorageUser=root
		PidFile=$run/slurmdbd.pid
		LogFile=$log/slurmdbd.log
		DebugLevel=info
		CONF
	)
	wait_for mariadbd "$WAIT_DAEMON" database_ready || return 1
	# slurmdbd's client library takes the socket's path from here.
	daemon_env=(MYSQL_UNIX_PORT="$run/db/sock" SLURM_CONF="$conf")
	launch slurmdbd "$slurmdbd_bin" -D
	daemon_env=()
	wait_for slurmdbd "$WAIT_DAEMON" listening $((port_base + 1)) slurmdbd || return 1
	accounting add cluster sandbox
}

# fill_accounting: two accounts, two QOSes, and the users: who started the
# sandbox and, as root, the names in SANDBOX_USERS. After slurmctld is up, as
# that makes gres/gpu known to slurmdbd.
fill_accounting()
{
	local users=$user name
	if ((uid == 0)); then
		for name in ${SANDBOX_USERS-}; do
			if ! id -u "$name" >/dev/null 2>&1; then
				say "SANDBOX_USERS: no user '$(show "$name")' on this host"
				return 1
			fi
			users+=,$name
		done
	fi
	accounting add qos short MaxWall=1:00:00 MaxTRESPerUser=gres/gpu=8 Priority=10 &&
		accounting add account research,teaching Cluster=sandbox QOS=normal,short DefaultQOS=normal &&
		accounting add user "$users" Account=research,teaching DefaultAccount=research
}

accounting()
{
	if ! SLURM_CONF=$conf timeout 20 "$sacctmgr_bin" -i "$@" </dev/null >>"$log/sacctmgr.log" 2>&1; then
		find_dead
		failed_daemon=${failed_daemon:-sacctmgr}
		return 1
	fi
}
