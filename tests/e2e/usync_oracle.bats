#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Random trees and edits: after usync both sides are what they are after rsync, on each way
# to the host and in both directions: the same trees each time, others with UC_SYNC_SEED;
# UC_SYNC_TREES=1000 takes its time.
load helper
load sshd
load usync

setup()
{
	usync_setup
}

teardown()
{
	usync_teardown
}

# What rsync would make of it.
rsync_oracle()
{
	rsync -aH --modify-window=-1 --delete --no-D "$1/" "$2/"
}

# one_tree WAY SEED: a tree goes there, comes back, changes on one side, then on the other.
one_tree()
{
	way "$1"
	rm -rf here there back oracle
	tree make here "$2"
	usync -Q "${WAY[@]}" "${ALL[@]}" --delete here/ "there:$WORK/there" || return 1
	rsync_oracle here oracle
	same oracle there || return 1
	usync -Q "${WAY[@]}" "${ALL[@]}" --delete "there:$WORK/there/" back || return 1
	same oracle back pulled || return 1
	tree edit here "$2"
	usync -Q "${WAY[@]}" "${ALL[@]}" --delete here/ "there:$WORK/there" || return 1
	rsync_oracle here oracle
	same oracle there edited || return 1
	tree edit there $(($2 + 1))
	usync -Q "${WAY[@]}" "${ALL[@]}" --delete "there:$WORK/there/" back || return 1
	rm -rf oracle
	rsync -aH --modify-window=-1 --no-D --exclude='/.ucluster-*' there/ oracle/
	same oracle back pulled || return 1
	no_leftovers there && no_leftovers back
}

@test "trees are equal after usync as after rsync, on each way and in both directions" {
	local seed=${UC_SYNC_SEED:-25745} trees=${UC_SYNC_TREES:-0} done=0 end way

	end=$((SECONDS + 60))
	while :; do
		for way in "${WAYS[@]}"; do
			one_tree "$way" "$seed" || {
				echo "way $way, seed $seed, after $done trees"
				return 1
			}
			done=$((done + 1))
		done
		seed=$((seed + 2))
		if [ "$trees" -gt 0 ]; then
			[ "$done" -lt "$trees" ] || break
		else
			[ "$SECONDS" -lt "$end" ] || [ "$done" -lt 8 ] || break
		fi
	done
	echo "# $done trees" >&3
}

@test "the same on this machine alone" {
	local seed=${UC_SYNC_SEED:-25745} i

	for ((i = 0; i < 10; i++)); do
		rm -rf here there oracle
		tree make here "$seed"
		usync -Q "${ALL[@]}" --delete here/ there
		rsync_oracle here oracle
		same oracle there
		tree edit here "$seed"
		usync -Q "${ALL[@]}" --delete here/ there
		rsync_oracle here oracle
		same oracle there || {
			echo "seed $seed"
			return 1
		}
		seed=$((seed + 1))
	done
}

@test "a slash at the end means what it means to rsync" {
	local way

	for way in "${WAYS[@]}"; do
		way "$way"
		rm -rf a b c d there back oracle
		mkdir -p a/sub b
		echo 1 >a/sub/file
		echo 2 >b/other
		echo 3 >c
		usync -Q "${WAY[@]}" a b/ c "there:$WORK/there"
		rsync -a a b/ c oracle
		diff -r oracle there
		usync -Q "${WAY[@]}" "there:$WORK/there/a" "there:$WORK/there/c" back
		rsync -a there/a there/c d
		diff -r d back
		usync -Q "${WAY[@]}" "there:$WORK/there/a/" back
		rsync -a there/a/ d
		diff -r d back
	done
}

@test "relative paths there are of where the login begins, whatever HOME is; ~ is HOME" {
	way libssh2
	WAY+=(--helper "cd '$WORK/login' && usync --serve")
	mkdir data login
	echo 1 >data/file
	usync -Q "${WAY[@]}" data there:
	usync -Q "${WAY[@]}" data there:deep/er
	usync -Q "${WAY[@]}" data/ 'there:~/tilde'
	[ "$(cd login && find . -type f | sort)" = $'./data/file\n./deep/er/data/file' ]
	[ "$(cat "$HOME/tilde/file")" = 1 ]
	[ ! -e "$HOME/data" ]
}
