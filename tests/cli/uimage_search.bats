# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# uimage search against unsquashfs and grep, on images with random packages.
bats_require_minimum_version 1.5.0

load image.bash

NAMES=(torch numpy pandas scikit-learn ruamel.yaml typing_extensions git zlib1g)

setup()
{
	export HOME=$BATS_TEST_TMPDIR/home UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	export UCLUSTER_IMAGE_DIRS=$BATS_TEST_TMPDIR/images
	unset XDG_STATE_HOME UCLUSTER_IMAGE_PACKAGES
	mkdir "$HOME" "$UCLUSTER_IMAGE_DIRS"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Random packages of random versions, in one of the places where packages are.
make_random()
{
	local name version

	rm -rf tree
	mkdir -p tree/usr/lib/python3/dist-packages tree/opt/conda/conda-meta \
		tree/opt/conda/lib/python3.9/site-packages tree/var/lib/dpkg
	for name in "${NAMES[@]}"; do
		version=$((RANDOM % 3)).$((RANDOM % 12))
		case $((RANDOM % 7)) in
		0) mkdir "tree/usr/lib/python3/dist-packages/$name-$version.egg-info" ;;
		1) mkdir "tree/opt/conda/lib/python3.9/site-packages/${name//[-.]/_}-$version.dist-info" ;;
		2) touch "tree/opt/conda/conda-meta/$name-$version-py39_0.json" ;;
		3) printf 'Package: %s\nStatus: install ok installed\nVersion: %s-1\n\n' \
			"$name" "$version" >>tree/var/lib/dpkg/status ;;
		esac
	done
}

# has IMAGE NAME [VERSION]
has()
{
	local name=${2//[-._]/[-._]} version=${3:-[^-]*}

	version=${version//./\\.}
	unsquashfs -l "$1" | grep -qiE "/(site|dist)-packages/$name-$version\.(dist|egg)-info\$" ||
		unsquashfs -l "$1" | grep -qiE "/conda-meta/$name-$version-[^-]*\.json\$" ||
		unsquashfs -cat "$1" var/lib/dpkg/status 2>/dev/null | grep -iA2 "^Package: $name\$" |
		grep -q "^Version: $version-"
}

@test "24 images" {
	RANDOM=${SEED:=$SRANDOM}
	echo "seed $SEED"
	compressors=(gzip lzo lz4 xz zstd)
	for i in {1..24}; do
		make_random
		pack tree "images/i$i.sqsh" -comp "${compressors[i % 5]}"
	done
	found=0
	for name in "${NAMES[@]}"; do
		for version in '' 1.3 2.10; do
			for i in {1..24}; do
				! has "images/i$i.sqsh" "$name" "$version" || echo "i$i"
			done | sort >wanted
			uimage search "$name${version:+==$version}" -h -o has_all,name 2>/dev/null |
				awk '$1 == "all" { print $2 }' | sort >got || true
			diff wanted got
			found=$((found + $(wc -l <got)))
		done
	done
	[ "$found" -gt 50 ]
}
