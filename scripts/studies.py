#!/usr/bin/env python3
"""Carries out the studies of scenarios/studies/ and draws the plots of docs/studies.md.

    scripts/studies.py [--program build/release/mtesim] [--into docs/figures/studies] [NAME...]

Needs gnuplot (on Debian the package gnuplot-nox).
"""

import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIZE = ["--x", "/calls/0/buf_size_bytes", "--logx", "--logy"]
COUNT = ["--x", "/calls/0/count_bytes", "--logx"]
REVISION = ["--x", "/kernel/revision"]

# Plot: scenario, and how it is drawn.
PLOTS = {
    "read-or-write-probe": ("read-or-write-probe", SIZE),
    "read-or-write-probe-lines": ("read-or-write-probe", [*SIZE, "--y", "lines_dirtied"]),
    "granule-page-or-first-bytes": (
        "granule-page-or-first-bytes",
        [*SIZE, "--group", "/kernel/change/btrfs_search_ioctl.probe,/kernel/change/btrfs_search_ioctl.min_size"]),
    "probe-or-copy-first": ("probe-or-copy-first", [*COUNT, "--y", "bytes_per_cycle"]),
    "work-under-the-lock": ("work-under-the-lock", ["--x", "/files/0/tree/0/items", "--y", "most_cycles_under_lock"]),
    "bad-granule-writes": ("bad-granule-writes", [*REVISION, "--logy"]),
    "bad-granule-writes-rounds": ("bad-granule-writes", [*REVISION, "--y", "rounds"]),
    "bad-granule-search": ("bad-granule-search", REVISION),
    "rounds-probe-again": ("rounds-probe-again", SIZE),
    "rounds-small-window": ("rounds-small-window", [*COUNT, "--logy", "--y", "cycles,rounds"]),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT / "build/release/mtesim")
    parser.add_argument("--into", type=pathlib.Path, default=ROOT / "docs/figures/studies")
    parser.add_argument("plots", metavar="NAME", nargs="*", help="these only: " + ", ".join(PLOTS))
    arguments = parser.parse_args()
    unknown = set(arguments.plots) - set(PLOTS)
    if unknown:
        parser.error("found %s; allowed: %s" % (", ".join(sorted(unknown)), ", ".join(PLOTS)))
    arguments.into.mkdir(parents=True, exist_ok=True)
    for name in arguments.plots or PLOTS:
        scenario, how = PLOTS[name]
        file = arguments.into / (name + ".svg")
        print(file, flush=True)
        done = subprocess.run([arguments.program, "sweep", ROOT / "scenarios/studies" / (scenario + ".json"), *how,
                               "--plot", file], stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
