# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# uimage without a cluster: images made here, found, read, searched.
bats_require_minimum_version 1.5.0

load transcript.bash
load image.bash

setup()
{
	export HOME=$BATS_TEST_TMPDIR/home UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export UCLUSTER_IMAGE_DIRS=$BATS_TEST_TMPDIR/images
	unset XDG_STATE_HOME UCLUSTER_IMAGE_PACKAGES
	mkdir "$HOME" "$UCLUSTER_IMAGE_DIRS"
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "images are listed by their short names, in the order of the folders" {
	mkdir other
	touch images/b.sqsh images/a.squashfs images/.tmp.sqsh images/a.packages other/b.sqsh
	mkdir images/folder.sqsh
	UCLUSTER_IMAGE_DIRS=$PWD/images:$PWD/other:$PWD/missing
	[ "$(uimage list -h -o name)" = $'a\nb\nb' ]
	[ "$(uimage list -h -o path,hidden B | tr -s ' ')" = \
		"$PWD/images/b.sqsh no"$'\n'"$PWD/other/b.sqsh yes" ]
	[ "$(uimage list -h -o name 'a*')" = a ]
	[ -z "$(uimage list -h -o name 'A?')" ]
	UCLUSTER_IMAGE_DIRS='' run -2 --separate-stderr uimage list
	[[ $stderr == *'no image_dirs are configured'*hint:* ]]
}

@test "what an image is made of, by every compressor" {
	make_tree tree
	for compressor in gzip lzo lz4 xz zstd; do
		pack tree "images/$compressor.sqsh" -comp "$compressor"
	done
	pack tree images/enroot.sqsh -comp lzo -noD
	[ "$(uimage list -h -o python,cuda,frameworks,origin,os,architecture,packages --parsable2 |
		sort -u)" = '3.10.12|12.1.1.009|torch 2.1.0a0+32f93b1|docker://nvcr.io#nvidia/pytorch:24.05-py3|Ubuntu 22.04.4 LTS|x86_64|8' ]
	[ "$(uimage list -h -o compressor | tr '\n' ' ')" = 'lzo gzip lz4 lzo xz zstd ' ]
	# what other tools say of them
	for name in enroot gzip lzo lz4 xz zstd; do
		uimage show --json "$name" >out
		[ "$(jq .unpacked out)" = "$(unsquashfs -lln "images/$name.sqsh" |
			awk '/^-/ { sum += $3 } END { print sum }')" ]
		[ "$(jq .files out)" = "$(unsquashfs -lln "images/$name.sqsh" | grep -c ^-)" ]
		[ "$(jq .size out)" = "$(stat -c %s "images/$name.sqsh")" ]
	done
}

@test "show tells where an image came from and what is started in it" {
	make_tree tree
	head -c 70000 /dev/zero >tree/usr/local/cuda-12.1/lib/libfoo.so
	ln tree/usr/local/cuda-12.1/lib/libfoo.so tree/usr/local/cuda-12.1/lib/again.so
	pack tree images/nvcr.io_nvidia_pytorch_24.05-py3.sqsh -comp zstd
	uimage show pytorch_24.05 >out
	grep -q '^Origin  *docker://nvcr.io#nvidia/pytorch:24.05-py3$' out
	grep -q '^System  *Ubuntu 22.04.4 LTS, x86_64$' out
	grep -q '^Python  *3.10.12$' out
	grep -q '^Directory  */workspace$' out
	grep -q '^Entrypoint  */opt/nvidia/nvidia_entrypoint.sh$' out
	grep -q '^Command  *bash$' out
	grep -q '^Packages  *5 pip, 1 conda, 2 dpkg$' out
	grep -q '^  OLD=a b$' out
	run ! grep -q 2X= out
	uimage show --json pytorch_24.05 >out
	# a hard link counts once
	jq -e '.folders[] | select(.path == "/usr/local") | .bytes == 70000 and .files == 1' out
	jq -e '.environment == ["PATH=/usr/bin:/bin", "CUDA_VERSION=12.1.1.009", "OLD=a b"]' out
	uimage show --packages -h -o name,version,kind --parsable2 pytorch_24.05 >out
	diff - out <<-'END'
		noversion||pip
		plain|0.5|pip
		six|1.16.0|pip
		Some_Name|1.0.post1|pip
		torch|2.1.0a0+32f93b1|pip
		numpy-base|1.21.2|conda
		adduser|3.118ubuntu5|dpkg
		python3.10|3.10.12-1~22.04.3|dpkg
	END
	# what import wrote beside it says more than the image
	printf '{"version":1,"source":"docker://other#x:1"}\n' >images/nvcr.io_nvidia_pytorch_24.05-py3.origin
	uimage show pytorch_24.05 | grep -q '^Origin  *docker://other#x:1$'
	printf 'podman://mine\nby hand\n' >images/nvcr.io_nvidia_pytorch_24.05-py3.origin
	[ "$(uimage list -h -o origin)" = podman://mine ]
	run -3 --separate-stderr uimage show pytorch_24.06
	[[ $stderr == *'no image'* ]]
	run -2 --separate-stderr uimage show nvcr.io/nvidia/pytorch:24.05-py3
	[[ $stderr == *'image of a registry'* ]]
	run -2 uimage show --format name pytorch_24.05
}

@test "lists of packages beside images, in the forms that there are" {
	make_tree tree
	for name in columns freeze conda dpkg json old; do
		pack tree "images/$name.sqsh"
	done
	printf 'WARNING: old pip\nPackage    Version   Location\n---------- --------- ---\npandas 2.0.1 /x\ntorch 2.3.0\n' \
		>images/columns.packages
	printf -- '-e git+https://x/y@1#egg=mine\npandas==2.0.1\nfoo @ file:///x\n' >images/freeze.sqsh.packages
	printf '# packages in environment at /opt/conda:\n#\n# Name Version Build Channel\npandas 2.0.1 py39_0\nfoo 1.0 pypi_0 pypi\n' \
		>images/conda.packages
	printf 'Desired=U\n||/ Name Version Arch Desc\n+++-===\nii  pandas:amd64  2.0.1-1 amd64  x\nrc  foo 1 all x\n' \
		>images/dpkg.packages
	printf '[{"name": "pandas", "version": "2.0.1"}]' >images/json.packages
	printf 'pandas 1.0\n\e[31mtorch 9.9\n' >images/old.packages
	touch -d '2001-01-01' images/old.packages
	[ "$(uimage search 'pandas==2.0.1' -h -o name | sort | tr '\n' ' ')" = \
		'columns conda dpkg freeze json ' ]
	# a list that is older than its image is not its list
	[ "$(uimage search 'torch==2.1.0a0' -h -o name | sort | tr '\n' ' ')" = 'dpkg old ' ]
	[ "$(uimage search mine -h -o name)" = freeze ]
	# as uimage import writes it: all kinds under one heading
	uimage show --packages --refresh -h -o kind,name old | grep -v noversion | sort >before
	{
		printf 'Package Version\n------- -------\n'
		uimage show --packages -h -o name,version --parsable2 old | tr '|' ' '
	} >images/old.packages
	uimage show --packages -h -o kind,name old | sort >after
	diff before after
	uimage show old | grep -q "from $PWD/images/old.packages"
	mkdir images/lists
	printf 'scipy 1.0\n' >images/lists/old.txt
	[ "$(UCLUSTER_IMAGE_PACKAGES='lists/%n.txt' uimage search scipy -h -o name)" = old ]
}

@test "a list tells the version of Python where the image does not" {
	mkdir bare part
	mkdir -p part/opt/lib/python3.10/site-packages/six-1.0.dist-info
	for name in bare part; do pack "$name" "images/$name.sqsh"; done
	[ "$(uimage list -h -o name,python --parsable2)" = $'bare|\npart|3.10' ]
	printf '# Name Version Build Channel\npython 3.11.5 h95_0\n' >images/bare.packages
	printf 'six 1.0\npython 3.10.13\n' >images/part.packages
	[ "$(uimage list -h -o name,python --parsable2)" = $'bare|3.11.5\npart|3.10.13' ]
	printf 'six 1.0\npython 3.9.1\n' >images/part.packages
	[ "$(uimage list -h -o python --parsable2 part)" = 3.10 ]
}

@test "files of requirements that name each other end in time" {
	local i
	for i in 1 2 3 4 5 6 7; do
		awk -v next_one=$((i + 1)) 'BEGIN { for (i = 0; i < 1000; i++) print "-r " next_one }' >"$i" </dev/null
	done
	touch 8
	run -2 --separate-stderr timeout 60 uimage search --requirements 1
	[[ $stderr == *"'./8': more than 100 files name each other"* ]]
}

@test "search says what is missing, best first" {
	mkdir -p one/lib/python3.9/site-packages/{pandas-2.0,torch-2.1}.dist-info \
		two/lib/python3.9/site-packages/{pandas-1.5,torch-2.1}.dist-info \
		three/lib/python3.9/site-packages/scipy-1.0.dist-info
	for name in one two three; do
		pack $name images/$name.sqsh
	done
	uimage search 'torch>=2.1' 'Pandas~=2.0' -o name,has_all,found,missing --parsable2 -h >out
	diff - out <<-'END'
		one|all|torch 2.1, pandas 2.0|
		two|1 of 2|torch 2.1|pandas~=2.0 (has 1.5)
	END
	[ "$(uimage search -a scipy -h -o name | head -1)" = three ]
	[ "$(uimage search -a scipy --json | jq '.images | length')" = 3 ]
	[ "$(uimage search scipy --json | jq -c '.images[] | [.name, .has_all, .met, .asked]')" = \
		'["three",true,1,1]' ]
	run -3 --separate-stderr uimage search 'torch>3'
	[[ $stderr == *'no image has torch>3'* ]]
	run -2 uimage search
	run -2 --separate-stderr uimage search 'torch>=x'
	[[ $stderr == *"'>=x' is no version that can be asked for"* ]]
	run -2 uimage search 'tor ch'
	run -3 uimage search --requirements missing.txt
}

@test "requirements of pip and conda" {
	mkdir -p one/lib/python3.9/site-packages/{pandas-2.0,torch-2.1,old-1.0}.dist-info
	pack one images/one.sqsh
	cat >requirements.txt <<-'END'
		# what we need
		torch >= 2.1 , < 3  # not 3
		--extra-index-url https://x/y
		-r more.txt
		nothing ; python_version < "3.9"
		nothing ; sys_platform == "win32" or extra == "doc"
		old[extra]==1.*
	END
	printf 'pandas \\\n  >=1 --hash=sha256:12\n-c constraints.txt\n' >more.txt
	uimage search --requirements requirements.txt -h -o name,has_all,met,asked --parsable2 >out 2>err
	[ "$(cat out)" = 'one|all|3|3' ]
	grep -q "requirements.txt:7: 'old\[extra\]==1.\*' is ignored: what its extras need" err
	grep -q "more.txt:3: '-c constraints.txt' is ignored" err
	cat >environment.yml <<-'END'
		name: test
		channels: [conda-forge]
		dependencies:
		  - python=3.9
		  - conda-forge::pytorch=2.1=py39_cuda*
		  - pandas>=1,<3
		  - pip
		  - pip:
		    - old
	END
	run -3 --separate-stderr uimage search --requirements environment.yml -h -o missing
	[ "$output" = pip ]
	printf 'torch\nfoo bar\n' >bad.txt
	run -2 --separate-stderr uimage search --requirements bad.txt
	[[ $stderr == *'bad.txt:2'* ]]
	printf 'dependencies: [a, "*b"]\n' >bad.yml
	run -2 --separate-stderr uimage search --requirements bad.yml
	[[ $stderr == *'bad.yml:1'* ]]
	printf -- '-r loop.txt\n' >loop.txt
	run -2 --separate-stderr uimage search --requirements loop.txt
	[[ $stderr == *'name each other'* ]]
}

@test "what was read is kept until the image changes" {
	mkdir -p tree/lib/python3.9/site-packages/one-1.0.dist-info
	pack tree images/x.sqsh
	[ "$(uimage search one -h -o name)" = x ]
	[ "$(find "$HOME/.local/state/ucluster/images" -type f | wc -l)" = 1 ]
	[ "$(stat -c %a "$HOME"/.local/state/ucluster/images/*)" = 600 ]
	kept=$(echo "$HOME"/.local/state/ucluster/images/*)
	# what is kept is taken: the image's bytes are not looked at any more
	stamp=$(stat -c %y images/x.sqsh)
	size=$(stat -c %s images/x.sqsh)
	head -c "$size" /dev/zero >images/x.sqsh
	touch -d "$stamp" images/x.sqsh
	[ "$(uimage search one -h -o name)" = x ]
	run -3 uimage search --refresh one
	mv tree/lib/python3.9/site-packages/one-1.0.dist-info \
		tree/lib/python3.9/site-packages/two-1.0.dist-info
	pack tree images/x.sqsh
	[ "$(uimage search two -h -o name)" = x ]
	# a garbled one, or one of another image, is none
	sed -i 's/two/t\x01o/' "$kept"
	[ "$(uimage search two -h -o name)" = x ]
	sed -i '1s/x.sqsh/y.sqsh/; s/two/six/' "$kept"
	[ "$(uimage search two -h -o name)" = x ]
	: >"$kept"
	[ "$(uimage search two -h -o name)" = x ]
	# without a place for it everything works
	chmod 500 "$HOME"
	XDG_STATE_HOME=/proc/none uimage search two
	chmod 700 "$HOME"
}

@test "of an image's files only the small ones are read" {
	make_tree tree
	head -c 20000000 /dev/urandom >tree/weights
	pack tree images/big.sqsh -comp lzo -noD
	truncate -s 10G images/big.sqsh
	uimage list >out
	uimage show --json big >out
	[ "$(jq .size out)" = $((10 << 30)) ]
	# the tables and the one block of small files: a fragment of 128 KiB at most
	[ "$(jq .bytes_read out)" -lt 300000 ]
	[ "$(jq .unpacked out)" -gt 20000000 ]
}

@test "check reads all of an image" {
	make_tree tree
	seq 200000 >tree/numbers
	for compressor in gzip lzo lz4 xz zstd; do
		pack tree "images/$compressor.sqsh" -comp "$compressor"
		uimage check "$compressor" | grep -q '^whole: '
	done
	[ "$(uimage check --json zstd | jq .files)" = "$(unsquashfs -lln images/zstd.sqsh | grep -c ^-)" ]
	# a byte of the data is another one: tables and listing are fine, the content is not
	printf '\xff\xff\xff\xff' | dd of=images/zstd.sqsh bs=1 seek=96 conv=notrunc status=none
	uimage list -h zstd >out 2>err
	[ ! -s err ]
	run -1 --separate-stderr uimage check zstd
	[[ $stderr == *"images/zstd.sqsh' is damaged in "*"does not unpack"* ]]
	run -1 uimage check --json zstd
	truncate -s -5000 images/xz.sqsh
	run -1 --separate-stderr uimage check xz
	[[ $stderr == *'is cut off'* ]]
	printf 'nothing' >images/none.sqsh
	run -1 uimage check none
	run -3 uimage check missing
	mkfifo fifo.sqsh
	run -2 timeout 10 uimage check ./fifo.sqsh
}

@test "an image that is none is skipped with a line" {
	make_tree tree
	pack tree images/good.sqsh
	head -c 500 images/good.sqsh >images/cut.sqsh
	: >images/empty.sqsh
	mkfifo images/pipe.sqsh
	uimage search torch -h -o name >out 2>err
	[ "$(cat out)" = good ]
	[ "$(wc -l <err)" = 2 ]
	grep -q "cut.sqsh' is cut off" err
	grep -q "empty.sqsh' is not a squashfs file" err
	[ "$(uimage list -h -o name,state 2>/dev/null | tr -s ' ' | tr '\n' ' ')" = \
		'cut unreadable empty unreadable good ok ' ]
}

@test "names and texts of an image cannot paint the terminal" {
	mkdir -p tree/etc tree/lib/python3.9/site-packages/$'x\e[31m-1.0.dist-info'
	printf 'PRETTY_NAME="\e]0;owned\a"\n' >tree/etc/os-release
	printf 'A=\e[2J\n' >tree/etc/environment
	pack tree $'images/a\e[31mb.sqsh'
	for words in list 'list -o os' 'search -a x' "show ./images/a"$'\e'"[31mb.sqsh" \
		"show --packages ./images/a"$'\e'"[31mb.sqsh"; do
		# shellcheck disable=SC2086
		uimage $words >out 2>&1 || true
		run ! grep -q $'\e' out
	done
}

@test "bad command lines: the word that lacks is named" {
	run -2 uimage save
	[ "$output" = "uimage save: missing JOBID: see 'uimage save --help'" ]
	run -2 uimage save 1
	[ "$output" = "uimage save: missing NAME: see 'uimage save --help'" ]
	run -2 ucluster init
	[ "$output" = "ucluster init: missing TEMPLATE: see 'ucluster init --help'" ]
}

@test "bad command lines" {
	check_transcript uimage_bad 2
}
