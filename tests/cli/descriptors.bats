# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every command with a standard output that is full, closed, or that nobody reads, without
# standard input and errors, and with few descriptors: no byte is lost without a word, and
# nothing crashes.
bats_require_minimum_version 1.5.0

load image.bash

setup_file()
{
	HOME=$BATS_FILE_TMPDIR/home WORK=$BATS_FILE_TMPDIR/work
	mkdir -p "$HOME" "$WORK/from" "$WORK/images" "$WORK/tree/etc"
	export HOME WORK UCLUSTER_SITE_CONFIG=$BATS_FILE_TMPDIR/none
	export UC_SOURCE=synthetic:nodes=4,jobs=12,seed=1 UCLUSTER_IMAGE_DIRS=$WORK/images
	export SLURM_CONF=$WORK/none.conf ENROOT_CACHE_PATH=$WORK/cache ENROOT_DATA_PATH=$WORK/data
	cd "$WORK" || return 1
	echo text >from/file
	printf '#!/bin/sh\n#SBATCH --time=5\nsrun --gpus=1 python train.py\n' >job.sh
	make_tree tree
	pack tree images/i.sqsh -comp zstd
	uqueue >/dev/null # what is kept between runs is there
}

setup()
{
	cd "$WORK" || return 1
}

# A line each: the exit status where standard output is a file, then words that print there.
commands()
{
	cat <<-'LIST'
		0 ucluster --help
		0 ucluster --version
		0 ucluster adopt job.sh
		0 ucluster complete PARTITION
		0 ucluster completion bash
		0 ucluster completion zsh
		0 ucluster config
		0 ucluster config --json
		0 ucluster config slurm.timeout
		1 ucluster doctor
		0 ucluster templates
		0 ucluster templates --json
		0 ucluster version
		0 udash --dump
		0 udash --json
		0 uimage list
		0 uimage list --json
		0 uimage show i
		0 uimage show --json i
		0 uimage search python
		0 uimage search --json python
		0 uimage check i
		0 uinfo
		0 uinfo --json
		0 uinfo gpus
		0 uinfo gpus --map
		4 uinfo health
		0 uinfo nodes
		0 uinfo partitions
		0 uinfo usage
		0 uinfo disk .
		0 uinfo disk --scan --json .
		0 uqueue
		0 uqueue --json
		0 uqueue --by user
		0 uqueue --list-columns
		0 uqueue --why 100001
		0 uqueue show 100001
		0 uqueue show --json 100001
		0 uqueue eff 100001
		0 uqueue 100001 --cancel --dry-run
		0 usrun --dry-run true
		0 usrun --explain true
		0 usrun --batch --dry-run true
		0 uattach --help
		0 uattach --list --json
		0 usync -n from/ to/
		0 usync --json -n from/ to/
		0 usync --help
	LIST
	# what is made of the tables of options
	for command in ucluster uqueue usrun uattach usync udash uinfo uimage; do
		for form in --version --help=bash --help=mdoc; do
			echo "0 $command $form"
		done
	done
}

# expects STATUS WHERE WORD...: what is in `status` and `errors` is that, and no finding.
expects()
{
	local wanted=$1

	shift
	[[ $errors != *Sanitizer* && $errors != *'runtime error'* && $status = "$wanted" ]] || {
		echo "$*: status $status, not $wanted: $errors"
		return 1
	}
}

@test "standard output is full: an error, in one line" {
	while read -r usual words; do
		status=0
		# shellcheck disable=SC2086
		errors=$(timeout 60 $words 2>&1 >/dev/full </dev/null) || status=$?
		expects $((usual ? usual : 1)) "$words"
		[ "$(grep -c 'cannot write standard output: No space left on device$' <<<"$errors")" = 1 ] ||
			{ echo "$words: $errors"; return 1; }
	done < <(commands)
}

@test "standard output is closed: an error, in one line" {
	while read -r usual words; do
		status=0
		# shellcheck disable=SC2086
		errors=$(timeout 60 $words 2>&1 >&- </dev/null) || status=$?
		expects $((usual ? usual : 1)) "$words"
		[ "$(grep -c 'cannot write standard output: Bad file descriptor$' <<<"$errors")" = 1 ] ||
			{ echo "$words: $errors"; return 1; }
	done < <(commands)
}

@test "more than a buffer, to what is full or closed: an error" {
	export UC_SOURCE=synthetic:nodes=200,jobs=2000,seed=1
	for words in uqueue "uqueue --json" "uqueue -o id" "uinfo nodes" "uinfo nodes --json" \
		"udash --json"; do
		# shellcheck disable=SC2086
		[ "$($words | wc -c)" -gt 4096 ]
		run -1 bash -c "$words >/dev/full"
		[[ ${#lines[@]} = 1 && $output == *": cannot write standard output: No space left on device" ]]
		run -1 bash -c "$words >&-"
		[[ ${#lines[@]} = 1 && $output == *": cannot write standard output: Bad file descriptor" ]]
	done
}

@test "no standard input, no standard error: the same output and status" {
	while read -r usual words; do
		[[ $words != *@(' disk '|'uinfo --json'|'usync --json')* ]] || continue # that changes by itself
		status=0
		# shellcheck disable=SC2086
		wanted=$(timeout 60 $words 2>/dev/null </dev/null) || status=$?
		errors='' && expects "$usual" "$words"
		status=0
		# shellcheck disable=SC2086
		output=$(timeout 60 $words 2>&- <&-) || status=$?
		expects "$usual" "$words, closed"
		diff <(ages "$wanted") <(ages "$output")
		status=0
		# shellcheck disable=SC2086
		output=$(timeout 60 $words 2>/dev/full </dev/null) || status=$?
		expects "$usual" "$words, errors to a full disk"
		diff <(ages "$wanted") <(ages "$output")
	done < <(commands)
}

# Text without what differs from one second to the next, or with how long an answer took:
# its place on the right is filled up with blanks, and a bar shows it.
ages()
{
	sed -E 's/("took_ms": )[0-9]+/\1N/g; s/[0-9]+(\.[0-9]+)? (ms|s)\b/N/g; s/[0-9]+:[0-9:]+/T/g
		s/[0-9]{9,}/E/g; s/ +N$/ N/; s/ +(▁|▂|▃|▄|▅|▆|▇|█)+$/ B/' <<<"$1"
}

@test "nobody reads: the end, and not a word" {
	while read -r usual line; do
		read -ra words <<<"$line"
		for by in '' 'trap "" PIPE;'; do
			# shellcheck disable=SC2016
			run bash -c "$by"' { timeout 60 "$@" </dev/null 2>errors; echo $? >status; } |
				exec true; cat status' - "${words[@]}"
			status=$output errors=$(<errors)
			[ "$status" = 141 ] || expects "$usual" "$line"
			[[ $errors != *'standard output'* && $errors != *ipe* ]] || {
				echo "$line: $errors"
				return 1
			}
		done
	done < <(commands)
}

@test "few descriptors: said, or not needed" {
	while read -r usual words; do
		for few in 4 6 8; do
			status=0
			# shellcheck disable=SC2016,SC2086
			errors=$(bash -c 'ulimit -n "$0"; exec timeout 60 "$@"' $few $words 2>&1 \
				>out </dev/null) || status=$?
			# the loader cannot open the libraries, the sanitizer its files
			[[ $errors != *'shared libraries'* && $errors != *'/proc/self/maps'* ]] || continue
			[[ $status = "$usual" || (-n $errors && $status =~ ^[1-6]$) ]] || {
				echo "$few descriptors: $words: $status: $errors"
				return 1
			}
			[[ $errors != *Sanitizer:* ]]
		done
	done < <(commands)
}

@test "each subcommand is among them" {
	local command sub

	commands >list
	for command in ucluster uqueue uimage uinfo; do
		while read -r sub; do
			case $command.$sub in
			# they print nothing, or ask something first (init); tests of their own
			ucluster.init | ucluster.record | ucluster.sandbox) ;;
			uimage.import | uimage.login | uimage.logout | uimage.save | uimage.clean) ;;
			uinfo.limits) ;; # of a cluster with accounting
			*) grep -q "^[0-9] $command $sub\\b" list || { echo "$command $sub"; return 1; } ;;
			esac
		done < <("$command" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\)  *.*/\1/p')
	done
}
