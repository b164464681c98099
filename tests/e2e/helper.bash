# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For tests on the shared sandbox: `load helper`, then in setup() `e2e_setup` and in
# teardown() `e2e_teardown`. What a test needs of the cluster is in its environment then
# (SLURM_CONF, PATH); $WORK is an empty folder that jobs of every user can reach.
#
#	@test "a job's exit status is usrun's" {
#		run usrun --no-container bash -c 'exit 3'
#		[ "$status" -eq 3 ]
#	}

: "${UC_TEST_TOP:?run it through ctest}" "${UC_TEST_BUILD:?run it through ctest}"
: "${UC_E2E_DIR:=$UC_TEST_BUILD/e2e}"
bats_require_minimum_version 1.5.0

e2e_setup()
{
	[ -r "$UC_E2E_DIR/env" ] || {
		echo "no sandbox runs: tests/e2e/cluster start"
		return 1
	}
	# shellcheck disable=SC1091
	. "$UC_E2E_DIR/env"
	export IMAGES=$UC_E2E_DIR/cluster/images
	WORK=$(mktemp -d "$UC_E2E_DIR/work-XXXXXX")
	chmod 1777 "$WORK"
	export UCLUSTER_RECEIPTS=false # they would be the developer's own
	unset TMPDIR # jobs would look for it in their containers
	E2E_USERS=() E2E_TMUX=
	cd "$WORK" || return 1
}

# As e2e_setup, for usrun: containers, and receipts that nobody else has.
usrun_setup()
{
	e2e_setup || return 1
	export HOME=$WORK XDG_STATE_HOME=$WORK/state UCLUSTER_RUNTIME=pyxis
	export UCLUSTER_RECEIPTS=true
	unset UCLUSTER_IMAGE
}

# Nothing of a test outlives it: its jobs, its terminals, its users, its files.
e2e_teardown()
{
	local user

	tmux_end
	scancel -f --user="$(id -un)" 2>/dev/null || :
	for user in "${E2E_USERS[@]}"; do
		scancel -f --user="$user" 2>/dev/null || :
	done
	wait_until 30 no_jobs || :
	for user in "${E2E_USERS[@]}"; do
		user_remove "$user"
	done
	cd "$UC_E2E_DIR" && rm -rf "$WORK"
}

no_jobs()
{
	[ -z "$(squeue -h -o %A 2>/dev/null)" ]
}

# wait_until SECONDS COMMAND...: true as soon as COMMAND is.
wait_until()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# wait_status PID: its exit status in $status. `run` waits in a shell that has no children.
wait_status()
{
	status=0
	wait "$1" || status=$?
}

# wait_for_job ID STATE [SECONDS]: until the job is in that state, "PENDING", "RUNNING";
# GONE: until it is no longer in the queue.
wait_for_job()
{
	wait_until "${3:-30}" job_is "$1" "$2"
}

job_is()
{
	local state

	state=$(squeue -h -j "$1" -o %T 2>/dev/null)
	case $2 in
	GONE) [[ -z $state || $state =~ ^(COMPLETED|FAILED|CANCELLED|TIMEOUT)$ ]] ;;
	*) [ "$state" = "$2" ] ;;
	esac
}

# start_requeued ID: at once what Slurm keeps back for two minutes (cred_expire), once it
# says that all of the job has ended. Not within that second: slurmd refuses a credential
# that is no newer than its last end, and slurmctld then kills the job.
start_requeued()
{
	wait_for_job "$1" PENDING 60
	sleep 2
	wait_until 60 waits_no_more "$1"
}

waits_no_more()
{
	job_is "$1" PENDING || return 0
	scontrol update "JobId=$1" StartTime=now
	return 1
}

# job_named NAME: the id of the job of that name that runs.
job_named()
{
	squeue -h -n "$1" -t R -o %A
}

# runs NAME: whether a job of that name does.
runs()
{
	[ -n "$(job_named "$1")" ]
}

# How many requests of clients slurmctld has answered.
rpcs()
{
	sdiag | awk '/Remote Procedure Call statistics by message type/ { on = 1 }
		/by user/ { on = 0 }
		on && /^\t/ && $1 !~ /REQUEST_STATS_INFO|REQUEST_PING|MESSAGE_|REQUEST_COMPLETE|REQUEST_STEP/ {
			sub(/.*count:/, ""); n += $1 }
		END { print n + 0 }'
}

# GPUs in use on each node, as scontrol tells them.
node_gpus()
{
	scontrol -d show node | awk '
		/^NodeName=/ { sub(/NodeName=/, "", $1); name = $1 }
		/GresUsed=/ { n = 0; if (match($0, /gpu:[a-z0-9]+:[0-9]+/)) {
				s = substr($0, RSTART, RLENGTH); sub(/.*:/, "", s); n = s }
			print name, n }' | sort
}

# tmux_start COLUMNS ROWS COMMAND...: a terminal of its own, without anybody's .tmux.conf.
# COMMAND runs in it with the test's environment; its exit status is in $WORK/tmux.status.
tmux_start()
{
	local columns=$1 rows=$2

	shift 2
	E2E_TMUX=uct-$BASHPID
	cat >"$WORK/tmux.run" <<-EOT
		$(printf '%q ' "$@")
		echo \$? >$(printf %q "$WORK/tmux.status")
		sleep 1000
	EOT
	# a server that is about to end, because its last terminal did, takes no more
	wait_until 10 tmux -L "$E2E_TMUX" -f /dev/null \
		new-session -d -x "$columns" -y "$rows" "exec bash $(printf %q "$WORK/tmux.run")"
	tmux_do set-option -g status off
}

tmux_do()
{
	tmux -L "$E2E_TMUX" "$@"
}

tmux_keys()
{
	tmux_do send-keys "$@"
}

# What is on the screen, lines that go on joined, blanks at the end gone.
tmux_screen()
{
	tmux_do capture-pane -p -J | sed 's/[[:blank:]]*$//'
}

# tmux_wait TEXT [SECONDS]: until the screen has TEXT (extended regular expression); shows
# the screen when it never does.
tmux_wait()
{
	wait_until "${2:-20}" tmux_has "$1" && return 0
	printf 'the screen never showed "%s":\n' "$1"
	tmux_screen
	return 1
}

tmux_has()
{
	tmux_screen | grep -qE -- "$1"
}

# tmux_status [SECONDS]: the exit status of the command in the terminal.
tmux_status()
{
	wait_until "${1:-20}" test -s "$WORK/tmux.status" || {
		tmux_screen
		return 1
	}
	cat "$WORK/tmux.status"
}

tmux_end()
{
	local session sessions

	[ -n "$E2E_TMUX" ] || return 0
	sessions=$(tmux_do list-panes -a -F '#{pane_pid}' 2>/dev/null) || :
	tmux_do kill-server 2>/dev/null || :
	for session in $sessions; do
		wait_until 5 ours_ended "$session" || kill_traced "$session"
	done
	E2E_TMUX=
}

ours_ended()
{
	local pid

	for pid in $(pgrep -s "$1"); do
		! grep -sqxE 'u(dash|srun|attach|sync|image|queue|info|cluster)' \
			"/proc/$pid/comm" || return 1
	done
}

# A program that ends is stopped by LeakSanitizer, which waits for that for ever when the
# terminal's end sends SIGCONT just then.
kill_traced()
{
	local pid

	for pid in $(pgrep -s "$1"); do
		! grep -q '^TracerPid:[[:blank:]]*[1-9]' "/proc/$pid/status" 2>/dev/null ||
			kill -KILL "$pid"
	done
}

# need_root: only root has several users.
need_root()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# need_open_folder: other users must get to the sandbox.
need_open_folder()
{
	local part=$WORK

	while [ -n "$part" ]; do
		[[ $(stat -c %A "$part") == *[xt] ]] ||
			skip "no other user gets into $part; clone it elsewhere to run this"
		part=${part%/*}
	done
}

# user_add NAME: a user for this test, with a home under $WORK; names start with uct.
user_add()
{
	local uid=

	need_root
	need_open_folder
	[[ $1 == uct* ]] || { echo "test users are called uct..."; return 1; }
	user_remove "$1"
	# A number of its own: slurmctld remembers jobs of users of the tests before.
	until ! getent passwd "${uid:=$((50000 + RANDOM % 9000))}" >/dev/null; do
		uid=
	done
	useradd --no-log-init -M -u "$uid" -d "$WORK/home-$1" -s /bin/bash "$1" || return 1
	E2E_USERS+=("$1")
	mkdir "$WORK/home-$1" && chown "$1:" "$WORK/home-$1" || return 1
	# with accounting nobody runs jobs without an account; slurmctld hears of it by itself
	sacctmgr -i -Q add user "name=$1" account=research >/dev/null || return 1
	wait_until 10 has_account "$1"
}

has_account()
{
	scontrol show assoc_mgr "users=$1" flags=assoc | grep -q "UserName=$1("
}

user_remove()
{
	sacctmgr -i -Q delete user "name=$1" >/dev/null 2>&1 || :
	id -u "$1" >/dev/null 2>&1 || return 0
	userdel "$1" 2>/dev/null
}

# as USER COMMAND...: with the test's environment, that user's home, no tty.
as()
{
	local user=$1

	shift
	setpriv --reuid="$user" --regid="$user" --init-groups \
		env HOME="$WORK/home-$user" USER="$user" LOGNAME="$user" "$@"
}
