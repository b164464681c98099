# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the ucluster authors
#
# Errors, quoting, the sandbox's directory, its state file and its lock.
#
# Variables are shared by the files that 'sandbox' reads together.
# shellcheck disable=SC2034,SC2154

# Names a sandbox directory may hold; only these are ever removed.
readonly OWN_NAMES=(etc run log spool ctld dev cache db state procs)
readonly MARKER=.ucluster-sandbox
# Longest path a UNIX socket can be bound to on Linux (sun_path less its NUL).
readonly SOCKET_MAX=107

# show TEXT: the text with control bytes made visible, for messages.
show()
{
	if [[ $1 == *[![:print:]]* ]]; then printf '%q' "$1"; else printf '%s' "$1"; fi
}

# clean: filters stdin, so that a log cannot talk to the terminal.
clean()
{
	stdbuf -oL tr -c '\11\12\40-\176' '?'
}

say()
{
	printf 'ucluster: sandbox: %s\n' "$*" >&2
}

hint()
{
	printf '%s\n' "hint: $*" >&2
}

# die CODE TEXT [HINT]
die()
{
	say "$2"
	if [[ -n ${3-} ]]; then hint "$3"; fi
	exit "$1"
}

die_usage()
{
	die 2 "$1" "see 'ucluster sandbox --help'"
}

# quote TEXT: one word for bash, zsh and dash.
quote()
{
	local q="'\\''"
	printf "'%s'" "${1//\'/$q}"
}

# json TEXT: a JSON string of it.
json()
{
	local s=$1 out='' c i
	s=${s//\\/\\\\}
	s=${s//\"/\\\"}
	if [[ $s == *[[:cntrl:]]* ]]; then
		for ((i = 0; i < ${#s}; i++)); do
			c=${s:i:1}
			if [[ $c == [[:cntrl:]] ]]; then printf -v c '\\u%04x' "'$c"; fi
			out+=$c
		done
		s=$out
	fi
	printf '"%s"' "$s"
}

# command_name: how the user types this program from where they are.
command_name()
{
	local built=${UCLUSTER_BINDIR:+$UCLUSTER_BINDIR/ucluster}
	if [[ -z $built ]]; then
		printf '%s' "$here/sandbox"
	elif [[ $(type -P ucluster) -ef $built ]]; then
		printf 'ucluster sandbox'
	else
		printf '%s sandbox' "$built"
	fi
}

# find_program NAME PACKAGE: its path in REPLY; daemons live in sbin, which
# users often lack in PATH.
find_program()
{
	REPLY=$(PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin type -P -- "$1") ||
		die 1 "'$1' is not installed" "apt-get install $2"
}

# set_dir: fills $dir and the paths below it, from --dir or the state directory.
set_dir()
{
	local base
	uid=$(id -u)
	user=$(id -un 2>/dev/null) ||
		die 1 "uid $uid has no user name on this host" "run as a user of /etc/passwd"
	if [[ -n $opt_dir ]]; then
		dir=$opt_dir
		if [[ $dir != /* ]]; then dir=$UC_START_CWD/$dir; fi
	else
		base=${XDG_STATE_HOME-}
		if [[ $base != /* ]]; then
			if [[ ${HOME-} != /* ]]; then
				die 2 "HOME is not set, so there is no state directory" \
					"give a directory: ucluster sandbox ... --dir DIR"
			fi
			base=$HOME/.local/state
		fi
		dir=$base/ucluster/sandbox
	fi
	dir=$(realpath -m -- "$dir")
	# Slurm's and munge's files know no quoting.
	if [[ $dir == *[!a-zA-Z0-9_.,:/@+~-]* ]]; then
		die 2 "directory '$(show "$dir")' has a character that Slurm's configuration cannot hold" \
			"choose another with --dir"
	fi
	if [[ $dir == / ]]; then die 2 "directory '/' cannot hold a sandbox" "choose another with --dir"; fi
	cd /
	set_paths "$dir"
}

# set_paths RUNTIME: where things lie; sockets and spool lie under RUNTIME.
set_paths()
{
	runtime=$1
	etc=$dir/etc
	log=$dir/log
	run=$runtime/run
	spool=$runtime/spool
	conf=$etc/slurm.conf
}

# is_sandbox: true when $dir was made by us.
is_sandbox()
{
	[[ -f $dir/$MARKER && -O $dir/$MARKER ]]
}

# need_sandbox: ends with 3 when nothing was started in $dir.
need_sandbox()
{
	if ! is_sandbox || [[ ! -f $dir/state ]]; then
		die 3 "no sandbox runs in '$dir'" "start one: $(command_name) start$(dir_option)"
	fi
	load_state
}

dir_option()
{
	if [[ -n $opt_dir ]]; then printf ' --dir %s' "$(quote "$dir")"; fi
}

# state_write KEY=VALUE...: replaces the state file in one step.
state_write()
{
	printf '%s\n' "$@" >"$dir/state.new"
	mv -f -- "$dir/state.new" "$dir/state"
}

# state_get KEY: its value in REPLY, empty when there is none.
state_get()
{
	local line
	REPLY=
	if [[ ! -r $dir/state ]]; then return 0; fi
	while IFS= read -r line; do
		if [[ $line == "$1="* ]]; then REPLY=${line#*=}; fi
	done <"$dir/state"
}

# state_number KEY: the same for a number, 0 when it is none.
state_number()
{
	state_get "$1"
	if [[ ! $REPLY =~ ^[0-9]{1,18}$ ]]; then REPLY=0; fi
}

# load_state: takes the runtime directory from the state, if it is still ours.
load_state()
{
	state_get runtime
	if [[ -n $REPLY && $REPLY != "$dir" && -d $REPLY && -O $REPLY && ! -L $REPLY ]]; then
		set_paths "$REPLY"
	fi
}

# take_lock SECONDS: one command at a time works on a directory.
take_lock()
{
	local told=0 end=$((SECONDS + $1))
	while :; do
		exec 9>>"$dir/.lock"
		if flock -n 9; then
			# Removed by a 'stop --purge' while we waited for it?
			if [[ $dir/.lock -ef /proc/self/fd/9 ]]; then return 0; fi
			make_dir
			continue
		fi
		if ((!told)); then say "waiting for another sandbox command in '$dir'"; fi
		told=1
		if ! flock -w $((end > SECONDS ? end - SECONDS : 1)) 9 && ((SECONDS >= end)); then
			die 1 "another sandbox command has been working in '$dir' for $1 s" \
				"wait for it, or see who it is: fuser -v $(quote "$dir/.lock")"
		fi
	done
}

# make_dir: the directory itself, refused when it is somebody else's.
make_dir()
{
	# The state directory above is private; one given by --dir may be meant for all.
	if [[ -z $opt_dir ]]; then (umask 077; mkdir -p -- "${dir%/*}" 2>/dev/null) || :; fi
	if ! mkdir -p -- "$dir" 2>/dev/null; then
		die 1 "cannot make the directory '$dir'" "choose another with --dir"
	fi
	if [[ ! -O $dir || ! -w $dir ]]; then
		die 1 "directory '$dir' is not yours" "choose another with --dir"
	fi
	# The marker is made before anything else: who sees other files sees it too.
	if [[ -n $(find "$dir" -mindepth 1 -maxdepth 1 ! -name .lock ! -name images \
		! -name "$MARKER" -print -quit) ]] && ! is_sandbox; then
		die 1 "directory '$dir' holds other files" "choose an empty one with --dir"
	fi
	if is_sandbox; then return 0; fi
	printf 'made by ucluster sandbox; removed by its stop --purge\n' >"$dir/$MARKER"
	chmod 0755 "$dir"
}
