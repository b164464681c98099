# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The completion scripts as they were built, in the shells they are for.
# shellcheck disable=SC2016,SC2030,SC2031,SC2317 # names with $ in them; compopt is called by scripts
bats_require_minimum_version 1.5.0

setup()
{
	export HOME=$BATS_TEST_TMPDIR UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export UC_SOURCE=synthetic:nodes=20,jobs=12,seed=1
	unset XDG_STATE_HOME
	KEPT=$HOME/.local/state/ucluster/complete
	share=$UC_TEST_BUILD/share
	cd "$BATS_TEST_TMPDIR" || return 1
}

# bash_completes WORD...: what Tab offers for the last word, one a line, sorted.
bash_completes()
{
	(
		compopt() { :; } # a builtin that works inside a completion only
		# shellcheck disable=SC1090
		. "$share/bash-completion/completions/$1"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		"_$1"
		printf '%s\n' "${COMPREPLY[@]}" | sort
	)
}

fish_completes()
{
	fish --no-config -c "source $share/fish/vendor_completions.d/${1%% *}.fish; complete -C '$1'" |
		cut -f1 | sort
}

@test "every script is valid for its shell" {
	local program

	for program in uattach ucluster uimage uinfo uqueue usrun usync; do
		bash -n "$share/bash-completion/completions/$program"
		zsh -n "$share/zsh/site-functions/_$program"
		fish --no-config -n "$share/fish/vendor_completions.d/$program.fish"
	done
}

@test "bash completes options, subcommands and choices" {
	[ "$(bash_completes uqueue --par)" = $'--parsable2\n--partition=' ]
	[ "$(bash_completes uqueue --color = al)" = always ]
	[ "$(bash_completes ucluster s)" = sandbox ]
	[ "$(bash_completes ucluster sandbox st)" = $'start\nstatus\nstop' ]
	[ "$(bash_completes ucluster sandbox start --a)" = --accounting ]
	[ "$(bash_completes ucluster sandbox image --from = b)" = busybox ]
	[ "$(bash_completes ucluster sandbox image --from d)" = debian ]
	[ "$(bash_completes usrun --gpus-per-n)" = --gpus-per-node= ]
	[ "$(bash_completes usrun --no-default)" = --no-default-mounts ]
}

@test "an option that usrun takes for itself is offered once" {
	[ "$(bash_completes usrun --parsab)" = --parsable ]
	[ "$(bash_completes usrun --batc)" = --batch ]
}

@test "bash completes where the '=' does not split words" {
	[ "$(bash_completes uqueue --color=al)" = --color=always ]
	[ "$(bash_completes uqueue --partition=b)" = --partition=batch ]
}

@test "bash completes columns after a comma, and what the cluster knows" {
	[ "$(bash_completes uqueue -o id,gpu)" = $'id,gpu_ids\nid,gpu_types\nid,gpus' ]
	[ "$(bash_completes uqueue -p '')" = $'batch\ngpu\nlong' ]
	[ "$(bash_completes uqueue --partition = gpu,l)" = gpu,long ]
	[ "$(bash_completes uqueue -u roo)" = root ]
	[ "$(bash_completes usrun -p b)" = batch ]
}

@test "bash completes subcommands with options and columns of their own, and the rest of Slurm's names" {
	[ "$(bash_completes uinfo g)" = gpus ]
	[ "$(bash_completes uinfo gpus --ma)" = --map ]
	[ "$(bash_completes uinfo gpus --by = par)" = partition ]
	[ "$(bash_completes uinfo nodes -o node,gpu_u)" = node,gpu_use ]
	[ "$(bash_completes uinfo nodes -w gpu-h)" = "$(uinfo nodes -h -o node | grep '^gpu-h' | sort)" ]
	[ "$(bash_completes usrun --reservation = m)" = maintenance ]
	[ "$(bash_completes usrun -x gpu-h)" = "$(uinfo nodes -h -o node | grep '^gpu-h' | sort)" ]
}

# kept KIND: the file that these words are kept in.
kept()
{
	# not what is being written
	find "$KEPT" -name "$1-*" ! -name '*.*'
}

@test "words are kept: an old answer is offered at once and asked for again behind" {
	[ "$(ucluster complete PARTITION)" = $'gpu\nbatch\nlong' ]
	[ "$(stat -c %a "$KEPT")" = 700 ]
	[ "$(stat -c %a "$(kept PARTITION)")" = 600 ]
	echo kept >"$(kept PARTITION)"
	[ "$(ucluster complete PARTITION)" = kept ]
	[ "$(bash_completes uqueue -p k)" = kept ]
	touch -d '-6 minutes' "$(kept PARTITION)"
	[ "$(ucluster complete PARTITION)" = kept ]
	timeout 20 bash -c 'until grep -q batch "$1"; do :; done' bash "$(kept PARTITION)"
	[ "$(ucluster complete PARTITION)" = $'gpu\nbatch\nlong' ]
	# a month later it is worth nothing
	echo kept >"$(kept PARTITION)"
	touch -d '-30 days' "$(kept PARTITION)"
	[ "$(ucluster complete PARTITION)" = $'gpu\nbatch\nlong' ]
	# another cluster has words of its own
	[ "$(UC_SOURCE=synthetic:nodes=1,jobs=1,seed=1 ucluster complete NODE | wc -l)" = 1 ]
	[ "$(ucluster complete NODE | wc -l)" = 20 ]
}

@test "a cluster that is gone: what is kept is offered, else nothing, and it does not take long" {
	unset UC_SOURCE
	export SLURM_CONF=$HOME/none.conf
	run ! timeout 5 ucluster complete JOBID
	[ "$(timeout 5 ucluster complete JOBID 2>/dev/null)" = "" ]
	[ "$(bash_completes uqueue -p '')" = "" ]
}

@test "a place that cannot be written changes nothing" {
	export XDG_STATE_HOME=/proc/none
	[ "$(bash_completes uqueue -p '')" = $'batch\ngpu\nlong' ]
	export XDG_STATE_HOME=$HOME/state
	mkdir -p state/ucluster
	ln -s /etc/passwd state/ucluster/complete
	[ "$(bash_completes uqueue -p '')" = $'batch\ngpu\nlong' ]
}

@test "templates: their names, and their keys for --set" {
	[ "$(bash_completes ucluster init sw)" = sweep ]
	[ "$(bash_completes ucluster init sweep --at)" = "" ]
	[ "$(bash_completes ucluster init sweep --set at_)" = at_once= ]
	[ "$(bash_completes ucluster init --list)" = --list-keys ]
	[ "$(fish_completes 'ucluster init sw')" = sweep ]
}

@test "bash completes files and directories" {
	mkdir -p dir/deep
	[ "$(bash_completes ucluster record d)" = dir ]
	[ "$(bash_completes ucluster sandbox start --dir = dir/d)" = dir/deep ]
}

@test "usync: commands, options, hosts and files in one place" {
	local COMP_LINE COMP_POINT

	mkdir "$HOME/.ssh" dir-here
	printf 'Host dirac cluster\n' >"$HOME/.ssh/config"
	[ "$(bash_completes usync push --transport = lib)" = libssh2 ]
	[ "$(bash_completes usync trash em)" = empty ]
	COMP_LINE='usync di' COMP_POINT=8
	[ "$(bash_completes usync di)" = $'diff\ndir-here\ndirac:' ]
	COMP_LINE='usync data clu' COMP_POINT=14
	[ "$(bash_completes usync data clu)" = cluster: ]
	[ "$(fish_completes 'usync push --transport ')" = $'auto\nlibssh2\nssh' ]
	[ "$(fish_completes 'usync clu')" = cluster: ]
}

@test "names with shell characters are never offered" {
	mkdir images
	touch images/plain.sqsh images/'$(touch pwned).sqsh' images/'a;b.sqsh' images/'-x.sqsh'
	export UCLUSTER_IMAGE_DIRS=$PWD/images
	[ "$(bash_completes usrun --image = '')" = plain ]
	[ ! -e pwned ]
}

@test "fish completes options, subcommands and choices" {
	[ "$(fish_completes 'uqueue --par')" = $'--parsable2\n--partition' ]
	[ "$(fish_completes 'ucluster s')" = sandbox ]
	[ "$(fish_completes 'ucluster sandbox st')" = $'start\nstatus\nstop' ]
	[ "$(fish_completes 'ucluster sandbox image --from ')" = $'busybox\ndebian' ]
	[ "$(fish_completes 'uqueue -p ')" = $'batch\ngpu\nlong' ]
	[ "$(fish_completes 'uinfo gpus --by ')" = $'gpu\nnode\npartition\ntype' ]
	[ "$(fish_completes 'uinfo pa')" = partitions ]
	[ "$(fish_completes 'usrun --reservation ')" = maintenance ]
}

@test "zsh loads every script and finds its function" {
	local program

	for program in uattach ucluster uimage uinfo uqueue usrun usync; do
		zsh -f -c "autoload -U compinit; compinit -D -u; . $share/zsh/site-functions/_$program
			[[ \$_comps[$program] == _$program ]] && whence -w _$program" |
			grep -x "_$program: function"
	done
}

# zsh_offers LINE PATTERN: what a real zsh shows after LINE and Tab matches PATTERN in time.
zsh_offers()
{
	timeout 20 zsh -f -c '
		zmodload zsh/zpty
		zpty z zsh -f -i
		zpty -w z "PS1=; stty -echo; fpath=($1/zsh/site-functions \$fpath);
			autoload -U compinit; compinit -D -u; echo REA\"\"DY"
		zpty -r -m z seen "*READY*" && zpty -w -n z "$2"$'"'\t\t'"'
		zpty -r -m z seen "$3"
		found=$?
		zpty -d z
		exit $found' zsh "$share" "$1" "$2"
}

@test "zsh completes subcommands, options, columns and what the cluster knows" {
	zsh_offers 'ucluster sandbox st' '*start*status*stop*'
	zsh_offers 'uqueue --par' '*--parsable2*--partition*'
	zsh_offers 'uqueue -o id,gp' '*gpu_types*gpus*'
	zsh_offers 'uqueue --partition=' '*batch*gpu*long*'
	zsh_offers 'uinfo gpus --by=' '*node*type*'
	zsh_offers 'uinfo nodes -w gpu-' '*gpu-a001*'
}

@test "completes images and packages" {
	export HOME=$BATS_TEST_TMPDIR UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export UCLUSTER_IMAGE_DIRS=$BATS_TEST_TMPDIR/images
	unset XDG_STATE_HOME UCLUSTER_IMAGE_PACKAGES
	mkdir -p "$UCLUSTER_IMAGE_DIRS" tree/lib/python3.9/site-packages/{torch,torchvision}-2.1.dist-info
	mksquashfs tree "$UCLUSTER_IMAGE_DIRS/first.sqsh" -quiet -no-progress >/dev/null
	[ "$(bash_completes uimage sh)" = show ]
	[ "$(bash_completes uimage show fir)" = first ]
	# of what was read: pressing a key reads no image
	[ -z "$(bash_completes uimage search tor)" ]
	uimage list >/dev/null
	[ "$(bash_completes uimage search tor)" = $'torch\ntorchvision' ]
}

@test "the scripts of all commands at once, for where they are not installed" {
	local all='uattach ucluster udash uimage uinfo uqueue usrun usync' command

	eval "$(ucluster completion bash)"
	for command in $all; do
		complete -p "$command"
	done
	ucluster completion zsh >all.zsh
	[ "$(zsh -fc 'autoload -U compinit; compinit -u -D; . ./all.zsh
		for c in $=1; do print -n "${_comps[$c]} "; done' zsh "$all")" = \
		"_${all// / _} " ]
	ucluster completion fish >all.fish
	[ "$(fish -c '. ./all.fish; complete -C "uqueue --parsab"')" != '' ]
	[ "$(bash_completes ucluster completion z)" = zsh ]
	run -2 ucluster completion tcsh
	[[ $output == *'a shell is expected: bash, zsh or fish'* ]]
	run -2 ucluster completion
}
