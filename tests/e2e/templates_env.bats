#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ucluster init pip, ucluster init conda: environments on the data disk, off the home
# directory, without .bashrc, with environment modules.
load helper
load templates

setup()
{
	e2e_setup # template_setup is each test's
}

teardown()
{
	template_teardown
}

begin()
{
	e2e_teardown
	template_setup "$@" mem=1G time=10m
}

home_is_empty()
{
	[ -z "$(find "$HOME" -mindepth 1 ! -path "$HOME/.local*")" ]
}

# A site's modules: "module load NAME" sets LOADED.
modules()
{
	mkdir -p modules/init
	cat >modules/init/sh <<-'EOT'
		module()
		{
			verb=$1
			shift
			[ "$verb" = load ] && LOADED="${LOADED-}[$*]" && export LOADED
		}
	EOT
	export MODULESHOME=$PWD/modules
}

@test "pip: an environment in a container, used by jobs, replaced as a whole" {
	begin pip image=python
	mkdir wheels
	wheel hello 1.0 wheels
	wheel hello 2.0 wheels
	run ! ./run.sh ./job.sh
	[[ $output == *"no environment in $PWD/.env; make it: ./run.sh ./setup.sh"* ]]
	echo 'hello==1.0' >requirements.txt
	run -0 ./run.sh --gpus=0 ./setup.sh --no-index --find-links wheels
	run -0 ./run.sh ./job.sh
	[[ $output == *"Python 3."*" of $PWD/.env/"*"hello 1.0"* ]]
	first=$(readlink .env/current)
	# one that cannot be made leaves the old one in use
	echo 'hello==3.0' >requirements.txt
	run ! ./run.sh --gpus=0 ./setup.sh --no-index --find-links wheels
	[ "$(readlink .env/current)" = "$first" ]
	[ "$(find .env -mindepth 1 -maxdepth 1 ! -name cache | wc -l)" -eq 2 ]
	echo 'hello==2.0' >requirements.txt
	run -0 ./run.sh --gpus=0 ./setup.sh --no-index --find-links wheels
	run -0 ./run.sh ./job.sh
	[[ $output == *"hello 2.0"* ]]
	home_is_empty
}

@test "pip: on the node itself, on another disk, with modules; hostile names stay names" {
	disk="$UC_E2E_DIR/disk \$(touch no) 'x'"
	begin pip container=no "env_dir=$disk" 'modules=python/3.11 cuda/12 *'
	modules
	mkdir wheels
	wheel hello 1.0 wheels
	echo hello >requirements.txt
	cat >main.py <<-'EOT'
		import hello, os
		print(os.environ["LOADED"], hello.VERSION, os.environ["PIP_CACHE_DIR"])
	EOT
	run -0 ./run.sh ./setup.sh --no-index --find-links wheels
	run -0 ./run.sh ./job.sh
	[[ $output == *"[python/3.11 cuda/12 *] 1.0 $disk/cache"* ]]
	[ -d "$disk/current/bin" ]
	[ ! -e no ]
	rm -rf "$disk"
	home_is_empty
}

@test "conda: an environment from environment.yml, activated without .bashrc" {
	begin conda modules=miniforge
	modules
	run ! ./run.sh ./job.sh
	[[ $output == *"no environment in $PWD/.env"* ]]
	printf '%s\n' '  - numpy=1.26' >>environment.yml
	run -0 ./run.sh --gpus=0 ./setup.sh
	run -0 ./run.sh ./job.sh
	[[ $output == *" of $PWD/.env/20"*"numpy-1.26"*"python-3.11"* ]]
	[ -d .env/pkgs ]
	first=$(readlink .env/current)
	printf '%s\n' '  - missing' >>environment.yml
	run ! ./run.sh --gpus=0 ./setup.sh
	[ "$(readlink .env/current)" = "$first" ]
	home_is_empty
}

@test "conda: in a container, from a folder that is named" {
	begin conda image=python container=yes "conda=$UC_TEST_TOP/tests/standins/conda"
	run -0 ./run.sh --gpus=0 ./setup.sh
	run -0 ./run.sh --batch --wait --output=out ./job.sh
	grep -q 'python-3.11' out
}
