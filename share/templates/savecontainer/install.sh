#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the container, as its root: what you would type in the shell of edit-image.sh.
set -eu
# apt-get update && apt-get install -y --no-install-recommends git
# python3 -m pip install --no-cache-dir -r requirements.txt
mkdir -p /opt/mine
date >/opt/mine/made
