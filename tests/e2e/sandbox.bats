#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# The throwaway cluster itself. Its clusters lie under UC_TEST_DIR, or the build
# folder's, or bats' own folder; 'main' is shared by the tests that only look.

bats_require_minimum_version 1.5.0

setup_file()
{
	local parent=${UC_TEST_DIR:-${UC_TEST_BUILD:+$UC_TEST_BUILD/tests/tmp}}

	unset_slurm
	if [ -z "$parent" ]; then
		parent=$BATS_FILE_TMPDIR
		chmod 0711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
	fi
	mkdir -p "$parent"
	BASE=$(mktemp -d "$parent/sandbox-XXXXXX")
	chmod 0755 "$BASE"
	cp -R "$BATS_TEST_DIRNAME/../../share/sandbox" "$BASE/code"
	chmod -R a+rX "$BASE/code"
	SANDBOX=$BASE/code/sandbox
	MAIN=$BASE/main
	if [ -z "${UCLUSTER_SANDBOX_PYXIS-}" ] && [ -n "${UC_TEST_BUILD-}" ]; then
		export UCLUSTER_SANDBOX_PYXIS=$UC_TEST_BUILD/libexec/ucluster/sandbox/pyxis.so
	fi
	export BASE SANDBOX MAIN
	local begun=${EPOCHREALTIME/./}
	"$SANDBOX" start --dir "$MAIN" 2>"$BASE/start.err"
	export START_MS=$(((${EPOCHREALTIME/./} - begun) / 1000))
}

teardown_file()
{
	local folder
	for folder in "$BASE"/*/.ucluster-sandbox "$BASE"/*/*/.ucluster-sandbox; do
		[ ! -e "$folder" ] || "$SANDBOX" stop --purge --dir "${folder%/*}" 2>/dev/null
	done
	if [ -n "$(id -u uctsb1 2>/dev/null)" ]; then remove_users; fi
	rm -rf "$BASE"
}

setup()
{
	unset_slurm
	D=$BASE/d$BATS_TEST_NUMBER
	cd "$BASE" || return 1
}

teardown()
{
	if [ -e "$D/.ucluster-sandbox" ]; then "$SANDBOX" stop --purge --dir "$D" 2>/dev/null; fi
	if [ -n "${USERS-}" ]; then remove_users; fi
}

unset_slurm()
{
	local name
	for name in $(compgen -e); do
		case $name in SLURM* | SBATCH* | SALLOC* | SRUN*) unset "$name" ;; esac
	done
}

# use DIR: the exports of that sandbox in this test.
use()
{
	local exports
	exports=$("$SANDBOX" env --dir "$1") || return 1
	eval "$exports"
}

# until_true SECONDS COMMAND...
until_true()
{
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# left_of DIR: processes that name the folder in their command or environment,
# zombies and this test's own family aside.
left_of()
{
	local pid
	for pid in /proc/[0-9]*; do
		if tr '\0' '\n' 2>/dev/null <"$pid/environ" | grep -qE "^(SLURM_CONF|UCLUSTER_SANDBOX_RUN)=$1/" ||
			tr '\0' '\n' 2>/dev/null <"$pid/cmdline" | grep -qF "$1/"; then
			grep -q '^State:.Z' "$pid/status" 2>/dev/null || echo "${pid#/proc/}"
		fi
	done
}

nothing_left_of()
{
	[ -z "$(left_of "$1")" ] || { ps -o pid,args -p "$(left_of "$1" | paste -sd,)"; return 1; }
	! grep -qF " $1/" /proc/self/mountinfo
}

need_root()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
}

make_users()
{
	local name part=$BASE
	while [ -n "$part" ]; do
		[[ $(stat -c %A "$part") == *[xt] ]] ||
			skip "no other user gets into $part; clone it elsewhere to run this"
		part=${part%/*}
	done
	USERS="uctsb1 uctsb2"
	for name in $USERS; do
		useradd --no-log-init -M -d "$BASE/home-$name" -s /bin/bash "$name" || return 1
		mkdir -p "$BASE/home-$name"
		chown "$name:" "$BASE/home-$name"
	done
}

remove_users()
{
	local name
	for name in uctsb1 uctsb2; do
		if [ -d "$BASE/home-$name/.local" ]; then as "$name" "$SANDBOX" stop --purge || :; fi
		userdel -f "$name" 2>/dev/null || :
		rm -rf "$BASE/home-$name"
	done
	USERS=
}

# as USER COMMAND...
as()
{
	local name=$1
	shift
	setpriv --reuid="$name" --regid="$name" --init-groups \
		env -u TMPDIR -u XDG_RUNTIME_DIR HOME="$BASE/home-$name" USER="$name" LOGNAME="$name" "$@" 3>&-
}

# refuses STATUS TEXT ARG...: that status, one line with TEXT, then a hint.
refuses()
{
	local want=$1 text=$2
	shift 2
	run --separate-stderr "$SANDBOX" "$@"
	echo "$*: status $status: $stderr"
	[ "$status" -eq "$want" ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 2 ]
	[[ ${stderr_lines[0]} == "ucluster: sandbox: "* ]]
	[[ ${stderr_lines[0]} == *"$text"* ]]
	[[ ${stderr_lines[1]} == "hint: "* ]]
}

@test "a start takes less than five seconds and every node is idle after it" {
	echo "it took $START_MS ms"
	[ "$START_MS" -lt 5000 ]
	use "$MAIN"
	run sinfo -h -N -p batch -o '%N %T %G'
	[ "${lines[0]}" = "cpu1 idle (null)" ]
	[ "${lines[1]}" = "cpu2 idle (null)" ]
	[ "${lines[2]}" = "gpu1 idle gpu:a100:8" ]
	[ "${lines[3]}" = "gpu2 idle gpu:a100:8" ]
	[ "${#lines[@]}" -eq 4 ]
}

@test "env is text for eval in bash and dash, with the commands first in PATH" {
	export UCLUSTER_BINDIR="$BASE/it's a bin" SBATCH_PARTITION=elsewhere SLURM_CLUSTERS=other
	run --separate-stderr "$SANDBOX" env --dir "$MAIN"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	for shell in bash dash; do
		run "$shell" -c 'eval "$1"; eval "$1"; printf "%s\n" "$SLURM_CONF" "$UCLUSTER_SANDBOX" \
			"$UCLUSTER_IMAGE_DIRS" "${PATH%%:*}" "${SBATCH_PARTITION-none}" "${SLURM_CLUSTERS-none}"
			case $PATH in *bin:*bin:"$UCLUSTER_BINDIR"*) echo twice ;; esac' x "$output"
		[ "${lines[0]}" = "$MAIN/etc/slurm.conf" ]
		[ "${lines[1]}" = "$MAIN" ]
		[ "${lines[2]}" = "$MAIN/images" ]
		[ "${lines[3]}" = "$UCLUSTER_BINDIR" ]
		[ "${lines[4]}" = none ]
		[ "${lines[5]}" = none ]
		[ "${#lines[@]}" -eq 6 ]
		run --separate-stderr "$SANDBOX" env --dir "$MAIN"
	done
}

@test "a job sees the GPUs that Slurm gave it in CUDA_VISIBLE_DEVICES" {
	use "$MAIN"
	run srun --gpus=2 printenv CUDA_VISIBLE_DEVICES
	[ "$output" = 0,1 ]
	srun -w gpu1 --gpus=3 sh -c 'sleep 30' 3>&- &
	until_true 10 sh -c 'squeue -h -t R -o %i | grep -q .'
	run srun -w gpu1 --gpus=2 printenv CUDA_VISIBLE_DEVICES
	scancel -u "$(id -un)"
	wait || :
	[ "$output" = 3,4 ]
	run srun -w cpu1 sh -c 'echo "${CUDA_VISIBLE_DEVICES-none}"'
	[ "$output" = none ]
}

@test "each partition refuses a job over its own time limit" {
	use "$MAIN"
	run timeout 10 srun -p gpu -t 8:00:01 true
	[ "$status" -eq 1 ]
	[[ $output == *"time limit"* ]]
	timeout 10 srun -p gpu -t 8:00:00 true
	timeout 10 srun -p batch -t 8:00:01 true
	run timeout 10 srun -p batch -t 24:01:00 true
	[ "$status" -eq 1 ]
	run timeout 10 srun -p gpu -w cpu1 true
	[ "$status" -eq 1 ]
}

@test "a start of what runs already says so and changes nothing" {
	run "$SANDBOX" start --dir "$MAIN"
	[ "$status" -eq 0 ]
	[[ $output == *"already running in '$MAIN'"* ]]
	run "$SANDBOX" start --nodes c:1 --dir "$MAIN"
	[ "$status" -eq 0 ]
	[[ $output == *"already running"*"stop it first"* ]]
	use "$MAIN"
	[ "$(sinfo -h -N -p batch | wc -l)" -eq 4 ]
}

@test "status tells daemons and nodes, for people and as JSON" {
	run "$SANDBOX" status --dir "$MAIN"
	[ "$status" -eq 0 ]
	[[ $output == *"sandbox     running"* ]]
	[[ $output == *"slurmd-cpu2"* ]]
	"$SANDBOX" status --json --dir "$MAIN" >"$BASE/status.json"
	jq -e '.state == "running" and (.nodes | length) == 4 and (.daemons | length) == 6
		and all(.daemons[]; .pid > 1) and .nodes[2].gres == "gpu:a100:8"' "$BASE/status.json"
	kill -0 "$(jq '.daemons[] | select(.name == "slurmctld").pid' "$BASE/status.json")"
}

@test "logs shows the ends of all logs, of one, and refuses unknown daemons" {
	run "$SANDBOX" logs --dir "$MAIN"
	[ "$status" -eq 0 ]
	[[ $output == *"==> $MAIN/log/slurmctld.log <=="* ]]
	[[ $output == *"==> $MAIN/log/slurmd-gpu1.log <=="* ]]
	run "$SANDBOX" logs slurmctld --dir "$MAIN"
	[[ $output == *"slurmctld version"* ]]
	[[ $output != *slurmd-gpu1.log* ]]
	refuses 3 "no daemon 'nobody'" logs nobody --dir "$MAIN"
	refuses 3 "no daemon '../etc/slurm'" logs ../etc/slurm --dir "$MAIN"
}

@test "a log cannot talk to the terminal" {
	printf 'evil \033[31mred\007\n' >>"$MAIN/log/sinfo.log"
	run script -qec "$SANDBOX logs sinfo --dir $MAIN" /dev/null
	[[ $output == *"evil ?[31mred?"* ]]
	[[ $output != *$'\033'* ]]
}

@test "where no sandbox is, env, status and logs end with 3 and stop with 0" {
	for command in env status logs; do
		refuses 3 "no sandbox runs in '$D'" "$command" --dir "$D"
	done
	run "$SANDBOX" stop --dir "$D"
	[ "$status" -eq 0 ]
	[ ! -e "$D" ]
}

@test "a bad node specification is refused with the item in question" {
	while IFS='|' read -r spec item; do
		refuses 2 "'$item'" start --dir "$D" --nodes="$spec"
	done <<-'TABLE'
	gpu|gpu
	gpu:|gpu:
	gpu:0|gpu:0
	gpu:65|gpu:65
	gpu:9999999999999999999|gpu:9999999999999999999
	gpu:-1|gpu:-1
	:2|:2
	Gpu:2|Gpu:2
	g1:2|g1:2
	a b:1|a b:1
	gpu:2x|gpu:2x
	gpu:2x8x|gpu:2x8x
	gpu:2x8x8|gpu:2x8x8
	gpu:2x8xa100:1|gpu:2x8xa100:1
	gpu:2x65xa100|gpu:2x65xa100
	gpu:2x8xa;b|gpu:2x8xa;b
	cpu:2,gpu:x|gpu:x
	cpu:2,|cpu:2,
	cpu:1,,gpu:1|
	cpu:1,cpu:2|cpu:2
	a:40,b:40|b:40
	TABLE
	[ ! -e "$D" ]
}

@test "a bad command line is refused with status 2" {
	refuses 2 "a command is missing"
	refuses 2 "unknown command 'begin'" begin
	refuses 2 "'start' has no option '--json'" start --json
	refuses 2 "'stop' takes no argument 'now'" stop now
	refuses 2 "option '--nodes' needs a value" start --nodes
	refuses 2 "option '--dir' needs a value" status --dir=
	refuses 2 "option '--accounting' takes no value" start --accounting=yes
	refuses 2 "a name is missing" image --from busybox
	refuses 2 "--from busybox or --from debian" image x
	refuses 2 "--from 'fedora'" image x --from fedora
	refuses 2 "image name '../x'" image ../x --from busybox
	refuses 2 "has a character that Slurm's configuration cannot hold" start --dir "$BASE/with space"
	HOME='' XDG_STATE_HOME='' refuses 2 "HOME is not set" status
}

@test "a directory that holds other files is left alone" {
	mkdir "$D"
	echo mine >"$D/etc"
	refuses 1 "holds other files" start --dir "$D"
	run "$SANDBOX" stop --purge --dir "$D"
	[ "$status" -eq 0 ]
	[ "$(cat "$D/etc")" = mine ]
}

@test "two starts at once make one sandbox" {
	"$SANDBOX" start --nodes c:1 --dir "$D" 2>"$BASE/one" 3>&- &
	"$SANDBOX" start --nodes c:1 --dir "$D" 2>"$BASE/two" 3>&-
	wait $!
	cat "$BASE/one" "$BASE/two"
	[ "$(cat "$BASE/one" "$BASE/two" | grep -c 'started 1 node')" -eq 1 ]
	[ "$(cat "$BASE/one" "$BASE/two" | grep -c 'already running')" -eq 1 ]
}

@test "two sandboxes run side by side, and stopping one leaves the other" {
	"$SANDBOX" start --nodes c:1,g:1x2 --dir "$D"
	use "$D"
	[ "$(srun -w g1 --gpus=2 printenv CUDA_VISIBLE_DEVICES)" = 0,1 ]
	[ "$(scontrol -o show node g1 | grep -o 'Gres=[^ ]*')" = Gres=gpu:2 ]
	"$SANDBOX" stop --dir "$D"
	nothing_left_of "$D"
	"$SANDBOX" status --dir "$MAIN"
}

@test "a taken port is explained with slurmctld's words, and nothing is left" {
	port=$("$SANDBOX" status --json --dir "$MAIN" | jq .port)
	SANDBOX_PORT_BASE=$port run "$SANDBOX" start --dir "$D"
	[ "$status" -eq 1 ]
	[[ $output == *"slurmctld ended at its start"* ]]
	[[ $output == *"slurmctld: "*"Address already in use"* ]]
	nothing_left_of "$D"
	[ "$(ls -A "$D")" = "$(printf '.lock\n.ucluster-sandbox')" ]
}

@test "a slurmd that fails is named with its words, and nothing is left" {
	port=$("$SANDBOX" status --json --dir "$MAIN" | jq .port)
	SANDBOX_PORT_BASE=$((port - 2)) run "$SANDBOX" start --nodes c:1 --dir "$D"
	[ "$status" -eq 1 ]
	[[ $output == *"slurmd-c1 ended at its start"* ]]
	[[ $output == *"slurmd-c1: "*"Address already in use"* ]]
	nothing_left_of "$D"
}

@test "a container plugin that cannot be loaded is named, and nothing is left" {
	type -P enroot && skip "enroot is installed here"
	echo "not a plugin" >"$BASE/pyxis.so"
	UCLUSTER_LIBEXEC='' UCLUSTER_SANDBOX_PYXIS=$BASE/pyxis.so run "$SANDBOX" start --dir "$D"
	[ "$status" -eq 1 ]
	[[ $output == *"slurmd-"*" ended at its start"*"Failed to load plugin $D/etc/pyxis.so"* ]]
	nothing_left_of "$D"
}

@test "a munged that fails is named with its words; a missing one with its package" {
	mkdir "$BASE/bin"
	printf '#!/bin/sh\necho "munged: Error: the key is cursed" >&2\nexit 1\n' >"$BASE/bin/munged"
	chmod +x "$BASE/bin/munged"
	PATH=$BASE/bin:$PATH run "$SANDBOX" start --dir "$D"
	[ "$status" -eq 1 ]
	[[ $output == *"munged ended at its start"*"munged: munged: Error: the key is cursed"* ]]
	nothing_left_of "$D"
	# A copy that looks for a program that is nowhere.
	sed 's/find_program munged munge;/find_program munged-of-nowhere munge;/' \
		"$BASE/code/daemons.sh" >"$BASE/daemons.sh"
	mkdir "$BASE/broken"
	cp "$BASE/code"/*.sh "$BASE/code/sandbox" "$BASE/broken"
	mv "$BASE/daemons.sh" "$BASE/broken"
	run "$BASE/broken/sandbox" start --dir "$D"
	[ "$status" -eq 1 ]
	[[ $output == *"'munged-of-nowhere' is not installed"*"apt-get install munge"* ]]
}

@test "a start that is interrupted at any moment leaves nothing" {
	for delay in 0.03 0.06 0.1 0.15; do
		for signal in INT TERM; do
			timeout --foreground -s "$signal" "$delay" "$SANDBOX" start --dir "$D" 2>"$BASE/err" 3>&- || :
			if grep -q started "$BASE/err"; then "$SANDBOX" stop --dir "$D"; fi
			nothing_left_of "$D"
			[ ! -e "$D/state" ]
			[ ! -e "$D/run" ]
		done
	done
}

@test "stop ends running jobs, leaves nothing but images, and may be repeated" {
	"$SANDBOX" start --nodes c:2 --dir "$D"
	use "$D"
	sbatch -o /dev/null --wrap 'sleep 300 & setsid sleep 301 & wait'
	sbatch -o /dev/null -n 32 --wrap 'sleep 300'
	until_true 10 sh -c 'squeue -h -t R -o %i | grep -q .'
	"$SANDBOX" image tiny --from busybox --dir "$D"
	run "$SANDBOX" stop --dir "$D"
	[ "$status" -eq 0 ]
	nothing_left_of "$D"
	[ "$(ls -A "$D")" = "$(printf '.lock\n.ucluster-sandbox\nimages')" ]
	[ -s "$D/images/tiny.sqsh" ]
	run "$SANDBOX" stop --dir "$D"
	[ "$status" -eq 0 ]
	run "$SANDBOX" stop --purge --dir "$D"
	[ "$status" -eq 0 ]
	[ ! -e "$D" ]
}

@test "a dead daemon is seen by status, and a start clears away and begins anew" {
	"$SANDBOX" start --nodes c:1 --dir "$D"
	kill -KILL "$("$SANDBOX" status --json --dir "$D" | jq '.daemons[] | select(.name == "slurmd-c1").pid')"
	until_true 5 sh -c "! '$SANDBOX' status --dir '$D'"
	run "$SANDBOX" status --dir "$D"
	[ "$status" -eq 1 ]
	[[ $output == *"slurmd-c1"*"dead"* ]]
	run "$SANDBOX" start --nodes c:1 --dir "$D"
	[ "$status" -eq 0 ]
	[[ $output == *"did not end well"* ]]
	"$SANDBOX" status --dir "$D"
}

@test "jobs outlive no stop, even when every daemon was killed before" {
	"$SANDBOX" start --nodes c:1 --dir "$D"
	use "$D"
	sbatch -o /dev/null --wrap 'sleep 300'
	until_true 10 sh -c 'squeue -h -t R -o %i | grep -q .'
	# shellcheck disable=SC2046
	kill -KILL $("$SANDBOX" status --json --dir "$D" | jq '.daemons[].pid')
	unset_slurm
	run "$SANDBOX" stop --dir "$D"
	[ "$status" -eq 0 ]
	nothing_left_of "$D"
}

@test "stop ends daemons whose directory was deleted under them" {
	long=$BASE/$(printf 'gone%.0s' {1..20})
	for where in "$D" "$long"; do
		"$SANDBOX" start --nodes c:1 --dir "$where"
		runtime=$("$SANDBOX" status --json --dir "$where" | jq -r .runtime)
		rm -rf "$where"
		[ -n "$(left_of "$where")" ]
		run "$SANDBOX" stop --dir "$where"
		[ "$status" -eq 0 ]
		until_true 5 nothing_left_of "$where"
		[ ! -e "$runtime" ]
	done
}

@test "a pid that belongs to somebody else by now is not touched" {
	"$SANDBOX" start --nodes c:1 --dir "$D"
	sleep 300 3>&- &
	stranger=$!
	read -r boot </proc/sys/kernel/random/boot_id
	start=$(sed 's/.*) //' "/proc/$stranger/stat" | cut -d' ' -f20)
	# Once with another start time, once with another program, once from another boot.
	printf 'slurmd-x %s %s %s %s\n' "$stranger" 1 sleep "$boot" "$stranger" "$start" slurmd "$boot" \
		"$stranger" "$start" sleep 0-0 >>"$D/procs"
	run "$SANDBOX" stop --dir "$D"
	kill -0 "$stranger"
	kill "$stranger"
	[ "$status" -eq 0 ]
	nothing_left_of "$D"
}

@test "a directory too long for sockets gets a short one beside, removed at stop" {
	long=$BASE/$(printf 'long%.0s' {1..20})/d
	"$SANDBOX" start --nodes gpu:1x1 --dir "$long"
	runtime=$("$SANDBOX" status --json --dir "$long" | jq -r .runtime)
	[ "$runtime" != "$long" ]
	[ "$(stat -c %a "$runtime")" = 755 ]
	use "$long"
	[ "$(srun --gpus=1 printenv CUDA_VISIBLE_DEVICES)" = 0 ]
	"$SANDBOX" stop --purge --dir "$long"
	[ ! -e "$runtime" ]
	[ ! -e "$long" ]
	nothing_left_of "$long"
}

@test "another cluster's variables, umask 077, no terminal, a closed directory: it holds" {
	mkdir -p "$BASE/closed"
	(
		cd "$BASE/closed" || exit 1
		[ "$(id -u)" = 0 ] || chmod 000 .
		umask 077
		export SLURM_CONF=/nonexistent/slurm.conf SLURM_CLUSTERS=other SLURM_JOB_ID=7 SBATCH_PARTITION=x
		export SLURM_PARTITION=x SLURM_JOBID=7
		setsid "$SANDBOX" start --nodes c:1 --dir "$D" </dev/null 3>&- || exit 1
		eval "$("$SANDBOX" env --dir "$D")"
		[ "$(srun -D / printenv SLURMD_NODENAME)" = c1 ] || exit 1
		"$SANDBOX" stop --dir "$D"
	)
	[ ! -e "$D/state" ]
	chmod 700 "$BASE/closed"
}

@test "jobs of several users run as those users when root started it" {
	need_root
	make_users
	use "$MAIN"
	cd /
	for name in $USERS; do
		run as "$name" srun --gpus=1 sh -c 'id -un; printenv CUDA_VISIBLE_DEVICES'
		echo "$output"
		[ "${lines[0]}" = "$name" ]
		[ "${lines[1]}" = 0 ]
	done
	run as uctsb1 cat "$MAIN/etc/munge.key"
	[ "$status" -eq 1 ]
	[ -z "$(find "$MAIN" -perm -0002 ! -type l ! -type s ! -type c)" ]
}

@test "an ordinary user starts, uses and stops a sandbox" {
	if [ "$(id -u)" = 0 ]; then make_users; else
		mkdir "$BASE/home-me"
	fi
	me() { if [ -n "${USERS-}" ]; then as uctsb1 "$@"; else HOME=$BASE/home-me "$@"; fi; }
	cd /
	run me "$SANDBOX" start
	echo "$output"
	[ "$status" -eq 0 ]
	run me bash -c 'eval "$("$SANDBOX" env)"; srun --gpus=2 sh -c "id -un; printenv CUDA_VISIBLE_DEVICES"; srun -p gpu -t 9:00:00 true'
	echo "$output"
	[ "${lines[0]}" = "$(me id -un)" ]
	[ "${lines[1]}" = 0,1 ]
	[ "$status" -eq 1 ]
	me "$SANDBOX" status
	home=$(me printenv HOME)
	run me "$SANDBOX" stop
	[ "$status" -eq 0 ]
	nothing_left_of "$home/.local/state/ucluster/sandbox"
	[ ! -e "$home/.local/state/ucluster/sandbox" ]
	[ "$(stat -c %a "$home/.local/state/ucluster")" = 700 ]
}

@test "with accounting, history is kept and limits hold" {
	begun=$SECONDS
	if [ "$(id -u)" = 0 ]; then make_users; export SANDBOX_USERS=uctsb1; fi
	"$SANDBOX" start --accounting --nodes gpu:2x8xa100 --dir "$D" 3>&-
	echo "start took about $((SECONDS - begun)) s"
	use "$D"
	cd /
	srun -J kept --gpus=2 true
	kept() { sacct -n -X -o state,alloctres%80 --name kept | grep -q 'COMPLETED.*gres/gpu:a100=2'; }
	until_true 20 kept
	# Nine GPUs: more than the QOS gives one user.
	job=$(sbatch --parsable -o /dev/null --qos short -N2 -n2 --gpus=9 --wrap true)
	waits_for() { [ "$(squeue -h -j "$job" -o %r)" = "$1" ]; }
	until_true 10 waits_for QOSMaxGRESPerUser
	scancel "$job"
	job=$(sbatch --parsable -o /dev/null --qos short -t 61 --wrap true)
	until_true 10 waits_for QOSMaxWallDurationPerJobLimit
	scancel "$job"
	srun --qos short --gpus=8 true
	run timeout 10 srun -A nosuch true
	[ "$status" -eq 1 ]
	srun -A teaching true
	if [ -n "${USERS-}" ]; then
		as uctsb1 srun true
		run as uctsb2 timeout 10 srun true
		[ "$status" -eq 1 ]
		[[ $output == *"Invalid account"* ]]
	fi
	[ "$(stat -c %a "$D/db" "$D/run/db" "$D/etc/slurmdbd.conf" | tr '\n' ' ')" = "700 700 600 " ]
	"$SANDBOX" stop --dir "$D"
	nothing_left_of "$D"
}

@test "an image from busybox is complete, listed, and not replaced unasked" {
	run "$SANDBOX" image tiny --from busybox --dir "$D"
	[ "$status" -eq 0 ]
	[ "$(head -c 4 "$D/images/tiny.sqsh")" = hsqs ]
	unsquashfs -q -n -d "$BASE/tree" "$D/images/tiny.sqsh" >/dev/null
	[ -s "$BASE/tree/etc/os-release" ]
	[ -s "$BASE/tree/etc/environment" ]
	[ "$(readlink "$BASE/tree/bin/ls")" = /bin/busybox ]
	[ "$(stat -c %a "$BASE/tree/tmp")" = 1777 ]
	for path in bin/sh etc/passwd etc/group root proc sys dev; do [ -e "$BASE/tree/$path" ] || [ -L "$BASE/tree/$path" ]; done
	[ -z "$(find "$BASE/tree" -type b -o -type c)" ]
	run cat "$D/images/tiny.packages"
	[[ ${lines[0]} =~ ^Package\ +Version$ ]]
	[[ ${lines[1]} =~ ^-+\ -+$ ]]
	[[ ${lines[2]} =~ ^busybox\ +1\. ]]
	before=$(stat -c %i "$D/images/tiny.sqsh")
	refuses 1 "exists" image tiny --from busybox --dir "$D"
	[ "$(stat -c %i "$D/images/tiny.sqsh")" = "$before" ]
	"$SANDBOX" image tiny --from busybox --force --dir "$D"
	[ "$(stat -c %i "$D/images/tiny.sqsh")" != "$before" ]
	[ "$(ls -A "$D/images")" = "$(printf 'tiny.packages\ntiny.sqsh')" ]
	rm -rf "$BASE/tree"
}

@test "an interrupted image build leaves no image and no work folder" {
	timeout --foreground -s INT 0.02 "$SANDBOX" image tiny --from busybox --dir "$D" 3>&- || :
	[ ! -e "$D/images/tiny.sqsh" ] || rm "$D"/images/tiny.*
	timeout --foreground -s KILL 0.03 "$SANDBOX" image tiny --from busybox --dir "$D" 3>&- || :
	"$SANDBOX" image tiny --from busybox --force --dir "$D"
	[ "$(ls -A "$D/images")" = "$(printf 'tiny.packages\ntiny.sqsh')" ]
}

@test "an image from debian runs Python, made without root" {
	if [ "$(id -u)" = 0 ]; then
		make_users
		mkdir "$D"
		chown uctsb1: "$D"
		run as uctsb1 "$SANDBOX" image python --from debian --dir "$D"
	else
		run "$SANDBOX" image python --from debian --dir "$D"
	fi
	echo "$output"
	if [[ $output == *"apt cannot fetch"* ]]; then skip "no package source answers"; fi
	[ "$status" -eq 0 ]
	unsquashfs -q -n -no-xattrs -d "$BASE/tree" "$D/images/python.sqsh" >/dev/null
	run env -i "$BASE/tree/lib64/ld-linux-x86-64.so.2" --library-path \
		"$BASE/tree/usr/lib/x86_64-linux-gnu" "$BASE/tree/usr/bin/python3" -c 'print(6 * 7)'
	[ "$output" = 42 ] || [ "$(uname -m)" != x86_64 ]
	[ -z "$(find "$BASE/tree" -type b -o -type c -o -perm /6000)" ]
	grep -q '^ID=' "$BASE/tree/usr/lib/os-release"
	grep -qE '^python3 +3\.' "$D/images/python.packages"
	grep -qE '^bash +5\.' "$D/images/python.packages"
	rm -rf "$BASE/tree"
	if [ "$(id -u)" = 0 ]; then as uctsb1 "$SANDBOX" stop --purge --dir "$D"; fi
}

@test "a container runs an image of the sandbox, where the stand-in is built" {
	[ "$("$SANDBOX" status --json --dir "$MAIN" | jq -r .containers)" != off ] || skip "no pyxis, no stand-in"
	use "$MAIN"
	"$SANDBOX" image tiny --from busybox --dir "$MAIN"
	run srun --gpus=1 --container-image="$MAIN/images/tiny.sqsh" sh -c '. /etc/os-release; echo "$ID $CUDA_VISIBLE_DEVICES"'
	echo "$output"
	[[ $output == *"busybox 0"* ]]
}
