# SPDX-License-Identifier: GPL-2.0-or-later
"""Stand-in for pip; see __main__.py."""
