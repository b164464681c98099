#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What goes wrong between a login node and slurmctld: one line, status 4, in time.
bats_require_minimum_version 1.5.0

SCRIPT=$'#!/bin/bash\ntrue'

setup_file()
{
	BASE=$(mktemp -d "${UC_TEST_BUILD:?run it through ctest}/tests/tmp/faults-XXXXXX")
	SANDBOX=${UC_TEST_TOP:?}/share/sandbox/sandbox
	PROBE=$UC_TEST_BUILD/tests/probe
	export BASE SANDBOX PROBE
	chmod 0755 "$BASE"
	"$SANDBOX" start --dir "$BASE/c" --nodes cpu:1
	"$SANDBOX" env --dir "$BASE/c" >"$BASE/env"
}

teardown_file()
{
	"$SANDBOX" stop --purge --dir "$BASE/c"
	rm -rf "$BASE"
}

setup()
{
	# shellcheck disable=SC1091
	. "$BASE/env"
	STOPPED=()
}

# Nothing stays stopped, and the cluster answers before the next test begins.
teardown()
{
	local pid

	for pid in "${STOPPED[@]}"; do
		kill -CONT "$pid" 2>/dev/null || :
	done
	[ -z "${CLOSER-}" ] || kill "$CLOSER"
	wait_until 20 "$PROBE" -t 2000 ping
	wait_until 5 no_workers
}

wait_until()
{
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

pid_of()
{
	cat "$BASE/c/run/$1.pid"
}

stop_daemon()
{
	STOPPED+=("$(pid_of "$1")")
	kill -STOP "$(pid_of "$1")"
}

# Workers started from this build; other builds may run theirs.
workers()
{
	local pid

	for pid in $(pgrep -f '^slurm-worker-'); do
		[[ $(readlink "/proc/$pid/exe") == "$UC_TEST_BUILD"/libexec/* ]] &&
			echo "$pid"
	done
	return 0
}

no_workers()
{
	[ -z "$(workers)" ]
}

has_worker()
{
	[ -n "$(workers)" ]
}

# timed MAX_MS COMMAND...: `run` it; fails when it took longer.
timed()
{
	local max=$1 begun=${EPOCHREALTIME/./}

	shift
	run "$@"
	TOOK=$(((${EPOCHREALTIME/./} - begun) / 1000))
	echo "status $status after $TOOK ms: $output"
	[ "$TOOK" -le "$max" ]
}

one_line()
{
	[ "$status" -eq 4 ] && [ "${#lines[@]}" -eq 1 ]
}

@test "without accounting: jobs that ended are those that slurmctld remembers" {
	job=$(sbatch --parsable -o /dev/null --wrap 'exit 3')
	wait_until 30 eval "squeue -h -t all -j $job -o %T | grep -q FAILED"
	run -0 --separate-stderr uqueue --finished -j "$job" -h --parsable2 -o id,ended
	[ "$output" = "$job|failed with exit code 3" ]
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr == *"this cluster has no accounting: only what slurmctld remembers"* ]]
	run -0 uqueue eff "$job"
	[[ $output == *"no accounting: what jobs used is not known here"* ]]
	run -3 uqueue eff 999999
	[[ $output == *"job 999999 is not known: this cluster has no accounting" ]]
}

@test "slurmctld stopped: every question ends at the deadline" {
	stop_daemon slurmctld
	for question in ping jobs nodes partitions; do
		timed 2500 "$PROBE" -t 1500 $question
		one_line
		[[ $output == "4: slurmctld at "*" did not answer within 1500 ms | "* ]]
		[ "$TOOK" -ge 1500 ]
	done
}

@test "slurmctld stopped: uqueue says so in one line, status 4, in time" {
	stop_daemon slurmctld
	for words in "" --me "-j 1" "--by user" "--why 1" "show 1" --json --finished "eff 1" \
		"1 --cancel --yes" "1 --hold --yes" "1 --set time=5 --yes"; do
		# shellcheck disable=SC2086
		timed 2500 env UCLUSTER_SLURM_TIMEOUT=1s "$UC_TEST_BUILD/bin/uqueue" $words
		[ "$status" -eq 4 ]
		[[ ${lines[0]} == "uqueue"*": slurmctld at "*" did not answer within 1 s" ]]
		[ "${#lines[@]}" -le 2 ] # the second is the hint
	done
}

@test "slurmctld stopped: uinfo says so in one line, status 4, in time" {
	stop_daemon slurmctld
	for words in "" gpus "gpus --map" nodes partitions limits usage "usage --all" --json; do
		# shellcheck disable=SC2086
		timed 2500 env UCLUSTER_SLURM_TIMEOUT=1s "$UC_TEST_BUILD/bin/uinfo" $words
		[ "$status" -eq 4 ]
		[[ ${lines[0]} == "uinfo"*": slurmctld at "*" did not answer within 1 s" ]]
		[ "${#lines[@]}" -le 2 ] # the second is the hint
	done
	timed 9000 env UCLUSTER_SLURM_TIMEOUT=1s "$UC_TEST_BUILD/bin/uinfo" health
	[ "$status" -eq 4 ]
	[[ $output == *"bad "*"slurmctld "*"did not answer within 1 s"* && $output == *"ok "*"munge "* ]]
	timed 4000 env HOME="$BASE" "$UC_TEST_BUILD/bin/ucluster" complete PARTITION
	[ "$status" -eq 4 ]
}

@test "munged stopped: uinfo names it, and health says which it is" {
	stop_daemon munged
	timed 2500 env UCLUSTER_SLURM_TIMEOUT=1s "$UC_TEST_BUILD/bin/uinfo" nodes
	[ "$status" -eq 4 ]
	[[ ${lines[0]} == "uinfo nodes: munged on this host did not answer within 1 s" ]]
	timed 12000 env UCLUSTER_SLURM_TIMEOUT=1s "$UC_TEST_BUILD/bin/uinfo" health
	[ "$status" -eq 4 ]
	[[ $output == *"bad "*"munge "*"does not answer"* ]]
}

# with_munge SOCKET: the cluster's slurm.conf with another munged.
with_munge()
{
	sed "s,^AuthInfo=.*,AuthInfo=socket=$1," "$SLURM_CONF" >"$BASE/munge.conf"
	grep -q "socket=$1" "$BASE/munge.conf"
}

@test "no munged: it is named, in time, by every command" {
	with_munge "$BASE/nothing.sock"
	for words in uqueue "uinfo nodes" "udash --dump" "uattach 1" "usrun --batch --no-check -H true"; do
		# shellcheck disable=SC2086
		timed 12000 env HOME="$BASE" SLURM_CONF="$BASE/munge.conf" UCLUSTER_SLURM_TIMEOUT=8s \
			"$UC_TEST_BUILD"/bin/$words
		[ "$status" -eq 4 ]
		# of a submission it is said first of all whether the job may be there
		[[ $output == *munged* || $output == *authentication*"may be queued"* ]]
		[ "${#lines[@]}" -le 2 ]
	done
}

@test "a munged with another key: slurmctld's refusal is said, and nothing is shown" {
	head -c 1024 /dev/urandom >"$BASE/other.key"
	chmod 0400 "$BASE/other.key"
	munged --foreground --force --socket="$BASE/other.sock" --key-file="$BASE/other.key" \
		--pid-file="$BASE/other.pid" --seed-file="$BASE/other.seed" >/dev/null 2>&1 3>&- &
	other=$!
	wait_until 30 test -S "$BASE/other.sock"
	with_munge "$BASE/other.sock"
	for words in uqueue "uinfo nodes" "uattach 1" "usrun --batch --no-check -H -J other true"; do
		# shellcheck disable=SC2086
		timed 20000 env HOME="$BASE" SLURM_CONF="$BASE/munge.conf" UCLUSTER_SLURM_TIMEOUT=8s \
			"$UC_TEST_BUILD"/bin/$words
		[[ $status == [45] && ${#lines[@]} -le 2 ]] || {
			kill "$other"
			return 1
		}
	done
	kill "$other"
	wait "$other" || :
	[ -z "$(squeue -h -t all --name=other -o %A)" ]
}

@test "slurmctld restarted while jobs are submitted: none twice, none that nobody tells of" {
	local count=${UC_SUBMITS:-6} daemon=() i jobs pid said submit word

	while IFS= read -r -d '' word; do
		[ "$word" = -c ] || daemon+=("$word") # it would forget its jobs
	done <"/proc/$(pid_of slurmctld)/cmdline"
	pid=$(pid_of slurmctld)
	for ((i = 0; i < count; i++)); do
		"$PROBE" -t 8000 submit "$SCRIPT" "job-name=restart-$i" >"$BASE/said" 2>&1 3>&- &
		submit=$!
		sleep "0.$((RANDOM % 90 + 10))" # the moment is what is random here
		kill -TERM "$pid"
		wait_until 60 ended "$pid"
		"${daemon[@]}" >/dev/null 2>&1 3>&- &
		pid=$!
		status=0
		wait "$submit" || status=$?
		wait_until 60 "$PROBE" -t 2000 ping
		jobs=$(squeue -h -t all --name="restart-$i" -o %A | wc -l)
		said=$(<"$BASE/said")
		echo "$i: $status, $jobs jobs: $said"
		case $status in
		0) [ "$jobs" -eq 1 ] ;;
		4) [[ $jobs -eq 0 || ($jobs -eq 1 && $said == *'may be queued all the same'*) ]] ;;
		*) false ;;
		esac
	done
	kill -TERM "$pid"
	wait_until 60 ended "$pid"
	"$SANDBOX" start --dir "$BASE/c" --nodes cpu:1
}

# Whether that process is gone, or a zombie.
ended()
{
	[[ ! -e /proc/$1 || $(ps -o stat= -p "$1") == Z* ]]
}

@test "slurm.conf missing: uinfo says so at once" {
	for words in "" gpus nodes partitions limits usage; do
		# shellcheck disable=SC2086
		timed 1000 env SLURM_CONF=/nonexistent/slurm.conf "$UC_TEST_BUILD/bin/uinfo" $words
		[ "$status" -eq 4 ]
		[[ ${lines[0]} == "uinfo"*"'/nonexistent/slurm.conf' cannot be read: No such file"* ]]
	done
}

@test "slurmctld stopped while submitting: the outcome is called unknown" {
	stop_daemon slurmctld
	timed 2500 "$PROBE" -t 1500 submit "$SCRIPT" job-name=lost
	one_line
	[[ $output == *"may be queued all the same | "*"squeue --me --name=lost" ]]
	kill -CONT "$(pid_of slurmctld)"
}

@test "slurmctld dead: refused, and a lost submission is called so or not at all" {
	kill -9 "$(pid_of slurmctld)"
	timed 12000 "$PROBE" -t 11000 jobs # libslurm gives up by itself after 9 s
	one_line
	[[ $output == "4: slurmctld at "*" cannot be reached: "* ]]
	timed 2500 "$PROBE" -t 1500 submit "$SCRIPT"
	one_line
	"$SANDBOX" start --dir "$BASE/c" --nodes cpu:1
}

@test "munged stopped: it is named" {
	stop_daemon munged
	timed 2500 "$PROBE" -t 1500 jobs
	one_line
	[[ $output == "4: munged on this host did not answer within 1500 ms | "* ]]
}

@test "slurm.conf missing, unreadable or no file: at once" {
	timed 1000 env SLURM_CONF=/nonexistent/slurm.conf "$PROBE" jobs
	one_line
	[[ $output == *"'/nonexistent/slurm.conf' cannot be read: No such file"* ]]
	timed 1000 env SLURM_CONF= "$PROBE" jobs
	[ "$output" = "4: SLURM_CONF is empty | set it to the path of slurm.conf, or unset it" ]
	timed 1000 "$PROBE" -c "$BASE" jobs
	one_line
	[[ $output == *"not a regular file"* ]]
	mkfifo "$BASE/pipe"
	timed 1000 "$PROBE" -c "$BASE/pipe" jobs
	one_line
}

@test "slurm.conf empty or garbage: libslurm's reason, at once" {
	: >"$BASE/empty.conf"
	timed 2000 "$PROBE" -c "$BASE/empty.conf" jobs
	one_line
	[[ $output == *"ClusterName needs to be specified | "*"$BASE/empty.conf"* ]]
	head -c 4096 /dev/urandom >"$BASE/garbage.conf"
	timed 2000 "$PROBE" -c "$BASE/garbage.conf" jobs
	one_line
}

@test "the worker killed in the middle of a question: said, not waited for" {
	stop_daemon slurmctld
	"$PROBE" -t 9000 jobs >"$BASE/out" 2>&1 3>&- &
	wait_until 5 has_worker
	sleep 0.2 # into the call; either way the answer is the same
	worker=$(workers)
	begun=${EPOCHREALTIME/./}
	kill -9 "$worker"
	wait $! || [ $? -eq 4 ]
	[ $(((${EPOCHREALTIME/./} - begun) / 1000)) -lt 1000 ]
	grep -q '^4: slurm-worker-.* was killed by signal 9' "$BASE/out"
}

@test "the caller killed in the middle of a question: its worker ends too" {
	stop_daemon slurmctld
	"$PROBE" -t 60000 jobs >/dev/null 2>&1 3>&- &
	wait_until 5 has_worker
	kill -9 $!
	wait_until 3 no_workers
}

@test "a dashboard's source survives a restart of slurmctld" {
	coproc TWICE { "$PROBE" -t 1500 twice 2>&1; }
	read -r first <&"${TWICE[0]}"
	[ "$first" = up ]
	mapfile -d '' slurmctld <"/proc/$(pid_of slurmctld)/cmdline"
	kill -9 "$(pid_of slurmctld)"
	"${slurmctld[@]}" >/dev/null 2>&1 3>&- &
	again=$!
	wait_until 10 "$PROBE" -t 1000 ping
	echo >&"${TWICE[1]}"
	read -r second <&"${TWICE[0]}"
	kill -9 "$again"
	"$SANDBOX" start --dir "$BASE/c" --nodes cpu:1
	[ "$second" = up ]
}

@test "no worker, or one that cannot run: said" {
	run -3 env UCLUSTER_SLURM_WORKER=/nonexistent/worker "$PROBE" ping
	[[ $output == *"'/nonexistent/worker' cannot be started: No such file"* ]]
	run -4 env UCLUSTER_SLURM_WORKER=/bin/true "$PROBE" ping
	[ "${#lines[@]}" -eq 1 ]
}

@test "the worker by hand says what it is, and lists its options" {
	worker=$(echo "$UC_TEST_BUILD"/libexec/ucluster/slurm-worker-*)
	run -2 "$worker" </dev/null 3<&-
	run -0 "$worker" --options
	[[ $'\n'$output$'\n' == *$'\ngpus\n'* && $'\n'$output$'\n' == *$'\ntime\n'* ]]
	[ "$output" = "$(sort <<<"$output" | LC_ALL=C sort)" ]
}

# closer FILE [reset]: takes every message on a port of its own, which it writes to FILE, and
# closes the connection; or cuts it. In the background: it is the process that is killed.
closer()
{
	exec perl -MSocket -MIO::Socket::INET -e '
		my $door = IO::Socket::INET->new(Listen => 64, LocalAddr => "127.0.0.1") or die;
		open my $out, ">", "$ARGV[0].new" or die;
		print $out $door->sockport, "\n";
		close $out;
		rename "$ARGV[0].new", $ARGV[0] or die;
		while (my $one = $door->accept) {
			read $one, my $len, 4;
			read $one, my $said, unpack("N", $len) if !$ARGV[1];
			setsockopt $one, SOL_SOCKET, SO_LINGER, pack("ll", 1, 0) if $ARGV[1];
		}' "$@"
}

@test "a slurmctld that does not understand the newest worker: the older one submits" {
	local stage=$BASE/stage here=("$UC_TEST_BUILD"/libexec/ucluster/slurm-worker-*) id newest

	closer "$BASE/port" 3>&- &
	CLOSER=$!
	wait_until 60 test -s "$BASE/port"
	sed "s/^SlurmctldPort=.*/SlurmctldPort=$(<"$BASE/port")/" "$SLURM_CONF" >"$BASE/old.conf"
	newest=${here[0]##*/}
	mkdir -p "$stage/bin" "$stage/libexec/ucluster"
	ln -s "$UC_TEST_BUILD/lib" "$stage/lib"
	cp "$UC_TEST_BUILD/bin/usrun" "$stage/bin/"
	cp "${here[0]}" "$stage/libexec/ucluster/$newest"
	# the older one is the same, and asks where the cluster answers
	printf '#!/bin/sh\nSLURM_CONF=%q exec %q\n' "$SLURM_CONF" "${here[0]}" \
		>"$stage/libexec/ucluster/slurm-worker-$((${newest##*-} - 1))"
	chmod +x "$stage"/libexec/ucluster/*
	run env HOME="$BASE" SLURM_CONF="$BASE/old.conf" UCLUSTER_SLURM_TIMEOUT=60s \
		"$stage/bin/usrun" --batch --no-check -H -J older true
	echo "$output"
	[ "$status" -eq 0 ]
	id=$(squeue -h --name=older -o %A)
	[[ $id =~ ^[0-9]+$ && $output == *"$id"* ]]
	scancel "$id"
	# where there is no other, it says what may be wrong
	rm "$stage/libexec/ucluster/slurm-worker-$((${newest##*-} - 1))"
	run -4 env HOME="$BASE" SLURM_CONF="$BASE/old.conf" UCLUSTER_SLURM_TIMEOUT=60s "$PROBE" ping
	[[ $output == "4: ping: slurmctld closed the connection"*" | slurmctld may be older than "* ]]
}

@test "a connection that is cut is slurmctld's, status 4" {
	closer "$BASE/cut" reset 3>&- &
	CLOSER=$!
	wait_until 60 test -s "$BASE/cut"
	sed "s/^SlurmctldPort=.*/SlurmctldPort=$(<"$BASE/cut")/" "$SLURM_CONF" >"$BASE/cut.conf"
	run -4 "$PROBE" -c "$BASE/cut.conf" -t 60000 ping
	# libslurm sees it as an error or as an end
	[[ $output == "4: slurmctld at "*" cannot be reached: "*" | "* ||
		$output == "4: ping: slurmctld closed the connection"*" | "* ]]
}
