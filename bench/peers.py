#!/usr/bin/env python3
"""How fast the search is beside SPIN, on the same transition system: whole processes run in turn, processor time.

usage: bench/peers.py [--program build/release/bench/copyloop_check] [--pairs N] [--only NAME...] [--quick] [--threads N]

Needs `spin` and `gcc` (Debian: apt-get install spin gcc), and for the counts of instructions `valgrind`. Each row of
the table is one size of bench/copyloop.pml and one question. The two programs run in turn, one pair after the other,
and the ratio is SPIN's processor time (user and system) over ours, pair by pair: median (least to most). All counts are
compared with each other and with what is known; a difference ends the script. Memory is the peak resident size of the
process over the states of the system. --quick: small sizes, one pair.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from measure import run, spread

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODEL = os.path.join(ROOT, "bench/copyloop.pml")

# name: pages, evict, retag, granule-wise probe, healer, states, transitions, 2^n slots of SPIN's table; 4 granules a
# page, 2 an item
SYSTEMS = {
    "S4": (2, 2, 2, 1, 0, 9_976, 33_345, 18),
    "S4 page": (2, 2, 2, 0, 0, 6_480, 21_761, 18),
    "S4 page healer": (2, 2, 2, 0, 1, 8_248, 35_933, 18),
    "S5": (2, 4, 4, 1, 0, 121_923, 692_994, 18),
    "S6": (3, 3, 4, 1, 0, 1_042_310, 6_422_686, 21),
    "S6 page healer": (3, 3, 4, 0, 1, 832_150, 6_399_704, 21),
    "S7": (4, 4, 4, 1, 0, 11_521_905, 77_158_410, 25),
}
ROWS = [("S6", "safety"), ("S7", "safety"), ("S6", "fair"), ("S6 page healer", "fair")]
QUICK = [("S4", "safety"), ("S4 page", "fair"), ("S4 page healer", "fair"), ("S5", "safety"), ("S5", "fair")]
LIVELOCK = {"S4 page"}  # under a weakly fair schedule; then SPIN stops at once, and its counts are of no use


def build_spin(folder, name, question):
    pages, evict, retag, granule, healer = SYSTEMS[name][:5]
    constants = {"PAGES": pages, "GRAN": 4, "ITEM": 2, "EVICT": evict, "RETAG": retag, "SUBPAGE": granule, "HEAL": healer}
    shutil.copy(MODEL, folder)
    run(["spin", *(f"-D{key}={value}" for key, value in constants.items()), "-a", os.path.basename(MODEL)], folder)
    flags = ["-DSAFETY"] if question == "safety" else ["-DNP"]
    run(["gcc", "-O2", *flags, "-DNOREDUCE", "-w", "-o", "pan", "pan.c"], folder)
    options = ["-m100000", f"-w{SYSTEMS[name][7]}"] + (["-l", "-f"] if question == "fair" else [])
    return [os.path.join(folder, "pan"), *options]


def our_command(program, name, question, threads=1):
    pages, evict, retag, granule, healer = SYSTEMS[name][:5]
    command = [program, "--pages", str(pages), "--granules", "4", "--item", "2", "--evict", str(evict)]
    command += ["--retag", str(retag), "--probe", "granule" if granule else "page", "--threads", str(threads)]
    return command + (["--healer"] if healer else []) + (["--fair"] if question == "fair" else [])


def require(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: {got}, but {wanted} is right")


def check_spin(text, name, question):
    livelock = question == "fair" and name in LIVELOCK
    require(f"SPIN, {name}, {question}: errors", re.search(r"errors: (\d+)", text)[1], "1" if livelock else "0")
    if question == "safety":
        require(f"SPIN, {name}: states", int(re.search(r"(\d+) states, stored", text)[1]), SYSTEMS[name][5])
        require(f"SPIN, {name}: transitions", int(re.search(r"(\d+) transitions", text)[1]), SYSTEMS[name][6] + 1)


def check_ours(text, name, question):
    answer = json.loads(text)
    verdict = "safe" if question == "safety" else "livelock" if name in LIVELOCK else "no livelock"
    require(f"{name}, {question}: verdict", answer["verdict"], verdict)
    require(f"{name}: states", answer["states"], SYSTEMS[name][5])
    require(f"{name}: transitions", answer["transitions"], SYSTEMS[name][6])
    return answer


def compare(program, name, question, pairs):
    with tempfile.TemporaryDirectory() as folder:
        spin = build_spin(folder, name, question)
        theirs, ours, ratios = [], [], []
        for _ in range(pairs):
            text, their_seconds, their_peak = run(spin, folder)
            check_spin(text, name, question)
            text, our_seconds, _ = run(our_command(program, name, question))
            our_peak = check_ours(text, name, question)["peak_bytes_per_state"]
            theirs.append(their_seconds)
            ours.append(our_seconds)
            ratios.append(their_seconds / our_seconds)
    # of a small process, the kernel tells the size it had before its exec(), which was this script's
    their_peak = f"{their_peak / SYSTEMS[name][5]:.1f}" if their_peak > 1 << 26 else "-"
    print(
        f"| {name}, {question} | {spread(theirs, 2)} | {spread(ours, 2)} | **{spread(ratios, 1)}** "
        f"| {their_peak} | {our_peak:.1f} |",
        flush=True,
    )


def instructions(command, states):
    with tempfile.TemporaryDirectory() as folder:
        text, _, _ = run(["valgrind", "--tool=callgrind", "--callgrind-out-file=out", *command], folder)
    return int(re.search(r"Collected : (\d+)", text)[1]) / states


def count_instructions(program):
    if not shutil.which("valgrind"):
        print("\nvalgrind is not here: no instructions are counted.")
        return
    print("\n| instructions a state, S5 | SPIN | ours |\n| --- | --- | --- |")
    for question in ("safety", "fair"):
        with tempfile.TemporaryDirectory() as folder:
            theirs = instructions(build_spin(folder, "S5", question), SYSTEMS["S5"][5])
        ours = instructions(our_command(program, "S5", question), SYSTEMS["S5"][5])
        print(f"| {question} | {theirs:.0f} | {ours:.0f} |", flush=True)


def compare_threads(program, name, threads, pairs):
    """Wall time, which says something of an idle machine only."""
    ratios = []
    for _ in range(pairs):
        walls = []
        for count in (1, threads):
            text, _, _ = run(our_command(program, name, "safety", count))
            walls.append(check_ours(text, name, "safety")["wall_seconds"])
        ratios.append(walls[0] / walls[1])
    print(f"\n{name}, safety, wall time: {threads} threads are {spread(ratios, 2)} times as fast as one")


def compare_kernel_path(program, name, pairs):
    """The same question, whether the loop always makes progress, asked of the kernel path; states are not comparable."""
    pages, evict, retag, granule = SYSTEMS[name][:4]
    command = [program, "--pages", str(pages), "--granules", "4", "--item", "2", "--evict", str(evict),
               "--retag", str(retag), "--probe", "granule" if granule else "page"]
    with tempfile.TemporaryDirectory() as folder:
        spin = build_spin(folder, name, "fair")
        theirs, ours, ratios = [], [], []
        for _ in range(pairs):
            text, their_seconds, _ = run(spin, folder)
            check_spin(text, name, "fair")
            text, our_seconds, _ = run(command)
            answer = json.loads(text)
            require("the verdict", answer["verdict"], "returns")
            theirs.append(their_seconds)
            ours.append(our_seconds)
            ratios.append(their_seconds / our_seconds)
    print(
        f"| {name}, fair, against the search ioctl's kernel path ({answer['states']} states) | {spread(theirs, 2)} "
        f"| {spread(ours, 3)} | **{spread(ratios, 0)}** | - | - |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.path.join(ROOT, "build/release/bench/copyloop_check"))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", nargs="+", metavar="NAME",
                        help="kernel, for the search ioctl, or systems: " + ", ".join(SYSTEMS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    missing = [tool for tool in ("spin", "gcc") if not shutil.which(tool)]
    if missing:
        sys.exit(f"missing: {', '.join(missing)}. On Debian: sudo apt-get install spin gcc valgrind")
    if not os.path.exists(args.program):
        sys.exit(f"{args.program} is not there: ./dev bench builds it")
    program = os.path.abspath(args.program)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n")
    print("| system, question | SPIN, s | ours, s | SPIN / ours | SPIN, B/state | ours, B/state |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for name, question in QUICK if args.quick else ROWS:
        if not args.only or name in args.only:
            compare(program, name, question, 1 if args.quick else args.pairs)
    kernel_path = os.path.join(os.path.dirname(program), "search_ioctl_check")
    name = "S5" if args.quick else "S6"
    if os.path.exists(kernel_path) and (not args.only or "kernel" in args.only):
        compare_kernel_path(kernel_path, name, 1 if args.quick else args.pairs)
    if args.only:
        return
    count_instructions(program)
    if not args.quick:
        compare_threads(program, "S7", args.threads, args.pairs)


if __name__ == "__main__":
    main()
