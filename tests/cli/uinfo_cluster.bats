# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2030,SC2031 # each test has its own environment
# uinfo over recorded and made-up clusters: the overview, gpus, nodes, partitions, usage.
bats_require_minimum_version 1.5.0

load transcript.bash

setup()
{
	export HOME=$BATS_TEST_TMPDIR UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none TZ=UTC
	unset XDG_STATE_HOME UCLUSTER_IMAGE_DIRS NO_COLOR
	REAL=$UC_TEST_TOP/tests/data/clusters/slurm-22.05
	export UC_SOURCE=record:$REAL
	cd "$BATS_TEST_TMPDIR" || return 1
}

# recording DIR TABLE <LINES: the real one with another table.
recording()
{
	[ -d "$1" ] || cp -r "$REAL" "$1"
	chmod u+w "$1" "$1"/*
	zstd -q -f -o "$1/$2.jsonl.zst"
	jq --arg t "$2" '.tables[$t] = {now: .now, updated: 0}' "$REAL/manifest.json" >"$1/manifest.json"
	UC_SOURCE=record:$PWD/$1
}

@test "a recorded cluster prints what it always printed" {
	check_transcript uinfo_recorded
}

@test "bad command lines are one line that says what was expected" {
	check_transcript uinfo_bad 2
}

@test "the overview is one screen: 80 columns and 24 lines" {
	for nodes in 3 12 300; do
		export UC_SOURCE=synthetic:nodes=$nodes,jobs=500,seed=4
		LINES=24 on_terminal 80 "uinfo --color=never" >out
		[ "$(awk '{ if (length($0) > n) n = length($0) } END { print n }' out)" -le 80 ]
		[ "$(wc -l <out)" -le 23 ]
		grep -q '^PARTITION' out
		grep -q '^you have no jobs in the queue' out
		grep -q '^disk: ' out
		[ "$nodes" = 3 ] || grep -q 'reservation maintenance at ' out
	done
	LINES=24 on_terminal 60 "uinfo --color=never" >out
	[ "$(awk '{ if (length($0) > n) n = length($0) } END { print n }' out)" -le 60 ]
}

@test "many partitions: the first ones, and how to see the rest" {
	local i

	export UC_SOURCE
	zstd -dcq "$REAL/nodes.jsonl.zst" |
		jq -c '.partitions = ([range(40) | "p\(.)"] | join(","))' >nodes.in
	for ((i = 0; i < 40; i++)); do
		echo '{"name":"p'$i'","nodes":"gpu[1-2],cpu[1-2]","state":3,"share_max":1,"total_nodes":4}'
	done >partitions.in
	recording many nodes <nodes.in
	recording many partitions <partitions.in
	LINES=24 on_terminal 80 "uinfo --color=never" >out
	[ "$(wc -l <out)" -le 23 ]
	grep -qE '^\.\.\. [0-9]+ more: ' out
	[ "$(uinfo -h -o partition | sort -u | wc -l)" = 40 ]
	[ "$(uinfo -p p7,p9 -h -o partition | sort -u | xargs)" = "p7 p9" ]
}

@test "everything is one JSON object with raw values" {
	uinfo --json >out
	jq -e '.version == 1 and (.capacity | length) > 0 and (.disks | length) > 0 and
		(.jobs | map(.state)) == ["running", "pending"] and .limits == []' out
	jq -e '.capacity | all(.total == .used + .free + .out)' out
	jq -e '.capacity[] | select(.partition == "gpu") | .time | type == "number"' out
	for words in gpus "gpus --map" "gpus --by=type" "gpus --by=partition" nodes partitions limits \
		"usage --all"; do
		# shellcheck disable=SC2086
		uinfo $words --json | jq -e '.version == 1 and .now == 1784542145 or .now > 1' >/dev/null
	done
	[ "$(uinfo nodes --json | jq '.nodes[0].memory | type')" = '"number"' ]
}

@test "sums agree: partitions, types, nodes, single GPUs" {
	export UC_SOURCE=synthetic:nodes=200,jobs=900,seed=9
	uinfo gpus --json >by_node
	[ "$(jq '[.gpus[].gpus] | add' by_node)" = "$(uinfo gpus --by=type --json | jq '[.gpus[].gpus] | add')" ]
	[ "$(jq '[.gpus[].free] | add' by_node)" = "$(uinfo gpus --by=gpu --json |
		jq '[.gpus[] | select(.state == "free")] | length')" ]
	[ "$(jq '[.gpus[].used] | add' by_node)" = "$(uinfo nodes --json | jq '[.nodes[].gpus_used // 0] | add')" ]
	[ "$(uinfo gpus --by=partition -p gpu --json | jq '[.gpus[].free] | add')" = \
		"$(jq '[.gpus[].free] | add' by_node)" ]
	[ "$(uinfo partitions -p gpu -h -o gpus_free)" -eq "$(jq '[.gpus[].free] | add' by_node)" ]
	# every GPU in use has a job in the map, and every job of the queue its GPUs
	uinfo gpus --map --json | jq -e '[.gpus[] | select(.state == "other" and .job_id == null)] == []'
	[ "$(uinfo gpus --map --json | jq '[.gpus[].job_id | values] | unique | length')" = \
		"$(uqueue -t R,S,CG,CF --json | jq '[.jobs[] | select(.gpus > 0) | .job_id] | unique | length')" ]
}

@test "the map has colour on a terminal only, and means the same without" {
	export UC_SOURCE=synthetic:nodes=12,jobs=40,seed=4
	on_terminal 80 "uinfo gpus --map" >colour
	on_terminal 80 "NO_COLOR=1 uinfo gpus --map" >plain
	grep -q $'\e' colour
	run ! grep -q $'\e' plain
	diff <(sed $'s/\e\\[[0-9;]*m//g' colour) plain
	run ! grep -q '[^ -~]' <(LC_ALL=C uinfo gpus --map)
}

@test "names of others reach no terminal as they are" {
	recording hostile jobs <<-'EOT'
		{"job_id":1,"user":"e\u001b[31mve","user_id":7,"state":1,"nodes":"gpu1","node_count":1,"gpus":2,"gres_detail":["gpu:a100:2(IDX:0-1)"],"end_time":1784545745}
	EOT
	uinfo gpus --map >out
	run ! grep -q $'\e' out
	grep -qF 'e\x1b[31mve 2' out
	recording hostile nodes <<-'EOT'
		{"name":"n\u001b]0;x\u0007","state":514,"reason":"a\nb","partitions":"gpu","gres":"gpu:8","gpus":8,"gpus_used":0,"cpus":4,"cpus_usable":4}
	EOT
	for words in gpus "gpus --map" nodes; do
		# shellcheck disable=SC2086
		uinfo $words >out
		run ! grep -q $'[\e\a]' out
		grep -qF 'n\x1b]0;x\x07' out
		# one line a node, whatever its reason
		[ "$(grep -c 'x1b' out)" = 1 ]
	done
}

@test "a reservation of others: counted apart, and the map says until when" {
	recording reserved reservations <<-'EOT'
		{"name":"course","nodes":"gpu2","users":"nobody","start_time":1,"end_time":4102444800}
	EOT
	uinfo gpus --map >out
	if [ "$(id -u)" = 0 ]; then # root may use them
		[ "$(uinfo gpus --by=gpu --json | jq '[.gpus[] | select(.state == "reserved")] | length')" = 0 ]
	else
		grep -q '^gpu2 .*=.* reservation course until ' out
		[ "$(uinfo -p gpu -h -o reserved)" -gt 0 ]
		[ "$(uinfo -p gpu -h -o why)" = "reserved: course" ]
	fi
}

@test "columns: every one can be asked for, by itself and as --list-columns says it" {
	local words column

	for words in "" gpus "gpus --by=type" "gpus --by=partition" "gpus --by=gpu" nodes partitions \
		limits usage; do
		# shellcheck disable=SC2086
		uinfo $words --list-columns >columns
		[ -s columns ]
		while read -r column _; do
			# shellcheck disable=SC2086
			uinfo $words --format="$column" >/dev/null 2>&1 || {
				echo "uinfo $words --format=$column"
				return 1
			}
		done <columns
	done
}

@test "no accounting is said, not hidden" {
	run -0 --separate-stderr uinfo limits
	[ -z "$output" ]
	[ "$stderr" = "uinfo limits: no accounting: nothing limits your jobs but partitions" ]
	run -0 --separate-stderr uinfo usage --all
	[[ $stderr == *": only what slurmctld has not forgotten" ]]
	[[ $output == *"CPU-hours" ]]
}

@test "4,000 nodes are no burden" {
	export UC_SOURCE=synthetic:nodes=4000,jobs=5000,seed=1
	for words in "" gpus "gpus --map" nodes partitions; do
		# shellcheck disable=SC2086
		timeout 60 uinfo $words >out
		[ "$(wc -l <out)" -gt 3 ]
	done
}

@test "health without a cluster: said in time, with a hint, status 4" {
	unset UC_SOURCE
	export SLURM_CONF=$BATS_TEST_TMPDIR/none.conf
	run -4 uinfo health
	[[ $output == *"bad "*"slurm.conf "*"cannot be read"*"correct or unset SLURM_CONF"* ]]
	[[ $output == *"bad "*"slurmctld "* ]]
	run -4 uinfo health --json
	jq -e '.checks | map(select(.state == "bad")) | length >= 2' <<<"$output"
}

@test "a full disk is an error" {
	for words in "" gpus "gpus --map" nodes partitions "usage --all"; do
		# shellcheck disable=SC2086
		run -1 bash -c "uinfo $words >/dev/full 2>&1 || exit \$?"
	done
}
