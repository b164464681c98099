# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ucluster config, and the configuration as every command reads it.
bats_require_minimum_version 1.5.0

setup()
{
	export HOME=$BATS_TEST_TMPDIR/home
	export UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/site.yaml
	USER_FILE=$HOME/.config/ucluster/config.yaml
	mkdir -p "$HOME/.config/ucluster" "$BATS_TEST_TMPDIR/src/deep"
	cd "$BATS_TEST_TMPDIR/src" || return 1
}

# lines NAME: what a file or stdin has to be, compared exactly.
expect_output()
{
	diff -u <(cat) <(printf '%s\n' "$output")
}

layers()
{
	cat >"$UCLUSTER_SITE_CONFIG" <<-'END'
		mounts: [/data:/data:ro]
		time: 8h
		mem: 24GB
		profiles:
		  base: {time: 1:30:00}
		  train: {inherit: base, gpus: 4}
	END
	cat >"$USER_FILE" <<-'END'
		partition: gpu
		gpus: 1
	END
	cat >.ucluster.yaml <<-'END'
		image: pytorch_24.05
		mounts:
		  - .:/src
	END
}

@test "without any file the defaults are shown" {
	run -0 ucluster config
	expect_output <<-'END'
		KEY                 VALUE     FROM
		receipts            true      built-in
		runtime             auto      built-in
		import.space        10G       built-in
		slurm.timeout       10s       built-in
		session.detachable  never     built-in
		session.detach_key  ctrl-a d  built-in
		session.idle        60m       built-in
		session.grace       5m        built-in
		session.scrollback  10000     built-in
		session.size        smallest  built-in
		sync.delete         false     built-in
		sync.transport      auto      built-in
		sync.keep           10        built-in
		dash.interval       5         built-in
		dash.idle           30m       built-in
		dash.background     auto      built-in
		dash.mouse          false     built-in
		color               auto      built-in
	END
}

@test "every value is shown with the place that sets it" {
	layers
	cd deep
	USRUN_QOS=high run -0 ucluster config --noheader --format=key,value,from --parsable2
	expect_output <<-END
		image|pytorch_24.05|project $BATS_TEST_TMPDIR/src/.ucluster.yaml:1
		mounts|/data:/data:ro|site $UCLUSTER_SITE_CONFIG:1
		mounts|.:/src|project $BATS_TEST_TMPDIR/src/.ucluster.yaml:3
		partition|gpu|user $USER_FILE:1
		qos|high|environment USRUN_QOS
		gpus|1|user $USER_FILE:2
		mem|24GB|site $UCLUSTER_SITE_CONFIG:3
		time|8h|site $UCLUSTER_SITE_CONFIG:2
		receipts|true|built-in
		runtime|auto|built-in
		import.space|10G|built-in
		slurm.timeout|10s|built-in
		session.detachable|never|built-in
		session.detach_key|ctrl-a d|built-in
		session.idle|60m|built-in
		session.grace|5m|built-in
		session.scrollback|10000|built-in
		session.size|smallest|built-in
		sync.delete|false|built-in
		sync.transport|auto|built-in
		sync.keep|10|built-in
		dash.interval|5|built-in
		dash.idle|30m|built-in
		dash.background|auto|built-in
		dash.mouse|false|built-in
		color|auto|built-in
	END
}

@test "a profile and its parents are applied and named" {
	layers
	run -0 ucluster config --preset train -h -o key,value,from --parsable2 gpus time
	expect_output <<-END
		gpus|4|profile train $UCLUSTER_SITE_CONFIG:6
		time|1:30:00|profile base $UCLUSTER_SITE_CONFIG:5
	END
}

@test "words print just the values, for scripts" {
	layers
	run -0 ucluster config image mounts
	expect_output <<-'END'
		pytorch_24.05
		/data:/data:ro
		.:/src
	END
}

@test "--show adds where they come from" {
	layers
	run -0 ucluster config --show --noheader image
	[[ $output == "image"*"pytorch_24.05"*"project "*"/.ucluster.yaml:1" ]]
}

@test "a group's name stands for all of it" {
	run -0 ucluster config slurm
	[ "$output" = 10s ]
}

@test "a setting nobody sets is status 3 and no output" {
	run -3 ucluster config image
	[ -z "$output" ]
}

@test "an unknown word is a usage error with the nearest key" {
	run -2 --separate-stderr ucluster config imege
	[ -z "$output" ]
	[[ $stderr == *"unknown key 'imege'"*"did you mean 'image'?"* ]]
}

@test "JSON has seconds and bytes" {
	layers
	run -0 ucluster config --json
	python3 - "$output" <<-'END'
		import json, sys
		doc = json.loads(sys.argv[1])
		rows = {r["key"]: r for r in doc["settings"]}
		assert doc["version"] == 1
		assert rows["time"]["value"] == 8 * 3600, rows["time"]
		assert rows["mem"]["value"] == 24 << 30, rows["mem"]
		assert rows["gpus"]["value"] == "1"
		assert rows["gpus"]["layer"] == "user" and rows["gpus"]["line"] == 2
		assert rows["gpus"]["column"] == 7
		assert rows["color"]["file"] is None and rows["color"]["line"] is None
	END
}

@test "--check says which files are without a fault" {
	layers
	run -0 --separate-stderr ucluster config --check
	[ -z "$output" ]
	[[ $stderr == *"no fault in '$UCLUSTER_SITE_CONFIG'"* ]]
	[[ $stderr == *"no fault in '$USER_FILE'"* ]]
	[[ $stderr == *"no fault in '$BATS_TEST_TMPDIR/src/.ucluster.yaml'"* ]]
}

@test "--check reports every fault of every file and is status 2" {
	printf 'gpu: 1\nmem: 1X\n' >"$UCLUSTER_SITE_CONFIG"
	printf 'time: [8h]\n' >"$USER_FILE"
	printf 'env:\n  LD_PRELOAD: x\n' >.ucluster.yaml
	run -2 --separate-stderr ucluster config --check
	[ -z "$output" ]
	output=$stderr
	expect_output <<-END
		ucluster config: $UCLUSTER_SITE_CONFIG:1:1: unknown key 'gpu'
		hint: did you mean 'gpus'?
		ucluster config: $UCLUSTER_SITE_CONFIG:2:6: 'mem' must be a size, such as '24G', not '1X'
		ucluster config: $USER_FILE:1:7: 'time' must be a time, such as '8h', not a list
		ucluster config: $BATS_TEST_TMPDIR/src/.ucluster.yaml:2:3: 'env.LD_PRELOAD' may not be set by a project file: it makes programs load other code
		hint: set it in the user file, ~/.config/ucluster/config.yaml
	END
}

@test "more than a hundred faults are counted" {
	for i in $(seq 130); do
		echo "k$i: 1"
	done >"$USER_FILE"
	run -2 ucluster config
	[[ $output == *":100:1: unknown key 'k100'"* ]]
	[[ $output != *"'k101'"* ]]
	[[ $output == *"30 more faults are not shown"* ]]
}

@test "a project file that others can write is ignored with one warning" {
	layers
	chmod 666 .ucluster.yaml
	run -0 --separate-stderr ucluster config partition
	[ "$output" = gpu ]
	[[ $stderr == *"project file '$BATS_TEST_TMPDIR/src/.ucluster.yaml' is ignored: it can be written by everybody"* ]]
	[ "$(grep -c ignored <<<"$stderr")" -eq 1 ]
	run -3 --separate-stderr ucluster config image
}

@test "a file that cannot be read or is none is a fault" {
	mkdir "$USER_FILE"
	run -2 ucluster config
	[[ $output == *"'$USER_FILE' is not a regular file"* ]]
	rmdir "$USER_FILE"
	mkfifo "$USER_FILE"
	run -2 timeout 10 ucluster config
	[[ $output == *"'$USER_FILE' is not a regular file"* ]]
}

@test "a hostile value reaches a terminal and a list only as text" {
	printf 'image: "a\\u202eb"\nworkdir: "/tmp/\\u200bx"\n' >"$USER_FILE"
	run -0 ucluster config --show
	[[ $output == *'a\u202eb'* ]]
	[[ $output == *'/tmp/\u200bx'* ]]
}

@test "an unknown profile is status 3 with the nearest one" {
	layers
	run -3 ucluster config --preset trani
	[[ $output == *"no profile is called 'trani'"*"did you mean 'train'?"* ]]
}

@test "a full disk is an error" {
	run -1 bash -c 'ucluster config >/dev/full'
	run -1 bash -c 'ucluster config slurm.timeout >/dev/full'
}

@test "the examples of ucluster.config(5) have no fault" {
	page=$UC_TEST_TOP/man/ucluster.config.5.in
	# "A site file:" and "A project file:", each followed by a literal block
	block() { awk -v head="$1" '$0 == head { on = 1; next }
		on && /^\.Ed/ { exit } on && !/^\./' "$page"; }
	block "A site file:" >"$UCLUSTER_SITE_CONFIG"
	block "A project file:" >.ucluster.yaml
	grep -q timeout "$UCLUSTER_SITE_CONFIG"
	grep -q OMP_NUM_THREADS .ucluster.yaml
	run -0 --separate-stderr ucluster config --show image
	[[ $output == *pytorch_24.05*project* ]]
	[ -z "$stderr" ]
	run -0 ucluster config --preset debug time
	[ "$output" = 30m ]
}

@test "the generated KEYS make a clean man page" {
	ucluster config --mdoc-keys >keys
	sed -e '/^@KEYS@$/{r keys' -e 'd;}' "$UC_TEST_TOP/man/ucluster.config.5.in" >page.5
	grep -q '^\.It Ic slurm\.timeout ' page.5
	run -0 mandoc -T lint -W warning page.5
	[ -z "$output" ]
}
