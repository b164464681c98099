# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2103 # values with $ in them; out of a folder again
# ucluster init and ucluster templates: values, quotes, files that are there, faults.
bats_require_minimum_version 1.5.0

setup()
{
	export HOME=$BATS_TEST_TMPDIR/home UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/site/config.yaml
	export COLUMNS=100
	mkdir -p "$HOME/.config/ucluster" "$BATS_TEST_TMPDIR/site/templates" "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return 1
}

# template NAME MANIFEST: one of the user's own; files are put beside.
template()
{
	T=$HOME/.config/ucluster/templates/$1
	mkdir -p "$T"
	printf '%s\n' "$2" >"$T/template.yaml"
}

hostile()
{
	cat <<-'EOT'
		'; touch pwned; '
		"; touch pwned; "
		$(touch pwned)
		`touch pwned`
		\
		\'
		a\"b
		${HOME}
		x: {y: [z
		- # no
		%s %n $((1+1)) !! ~ *
		'''
		"""
		&anchor *alias !!tag |
		: #
		schön "日本" 🚀
		@sh:v@ @if:v@
		--option=x
		=cmd
		null
		0x10
		1e3
		1_000
		12:30:45
		yes
		{{ v }}
		<<EOF
		\u0041\x41
		C:\new\table
	EOT
}

@test "hostile values: bash, YAML and Python get back what was given, and nothing runs" {
	template try $'summary: all of them\nkeys:\n  v: {help: a value}'
	printf '#!/bin/bash\n# @text:v@\nprintf "%%s\\n" @sh:v@ "$(printf %%s @sh:v@)" x@sh:v@x\n' >"$T/a.sh"
	printf '# @text:v@\nv: @yaml:v@\nlist: [@yaml:v@, {w: @yaml:v@}]\n' >"$T/a.yaml"
	printf '# @text:v@\nprint(@py:v@)\n' >"$T/a.py"
	printf '{"v": @json:v@}\n' >"$T/a.json"
	hostile >values
	n=0
	while IFS= read -r value; do
		rm -rf out
		ucluster init try out --set "v=$value"
		cd out
		bash a.sh >got
		printf '%s\n%s\nx%sx\n' "$value" "$value" "$value" | cmp - got
		[ "$(python3 a.py)" = "$value" ]
		[ "$(python3 -c 'import json; print(json.load(open("a.json"))["v"])')" = "$value" ]
		# YAML: as ucluster reads it itself, for what it has a key for
		printf 'env: {V: %s}\n' "$(sed -n 's/^v: //p' a.yaml)" >../env.yaml
		if python3 -c 'import yaml' 2>/dev/null; then
			python3 -c '
import sys, yaml
got = yaml.safe_load(open("a.yaml"))
assert got == {"v": sys.argv[1], "list": [sys.argv[1], {"w": sys.argv[1]}]}, got' "$value"
		fi
		cd ..
		[ "$(UCLUSTER_SITE_CONFIG=$PWD/env.yaml ucluster config env)" = "V=$value" ]
		n=$((n + 1))
	done <values
	[ "$n" -ge 25 ]
	[ -z "$(find . -name pwned)" ]
}

# answers PROMPT=TEXT...: ucluster init try out on a terminal; each answer is typed when its
# question is there, for what was typed before does not count.
answers()
{
	timeout 60 python3 -c '
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp("ucluster", ["ucluster", "init", "try", "out"])
seen = b""
for answer in sys.argv[1:]:
    prompt, text = answer.split("=", 1)
    while prompt.encode() not in seen:
        seen += os.read(fd, 4096)
    seen = seen.split(prompt.encode(), 1)[1]
    os.write(fd, text.encode() + b"\n")
try:
    while os.read(fd, 4096):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$@"
}

@test "a value is one line of text" {
	template try $'summary: one\nkeys:\n  v: {help: a value}\n  w: {help: a word, type: word}
  n: {help: a number, type: number, min: 1, max: 9}\n  t: {help: a time, type: time}
  s: {help: a size, type: size}\n  b: {help: yes or no, type: bool}
  c: {help: a choice, type: choice, choices: [one, two], default: one}\n  p: {help: a path, type: path}'
	echo '@text:v@' >"$T/README.md"
	for bad in $'v=two\nlines' $'v=\e[31m' $'v=\xff' 'w=-x' 'w=a b' 'w=$(id)' n=0 n=10 n=x n=1x \
		t=soon s=big b=maybe c=three p=-x; do
		run -2 ucluster init try . --set "$bad"
		[[ ${lines[0]} == "ucluster init: ${bad%%=*}: "* ]]
		[ ! -e README.md ]
	done
	run -2 ucluster init try . --set v
	[ "${lines[0]}" = "ucluster init: --set 'v': expected KEY=VALUE" ]
	run -2 ucluster init try . --set vv=1
	[ "${lines[0]}" = "ucluster init: template 'try' has no key 'vv'" ]
	run -0 ucluster init try . --set v=x --set w=a/b:c --set n=9 --set t=1h30m --set s=24GB \
		--set b=yes --set c=two --set p='~/a b'
}

@test "paths, truth and numbers as each file has them; lines of what is not set" {
	template try $'summary: kinds\nkeys:\n  p: {help: a path, type: path}
  n: {help: a number, type: number}\n  b: {help: truth, type: bool, default: "no"}'
	printf '#!/bin/sh\nprintf "%%s\\n" @sh:p@\n@if:b@echo yes\n\t@if:n@echo @sh:n@\n' >"$T/a.sh"
	printf 'x = (@py:p@, @py:n@, @py:b@)\nprint(x)\n' >"$T/a.py"
	printf 'n: @yaml:n@\nb: @yaml:b@\n' >"$T/a.yaml"
	ucluster init try a --set p='~/x y'
	[ "$(sh a/a.sh)" = "$HOME/x y" ]
	[ "$(python3 a/a.py)" = "('~/x y', None, False)" ]
	[ "$(cat a/a.yaml)" = $'n: null\nb: false' ]
	ucluster init try b --set p= --set n=-3 --set b=yes
	[ "$(sh b/a.sh)" = $'\nyes\n-3' ]
	[ "$(python3 b/a.py)" = "('', -3, True)" ]
	[ "$(cat b/a.yaml)" = $'n: -3\nb: true' ]
}

@test "places that are not safe are faults of the template, with line and column" {
	template try $'summary: wrong\nkeys:\n  v: {help: a value}'
	cat >"$T/a.sh" <<-'EOT'
		#!/bin/sh
		echo "@sh:v@" '@sh:v@'
		echo `echo @sh:v@` ${x:-@sh:v@} $((@sh:v@ + 1))
		cat <<END
		@sh:v@
		END
		# @sh:v@
		echo $@sh:v@ \@sh:v@
		echo ok @sh:v@ "$(echo @sh:v@)"
		echo @text:v@ # @text:v@
		echo @sh:w@ @bash:v@
		echo x @if:v@
	EOT
	printf 'x: "@yaml:v@"\ny: x@yaml:v@\nz: @py:v@\n' >"$T/b.yaml"
	run -2 --separate-stderr ucluster init try out
	[ ! -e out ]
	got=$(grep -oE '(a\.sh|b\.yaml):[0-9]+:[0-9]+' <<<"$stderr" | paste -sd' ')
	[ "$got" = "a.sh:2:7 a.sh:2:16 a.sh:3:12 a.sh:3:25 a.sh:3:36 a.sh:5:1 a.sh:7:3 a.sh:8:7 a.sh:8:15 a.sh:10:6 a.sh:11:6 a.sh:11:13 a.sh:12:8 b.yaml:1:5 b.yaml:2:5 b.yaml:3:4" ]
	run -2 --separate-stderr ucluster templates
	[[ $output != *try* ]]
	[[ $stderr == *"a.sh:2:7"* ]]
}

@test "faults of template.yaml, all of them" {
	template bad $'summery: x\nkeys:\n  a: {help: x, typ: word}\n  b-c: {help: x}\n  d: {help: x, type: wrd}
  e: {help: x, type: choice}\n  f: {}\n  g: {help: x, type: number, default: y}\n  h: 3
  i: {help: x, config: imag}\n  j: {help: [x]}\n  k: {help: x, required: maybe}'
	run -2 --separate-stderr ucluster init bad
	for line in 1 3 4 5 6 7 8 9 10 11 12; do
		[[ $stderr == *"template.yaml:$line:"* ]] || { echo "no fault in line $line"; return 1; }
	done
	[[ $stderr == *"did you mean 'summary'?"* ]]
	[[ $stderr == *"did you mean 'type'?"* ]]
}

@test "nothing is replaced unasked; what is there is listed; README.md stays" {
	template try $'summary: files\nkeys: {}'
	mkdir -p "$T/sub"
	echo new | tee "$T/a" "$T/sub/b" "$T/README.md" >"$T/c"
	chmod +x "$T/a"
	mkdir -p out/sub
	echo mine | tee out/README.md >out/sub/b
	run -2 --separate-stderr ucluster init try out
	[ -z "$output" ]
	[ "$stderr" = "ucluster init: 'out/sub/b' is there already
ucluster init: nothing was written
hint: --force replaces what is there" ]
	[ "$(find out -type f | sort | xargs)" = 'out/README.md out/sub/b' ]
	run -0 --separate-stderr ucluster init try out --dry-run
	[ "$output" = $'out/README.md\nout/a\nout/c\nout/sub/b (exists)' ]
	[ ! -e out/a ]
	run -0 --separate-stderr ucluster init try out --force
	[ "$output" = $'out/a\nout/c\nout/sub/b' ]
	[ "$(cat out/sub/b)" = new ]
	[ "$(cat out/README.md)" = mine ]
	[ -x out/a ] && [ ! -x out/c ]
	[ "$(find out -mindepth 1 | wc -l)" -eq 5 ]
	# on a terminal it is asked
	echo mine >out/c
	run ! answers 'replace 3 files? [y/N] =n'
	[ "$(cat out/c)" = mine ]
	answers 'replace 3 files? [y/N] =y'
	[ "$(cat out/c)" = new ]
}

@test "links and folders in the way: nothing is written, nothing is followed" {
	template try $'summary: files\nkeys: {}'
	mkdir -p "$T/sub" out elsewhere dir/sub/b
	echo new | tee "$T/a" >"$T/sub/b"
	ln -s ../elsewhere out/sub
	run ! ucluster init try out --force
	[ -z "$(ls elsewhere)" ]
	[ "$(ls -A out)" = sub ]
	run ! ucluster init try dir --force
	[ "$(find dir -type f | wc -l)" -eq 0 ]
	[ -z "$(find . -name '.ucluster-init*')" ]
	echo file >plain
	run ! ucluster init try plain
	[ "$(cat plain)" = file ]
	# a link in a template, a fifo, a file that is too large
	ln -s /etc/passwd "$T/link"
	run -2 ucluster init try x
	[[ $output == *"try/link: a template has no symbolic links"* ]]
	rm "$T/link"
	mkfifo "$T/fifo"
	mkdir -p "$T/1/2/3/4/5/6/7/8/9"
	run -2 ucluster init try x
	[[ $output == *"try/fifo: neither a file nor a folder"* ]]
	[[ $output == *"try/1/2/3/4/5/6/7/8/9: expected at most 8 folders in each other"* ]]
	rm -r "$T/fifo" "$T/1"
	truncate -s 2M "$T/large"
	run -2 ucluster init try x
	[[ $output == *"try/large: expected at most 1 MiB"* ]]
	[ ! -e x ]
}

@test "a disk that is full, a folder that cannot be written: all or nothing" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	template try $'summary: files\nkeys: {}'
	mkdir -p "$T/sub" small
	head -c 100000 /dev/zero | tee "$T/a" "$T/sub/c" >"$T/b"
	unshare --mount bash -c '
		mount -t tmpfs -o size=256k,nr_inodes=20 none small
		mkdir small/x && echo mine >small/x/a
		ucluster init try small/x --force && exit 1
		ucluster init try small/new/deep && exit 1
		[ "$(cat small/x/a)" = mine ] && [ "$(find small -mindepth 1 | wc -l)" -eq 2 ]'
}

@test "where templates are found, and who comes first" {
	template try $'summary: the own\nkeys: {}'
	for where in site/templates dirs; do
		for name in try other; do
			mkdir -p "$BATS_TEST_TMPDIR/$where/$name"
			echo "summary: $where" >"$BATS_TEST_TMPDIR/$where/$name/template.yaml"
		done
	done
	run -0 ucluster templates --parsable2 -o name,summary,folder
	[[ $output == *"try|the own|$HOME/.config/ucluster/templates/try"* ]]
	[[ $output == *"other|site/templates|$BATS_TEST_TMPDIR/site/templates/other"* ]]
	[[ $output == *"train|"* ]]
	UCLUSTER_TEMPLATE_DIRS=$BATS_TEST_TMPDIR/dirs run -0 ucluster templates --parsable2 -o name,summary
	[[ $output == *"other|dirs"* ]]
	echo "template_dirs: [$BATS_TEST_TMPDIR/dirs]" >"$UCLUSTER_SITE_CONFIG"
	run -0 ucluster templates --parsable2 -o name,summary
	[[ $output == *"other|dirs"*"try|the own"* ]]
	run -3 ucluster init tri
	[ "${lines[1]}" = "hint: did you mean 'try'?" ]
	run -2 ucluster init ../try
	[ "${lines[0]}" = "ucluster init: '../try' is no name of a template" ]
}

@test "values come from the configuration, then from --set; keys are listed with who says so" {
	template try $'summary: from\nkeys:\n  image: {help: container image, config: image, required: true}
  gpus: {help: GPUs, type: word, config: gpus, default: "1"}'
	echo '@text:image@ @text:gpus@' >"$T/out"
	run -2 ucluster init try x
	[ "${lines[0]}" = "ucluster init: no value for 'image': container image" ]
	[ "${lines[1]}" = "hint: --set image=VALUE" ]
	[ ! -e x ]
	printf 'image: torch\ngpus: a100:2\n' >"$UCLUSTER_SITE_CONFIG"
	run -0 ucluster init try --list-keys --set gpus=4
	[[ ${lines[1]} =~ ^image\ +text\ +torch\ +configuration\ +container\ image$ ]]
	[[ ${lines[2]} =~ ^gpus\ +word\ +4\ +--set\ +GPUs$ ]]
	[ "$(ucluster init try --list-keys --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["keys"][1]["value"])')" = a100:2 ]
	run -0 ucluster init try --help
	[[ $output == *"Keys of try (from):"*"gpus"* ]]
	ucluster init try x --set gpus=
	[ "$(cat x/out)" = 'torch ' ]
}

@test "questions on a terminal: Enter takes the default, - is nothing, nonsense is asked again" {
	template try $'summary: ask\nkeys:\n  name: {help: name of it, type: word, default: train, required: true}
  n: {help: how many, type: number, min: 1, max: 8, default: 2}\n  note: {help: a note, default: none}'
	echo '@text:name@ @text:n@ @text:note@.' >"$T/out"
	answers 'name [train]: =' 'n [2]: =nine' 'n [2]: =8' 'note [none]: =-'
	[ "$(cat out/out)" = 'train 8 .' ]
	rm -r out
	answers 'name [train]: =-' 'name [train]: =my' 'n [2]: =' 'note [none]: =it'"'"'s $HOME'
	[ "$(cat out/out)" = "my 2 it's \$HOME." ]
	rm -r out
	run ! answers 'name [train]: ='$'\x04'
	[ ! -e out ]
}

@test "completion: names of templates, keys of them" {
	template try $'summary: x\nkeys:\n  speed: {help: x}'
	run -0 ucluster complete TEMPLATE
	[[ $output == *train*try* ]]
	run -0 ucluster complete KEY=VALUE
	[[ $output == *"speed="* ]]
}

@test "a template without a README.md has nothing said about one" {
	template try $'summary: x\nkeys: {}'
	touch "$T/file"
	run -0 --separate-stderr ucluster init try out
	[ "$output" = out/file ]
	[ -z "$stderr" ]
}

@test "killed while it writes: each file is whole or not there" {
	template try $'summary: x\nkeys: {}'
	for i in $(seq 60); do
		head -c 20000 /dev/zero >"$T/f$i"
	done
	for i in $(seq 20); do
		rm -rf out
		run timeout -s KILL "0.$(printf %02d $((i * 2)))" ucluster init try out
		[ ! -d out ] || [ -z "$(find out -maxdepth 1 -name 'f*' ! -size 20000c)" ]
	done
}

@test "what a process that was killed left is taken away by the next, what lives is not" {
	template try $'summary: x\nkeys: {}'
	echo read >"$T/README.md"
	mkdir -p out/.ucluster-init-77-0 out/.ucluster-init-78-0 out/.ucluster-init-79-0
	touch out/.ucluster-init-77-0/{0,12,lock,away} out/.ucluster-init-78-0/{0,lock}
	flock -x out/.ucluster-init-78-0/lock ucluster init try out
	[ "$(ls -A out)" = $'.ucluster-init-78-0\nREADME.md' ]
	# not by this program, or not a folder: nobody's to remove
	mkdir out/.ucluster-init-mine
	echo mine >out/.ucluster-init-mine/notes
	ln -s .. out/.ucluster-init-link
	run -0 ucluster init try out --force
	[ "$(ls -A out)" = $'.ucluster-init-link\n.ucluster-init-mine\nREADME.md' ]
	[ -s out/.ucluster-init-mine/notes ]
}

@test "every template that comes with ucluster is read without faults, and its scripts are sound" {
	run -0 --separate-stderr ucluster templates -h -o name
	[ -z "$stderr" ]
	[ "${#lines[@]}" -ge 10 ]
	for name in "${lines[@]}"; do
		ucluster init "$name" "all/$name" --set image=python >/dev/null 2>&1 ||
			ucluster init "$name" "all/$name" --set base=python >/dev/null
		[ -s "all/$name/README.md" ]
		run ! grep -rnE '@[a-z]+:[a-z_]+@' "all/$name"
		while IFS= read -r file; do
			case $(head -n 1 "$file") in
			'#!/bin/bash') bash -n "$file" ;;
			'#!/bin/sh') sh -n "$file" ;;
			'#!'*python3) python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$file" ;;
			esac
		done < <(find "all/$name" -type f -perm -u+x)
	done
}
