# SPDX-License-Identifier: GPL-2.0-or-later
"""Stand-in for pip: installs pure Python wheels from --find-links; no network."""
import argparse
import glob
import os
import re
import sys
import sysconfig
import zipfile

if sys.argv[1:] == ["--version"]:
    print("pip 23.0.1 from a stand-in")
    sys.exit(0)
options = argparse.ArgumentParser(prog="pip", allow_abbrev=False)
options.add_argument("command", choices=["install"])
options.add_argument("--quiet", action="store_true")
options.add_argument("--no-index", action="store_true")
options.add_argument("--find-links")
options.add_argument("--target")
options.add_argument("-r", dest="requirements", required=True)
args = options.parse_args()
if not args.no_index or not args.find_links:
    sys.exit("ERROR: no network here: --no-index --find-links DIR")
target = args.target or sysconfig.get_paths()["purelib"]
if not args.target and sys.prefix == sys.base_prefix:
    sys.exit("error: externally-managed-environment")
for line in open(args.requirements):
    line = line.split("#")[0].strip()
    if not line:
        continue
    name, _, version = line.partition("==")
    pattern = re.sub(r"[-.]+", "_", name) + "-" + (version or "*") + "-py3-none-any.whl"
    found = sorted(glob.glob(os.path.join(args.find_links, pattern)))
    if not found:
        sys.exit(f"ERROR: No matching distribution found for {line}")
    with zipfile.ZipFile(found[-1]) as wheel:
        wheel.extractall(target)
    if not args.quiet:
        print(f"Successfully installed {os.path.basename(found[-1])}")
