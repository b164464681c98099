# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# uqueue over recordings: one of a real cluster, and ones that mean harm.
bats_require_minimum_version 1.5.0

load transcript.bash

setup()
{
	export HOME=$BATS_TEST_TMPDIR UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	REAL=$UC_TEST_TOP/tests/data/clusters/slurm-22.05
	export UC_SOURCE=record:$REAL
	cd "$BATS_TEST_TMPDIR" || return 1
}

# recording DIR <LINES: one with these jobs, on the nodes of the real one.
recording()
{
	mkdir "$1"
	zstd -q -o "$1/jobs.jsonl.zst"
	cp "$REAL"/{nodes,partitions}.jsonl.zst "$REAL/manifest.json" "$1/"
}

# use DIR: read that recording from now on.
use()
{
	UC_SOURCE=record:$1
}

@test "a recorded cluster prints what it always printed" {
	check_transcript uqueue_recorded
}

@test "a recorded cluster with accounting: jobs that ended, what they used, why one waits" {
	use "$UC_TEST_TOP/tests/data/clusters/slurm-22.05-accounting"
	check_transcript uqueue_accounting
}

@test "GPUs in every form: models, several, MIG slices, shards, untyped" {
	local job='{"job_id":1,"user":"u","state":1,"nodes":"gpu1","node_count":1,"cpus":1'

	recording forms <<-EOT
		$job,"gpus":4,"gpu_types":"a100:4","gres_total":"gpu:a100:4"}
		$job,"gpus":6,"gpu_types":"a100:4,h100:2","gres_total":"gpu:a100:4,gpu:h100:2"}
		$job,"gpus":3,"gpu_types":"1g.10gb:3","gres_total":"gpu:1g.10gb:3"}
		$job,"gpus":3,"gpu_types":"a100:1,a100_3g.40gb:2","gres_total":"gpu:a100:1,gpu:a100_3g.40gb:2"}
		$job,"gpus":0,"shards":8,"gres_total":"shard:8"}
		$job,"gpus":1,"shards":8,"gpu_types":"a100:1","gres_total":"gpu:a100:1,shard:8"}
		$job,"gpus":4,"gres_total":"gpu:4"}
		$job,"gpus":4,"gpu_types":"rtx-6000:1","tres_alloc":"gres/gpu=4,gres/gpu:rtx-6000=1"}
		$job,"gpus":2,"gpu_types":"a:2","gres_detail":["gpu:a:2(IDX:0,7)"]}
		$job,"gpus":0,"gres_total":"(null)"}
		$job}
	EOT
	UC_SOURCE=record:forms run -0 uqueue -h --parsable2 -o gpus,mig,shards,gpu_ids
	diff - <(printf '%s\n' "$output") <<-'EOT'
		4×a100|||
		4×a100,2×h100|||
		3×1g.10gb|3||
		1×a100,2×a100_3g.40gb|2||
		8×shard||8|
		1×a100,8×shard||8|
		4|||
		1×rtx-6000,3×gpu|||
		2×a|||gpu1:0,7
		|||
		|||
	EOT
	UC_SOURCE=record:forms uqueue --json -o gpus | jq -e '[.jobs[].gpus] ==
		[4, 6, 3, 3, 0, 1, 4, 4, 2, 0, null]'
}

# What people have put into names, in all pairs: 5,000 jobs.
hostile()
{
	jq -cn '["", "a b", "x\ny", "\u001b[31mred", "\u001b]0;title\u0007", "\u009b31m",
		"\u0007", "tab\there", "cr\rlf\n", "a|b", "\"q\" \\ \u0027", "\u202eevil\u202c",
		"\u200bz\u200d\ufeff", "e\u0301\u0301\u0301\u0301\u0301", "训练模型", "größe-µ",
		"\ud83d\ude80\ud83d\udc68\u200d\ud83d\udc69", "--help", "-j 1", "%s%n%d",
		"$(reboot) `id`", "JobId=1 UserId=root(0)", "\u007f\u0001\u001f", "null", "{}[],:",
		"\u2028\u2029", "x" * 3000, "\ud7ff\ue000\ufffd", "JOBID", "\u0085\u0080"] as $n |
		range(5000) as $i | ($n | length) as $l |
		{job_id: (100000 + $i), user_id: 20000, user: $n[$i % 7], state: ($i % 2),
		 name: ($n[$i % $l] + $n[($i / $l | floor) % $l] + "\($i)"), reason: 1,
		 account: $n[$i % 11], partition: "p", node_count: 1, cpus: 1, time_limit: 60}'
}

@test "5,000 hostile names: a line each, ids once, JSON that parses" {
	hostile >jobs.jsonl
	recording hostile <jobs.jsonl
	use hostile
	[ "$(uqueue | wc -l)" -eq 5001 ]
	uqueue -h -o id >ids
	diff <(sort -u ids) <(seq 100000 104999)
	[ "$(uqueue --parsable2 | tr -cd '|\n' | sort -u | wc -l)" -eq 1 ]
	uqueue --json >json
	diff <(jq -c '.jobs[] | [(.id | tonumber), .name, .user, .account]' json | sort) \
		<(jq -c '[.job_id, .name, if .user == "" then null else .user end,
			if .account == "" then null else .account end]' jobs.jsonl | sort)
	uqueue --by user --json | jq -e '[.totals[].running] | add == 2500'
}

@test "5,000 hostile names: no control byte reaches a terminal, lines fit" {
	hostile | recording hostile
	use hostile
	for format in "" "-o +account"; do
		NO_COLOR=1 on_terminal 100 "uqueue $format" >screen
		[ "$(wc -l <screen)" -eq 5001 ]
		run ! env LC_ALL=C grep -aP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]' screen
		[ "$(grep -oE '^10[0-9]{4} ' screen | sort -u | wc -l)" -eq 5000 ]
	done
	NO_COLOR=1 on_terminal 100 uqueue >screen
	[ "$(wc -L <screen)" -le 100 ]
	# what a pipe gets is as safe
	uqueue -o id,name,user,account >plain
	run ! env LC_ALL=C grep -aP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' plain
}

@test "numbers that make no sense are no harm" {
	recording odd <<-'EOT'
		{"job_id":1,"array_job_id":1,"array_tasks":"0-4294967294","state":0,"user":"u"}
		{"job_id":2,"array_job_id":2,"array_tasks":"5-1,x","state":0,"user":"u"}
		{"job_id":3,"state":77,"reason":9999,"nodes":"n[1-999999999]","gres_detail":["gpu:x:9(IDX:0-99999)"],"user":"u"}
		{"job_id":4294967294,"state":1,"cpus":4294967294,"memory":9223372036854775807,"node_count":4294967294,"user":"u"}
	EOT
	UC_SOURCE=record:odd run -0 uqueue -t all -r
	[ "${#lines[@]}" -eq 5 ]
	UC_SOURCE=record:odd uqueue -t all --json | jq -e '.jobs | length == 4'
	for by in user account partition node gpu; do
		UC_SOURCE=record:odd uqueue --by $by --json | jq -e .totals >/dev/null
	done
	for id in 1 2 3 4294967294; do
		UC_SOURCE=record:odd run -0 uqueue show $id
		UC_SOURCE=record:odd run -0 uqueue --why $id
	done
}
