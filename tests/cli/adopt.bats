# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2013,SC2016 # names without blanks; lines with $ in them
# ucluster adopt: scripts in tests/data/adopt (NAME.in) and what is made of them
# (NAME.expect). UC_UPDATE=1 takes what is made now.
bats_require_minimum_version 1.5.0

setup()
{
	export HOME=$BATS_TEST_TMPDIR UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	data=$UC_TEST_TOP/tests/data/adopt
	cd "$data" || return 1
}

# both FILE: output, errors and status of adopting it.
both()
{
	local status=0

	ucluster adopt "$1" 2>&1 || status=$?
	echo "[$status]"
}

@test "every sample gives what is expected" {
	local file failed=0 count=0

	for file in *.in; do
		both "$file" >"$BATS_TEST_TMPDIR/got"
		[ -z "${UC_UPDATE-}" ] || cp "$BATS_TEST_TMPDIR/got" "${file%.in}.expect"
		diff -u "${file%.in}.expect" "$BATS_TEST_TMPDIR/got" || failed=1
		count=$((count + 1))
	done
	[ "$count" -ge 20 ]
	[ "$failed" -eq 0 ]
}

@test "every profile is one that ucluster takes, in a project" {
	local file name

	mkdir "$BATS_TEST_TMPDIR/project"
	for file in *.in; do
		[ "$file" != nothing.in ] || continue
		ucluster adopt "$file" 2>/dev/null >"$BATS_TEST_TMPDIR/project/.ucluster.yaml"
		cd "$BATS_TEST_TMPDIR/project"
		ucluster config --check
		for name in $(sed -n 's/^  \([a-zA-Z0-9-]*\):$/\1/p' .ucluster.yaml); do
			ucluster config --preset "$name" --check
		done
		cd "$data"
	done
}

# What srun gets from the old script, and from the new line with its profile.
compare()
{
	local file=$1

	shift
	cp "$file" "$BATS_TEST_TMPDIR/p/${file%.in}"
	ucluster adopt "$file" 2>/dev/null >"$BATS_TEST_TMPDIR/p/.ucluster.yaml"
	ucluster adopt --script "$file" 2>/dev/null >"$BATS_TEST_TMPDIR/p/new"
	cd "$BATS_TEST_TMPDIR/p" || return 1
	rm -f words
	bash "${file%.in}" "$@" >/dev/null
	mv words old-words
	bash new "$@"
	cd "$data" || return 1
	diff <(normal <"$BATS_TEST_TMPDIR/p/old-words") <(normal <"$BATS_TEST_TMPDIR/p/words")
}

# Options sorted, each in the same spelling; the command as it is.
normal()
{
	python3 -c '
import sys
words = sys.stdin.read().split("\0")[:-1]
letters = {"-p": "--partition", "-c": "--cpus-per-task", "-J": "--job-name", "-n": "--ntasks",
    "-K": "--kill-on-bad-exit", "-v": "--verbose"}
flags = {"-K", "-v", "--pty", "--no-container-remap-root", "--exclusive", "--kill-on-bad-exit",
    "--verbose"}
options = {}
while words and words[0].startswith("-"):
    word = words.pop(0)
    name, equals, value = word.partition("=")
    if not equals and name not in flags:
        value = words.pop(0)
    name = letters.get(name, name)
    if name == "--container-mounts":
        value = ",".join(sorted({m if ":" in m else f"{m}:{m}" for m in value.split(",")}))
    options[name] = value.replace("GB", "G").replace("06:00:00", "6:00:00").replace(
        "01:00:00", "1:00:00")
for item in sorted(options.items()):
    print(*item)
for word in words:
    print(repr(word))'
}

@test "the new line gives srun the words that the old script gave it" {
	mkdir -p "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/p" "$BATS_TEST_TMPDIR/images"
	# srun writes down its words; containers are options of it here
	cat >"$BATS_TEST_TMPDIR/bin/srun" <<-EOT
		#!/bin/bash
		case "\$*" in
		--help) echo ' --container-image= --container-mounts= --container-workdir= --container-name= --no-container-remap-root'; exit ;;
		esac
		printf '%s\\0' "\$@" >$BATS_TEST_TMPDIR/p/words
	EOT
	chmod +x "$BATS_TEST_TMPDIR/bin/"*
	export USER=anna PATH=$BATS_TEST_TMPDIR/bin:$PATH UCLUSTER_RUNTIME=pyxis UCLUSTER_RECEIPTS=false
	# usrun is asked for the line that it would run: no cluster is here
	cat >"$BATS_TEST_TMPDIR/bin/usrun" <<-EOT
		#!/bin/bash
		line=\$($UC_TEST_BUILD/bin/usrun --dry-run --force --no-check "\$@") || exit
		eval "\$line"
	EOT
	chmod +x "$BATS_TEST_TMPDIR/bin/usrun"
	compare quotes.in
	compare commented.in
	compare run-words.in 'a b' '$x' "it's"
	compare usrun.in --time=5 --pty bash
	compare run-job.in --note 'a b'
	compare glued.in
}

@test "an account of digits stays a name" {
	cd "$BATS_TEST_TMPDIR"
	echo 'srun -A 0123 --gpus=2 a' >digits
	run -0 --separate-stderr ucluster adopt digits
	# shellcheck disable=SC2154 # of run
	[[ $output == *'account: "0123"'*'gpus: 2'* ]]
}

@test "nothing of a script is run" {
	cd "$BATS_TEST_TMPDIR"
	cat >evil <<-'EOT'
		$(touch ran1) `touch ran2`
		X=$(touch ran3); export Y=`touch ran4`
		srun --job-name="$(touch ran5)" --image=`touch ran6` <(touch ran7) ${Z:=$(touch ran8)} $((ran9=1)) a.sh
		#SBATCH --comment=$(touch ran10)
	EOT
	run -0 ucluster adopt evil
	[ -z "$(compgen -G 'ran*')" ]
}

# reads FILE: somebody below this has it open.
reads()
{
	find "/proc/$(pgrep -P "$!" ucluster)/fd" -lname "*/$1" 2>/dev/null | grep -q .
}

@test "files that cannot be read, are no text, or start nothing" {
	cd "$BATS_TEST_TMPDIR"
	run -3 ucluster adopt none
	[[ ${lines[0]} == "ucluster adopt: cannot open 'none': "* ]]
	printf 'srun a\0b\n' >binary
	run -2 ucluster adopt binary
	[[ ${lines[0]} == "ucluster adopt: 'binary' is no text" ]]
	head -c 300000 /dev/zero | tr '\0' '#' >large
	run -2 ucluster adopt large
	[[ ${lines[0]} == *"expected at most 256 KiB" ]]
	mkfifo fifo
	run -3 timeout 10 ucluster adopt fifo
	# a pipe whose writer takes its time
	exec 8<>fifo
	timeout 60 ucluster adopt fifo >adopted 2>&1 8>&- 3>&- &
	for ((i = 0; i < 600; i++)); do
		! reads fifo || break
		sleep 0.1
	done
	echo 'srun --gpus=2 a' >&8
	exec 8>&-
	wait "$!"
	grep -q '^# usrun .*a$' adopted
	run -1 ucluster adopt .
	printf 'srun --job-name="\033]0;x\007" a\n' >escape
	run -0 ucluster adopt escape
	[[ $output != *$'\033'* ]]
}

# repeat N FORMAT: with the numbers from 1 on.
repeat()
{
	awk -v n="$1" -v f="$2" 'BEGIN { for (i = 1; i <= n; i++) printf f, i }' </dev/null
}

@test "scripts that are made to be large take neither time nor memory" {
	cd "$BATS_TEST_TMPDIR"
	{ printf 'srun '; repeat 130000 'a '; } >words
	{ repeat 28000 'a%d=;\n'; echo srun x; } >variables
	{ printf 'a='; repeat 60000 x; printf '\nsrun '; repeat 60000 '$a '; } >values
	{ repeat 7000 'export a%d=b\n'; repeat 18000 'srun x\n'; } >exports
	{ printf '#SBATCH'; repeat 40000 ' -H'; echo; repeat 25000 'srun\n'; } >tasks
	for script in words variables values exports tasks; do
		run -0 --separate-stderr timeout 30 ucluster adopt "$script"
		[ "${#output}" -lt 1000000 ]
	done
	# shellcheck disable=SC2154 # of run
	[[ $stderr == *"more than 256 options"*"more than 64 jobs: the rest is not read"* ]]
}
