#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A place for your program: says where it runs and which packages there are."""
import importlib.metadata
import platform
import sys

print(f"Python {platform.python_version()} of {sys.prefix} on {platform.node()}")
for package in sorted(importlib.metadata.distributions(), key=lambda p: p.name.lower()):
    print(f"{package.name} {package.version}")
