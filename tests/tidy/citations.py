#!/usr/bin/env python3
"""Every key that code or documents cite, like [linux-futex], stands in docs/sources.md."""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ["model", "fs_models", "sim", "tests", "bench", "docs"]
CITED = re.compile(r"\[((?:linux|arm|qemu|llvm|tarjan|karp|lawler|zeller|apalache)-[a-z0-9.-]+|btrfs-format|records)\]")
KNOWN = re.compile(r"^(?:\| )?\[([a-z0-9.-]+)\][ :]", re.MULTILINE)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main():
    known = set(KNOWN.findall(read(os.path.join(ROOT, "docs/sources.md"))))
    if len(known) < 10:
        print("docs/sources.md: found no list of keys")
        return 1
    missing = 0
    for folder in FOLDERS:
        for path, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in sorted(names):
                if not name.endswith((".h", ".cpp", ".md", ".py")):
                    continue
                file = os.path.join(path, name)
                for number, line in enumerate(read(file).splitlines(), 1):
                    for key in CITED.findall(line):
                        if key not in known:
                            print(f"{os.path.relpath(file, ROOT)}:{number}: found [{key}], which docs/sources.md does not have")
                            missing += 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
