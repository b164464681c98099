# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Workers for several Slurm releases lie side by side: each is installed under its own name.
bats_require_minimum_version 1.5.0

setup()
{
	export HOME=$BATS_TEST_TMPDIR UCLUSTER_SITE_CONFIG=$BATS_TEST_TMPDIR/none
	unset UC_SOURCE SLURM_CONF LD_LIBRARY_PATH
	STAGE=$BATS_TEST_TMPDIR/stage
	WORKER=$(basename "$(echo "$UC_TEST_BUILD"/libexec/ucluster/slurm-worker-*)")
	STAND_INS=$UC_TEST_BUILD/tests/slurm
	[ "$WORKER" != "slurm-worker-*" ] || skip "this build has no worker"
}

# What the package of a worker has in it.
install_worker()
{
	cmake --install "$UC_TEST_BUILD" --component slurm --prefix "$STAGE" >/dev/null
	LIBEXEC=$(dirname "$(find "$STAGE" -name "$WORKER")")
}

# A command beside them; its library stays where it was built.
install_command()
{
	mkdir -p "$STAGE/bin"
	cp "$UC_TEST_BUILD/bin/$1" "$STAGE/bin/"
	[ -e "$STAGE/lib" ] || ln -s "$UC_TEST_BUILD/lib" "$STAGE/lib"
}

@test "a worker is one file, named for the libslurm that it is linked with" {
	install_worker
	[ "$(find "$STAGE" ! -type d | wc -l)" -eq 1 ]
	[[ $LIBEXEC == */ucluster ]]
	[ "$(readelf -d "$LIBEXEC/$WORKER" | sed -n 's/.*NEEDED.*\[libslurm\.so\.\(.*\)\]/\1/p')" \
		= "${WORKER##*-}" ]
	# and it looks for it where the machine has it, not where this one did
	run ! grep -q '(R.*PATH)' <(readelf -d "$LIBEXEC/$WORKER")
}

@test "packages for several releases have no file in common" {
	install_worker
	for worker in "$STAND_INS"/libexec/slurm-worker-*; do
		[ ! -e "$LIBEXEC/${worker##*/}" ]
		cp "$worker" "$LIBEXEC/"
	done
	install_worker
	install_command ucluster
	run -0 "$STAGE/bin/ucluster" version --json
	jq -e --argjson here "${WORKER##*-}" '.slurm_workers == ([$here, 39, 41, 43] | sort)' \
		<<<"$output"
}

@test "uqueue asks the worker whose libslurm the loader finds" {
	install_worker
	cp "$STAND_INS"/libexec/slurm-worker-* "$LIBEXEC/"
	install_command uqueue
	export FAKE_WORKER=which
	LD_LIBRARY_PATH=$STAND_INS/lib41 run -1 "$STAGE/bin/uqueue"
	[[ $output == *"worker 41, library 41"* ]]
	LD_LIBRARY_PATH=$STAND_INS/lib41:$STAND_INS/lib43 run -1 "$STAGE/bin/uqueue"
	[[ $output == *"worker 43, library 43"* ]]
	# no stand-in has its library: the real one, which finds no cluster
	SLURM_CONF=$BATS_TEST_TMPDIR/slurm.conf
	echo "nonsense" >"$SLURM_CONF"
	SLURM_CONF=$SLURM_CONF run -4 "$STAGE/bin/uqueue"
	[[ $output == *"Slurm cannot be used here: "* && $output == *"$SLURM_CONF"* ]]
}

@test "no worker that fits: which there are, and which libslurm is here" {
	install_worker
	rm "$LIBEXEC/$WORKER"
	cp "$STAND_INS"/libexec/slurm-worker-4* "$LIBEXEC/"
	install_command uqueue
	mkdir "$BATS_TEST_TMPDIR/lib"
	touch "$BATS_TEST_TMPDIR/lib/libslurm.so.36"
	LD_LIBRARY_PATH=$BATS_TEST_TMPDIR/lib run -4 "$STAGE/bin/uqueue"
	[[ $output == *"no worker fits the Slurm here: this machine has "* ]]
	[[ $output == *"libslurm.so.36 (Slurm 20.11)"* ]]
	[[ $output == *"workers are installed for libslurm.so.43 (Slurm 25.05), libslurm.so.41 (Slurm 24.05)"* ]]
	rm "$LIBEXEC"/*
	run -3 "$STAGE/bin/uqueue"
	[[ $output == *"no worker for libslurm in '$LIBEXEC'"* ]]
}
