#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A place for your program: says where it runs and which packages there are."""
import os
import platform

prefix = os.environ["CONDA_PREFIX"]
print(f"Python {platform.python_version()} of {prefix} on {platform.node()}")
for name in sorted(os.listdir(prefix + "/conda-meta")):
    if name.endswith(".json"):
        print(name[: -len(".json")])
