#!/usr/bin/env python3
"""How fast the memory model replays accesses beside valgrind's cachegrind, on the same two streams.

usage: bench/cache_rate.py [--program build/release/bench/access_stream] [--pairs N] [--accesses N]

Needs `valgrind` and `gcc` (Debian: apt-get install valgrind gcc). Cachegrind simulates bench/cache_streams.c with a first
level of 32 KiB in 8 ways and a last one of 1 MiB in 16, as access_stream has them. The two run in turn, pair by pair,
processor time (user and system); of cachegrind that of a short run is taken off, which leaves the accesses alone. The
ratio is cachegrind's time over ours: median (least to most). The misses of both must agree, or the script stops.
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile

from measure import run, spread

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = os.path.join(ROOT, "bench/cache_streams.c")
FLAGS = ["-O2", "-fno-tree-vectorize", "-fno-tree-loop-distribute-patterns"]
SHORT = 1 << 20  # accesses of the run that is taken off
WANTED = {"sequential": 1.4, "random": 2.2}


def cachegrind(program, pattern, accesses):
    """Processor seconds, misses of D1 and of LL."""
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=yes", "--cachegrind-out-file=/dev/null"]
    command += ["--I1=32768,8,64", "--D1=32768,8,64", "--LL=1048576,16,64", program, pattern, str(accesses)]
    text, seconds, _ = run(command)
    misses = [int(re.search(name + r" +misses: +([\d,]+)", text)[1].replace(",", "")) for name in ("D1 ", "LLd")]
    return seconds, misses


def compare(theirs, program, pattern, accesses, pairs):
    their_times, our_times, ratios = [], [], []
    for _ in range(pairs):
        start, few = cachegrind(theirs, pattern, SHORT)
        seconds, many = cachegrind(theirs, pattern, accesses + SHORT)
        text, _, _ = run([program, "--pattern", pattern, "--accesses", str(accesses)])
        answer = json.loads(text)
        for name, less, more in zip(("l1d_misses", "l2_misses"), few, many):
            if abs(more - less - answer[name]) > answer[name] / 1000:  # ours begin with empty caches
                sys.exit(f"{pattern}, {name}: {answer[name]}, but cachegrind has {more - less}")
        their_times.append((seconds - start) / accesses * 1e9)
        our_times.append(answer["cpu_seconds"] / accesses * 1e9)
        ratios.append(their_times[-1] / our_times[-1])
    print(
        f"| {pattern} | {spread(their_times, 1)} | {spread(our_times, 1)} | **{spread(ratios, 2)}** "
        f"| {WANTED[pattern]} |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.path.join(ROOT, "build/release/bench/access_stream"))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--accesses", type=int, default=1 << 26)
    args = parser.parse_args()
    missing = [tool for tool in ("valgrind", "gcc") if not shutil.which(tool)]
    if missing:
        sys.exit(f"missing: {', '.join(missing)}. On Debian: sudo apt-get install valgrind gcc")
    if not os.path.exists(args.program):
        sys.exit(f"{args.program} is not there: ./dev bench builds it")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors, {args.accesses} accesses\n")
    print("| stream | cachegrind, ns an access | ours, ns an access | cachegrind / ours | wanted |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        theirs = os.path.join(folder, "cache_streams")
        run(["gcc", *FLAGS, "-o", theirs, SOURCE])
        for pattern in WANTED:
            compare(theirs, os.path.abspath(args.program), pattern, args.accesses, args.pairs)


if __name__ == "__main__":
    main()
