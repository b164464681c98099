# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pages of commands, typed line by line by somebody with a login node ("$ ") and a laptop
# ("laptop$ "). What is printed has the page's lines in their order; "..." are lines that do
# not matter, numbers may be others. After `load helper` and `load sshd`: pages_setup in
# setup(), pages_teardown in teardown(), and page_holds PATH.
# shellcheck disable=SC2030,SC2031,SC2317

pages_setup()
{
	usrun_setup
	unset PYTHONUNBUFFERED # usrun sets it, and says so, where it is not
	# two machines: the laptop knows no Slurm, and has files of its own
	export XDG_RUNTIME_DIR=$WORK/run CLUSTER_HOME=$WORK/cluster LAPTOP_HOME=$WORK/laptop
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	mkdir "$CLUSTER_HOME" "$LAPTOP_HOME"
	sshd_start "SetEnv \"PATH=$PATH\" \"SLURM_CONF=$SLURM_CONF\" \"HOME=$CLUSTER_HOME\" \
\"XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR\" \"XDG_STATE_HOME=$CLUSTER_HOME/state\" \
\"UCLUSTER_IMAGE_DIRS=$UCLUSTER_IMAGE_DIRS\" \"UCLUSTER_RUNTIME=pyxis\" \
\"ASAN_OPTIONS=${ASAN_OPTIONS-}\""
	sed -i 's/^Host there/Host cluster/' "$SSHD_CONFIG"
	mkdir "$CLUSTER_HOME/data"
}

pages_teardown()
{
	sshd_stop
	# snapshots are read-only
	chmod -R u+rwX "$CLUSTER_HOME" "$LAPTOP_HOME" 2>/dev/null || :
	e2e_teardown
}

# What differs from one run to the next: numbers, spaces of columns, who and where, a second
# that is worth telling. A line that ends in a backslash goes on.
alike()
{
	sed -E -e ':more' -e '/ \\$/ { N; s/ \\\n */ /; b more }' | sed -E \
		-e "s#$CLUSTER_HOME|$LAPTOP_HOME#/home/anna#g" -e "s#$UCLUSTER_IMAGE_DIRS#/data/images#g" \
		-e "s#$WORK#/home/anna#g" -e "s/\\b$(id -un)\\b\*?/anna/g" \
		-e 's/[0-9]+([.:-][0-9]+)*/N/g' -e 's/N( bytes|[KMG])\b/N/g' \
		-e 's/, after (Nm )?Ns$//' -e 's/[[:space:]]+/ /g' -e 's/ $//'
}

# holds EXPECTED ACTUAL: its lines, in their order; "..." are lines that do not matter.
holds()
{
	alike <"$2" >"$WORK/actual"
	alike <"$1" | awk -v actual="$WORK/actual" '
		$0 == "..." { gap = 1; next }
		{
			do {
				if ((getline got <actual) <= 0) {
					print "missing: " $0
					exit 1
				}
			} while (gap && got != $0)
			if (got != $0) {
				print "wanted:  " $0
				print "printed: " got
				exit 1
			}
			gap = 0
		}
		END { if (!gap && (getline got <actual) > 0) { print "more:    " got; exit 1 } }'
}

laptop()
{
	(
		unset SLURM_CONF UCLUSTER_IMAGE_DIRS
		export HOME=$LAPTOP_HOME XDG_STATE_HOME=$LAPTOP_HOME/state
		usync()
		{
			[ "$1" = init ] || set -- "$1" --config "$SSHD_CONFIG" "${@:2}"
			command usync "$@"
		}
		usrun() { command usrun --ssh-config "$SSHD_CONFIG" "$@"; }
		cd "$(<"$WORK/laptop.cwd")" && eval "${1//\/data\/anna/$CLUSTER_HOME/data}" && pwd >"$WORK/laptop.cwd"
	) </dev/null 3>&-
}

login()
{
	(
		export HOME=$CLUSTER_HOME XDG_STATE_HOME=$CLUSTER_HOME/state
		cd "$(<"$WORK/login.cwd")" && eval "$1" && pwd >"$WORK/login.cwd"
	) </dev/null 3>&-
}

# Type it; an error that the page shows has a hint.
typed()
{
	status=0
	"$machine" "$command" >"$WORK/out" 2>&1 || status=$?
	if grep -q '^hint: ' "$WORK/wanted"; then
		[ "$status" -ne 0 ] || return 1
	else
		[ "$status" -eq 0 ] || return 1
	fi
	holds "$WORK/wanted" "$WORK/out" >"$WORK/difference"
}

check()
{
	local patience=0

	[ -n "$command" ] || return 0
	case $command in
	'uqueue --finished'* | 'uqueue --me '* | 'uqueue --set'*) ;;
	uqueue* | uinfo*) patience=60 ;; # what they list has its own pace
	esac
	if ! wait_until "$patience" typed; then
		printf '%s: %s\nstatus %s, it printed:\n' "$machine" "$command" "$status"
		cat "$WORK/out" "$WORK/difference"
		return 1
	fi
	commands=$((commands + 1)) command=''
}

# page_holds PATH: every command of the page in blocks of code does what the page says;
# `commands` is how many there were.
page_holds()
{
	local inside=no line

	machine='' command='' commands=0
	: >"$WORK/difference"
	echo "$CLUSTER_HOME" >"$WORK/login.cwd"
	echo "$LAPTOP_HOME" >"$WORK/laptop.cwd"
	while IFS= read -r line <&4; do
		case $inside:$line in
		no:'```') inside=yes ;;
		yes:'```')
			check || return 1
			inside=no
			;;
		yes:'$ ./quickstart'*) # e2e.quickstart runs it
			check || return 1
			command=''
			;;
		yes:'$ '*)
			check || return 1
			machine=login command=${line#'$ '}
			: >"$WORK/wanted"
			;;
		yes:'laptop$ '*)
			check || return 1
			machine=laptop command=${line#'laptop$ '}
			: >"$WORK/wanted"
			;;
		yes:*) [ -z "$command" ] || printf '%s\n' "$line" >>"$WORK/wanted" ;;
		esac
	done 4<"$1"
}
