# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For tests of templates: `load helper`, `load templates`; template_setup NAME [KEY=VALUE...]
# in setup() instead of e2e_setup writes the template into $WORK. Programs that the machine
# lacks are those of tests/standins, which jobs find in containers and out of them.

template_setup()
{
	local name=$1 value words=()

	shift
	e2e_setup || return 1
	for value; do
		words+=(--set "$value")
	done
	export UCLUSTER_CONFIG=$UC_E2E_DIR/user-$BASHPID.yaml HOME=$WORK/home
	mkdir "$HOME"
	# shellcheck disable=SC2119
	standins_config
	ucluster init "$name" --defaults "${words[@]}" >/dev/null 2>init.log || {
		cat init.log
		return 1
	}
	rm init.log
}

# What a site would say where the programs are. LINE...: more of it.
# shellcheck disable=SC2120 # a test hands on more
standins_config()
{
	local standins=$UC_TEST_TOP/tests/standins

	{
		echo "mounts: [$standins:$standins:ro]"
		echo "env:"
		echo "  PATH: $standins/bin:/usr/local/bin:/usr/bin:/bin"
		echo "  PYTHONPATH: $standins/python"
		echo "  PYTHONDONTWRITEBYTECODE: 1"
		printf '%s\n' "$@"
	} >"$UCLUSTER_CONFIG"
}

template_teardown()
{
	rm -f "$UCLUSTER_CONFIG"
	e2e_teardown
}

# wheel NAME VERSION FOLDER: a wheel with a module of that name.
wheel()
{
	python3 - "$@" <<-'EOT'
		import sys, zipfile
		name, version, folder = sys.argv[1:]
		info = f"{name}-{version}.dist-info"
		with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as z:
		    z.writestr(f"{name}.py", f"VERSION = '{version}'\n")
		    z.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
		    z.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
		    z.writestr(f"{info}/RECORD", "")
	EOT
}

# The number of the job that was submitted, in $output.
submitted()
{
	[[ $output =~ job\ ([0-9]+) ]] && job=${BASH_REMATCH[1]}
}
