# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every command where the home directory, the working directory, the environment, the
# terminal's type or the limits are not what they are elsewhere: it works, or says in one
# line what is missing, and writes nowhere else.
bats_require_minimum_version 1.5.0

setup()
{
	# a folder that another user gets to
	BATS_TEST_TMPDIR=$(mktemp -d "${UC_TEST_BUILD:?run it through ctest}/tests/tmp/around-XXXXXX")
	chmod 0755 "$BATS_TEST_TMPDIR"
	export HOME=$BATS_TEST_TMPDIR/home UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export UC_SOURCE=synthetic:nodes=4,jobs=12,seed=1 SLURM_CONF=$BATS_TEST_TMPDIR/none.conf
	mkdir "$HOME" "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return 1
}

teardown()
{
	! mountpoint -q "$HOME" || umount "$HOME"
	cd / && rm -rf "$BATS_TEST_TMPDIR"
}

# As somebody whom modes of files hold back.
as_nobody()
{
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# others_get_in: whether they do here; else the rest of a test is skipped.
others_get_in()
{
	as_nobody test -x "$BATS_TEST_TMPDIR" -a -x "$(command -v uqueue)" ||
		skip "no other user gets into $BATS_TEST_TMPDIR"
}

# One of each kind: lists, what keeps something between runs, what reads files.
commands()
{
	cat <<-'LIST'
		uqueue
		uqueue --json
		uqueue show 100001
		uinfo
		uinfo nodes
		uinfo usage
		udash --dump
		usrun --dry-run true
		usrun --explain true
		usrun --batch --dry-run true
		uattach --list
		usync --help
		ucluster config
		ucluster templates
		ucluster version
		ucluster complete PARTITION
	LIST
}

# Every command is as it is elsewhere: the usual status, no crash, stderr of at most LINES.
# works LINES [COMMAND...]: with COMMAND in front.
works()
{
	local most=$1 words status

	shift
	while read -r words; do
		status=0
		# shellcheck disable=SC2086
		"$@" timeout 60 $words >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" </dev/null || status=$?
		if [ "$status" != 0 ] || [ "$(wc -l <"$BATS_TEST_TMPDIR/err")" -gt "$most" ] ||
			grep -q 'Sanitizer\|runtime error' "$BATS_TEST_TMPDIR/err"; then
			echo "$* $words: $status"
			cat "$BATS_TEST_TMPDIR/err"
			return 1
		fi
	done < <(commands)
}

@test "no home directory: unset, missing, relative, no folder, nobody's" {
	works 2 env -u HOME
	works 2 env HOME=/proc/none
	works 2 env HOME=relative
	works 2 env HOME=
	touch file
	works 2 env HOME="$PWD/file"
	[ ! -e relative ]
	for variable in XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME; do
		works 2 env $variable=relative
		works 2 env $variable=/proc/none
	done
	[ -z "$(find . -mindepth 1 ! -name file)" ]
}

@test "a home directory that is read-only, full, or closed" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	mount -t tmpfs -o ro,size=64k none "$HOME" || skip "nothing may be mounted here"
	works 2
	mount -o remount,rw "$HOME"
	head -c 200000 /dev/zero >"$HOME/full" 2>/dev/null || :
	works 2
	[ -z "$(find "$HOME" -size 0 -type f)" ]
	rm "$HOME/full"
	works 2
	umount "$HOME"
	others_get_in
	# what may be in there is not known: that is said, and nothing is guessed
	chmod 0 "$HOME"
	for words in uqueue "uinfo nodes" "ucluster config" "usrun --dry-run true"; do
		# shellcheck disable=SC2086
		run -2 as_nobody $words
		[[ ${#lines[@]} -le 2 && $output == *"cannot open '$HOME/"*"': Permission denied"* ]]
	done
	chmod 0755 "$HOME"
}

@test "a script that may not be read is not run without its #SBATCH lines" {
	others_get_in
	printf '#!/bin/bash\n#SBATCH --time=5\ntrue\n' >closed.sh
	chmod 0 closed.sh
	run -1 as_nobody usrun --batch --dry-run ./closed.sh
	[ "$output" = "usrun: cannot read '$PWD/closed.sh': Permission denied" ]
	# a program may be one to run and not to read
	cp /bin/true program
	chmod 0111 program
	run -0 as_nobody usrun --batch --dry-run ./program
	[[ $output == *./program* ]]
}

@test "a state directory with links and odd files in it: none is followed or written through" {
	mkdir -p "$HOME/.local/state" "$HOME/.cache" victim
	echo untouched >victim/file
	for place in .local/state .cache; do
		ln -s "$PWD/victim" "$HOME/$place/ucluster"
	done
	works 2
	[ "$(cat victim/file)" = untouched ]
	rm "$HOME"/{.local/state,.cache}/ucluster
	mkdir "$HOME"/{.local/state,.cache}/ucluster
	uqueue >/dev/null
	uqueue show 100001 >/dev/null
	udash --dump >/dev/null
	# what stands where files of ours will be: links, FIFOs, folders
	for name in facts.json options.json words runtime.json dash.json receipts snapshots limits nodes; do
		for place in .local/state .cache; do
			rm -rf "${HOME:?}/$place/ucluster/$name"
			mkfifo "$HOME/$place/ucluster/$name"
		done
	done
	works 3
}

@test "a working directory that is deleted, or that cannot be read" {
	mkdir gone
	cd gone
	rmdir ../gone
	works 2
	cd "$BATS_TEST_TMPDIR/work" || return 1
	mkdir -m 0 closed
	others_get_in
	[ "$(id -u)" = 0 ] || skip "the rest needs root"
	chown 65534 "$HOME"
	cd closed
	works 4 as_nobody # a project file that may be there is ignored, with two lines
}

@test "any locale: the same statuses, ASCII where it must be" {
	for locale in C C.UTF-8 POSIX en_US.ISO-8859-1 tr_TR.UTF-8 nonexistent ../../etc/passwd \
		"$(printf 'x%.0s' {1..5000})"; do
		works 2 env LC_ALL="$locale"
	done
	uinfo >utf8
	LC_ALL=C uinfo >ascii
	run ! env LC_ALL=C grep -q '[^ -~]' ascii
	[ "$(wc -l <utf8)" = "$(wc -l <ascii)" ]
}

@test "an environment that means harm changes nothing" {
	uqueue >wanted
	for entry in 'IFS=,' 'BASH_ENV=/nonexistent' 'ENV=/nonexistent' 'SHELLOPTS=noexec' COLUMNS=-1 \
		COLUMNS=99999999999999999999 COLUMNS=x LINES=0 'TERM=' TERM=nonexistent TERM=dumb \
		TERM=../../etc/passwd TZ=:/etc/passwd TZ=nonsense MALLOC_CHECK_=3 POSIXLY_CORRECT=1 \
		NO_COLOR= 'TMPDIR=/nonexistent' TERMINFO=/nonexistent \
		"LS_COLORS=$(printf 'x%.0s' {1..10000})" PYTHONPATH=/nonexistent; do
		works 2 env "$entry"
		env "$entry" uqueue >out
		[[ $entry == COLUMNS* || $entry == T[EZ]* ]] || diff wanted out
	done
	# a hostile text in it is refused with a word, and shown as text
	for variable in UCLUSTER_SLURM_TIMEOUT UC_SOURCE; do
		run --separate-stderr env $variable=$'\e]0;x\a\u202e' uqueue
		[[ $status == [23] ]]
		# shellcheck disable=SC2154 # bats sets it
		[[ -n $stderr && $stderr != *$'\e'* && $stderr != *$'\a'* && $stderr != *$'\u202e'* ]]
	done
}

@test "no program is found, or another one: PATH of nothing" {
	local bin

	bin=$(dirname "$(command -v uqueue)")
	for path in '' /nonexistent . ::; do
		PATH=$path run "$bin/uqueue"
		[ "$status" = 0 ]
		PATH=$path run -0 "$bin/uinfo" nodes
		PATH=$path run "$bin/usrun" --dry-run true
		[[ $status =~ ^[03]$ ]]
	done
	# what lies here is not what is run
	printf '#!/bin/sh\ntouch %q\n' "$PWD/ran" >srun
	cp srun git
	cp srun squeue
	cp srun ssh
	chmod +x srun git squeue ssh
	works 2
	[ ! -e ran ]
}

@test "no process more, no byte more in any file" {
	[ "$(id -u)" != 0 ] || chown 65534 "$HOME"
	others_get_in
	while read -r words; do
		for limit in 'ulimit -u 1' 'ulimit -f 0'; do
			status=0
			# shellcheck disable=SC2016,SC2086
			errors=$(as_nobody timeout 60 bash -c "$limit"'; exec "$@"' - $words 2>&1 >/dev/null \
				</dev/null) || status=$?
			[[ $status =~ ^[0-6]$ && $errors != *Sanitizer:* ]] || {
				echo "$limit: $words: $status: $errors"
				return 1
			}
		done
	done < <(commands)
	[ -z "$(find "$HOME" -type f -size 0)" ]
}
