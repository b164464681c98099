# shellcheck shell=bash disable=SC2016,SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# usrun --explain, --env-file, --secret: what is shown of them. Nobody is asked.
bats_require_minimum_version 1.5.0

CANARY=canary-7f3a9e21

setup()
{
	export HOME=$BATS_TEST_TMPDIR/home UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/site.yaml
	export UCLUSTER_RUNTIME=pyxis XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	unset PYTHONUNBUFFERED "${!SLURM_@}" "${!SBATCH_@}" "${!PYXIS_@}" "${!NVIDIA_@}"
	mkdir -p "$HOME/project"
	cd "$HOME/project" || return 1
	printf '%s\n' "$CANARY" >token
	chmod 600 token
	printf '# a comment\nMODE=train\nMESSAGE="two words"\n' >job.env
}

# who NAME: "layer from" of one row of --explain --json
who()
{
	jq -r --arg name "$1" \
		'.options[] | select(.option == $name) | "\(.layer) \(.from)"' <<<"$output"
}

@test "--explain says of every option who set it" {
	cat >"$UCLUSTER_SITE_CONFIG" <<-'EOT'
		mem: 4G
		qos: normal
		profiles:
		  big:
		    qos: high
	EOT
	printf 'gpus: 2\nenv: {SEED: 7}\nmounts: ["./data:/data"]\n' >.ucluster.yaml
	mkdir data
	run -0 --separate-stderr env SLURM_PARTITION=gpu UCLUSTER_TIME=2h \
		PYXIS_CONTAINER_WORKDIR=/data \
		usrun --preset=big --explain --json -n4 --image=docker://debian:12 hostname
	[ "$(jq .version <<<"$output")" = 1 ]
	[ "$(who --ntasks)" = "option null" ]
	[ "$(who --mem)" = "site $UCLUSTER_SITE_CONFIG:1" ]
	[ "$(who --qos)" = "profile $UCLUSTER_SITE_CONFIG:5 (big)" ]
	[ "$(who --gpus)" = "project $PWD/.ucluster.yaml:1" ]
	[ "$(who SEED)" = "project $PWD/.ucluster.yaml:2" ]
	[ "$(who --time)" = "environment UCLUSTER_TIME" ]
	[ "$(who --partition)" = "environment SLURM_PARTITION" ]
	[ "$(who --container-image)" = "option null" ]
	[ "$(who --container-workdir)" = "environment PYXIS_CONTAINER_WORKDIR" ]
	[ "$(who PYTHONUNBUFFERED)" = "built-in null" ]
	[ "$(jq -r '.options[] | select(.option == "--mem").help' <<<"$output")" = \
		"memory on each node" ]
}

@test "--explain names the line of a script, and shows the script first" {
	printf '#!/bin/bash\n#SBATCH -c 2\n# x\n#SBATCH --mem=1G\ntrue\n' >job.sh
	run -0 --separate-stderr usrun --batch --mem=2G --explain --json ./job.sh
	[ "$(who --cpus-per-task)" = "script ./job.sh:2" ]
	[ "$(who --mem)" = "option null" ]
	run -0 usrun --batch --mem=2G --explain ./job.sh
	[ "${lines[0]}" = "#!/bin/bash" ]
	[[ $output == *"--cpus-per-task "*" script "*" ./job.sh:2 "*"CPUs of each task"* ]]
}

@test "secrets and values of files are masked wherever something is shown" {
	local words

	for words in --dry-run --explain '--explain --json' '--batch --dry-run' \
		'--batch --explain' '--batch --explain --json'; do
		# shellcheck disable=SC2086
		run -0 usrun $words --image=docker://debian:12 --secret TOKEN=token \
			--env-file job.env echo "$CANARY"
		[[ $output == *TOKEN* ]]
		[[ $output == *MESSAGE* ]]
		[[ $output != *"$CANARY"* ]]
		[[ $output != *"two words"* ]]
	done
}

@test "--env and --env-file count in order" {
	run -0 usrun --dry-run --env MODE=eval --env-file job.env true
	[[ $output == *"MODE='<from a file>'"* ]]
	run -0 usrun --dry-run --env-file job.env --env MODE=eval true
	[[ $output == *"MODE=eval "* ]]
}

@test "faults of variables and secrets say what to do" {
	run -2 usrun --dry-run --secret TOKEN=token --env TOKEN=1 true
	[ "$output" = "usrun: 'TOKEN' is given as a secret and as a variable: one of them is expected" ]
	run -3 env -u NOWHERE usrun --dry-run --secret NOWHERE true
	[[ $output == "usrun: --secret: "*NOWHERE* ]]
	run -3 env -u NOWHERE usrun --dry-run --env NOWHERE true
	[ "${lines[0]}" = "usrun: --env: variable 'NOWHERE' is not set" ]
	chmod 644 token
	run -5 usrun --dry-run --secret TOKEN=token true
	[[ $output == "usrun: --secret: "*token* ]]
	[[ $output != *"$CANARY"* ]]
	printf 'GOOD=1\nBAD LINE\n1X=2\n' >bad.env
	run -2 usrun --dry-run --env-file bad.env true
	[[ ${lines[0]} == "usrun: bad.env:2:"* ]]
	[[ $output == *"bad.env:3:"* ]]
	run -3 usrun --dry-run --env-file gone.env true
	[[ $output == *gone.env* ]]
}
