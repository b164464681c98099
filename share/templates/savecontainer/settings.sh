# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The image to begin with, and the one that is made.
base=@sh:base@
saved=@sh:saved@
