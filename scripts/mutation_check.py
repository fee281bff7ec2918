#!/usr/bin/env python3
"""Would the records of real kernels notice if the model were wrong? Each patch of tests/mutations/ spoils one rule of
it; `mtesim conform` must then find records that disagree.

usage: mutation_check.py [--folder FOLDER] [--jobs N] [NAME...]
       NAME: of a patch, without .patch; all of them otherwise
       FOLDER: a copy of the sources and its build go there, build/mutants by default; kept, so that a second run is fast

Each mutant is a copy of the sources with one patch applied, built as the release is. A patch that does not apply or
compile any more, and a mutant that all records agree with, are failures. Exit status: 0 every mutant was noticed, 1
not so, 2 the check cannot be made (the program does not build, or disagrees with the records as it is).
"""

import argparse
import filecmp
import glob
import json
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = ["CMakeLists.txt", "cmake", "packages", "model", "fs_models", "sim", "bench/CMakeLists.txt"]
RECORDS = os.path.join(ROOT, "tests/conform/records.jsonl")
KNOWN = os.path.join(ROOT, "tests/conform/records.known.txt")
GROUPS = ["outcome", "bytes", "faults"]


def files_of(root):
    for source in SOURCES:
        path = os.path.join(root, source)
        if os.path.isfile(path):
            yield source
        for folder, _, names in os.walk(path):
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), root)


def update(tree):
    """Makes `tree` a copy of our sources, touching only files that differ: a build there stays of use."""
    wanted = set(files_of(ROOT))
    for name in set(files_of(tree)) - wanted:
        os.remove(os.path.join(tree, name))
    for name in wanted:
        source, copy = os.path.join(ROOT, name), os.path.join(tree, name)
        if os.path.exists(copy) and filecmp.cmp(source, copy, shallow=False):
            continue
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copyfile(source, copy)


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)


class Mutants:
    def __init__(self, folder, jobs):
        self.tree = os.path.join(folder, "tree")
        self.build_folder = os.path.join(folder, "build")
        self.out = os.path.join(folder, "conform.json")
        self.jobs = str(jobs)
        os.makedirs(self.tree, exist_ok=True)

    def build(self):
        """None, or what the compiler said."""
        configured = run("cmake", "-G", "Ninja", "-S", self.tree, "-B", self.build_folder, "-D",
                         "CMAKE_BUILD_TYPE=Release", "-D", "CMAKE_CXX_FLAGS_RELEASE=-O2", "-D", "MTESIM_TESTS=OFF")
        if configured.returncode != 0:
            return configured.stdout
        built = run("cmake", "--build", self.build_folder, "--target", "mtesim", "--parallel", self.jobs)
        return built.stdout if built.returncode != 0 else None

    def conform(self):
        """The exit status, and how many records disagree: of any group of fields, and of each."""
        ran = run(os.path.join(self.build_folder, "mtesim"), "conform", RECORDS, "--known", KNOWN, "--jobs",
                  self.jobs, "--out", "json=" + self.out)
        if ran.returncode not in (0, 1):
            return ran.returncode, ran.stdout[-2000:]
        with open(self.out, encoding="utf-8") as file:
            result = json.load(file)
        counts = [str(result["records"] - result["agree"][group]) for group in GROUPS]
        return ran.returncode, [str(len(result["disagreeing"])), *counts]

    def noticed(self, patch):
        """Whether the records notice; and what to print of it."""
        update(self.tree)
        applied = run("patch", "--strip=1", "--batch", "--forward", "--no-backup-if-mismatch", "--input", patch,
                      cwd=self.tree)
        if applied.returncode != 0:
            return False, "the patch does not apply any more:\n" + applied.stdout
        complaint = self.build()
        if complaint is not None:
            return False, "does not compile:\n" + complaint[-4000:]
        status, counts = self.conform()
        if status == 0:
            return False, "NOT NOTICED: every record agrees"
        if status != 1:
            return False, f"conform ended with {status}:\n{counts}"
        return True, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--folder", default=os.path.join(ROOT, "build/mutants"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    patches = sorted(glob.glob(os.path.join(ROOT, "tests/mutations/*.patch")))
    known = {os.path.basename(patch)[:-len(".patch")]: patch for patch in patches}
    unknown = [name for name in args.names if name not in known]
    if unknown or not known:
        print(f"found no mutant {', '.join(unknown)}; known: {', '.join(known)}", file=sys.stderr)
        return 2

    mutants = Mutants(os.path.abspath(args.folder), args.jobs)
    update(mutants.tree)
    complaint = mutants.build()
    if complaint is not None:
        print("the program does not build:\n" + complaint[-4000:], file=sys.stderr)
        return 2
    status, counts = mutants.conform()
    if status != 0:
        print(f"the program as it is does not agree with the records (exit status {status}): {counts}", file=sys.stderr)
        return 2

    print(f"{'mutant':<28} {'records that disagree':>22} {'outcome':>8} {'bytes':>8} {'faults':>8}")
    failed = 0
    for name in args.names or sorted(known):
        begin = time.monotonic()
        good, said = mutants.noticed(known[name])
        failed += not good
        if good:
            print(f"{name:<28} {said[0]:>22} {said[1]:>8} {said[2]:>8} {said[3]:>8}   {time.monotonic() - begin:.0f} s",
                  flush=True)
        else:
            print(f"{name:<28} {said}", flush=True)
    update(mutants.tree)
    print(f"{len(args.names or known) - failed} of {len(args.names or known)} mutants noticed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
