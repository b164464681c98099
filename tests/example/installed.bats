#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# An installation is complete: a program of somebody else builds with it, through
# pkg-config and through CMake, also after the whole of it was moved.
bats_require_minimum_version 1.5.0

setup_file()
{
	export PREFIX=$BATS_FILE_TMPDIR/moved
	export CC=${CC:-cc} CFLAGS=${UC_TEST_SANITIZE:+-fsanitize=$UC_TEST_SANITIZE}
	cmake --install "$UC_TEST_BUILD" --prefix "$BATS_FILE_TMPDIR/prefix" >/dev/null
	mv "$BATS_FILE_TMPDIR/prefix" "$PREFIX"
	project=$(dirname "$BATS_TEST_FILENAME")/project
	export project
	pc=$(find "$PREFIX" -name libucluster.pc)
	export PKG_CONFIG_PATH=${pc%/*}
}

# What the program says of a made-up cluster: rows of jobs with GPUs, then the command.
says_what_it_should()
{
	run --separate-stderr "$1" synthetic:nodes=4,jobs=50,seed=1
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "srun --gpus=1 --time=8:00:00 python3 train.py 'two words'" ]
	[ "${#lines[@]}" -gt 5 ]
	for line in "${lines[@]:0:${#lines[@]}-1}"; do
		[[ $line =~ ^[0-9]+\ [A-Z]+\ [1-9][0-9]*\ . ]]
	done
}

@test "a program builds with pkg-config and runs" {
	read -ra flags <<<"$CFLAGS $(pkg-config --cflags --libs libucluster)"
	"$CC" -std=c11 -Wall -Wextra -Werror "$project/example.c" "${flags[@]}" \
		-Wl,-rpath,"$(pkg-config --variable=libdir libucluster)" -o "$BATS_TEST_TMPDIR/example"
	says_what_it_should "$BATS_TEST_TMPDIR/example"
}

@test "a program builds with find_package(ucluster) and runs" {
	cmake -S "$project" -B "$BATS_TEST_TMPDIR/build" -DCMAKE_PREFIX_PATH="$PREFIX"
	cmake --build "$BATS_TEST_TMPDIR/build"
	says_what_it_should "$BATS_TEST_TMPDIR/build/example"
}

@test "pkg-config and the program agree on the version" {
	version=$(pkg-config --modversion libucluster)
	[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]
	run "$PREFIX/bin/ucluster" --version
	[ "$status" -eq 0 ]
	[[ $output == *"$version"* ]]
}

@test "the sandbox is installed when it is asked for" {
	prefix=$BATS_TEST_TMPDIR/prefix
	cmake --install "$UC_TEST_BUILD" --prefix "$prefix" >/dev/null
	[ -z "$(find "$prefix" -path '*sandbox*' -o -name '*pyxis*')" ]
	run -3 "$prefix/bin/ucluster" sandbox status --dir "$BATS_TEST_TMPDIR/none"
	[[ $output == *"the sandbox is not installed"* ]]
	cmake --install "$UC_TEST_BUILD" --prefix "$prefix" --component sandbox >/dev/null
	[ -n "$(find "$prefix" -name pyxis.so)" ]
	run -3 "$prefix/bin/ucluster" sandbox status --dir "$BATS_TEST_TMPDIR/none"
	[[ $output == *"no sandbox runs in"* ]]
}

@test "nothing installed names the folder it was built in" {
	run grep -rIl -e "$UC_TEST_BUILD" -e "$UC_TEST_TOP" "$PREFIX"
	[ "$status" -eq 1 ]
	for program in "$PREFIX"/bin/*; do
		run readelf -d "$program"
		[[ $output != *"$UC_TEST_BUILD"* ]]
	done
}
