# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# uinfo disk: against du and df, on a terminal, interrupted, with folders it may not read.
bats_require_minimum_version 1.5.0

load transcript.bash

setup()
{
	export HOME=$BATS_TEST_TMPDIR/home UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	unset XDG_STATE_HOME UCLUSTER_IMAGE_DIRS
	mkdir "$HOME"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# A tree with links, holes, loops, odd names and every kind of file.
make_tree()
{
	mkdir -p tree/a/b/c tree/.cache tree/env/conda-meta tree/.git $'tree/\xff\e[31m'
	head -c 300000 /dev/zero >tree/a/big.pt
	head -c 5000 /dev/zero >tree/.cache/x
	head -c 70000 /dev/zero >tree/env/lib
	head -c 9000 /dev/zero >$'tree/\xff\e[31m/new\nline'
	ln tree/a/big.pt tree/a/b/again
	ln -s . tree/loop
	mkfifo tree/fifo
	truncate -s 1G tree/sparse
	sync -f tree
}

@test "totals are those of du" {
	make_tree
	uinfo disk --scan --json tree >out
	[ "$(jq .scans[0].total.bytes out)" = "$(du -s -B1 tree | cut -f1)" ]
	# since coreutils 9.2 du leaves out the length of folders
	[ "$(jq .scans[0].total.apparent out)" = "$(find tree -printf '%i %s\n' | sort -u |
		awk '{ sum += $2 } END { printf "%.0f", sum }')" ]
	mkdir empty
	if [ "$(du -s -B1 --apparent-size empty | cut -f1)" != 0 ]; then
		[ "$(jq .scans[0].total.apparent out)" = "$(du -s -B1 --apparent-size tree | cut -f1)" ]
	fi
	for name in a env .cache; do
		[ "$(jq --arg n $name '.scans[0].folders[] | select(.name == $n).bytes' out)" = \
			"$(du -s -B1 "tree/$name" | cut -f1)" ]
	done
	jq -e '.scans[0] | .links == 1 and .partial == false and .denied == 0' out
	# every way to cut it up has all of it
	jq -e '.scans[0] | .total.bytes as $all |
		all(.folders, .owners, .ages, .kinds; (map(.bytes) | add) == $all)' out
}

@test "kinds, owners, ages and files" {
	make_tree
	uinfo disk --scan tree >/dev/null
	[ "$(uinfo disk --by=kind -h -o name,files tree 2>/dev/null | tr -s ' ' | sort)" = \
		$'caches 1\ncheckpoints 1\nenvironments 1\ngit 0\nimages 0\nlogs 0\nother 4' ]
	[ "$(uinfo disk --by=owner -h -o name tree 2>/dev/null)" = "$(id -un)" ]
	[ "$(uinfo disk --by=age -h tree 2>/dev/null | wc -l)" = 7 ]
	[ "$(uinfo disk --by=file --top=2 -h --format=name tree 2>/dev/null)" = $'a/big.pt\nenv/lib' ]
}

@test "odd names reach no terminal" {
	make_tree
	uinfo disk --scan tree >out 2>&1
	run ! grep -q $'\e' out
	grep -qF '\x1b[31m' out
	on_terminal 80 "uinfo disk --scan tree 2>/dev/null" >out
	grep -qF '\x1b[31m' out
	run ! grep -qF $'\e[31m' out
	uinfo disk --scan --json tree | jq -e '.scans[0].folders[] | select(.name | type == "object") |
		.name.base64 == "/xtbMzFt"'
}

@test "what a scan found is kept, for its owner only" {
	make_tree
	run -3 uinfo disk --by=dir tree
	[ "${lines[0]}" = "uinfo disk: no scan of '$PWD/tree' is kept" ]
	[ "${lines[1]}" = "hint: make one by: uinfo disk --scan" ]
	uinfo disk --scan --json tree | jq '.scans' >now
	uinfo disk --by=dir --json tree 2>err | jq '.scans' >kept
	diff now kept
	grep -qE '^uinfo disk: as it was [0-9]+s ago; --scan looks again$' err
	[ "$(stat -c %a "$HOME"/.local/state/ucluster/disk)" = 700 ]
	[ "$(stat -c %a "$HOME"/.local/state/ucluster/disk/*.json)" = 600 ]
	echo '{' >"$(echo "$HOME"/.local/state/ucluster/disk/*.json)"
	run -1 uinfo disk --by=dir tree
	[[ $output == *"it is no JSON"* ]]
	# no place to keep it: no reason to fail
	XDG_STATE_HOME=/proc/none uinfo disk --scan tree >/dev/null
}

@test "folders that cannot be read are named, and the status is 1" {
	local as=()

	make_tree
	mkdir -p tree/closed
	chmod 0 tree/closed
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR" "$HOME"
	if [ "$(id -u)" = 0 ]; then
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
		"${as[@]}" test -x "$(command -v uinfo)" -a -x . || skip "nobody cannot come here"
	fi
	XDG_STATE_HOME=/nowhere run -1 "${as[@]}" uinfo disk --scan tree
	[[ $output == *"cannot read '$PWD/tree/closed': Permission denied"* ]]
	[[ $output == *env* ]]
	chmod 755 tree/closed
}

@test "Ctrl-C keeps and prints what was found" {
	local pid status=0 tries=0

	# tens of thousands of folders take one thread longer than it takes to notice
	mkdir many
	(cd many && seq -f 'd%.0f/e' 20000 | xargs mkdir -p)
	set -m # a background job of a shell without it ignores Ctrl-C
	uinfo disk --scan --json --threads=1 many >out 2>err 3>&- &
	pid=$!
	until (( 0x$(sed -n 's/^SigCgt:\s*//p' "/proc/$pid/status") & 2 )); do
		((++tries < 10000))
	done
	kill -INT "$pid"
	wait "$pid" || status=$?
	[ "$status" = 130 ]
	jq -e '.scans[0] | .partial and .total.folders > 0 and .total.folders < 40001' out
	uinfo disk --by=kind many 2>&1 | grep -q 'stopped early, this is a part of it'
	# a whole one is not replaced by a part
	uinfo disk --scan many >/dev/null
	uinfo disk --by=kind many 2>&1 | grep -q 'this is a part' && return 1
	return 0
}

@test "file systems are those of df" {
	uinfo disk --json / . >out
	jq -e '.disks | length == 2' out
	[ "$(jq .disks[0].size out)" = "$(df -B1 --output=size / | tail -n 1 | tr -d ' ')" ]
	[ "$(jq -r .disks[0].type out)" = "$(df --output=fstype / | tail -n 1)" ]
	[ "$(jq -r .disks[1].mount out)" = "$(df --output=target . | tail -n 1)" ]
	jq -e '.disks[0] | .state == "ok" and .what == "named" and .used <= .size' out
}

@test "without paths: home, here and the images, one row a file system" {
	mkdir images
	UCLUSTER_IMAGE_DIRS=$PWD/images uinfo disk --json >out
	jq -e '.disks | length == 1 and .[0].what == "home,here,images"' out
	printf 'image_dirs: [~/pictures, ~]\n' >"$BATS_TEST_TMPDIR/home/config.yaml"
	mkdir "$HOME/pictures"
	UCLUSTER_CONFIG=$HOME/config.yaml uinfo disk --json >out
	jq -e '.disks | length == 1' out
}

@test "a path that is not there is status 3 and hides no other" {
	run -3 --separate-stderr uinfo disk -h -o path,state / /no/such/place
	[ "${#lines[@]}" = 2 ]
	[ "$stderr" = "uinfo disk: '/no/such/place': No such file or directory" ]
	run -3 uinfo disk --scan /no/such/place
	[[ $output == "uinfo disk: cannot open folder '/no/such/place': No such file"* ]]
}

@test "bad command lines are one line and status 2" {
	local words

	for words in '--depth=2' '--threads=2' '--scan --threads=0' '--scan --top=x' '--by=colour' \
		'--scan -o nothing' '-o nothing'; do
		# shellcheck disable=SC2086
		run -2 uinfo disk $words
		[[ ${lines[0]} == "uinfo disk: "* ]]
	done
	run -2 uinfo nothing
}

@test "columns fit a terminal, use has a bar there and only there" {
	on_terminal 60 "uinfo disk --color=never /" >out
	[ "$(awk '{ if (length($0) > n) n = length($0) } END { print n }' out)" -le 60 ]
	grep -q '▁' out
	LC_ALL=C on_terminal 80 "uinfo disk --color=never /" | grep -qF '.'
	run ! grep -q '[▇▁]' <(uinfo disk /)
}

@test "a full disk and a closed stdout are errors" {
	run -1 bash -c 'uinfo disk / >/dev/full'
	[ "$output" = "uinfo disk: cannot write standard output: No space left on device" ]
	run -1 bash -c 'uinfo disk --scan --json . >/dev/full'
}

@test "the manual page has every option and column" {
	local page words word

	page=$(mandoc -T utf8 "$UC_TEST_BUILD/man/uinfo.1" | col -bx)
	for words in "" disk "disk --scan" gpus "gpus --by=type" "gpus --by=partition" "gpus --by=gpu" \
		nodes partitions limits usage "usage --by=user" health; do
		# shellcheck disable=SC2086
		for word in $(uinfo $words --help | grep -oE '^ +(-., )?--[a-z0-9-]+' | grep -oE '[-][-].*') \
			$(uinfo $words --list-columns | cut -d' ' -f1); do
			grep -qwF -- "$word" <<<"$page" || {
				echo "uinfo.1: no $word of uinfo $words"
				return 1
			}
		done
	done
}

@test "completion scripts are valid" {
	bash -n "$UC_TEST_BUILD/share/bash-completion/completions/uinfo"
	zsh -n "$UC_TEST_BUILD/share/zsh/site-functions/_uinfo"
	fish --no-config -n "$UC_TEST_BUILD/share/fish/vendor_completions.d/uinfo.fish"
}
