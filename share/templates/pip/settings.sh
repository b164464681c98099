# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What differs from site to site; the other scripts read it.
# Environments and pip's cache are below this folder:
env_dir=@sh:env_dir@
# yes: jobs run in the container of .ucluster.yaml; no: on the node itself.
container=@sh:container@
# Environment modules that are loaded first.
modules=@sh:modules@

case $env_dir in
/*) ;;
*) env_dir=$PWD/$env_dir ;;
esac
