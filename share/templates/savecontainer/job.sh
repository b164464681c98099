#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On the node, in the image that was saved.
set -eu
echo "installed: $(ls /opt/mine)"
