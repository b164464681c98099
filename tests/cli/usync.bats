# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usync without a host: what it refuses, what it asks, and copies on this machine.
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0

setup()
{
	export HOME=$BATS_TEST_TMPDIR/home UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	mkdir -p "$HOME" "$BATS_TEST_TMPDIR/proj/sub"
	cd "$BATS_TEST_TMPDIR/proj" || return 1
}

# refuses STATUS TEXT WORD...: usync WORD... ends with that status and says TEXT.
refuses()
{
	local status=$1 text=$2

	shift 2
	run "-$status" usync "$@" </dev/null
	[[ $output == *"$text"* ]] || {
		echo "usync $*: $output"
		return 1
	}
}

@test "what makes no sense is refused" {
	refuses 2 "missing command: see 'usync --help'" --
	refuses 2 "unknown command 'psh': did you mean 'push'?" psh
	refuses 2 "the command comes before all options" -n push
	refuses 2 "unknown option '--delet" push --deletx
	refuses 2 "'cluster:x': where to is missing" cluster:x
	refuses 2 "source and destination are both on a host" a:x b:y
	refuses 2 "some sources are on a host" a:x . y
	refuses 2 "is a place of an rsync daemon" . host::module
	refuses 2 "'-oProxyCommand=id' is no host" -- . -oProxyCommand=id:x
	refuses 2 "is no host" . 'a b:x'
	refuses 2 "option '--message' goes with '--snapshot'" push -m x
	refuses 2 "option '--transport': 'rsync' is none of 'auto', 'ssh', 'libssh2'" push --transport=rsync
	refuses 2 "option '--streams'" push --streams=99
	refuses 2 "option '--compress'" push --compress=20
	refuses 2 "a pattern cannot have a line break" --exclude=$'a\nb' . x
	refuses 3 "'nowhere' is not there" --exclude-from=nowhere . x
	refuses 3 "'nowhere': No such file" nowhere x
	refuses 2 "missing command" trash
	refuses 3 "the command comes before all options: usync init ..." -Q init there:x
}

@test "an address in brackets and a colon behind a slash are what they look like" {
	refuses 3 "'./a:b': No such file" ./a:b x
	refuses 2 "where to is missing" '[::1]:x'
	refuses 2 "is a place of an rsync daemon" . '[::1]::x'
}

@test "without a project nothing says where to" {
	local command

	for command in push pull status diff watch snapshots log prune 'trash list'; do
		# shellcheck disable=SC2086
		refuses 2 "no .ucluster.yaml here or above" $command
		[[ $output == *"'usync init HOST:DIR' writes one"* ]]
	done
}

@test "init writes the place, keeps what is there, and does not write it twice" {
	printf 'gpus: 1' >.ucluster.yaml
	run -0 usync init cluster:/data/me/proj
	[[ $output == ".ucluster.yaml says cluster:/data/me/proj"* ]] ||
		[[ $output == *".ucluster.yaml says cluster:/data/me/proj; 'usync push --dry-run'"* ]]
	diff -u - .ucluster.yaml <<-'END'
		gpus: 1
		sync:
		  host: "cluster"
		  dir: "/data/me/proj"
	END
	run -0 ucluster config sync.host sync.dir
	[ "$output" = $'cluster\n/data/me/proj' ]
	refuses 2 "has a place already" init other:/x
	[ "$(stat -c %a .ucluster.yaml)" = 644 ]
	[ "$(ls -A)" = $'.ucluster.yaml\nsub' ]
}

@test "init takes the folder's name, and quotes what YAML would read otherwise" {
	run -0 usync init cluster:
	run -0 ucluster config sync.dir
	[ "$output" = proj ]
	rm .ucluster.yaml
	run -0 usync init 'cluster:a "b" \c: #d'
	run -0 ucluster config sync.dir
	[ "$output" = 'a "b" \c: #d' ]
}

@test "init refuses what a project file may not say" {
	refuses 2 "may only name a Host of ssh_config(5), not 'me@cluster'" init me@cluster:/x
	refuses 2 "names no host" init /x
	refuses 2 "control characters" init $'cluster:a\nb'
	refuses 2 "or below the home directory" init cluster:~other/x
	refuses 2 "where to is missing: HOST:DIR" init
	cd "$HOME"
	refuses 2 "the home directory is no project" init cluster:/x
	[ ! -e "$BATS_TEST_TMPDIR/proj/.ucluster.yaml" ]
	[ ! -e .ucluster.yaml ]
}

@test "a place that only the project file names is not gone to before it is agreed to" {
	printf 'sync: {host: cluster, dir: /x}\n' >.ucluster.yaml
	refuses 5 "says to go to cluster:/x, which was never agreed to" push
	[[ $output == *"hint: '--yes' agrees"* ]]
	[ ! -e "$HOME/.local/state/ucluster/sync-places" ]
	# init is an agreement; another folder is not
	rm .ucluster.yaml
	usync init cluster:/x
	[ "$(stat -c %a "$HOME"/.local/state/ucluster/sync-places/*.json)" = 600 ]
	jq -e '.version == 1 and .host == "cluster" and .dir == "/x"' \
		"$HOME"/.local/state/ucluster/sync-places/*.json
	sed -i 's,/x,/y,' .ucluster.yaml
	refuses 5 "says to go to cluster:/y, which was never agreed to" push
	# what the user's own file says needs none
	mkdir -p "$HOME/.config/ucluster"
	printf 'sync: {host: nowhere.invalid, dir: /x}\n' >"$HOME/.config/ucluster/config.yaml"
	printf 'gpus: 1\n' >.ucluster.yaml
	run usync push --transport=ssh </dev/null
	[[ $output != *agreed* ]]
}

@test "a project file brings no user, port, option or command" {
	printf 'sync: {host: me@cluster, dir: /x}\n' >.ucluster.yaml
	refuses 2 "a project file may only name a Host" push --yes
	printf 'sync: {host: -oProxyCommand=id, dir: /x}\n' >.ucluster.yaml
	refuses 2 "must be [USER@]HOST[:PORT]" push --yes
	printf 'sync: {host: cluster, dir: /x, helper: id}\n' >.ucluster.yaml
	refuses 2 "'sync.helper' may not be set by a project file" push --yes
}

@test "paths outside the project are refused" {
	usync init cluster:/x
	refuses 2 "'..' is outside the project's folder" push ..
	refuses 2 "'/etc' is outside the project's folder" push /etc
	cd sub
	refuses 2 "'../../proj2' is outside the project's folder" push ../../proj2
}

@test "--delete asks, and there is nobody" {
	refuses 2 "'--delete' asks first, and there is no terminal" --delete sub "$HOME/x"
	[[ $output == *"hint: '--yes' does it without asking"* ]]
	refuses 2 "ask nobody: they need '--yes'" --delete --json sub "$HOME/x"
	[ ! -e "$HOME/x" ]
}

@test "help and version" {
	local command

	run -0 usync --version
	[ "$output" = "usync (ucluster) $(ucluster --version | cut -d' ' -f2)" ]
	for command in push pull status diff watch init snapshots log restore prune \
		'trash list' 'trash restore' 'trash empty' install-helper; do
		# shellcheck disable=SC2086
		run -0 usync $command --help
		[[ ${lines[0]} == "Usage: usync $command"* ]]
	done
	run -0 usync --help
	[[ $output != *serve* && $output != *complete* ]]
}

@test "completion offers hosts of ssh's configuration, and nothing that a shell would read" {
	mkdir "$HOME/.ssh"
	printf 'Host cluster login* !no $(id)\n\tUser me\nhost=hpc\n' >"$HOME/.ssh/config"
	[ "$(usync complete '')" = $'cluster:\nhpc:' ]
	[ "$(usync complete clu)" = cluster: ]
	[ "$(usync complete ./x)" = '' ]
	# a host that is not there says nothing, soon
	[ "$(timeout 5 usync complete nowhere.invalid:x 2>&1)" = '' ]
}
