# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A cluster of which every word means harm: each text that Slurm knows of jobs, nodes,
# partitions, reservations and of jobs that ended has control sequences behind it. Every
# listing in every form, on terminals and in pipes, with UTF-8 and without: what is printed
# are characters and nothing else.
bats_require_minimum_version 1.5.0

load transcript.bash

# shellcheck disable=SC2016
# JSON strings. The last is of bytes that are no UTF-8, as recordings write them.
POISONS=('"\u001b]0;title\u0007\u001b[2J"' '"\u009b31m\u202e\r\nJOBID 1\t|"' '"\u200b\u007f\u2028 x=\"$(id)\""'
	'{"base64":"eP6bMzFt/w=="}')

setup()
{
	export HOME=$BATS_TEST_TMPDIR UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none NO_COLOR=1
	export SLURM_CONF=$BATS_TEST_TMPDIR/none
	cd "$BATS_TEST_TMPDIR" || return 1
}

# A line of a table, and all texts that it may have, each with $p behind it. Where $p is
# bytes they take the text's place.
poison()
{
	jq -c --argjson p "$1" --argjson more "$2" '
		def bad: if $p | type == "string" then . + $p else $p end;
		with_entries(if .value | type == "string" then .value |= bad
			elif .value | type == "array" then .value |= map(if type == "string" then bad else . end)
			else . end) +
		([$more[] as $k | select(has($k) | not) | {key: $k, value: ("" | bad)}] | from_entries)'
}

# world POISON: a recording of a real cluster, poisoned, in ./world.
world()
{
	local from=$UC_TEST_TOP/tests/data/clusters/slurm-22.05-accounting table more

	rm -rf world
	mkdir world
	cp "$from/manifest.json" world/
	for table in jobs nodes partitions reservations history; do
		case $table in
		jobs) more='["comment","admin_comment","system_comment","extra","reason_text","features",
			"prefer","dependency","licenses","reservation","network","command","std_err","wckey",
			"container","mcs_label","submit_line","sched_nodes","excluded_nodes","array_tasks"]' ;;
		nodes) more='["reason","reason_user","comment","extra","features","active_features",
			"reservation","mcs_label","gres","gpu_types"]' ;;
		partitions) more='["allow_accounts","allow_groups","allow_qos","deny_accounts","deny_qos",
			"allow_submit_hosts","qos","alternate","billing","job_defaults","nodesets"]' ;;
		reservations) more='["users","accounts","groups","partition","features","licenses"]' ;;
		history) more='["comment","admin_comment","cancelled_by","failed_node","std_err",
			"features","licenses","reservation","wckey","array_tasks"]' ;;
		esac
		{
			zstdcat "$from/$table.jsonl.zst"
			[ "$table" != reservations ] || echo '{"name":"r","nodes":"gpu1",
				"users":"root","start_time":1795260000,"end_time":1995270000,"flags":1}' | tr -d '\n\t'
		} | poison "$1" "$more" | zstd -q -o "world/$table.jsonl.zst"
	done
	export UC_SOURCE=record:$PWD/world
}

commands()
{
	cat <<-'LIST'
		uqueue -t all
		uqueue -t all -o all
		uqueue --parsable2 -t all -o all
		uqueue --by user
		uqueue --by account
		uqueue --by partition
		uqueue --by node
		uqueue --by gpu
		uqueue show 28 29
		uqueue --why 28
		uqueue eff 28 1
		uqueue --finished --since 2020-01-01
		uqueue 28 29 --cancel --dry-run
		uinfo
		uinfo gpus
		uinfo gpus -o all
		uinfo gpus --map
		uinfo nodes
		uinfo nodes -o all
		uinfo partitions
		uinfo partitions -o all
		uinfo limits
		uinfo usage
		uinfo usage --by user
		uinfo health
		udash --dump
		udash --dump --view=gpus
		udash --dump --view=nodes
		ucluster complete PARTITION
		ucluster complete JOBID
		uattach --list
		uattach 28
		usrun --check --partition=batch --gpus=9 true
	LIST
}


# harmless KIND NAME: what is in ./out has characters and ends of lines only.
harmless()
{
	perl -0777 -ne '
		BEGIN { ($kind, $name) = splice @ARGV, 0, 2 }
		s/\r\n/\n/g if $kind eq "tty";
		$utf8 = $kind eq "ascii" ? "" : q{|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}};
		/\G(?:[\n\x20-\x7e]$utf8)*/gc;
		printf "%s (%s): byte %02x in %s\n", $name, $kind, ord(substr $_, pos, 1),
			substr($_, pos() < 30 ? 0 : pos() - 30, 60) =~ s/[^ -~]/?/gr and exit 1
			if (pos // 0) < length;
		if (/(\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xa9]|\xef\xbb\xbf)/) {
			printf "%s (%s): %s\n", $name, $kind, join " ", map { sprintf "%02x", ord } split //, $1;
			exit 1;
		}' "$1" "$2" out
}

# ends NAME: its status is one of ours or of a cancelled job, and no sanitizer spoke.
ends()
{
	if [[ ! $status =~ ^([0-6]|143)$ ]] || grep -aq 'Sanitizer\|runtime error' out; then
		echo "$1: status $status"
		cat out
		return 1
	fi
}

@test "in a pipe: characters only, in UTF-8 and in ASCII" {
	for poison in "${POISONS[@]}"; do
		world "$poison"
		while read -r words; do
			for locale in C.UTF-8 C; do
				status=0
				# shellcheck disable=SC2086
				LC_ALL=$locale timeout 60 $words >out 2>&1 </dev/null || status=$?
				ends "$words"
				harmless "$([ $locale = C ] && echo ascii || echo utf-8)" "$words"
			done
		done < <(commands)
	done
}

@test "on a terminal: characters only" {
	for poison in "${POISONS[@]}"; do
		world "$poison"
		while read -r words; do
			[[ $words != udash* && $words != *--parsable2* ]] || continue
			status=0
			on_terminal 100 "timeout 60 $words" >out </dev/null || status=$?
			ends "$words"
			harmless tty "$words"
		done < <(commands)
	done
}

@test "JSON parses, has no control byte, and rows are rows" {
	for poison in "${POISONS[@]}"; do
		world "$poison"
		for words in "uqueue -t all" "uqueue show 28" "uqueue eff 28" "uqueue --by user" \
			"uqueue --finished --since 2020-01-01" uinfo "uinfo gpus" "uinfo nodes" "uinfo partitions" \
			"uinfo usage" udash "uattach --list"; do
			status=0
			# shellcheck disable=SC2086
			timeout 60 $words --json >out 2>err </dev/null || status=$?
			[[ $status =~ ^[0-6]$ ]] && run ! grep -aq Sanitizer err
			[ ! -s out ] || jq -e . out >/dev/null
			harmless utf-8 "$words --json"
		done
		uqueue -t all | grep -qE '\\x1b|\\u202e|\\x7f|�'
		[ "$(uqueue -t all -h | wc -l)" -ge 2 ]
		[ "$(uqueue -t all -h | wc -l)" = "$(uqueue -t all --json | jq '.jobs | length')" ]
		[ "$(uinfo nodes -h | wc -l)" = "$(uinfo nodes --json | jq '.nodes | length')" ]
	done
}

@test "the judge of these tests sees what is planted" {
	for bad in '\033[31m' '\302\233' '\342\200\256' 'a\rb' '\007' '\377' '\177'; do
		# shellcheck disable=SC2059
		printf "text\n$bad" >out
		run ! harmless utf-8 planted
	done
	printf 'größe\n' >out
	run ! harmless ascii planted
	harmless utf-8 clean
}

@test "a cluster of nothing: no jobs, no nodes, no partitions" {
	mkdir nothing
	cp "$UC_TEST_TOP/tests/data/clusters/slurm-22.05-accounting/manifest.json" nothing/
	for table in jobs nodes partitions reservations history; do
		zstd -q -o "nothing/$table.jsonl.zst" </dev/null
	done
	export UC_SOURCE=record:$PWD/nothing
	while read -r words; do
		for form in '' --json; do
			status=0
			# shellcheck disable=SC2086
			timeout 60 $words $form >out 2>&1 </dev/null || status=$?
			ends "$words $form"
		done
	done < <(commands | grep -v 'usrun\|parsable\|complete')
}
