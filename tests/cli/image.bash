# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Images for the tests of uimage.

# make_tree FOLDER: what an image of an NGC-like container has, in small.
make_tree()
{
	local packages=$1/usr/lib/python3.10/site-packages

	mkdir -p "$1/etc" "$packages" "$1/opt/conda/conda-meta" "$1/var/lib/dpkg" \
		"$1/usr/local/cuda-12.1/lib" "$1/usr/lib/x86_64-linux-gnu" "$1/opt/conda/pkgs" \
		"$packages/setuptools/_vendor/old-9.9.dist-info" \
		"$1/opt/conda/pkgs/a/lib/python3.9/site-packages/cached-1.0.dist-info"
	mkdir "$packages/torch-2.1.0a0+32f93b1.dist-info" "$packages/Some_Name-1.0.post1.dist-info"
	mkdir "$packages/six-1.16.0-py3.10.egg-info"
	touch "$packages/plain-0.5.egg-info" "$packages/noversion.egg-info"
	printf 'Name: torch\n' >"$packages/torch-2.1.0a0+32f93b1.dist-info/METADATA"
	touch "$1/opt/conda/conda-meta/numpy-base-1.21.2-py39h20f2e39_0.json" \
		"$1/opt/conda/conda-meta/history"
	printf 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 22.04.4 LTS"\n' >"$1/usr/lib/os-release"
	ln -s ../usr/lib/os-release "$1/etc/os-release"
	printf 'PATH=/usr/bin:/bin\nCUDA_VERSION=12.1.1.009\n2X=no\nOLD=a b\n' >"$1/etc/environment"
	cat >"$1/var/lib/dpkg/status" <<-'STATUS'
		Package: adduser
		Status: install ok installed
		Version: 3.118ubuntu5

		Package: gone
		Status: deinstall ok config-files
		Version: 1.0

		Package: python3.10
		Status: install ok installed
		Version: 3.10.12-1~22.04.3
	STATUS
	cat >"$1/etc/rc" <<-'RC'
		# enroot-provenance: docker://nvcr.io#nvidia/pytorch:24.05-py3
		mkdir -p "/workspace" 2> /dev/null
		cd "/workspace" && unset OLDPWD || exit 1

		if [ -s /etc/rc.local ]; then
		    . /etc/rc.local
		fi

		if [ $# -gt 0 ]; then
		    exec '/opt/nvidia/nvidia_entrypoint.sh' "$@"
		else
		    exec '/opt/nvidia/nvidia_entrypoint.sh' 'bash'
		fi
	RC
}

# pack FOLDER IMAGE [OPTION...]: mksquashfs, quietly.
pack()
{
	local from=$1 to=$2

	shift 2
	rm -f "$to"
	mksquashfs "$from" "$to" -quiet -no-progress -all-root "$@" >/dev/null
}
