#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kill -9 at random moments: of usync, of what sshd started for it, of sshd's own child. No
# file is half under its name, nothing is gone, and the next run makes both sides equal.
# Temporary files of what was killed stay for some hours: another run might be at them.
# UC_SYNC_KILLS=1500 takes its time.
load helper
load sshd
load usync

# Where there is room in memory, more kills go into a minute.
setup()
{
	local free

	free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
	if [[ $BATS_TEST_DESCRIPTION == *random* && -w /dev/shm && ${free:-0} -gt 262144 ]]; then
		usync_setup /dev/shm
	else
		usync_setup
	fi
}

teardown()
{
	usync_teardown
}

# Trees whose every file says which of two versions it is, in each of its lines.
version_tree()
{
	perl -e '
		my ($root, $version) = @ARGV;
		mkdir $root;
		for my $d (0 .. 9) {
			mkdir "$root/d$d";
			for my $f (0 .. 19) {
				my $lines = $f == 0 ? 30000 : 1 + ($d * 37 + $f * 101) % 900;
				open my $out, ">", "$root/d$d/f$f" or die;
				print $out "$version $d/$f ", $_ * 7919 % 104729, "\n" for 1 .. $lines;
				print $out "end $version\n";
				close $out or die;
			}
		}' "$1" "$2"
}

# check_whole FOLDER: each file is whole, and of one version; none is missing that was
# there before, not for a moment.
check_whole()
{
	perl -e '
		my $root = shift;
		my $bad = 0;
		for my $path (glob "$root/d*/f*") {
			open my $in, "<", $path or die "$path: $!";
			my (%seen, $last);
			while (<$in>) { $seen{(split)[0]}++ unless /^end/; $last = $_ }
			my @versions = keys %seen;
			next if @versions == 1 && defined $last && $last eq "end $versions[0]\n";
			print "$path: versions @versions, last line ", $last // "none", "\n";
			$bad = 1;
		}
		exit $bad' "$1"
	diff <(cd a && find . -name 'f*' | sort) \
		<(cd "$1" && find . -name 'f*' ! -path './.ucluster-*' | sort)
}

# kill_one WHAT CLIENT: usync, the program that sshd started, or sshd's child.
kill_one()
{
	local -a all

	case $1 in
	client) kill -KILL "$2" 2>/dev/null || : ;;
	*)
		mapfile -t all < <(sshd_processes)
		[ "${#all[@]}" -gt 0 ] || return 0
		if [ "$1" = helper ]; then
			kill -KILL "${all[-1]}" 2>/dev/null || :
		else
			kill -KILL "${all[RANDOM % ${#all[@]}]}" 2>/dev/null || :
		fi
		;;
	esac
}

# one_kill WAY WHAT DIRECTION: one version goes over the other, and is killed on its way.
one_kill()
{
	local client source target
	local -a overwrite=()

	way "$1"
	if [ "$3" = push ]; then
		source=here/ target=there:$WORK/there
	else
		source=there:$WORK/here/ target=there
	fi
	# what was not sent to its end is a conflict, now and then; else the newer file wins
	if [ $((RANDOM % 4)) = 0 ]; then
		overwrite=(--overwrite)
	else
		rm -rf "$HOME/.local/state/ucluster/sync"
	fi
	usync -Q "${WAY[@]}" "${overwrite[@]}" "$source" "$target" >"$WORK/out" 2>&1 3>&- &
	client=$!
	perl -e 'select undef, undef, undef, rand($ARGV[0])' "$DURATION"
	kill_one "$2" "$client"
	wait "$client" 2>/dev/null || :
	check_whole there || {
		cat "$WORK/out"
		return 1
	}
}

@test "kill -9 at random moments leaves whole files, and the next run goes on" {
	local kills=${UC_SYNC_KILLS:-0} done=0 end way what direction begun

	version_tree a a
	# of other sizes: SFTP does not tell apart what changes within a second
	version_tree b bb
	rm -rf here there
	cp -a a there
	cp -a b here
	way libssh2
	begun=$(date +%s.%N)
	usync -Q "${WAY[@]}" --overwrite here/ "there:$WORK/there"
	DURATION=$(perl -e 'printf "%.3f", time - $ARGV[0] + 0.2' "$begun")
	end=$((SECONDS + 60))
	while :; do
		for way in "${WAYS[@]}"; do
			for what in client helper sshd; do
				direction=push
				((RANDOM & 1)) || direction=pull
				# versions take turns, so that there is always something to do
				rm -rf here
				if [ $((done % 2)) = 0 ]; then cp -a a here; else cp -a b here; fi
				find here -type f -exec touch {} +
				one_kill "$way" "$what" "$direction" || {
					echo "way $way, $what killed in a $direction, after $done kills"
					return 1
				}
				# each tenth time: the run after it makes both equal
				if [ $((done % 10)) = 9 ]; then
					# a kept connection may still be about to break
					usync -Q "${WAY[@]}" --overwrite here/ "there:$WORK/there" ||
						usync -Q "${WAY[@]}" --overwrite here/ "there:$WORK/there" || return 1
					diff -r --exclude='.ucluster-*' --exclude='.uc-*' here there || return 1
				fi
				done=$((done + 1))
			done
		done
		if [ "$kills" -gt 0 ]; then
			[ "$done" -lt "$kills" ] || break
		else
			[ "$SECONDS" -lt "$end" ] || [ "$done" -lt 24 ] || break
		fi
	done
	echo "# $done kills" >&3
	way libssh2
	usync -Q "${WAY[@]}" --overwrite here/ "there:$WORK/there"
	diff -r --exclude='.ucluster-*' --exclude='.uc-*' here there
}

# The helpers that sshd started, the youngest last.
helpers()
{
	local pid

	for pid in $(sshd_processes); do
		tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q '^usync --serve' && echo "$pid"
	done
}

several_move()
{
	[ "$(find here -name '.uc-part-*' -size +16M | wc -l)" -ge 2 ]
}

@test "all connections but the first are killed: it goes on in their files, and leaves none behind" {
	local client n

	mkdir there here
	for n in 1 2 3 4; do
		head -c "$((160 << 20))" /dev/urandom >"there/$n"
	done
	way libssh2
	usync -Q --streams=3 "${WAY[@]}" "there:$WORK/there/" here 3>&- &
	client=$!
	wait_until 20 several_move
	# shellcheck disable=SC2046
	kill -KILL $(helpers | tail -n +2)
	wait "$client"
	diff -r there here
	no_leftovers here
}

@test "a large file goes on where it was killed: the bytes on the wire prove it" {
	local way client wire size=$((96 << 20))

	head -c "$size" /dev/urandom >large
	for way in "${WAYS[@]}"; do
		way "$way"
		rm -rf here there
		mkdir here there
		ln large here/large
		# slow enough to be killed in the middle of it
		usync -Q "${WAY[@]}" --bwlimit=40M here/ "there:$WORK/there" 3>&- &
		client=$!
		wait_until 20 has_bytes there $((24 << 20)) || return 1
		kill -KILL "$client"
		wait "$client" 2>/dev/null || :
		[ ! -e there/large ]
		run -0 --separate-stderr usync --json "${WAY[@]}" here/ "there:$WORK/there"
		cmp here/large there/large
		wire=$(jq -s 'last | .progress.wire' <<<"$output")
		echo "way $way: $wire bytes on the wire of $size"
		[ "$wire" -lt $((size - (12 << 20))) ]
		no_leftovers there
	done
}

# has_bytes FOLDER N: a file that is being written there has so many.
has_bytes()
{
	local file

	for file in "$1"/.uc-*; do
		[ -e "$file" ] && [ "$(stat -c %s "$file")" -ge "$2" ] && return 0
	done
	return 1
}
