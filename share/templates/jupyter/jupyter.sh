#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the node, in the container: JupyterLab at the port that was named, for the loopback
# of the node alone. What it writes for itself stays in this folder, off the home directory.
set -eu
export JUPYTER_TOKEN_FILE="$PWD/.jupyter/token"
export JUPYTER_CONFIG_DIR="$PWD/.jupyter/config" JUPYTER_DATA_DIR="$PWD/.jupyter/data"
export JUPYTER_RUNTIME_DIR="$PWD/.jupyter/runtime" IPYTHONDIR="$PWD/.jupyter/ipython"

port=$1
set --
if [ "$(id -u)" = 0 ]; then
	set -- --allow-root # in a container where you are root it is you
fi
exec jupyter lab --no-browser --ip=127.0.0.1 --port="$port" --ServerApp.port_retries=0 \
	--ServerApp.root_dir="$PWD" "$@"
