# shellcheck shell=bash disable=SC1003,SC2016,SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# usrun --dry-run: which srun command, which script a command line becomes. Nobody is asked.
bats_require_minimum_version 1.5.0

load transcript.bash

setup()
{
	local name

	# not as root's /root or another place with a meaning: a project in a home
	export HOME=$BATS_TEST_TMPDIR/home UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/site.yaml
	export UCLUSTER_RUNTIME=pyxis
	unset PYTHONUNBUFFERED "${!SLURM_@}" "${!SBATCH_@}" "${!PYXIS_@}" "${!NVIDIA_@}"
	mkdir -p "$HOME/project/data" "$BATS_TEST_TMPDIR/images" "$BATS_TEST_TMPDIR/bin"
	cd "$HOME/project" || return 1
	for name in nvcr.io_nvidia_pytorch_24.05-py3 nvcr.io_nvidia_pytorch_24.06-py3 debian; do
		image "$BATS_TEST_TMPDIR/images/$name.sqsh"
	done
	# "dry WORDS" is usrun --dry-run with the folder of the test called TOP
	cat >"$BATS_TEST_TMPDIR/bin/dry" <<-EOT
		#!/bin/bash
		usrun --dry-run "\$@" >$BATS_TEST_TMPDIR/out 2>$BATS_TEST_TMPDIR/err
		status=\$?
		cat $BATS_TEST_TMPDIR/err $BATS_TEST_TMPDIR/out | sed 's|$BATS_TEST_TMPDIR|TOP|g'
		exit \$status
	EOT
	chmod +x "$BATS_TEST_TMPDIR/bin/dry"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# image FILE: a superblock that says it has 96 bytes, which is true.
image()
{
	{
		printf 'hsqs'
		head -c 36 /dev/zero
		printf '\140\0\0\0\0\0\0\0'
		head -c 48 /dev/zero
	} >"$1"
}

site()
{
	cat >"$UCLUSTER_SITE_CONFIG"
}

@test "without configuration it is plain srun" {
	check_transcript usrun_plain
}

@test "with configuration its defaults are filled in" {
	mkdir -p "$BATS_TEST_TMPDIR/shared"
	site <<-EOT
		image: debian
		image_dirs: [$BATS_TEST_TMPDIR/images]
		mounts: [$BATS_TEST_TMPDIR/shared, "$BATS_TEST_TMPDIR/gone:/gone"]
		partition: gpu
		gpus: "1"
		mem: 24G
		env: {OMP_NUM_THREADS: 8}
	EOT
	check_transcript usrun_defaults
}

@test "a relative workdir of a project is in the project, wherever one stands" {
	site <<-EOT
		image: debian
		image_dirs: [$BATS_TEST_TMPDIR/images]
	EOT
	mkdir -p src deep/er
	echo 'workdir: ./src' >.ucluster.yaml
	local project=$PWD

	cd deep/er
	run -0 usrun --dry-run true
	[[ $output == *" --container-workdir=$project/src "* ]]
}

@test "--batch makes a script" {
	site <<-EOT
		image: debian
		image_dirs: [$BATS_TEST_TMPDIR/images]
		time: 8h
	EOT
	cat >job.sh <<-'EOT'
		#!/bin/bash
		# a job
		#SBATCH --job-name="two words" --gpus=1 # a comment
		#SBATCH --mem-per-cpu=1G
		python3 train.py "$@"
		#SBATCH --partition=too-late
	EOT
	printf '#!/bin/bash\r\necho dos\r\n' >dos.sh
	printf '#!/bin/sh\n#SBATCH --gpuss=1\n' >bad.sh
	printf '#!/bin/sh\n#SBATCH --comment="open\n' >open.sh
	printf '#!/bin/sh\n#SBATCH -N1\n#SBATCH hetjob\n#SBATCH -N2\n' >het.sh
	check_transcript usrun_batch
}

@test "what is shown can be pasted: the words are the same" {
	local dir=$BATS_TEST_TMPDIR/fake

	mkdir "$dir"
	printf '#!/bin/bash\nprintf "%%s\\0" "$@"\n' >"$dir/srun"
	chmod +x "$dir/srun"
	printf '%s\0' -n1 'a b' '' $'new\nline' '$HOME' "it's" $'\xff' '*' >expected
	usrun --dry-run -n1 'a b' '' $'new\nline' '$HOME' "it's" $'\xff' '*' >shown
	PATH=$dir:$PATH bash shown >actual
	cmp expected actual
}

@test "on a terminal long commands are folded and control bytes shown" {
	run -0 on_terminal 60 usrun --dry-run --gpus=1 --mem=24G --partition=batch \
		echo "'\$(printf 'a\\033[31mb')'" one two three four five six seven eight
	[[ $output != *$'\e'* ]]
	[[ $output == *' \'* ]]
}

@test "srun is looked for on PATH" {
	run -4 env PATH=/nonexistent "$(command -v usrun)" true
	[ "${lines[0]}" = "usrun: srun is not on PATH" ]
}

@test "an option of sbatch without --batch, and the other way round, is said" {
	run -2 usrun --array=1-3 true
	[ "${lines[0]}" = "usrun: --array is an option of sbatch: it needs --batch" ]
	# before --batch or behind it
	run -0 usrun --array=1-2 --batch --dry-run --no-container true
	[[ $output == *"#SBATCH --array=1-2"* ]]
	run -2 usrun --array=1-2 true --batch
	run -0 usrun --array=1-2 --help
	run -2 usrun --dry-run --batch --pty bash
	[ "${lines[0]}" = "usrun: --pty does not go with --batch: a batch job has no terminal" ]
}

@test "the examples of usrun(1) are taken" {
	local example count=0

	site <<<"image_dirs: [$BATS_TEST_TMPDIR/images]"
	printf '#!/bin/bash\n' >job.sh
	# of --on
	printf 'sync:\n  host: cluster\n  dir: /data/me/proj\n' >.ucluster.yaml
	install -m 600 /dev/stdin "$HOME/.hf" <<<token
	# --again has its own tests: there is no job here
	while read -r example; do
		echo "$example"
		eval "usrun --dry-run ${example#usrun}" >shown
		grep -q srun shown || grep -q '^#SBATCH' shown
		count=$((count + 1))
	done < <(sed -n 's/^\.Dl \(usrun .*\)/\1/p' "$UC_TEST_TOP/man/usrun.1.in" | sed 's/\\-/-/g' |
		grep -v -e --again)
	[ "$count" -ge 9 ]
}

@test "a source that is not live runs nothing" {
	UC_SOURCE=synthetic:nodes=2,jobs=1,seed=1 run -5 usrun true
	[ "${#lines[@]}" -eq 1 ]
}

@test "a reader that is gone is no error, also where SIGPIPE is ignored" {
	run -0 bash -c 'exec 3> >(:)
		wait $!
		exec env --ignore-signal=PIPE usrun --help=mdoc-foreign >&3'
	[ -z "$output" ]
}
