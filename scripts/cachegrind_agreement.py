#!/usr/bin/env python3
"""Makes the cache misses that valgrind's cachegrind counts, and the accesses that it counted them for.

usage: cachegrind_agreement.py DIRECTORY
       writes DIRECTORY/cachegrind.trace and DIRECTORY/cachegrind.json; needs gcc and valgrind on x86-64
tests/unit/sim/cost/cachegrind_test.cpp replays the trace through sim/cost and wants the same counts.

The trace holds every data access of cachegrind_agreement.c, as valgrind's lackey tells them, and of the instruction
fetches those that touch a line for the first time: the program is small enough that the others hit in I1, and what
hits in I1 changes nothing else. One line of it is a run: tokens, then "*N" if they come N times. A token is a letter (L
load, S store, M load and store by one instruction, I fetch), then by how much its address, in words of 8 bytes, is
beyond that of the token of the same letter before it (at first: 0), in base 36. A fetch that straddles two lines is
two tokens, the second with J, and is one miss if either line misses.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

LINE = 64
WORD = 8
I1 = (32768, 8)
# D1 and LL, bytes and ways.
GEOMETRIES = [
    ((1024, 16), (32768, 8)),
    ((4096, 1), (65536, 4)),
    ((16384, 2), (262144, 16)),
    ((32768, 4), (262144, 8)),
    ((32768, 8), (1048576, 16)),
    ((65536, 4), (2097152, 8)),
    ((65536, 16), (4194304, 16)),
]
LONGEST_RUN = 48  # tokens
FLAGS = ["-O2", "-std=gnu11", "-nostdlib", "-static", "-no-pie", "-ffreestanding", "-fno-stack-protector",
         "-fcf-protection=none", "-fomit-frame-pointer", "-fno-tree-vectorize", "-fno-tree-loop-distribute-patterns"]


def lackey(program, directory):
    """(letter, address) of all data accesses, and of the fetches of new lines, in order; and how many of each kind."""
    log = directory / "lackey"
    subprocess.run(["valgrind", "--tool=lackey", "--trace-mem=yes", f"--log-file={log}", program], check=True)
    accesses, counts, code = [], {"I": 0, "L": 0, "S": 0, "M": 0}, set()
    for letter, address, size in re.findall(r"^ ?([ILSM])  ?([0-9a-f]+),(\d+)$", log.read_text(), re.MULTILINE):
        first, last = int(address, 16), int(address, 16) + int(size) - 1
        counts[letter] += 1
        lines = list(range(first // LINE, last // LINE + 1))
        if letter != "I":
            assert len(lines) == 1, "a data access straddles a line"
            accesses.append((letter, first))
        elif not code.issuperset(lines):
            code.update(lines)
            accesses += [("IJ"[i], line * LINE) for i, line in enumerate(lines)]
    assert max(code) - min(code) < I1[0] // LINE // I1[1], "two lines of code share a set of I1"
    return accesses, counts


def cachegrind(program, directory, d1, ll):
    """The summary of cachegrind, by its own names."""
    out = directory / "cachegrind"
    subprocess.run(["valgrind", "-q", "--tool=cachegrind", "--cache-sim=yes", f"--cachegrind-out-file={out}",
                    f"--I1={I1[0]},{I1[1]},{LINE}", f"--D1={d1[0]},{d1[1]},{LINE}", f"--LL={ll[0]},{ll[1]},{LINE}",
                    program], check=True, stderr=subprocess.DEVNULL)
    text = out.read_text()
    for name, geometry in (("D1", d1), ("LL", ll)):
        ways = "direct-mapped" if geometry[1] == 1 else f"{geometry[1]}-way associative"
        assert re.search(rf"^desc: {name} cache: +{geometry[0]} B, {LINE} B, {ways}$", text, re.MULTILINE), name
    names = re.search(r"^events: (.*)$", text, re.MULTILINE).group(1).split()
    return dict(zip(names, map(int, re.search(r"^summary: (.*)$", text, re.MULTILINE).group(1).split())))


def base36(number):
    digits = ""
    rest = abs(number)
    while rest or not digits:
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % 36] + digits
        rest //= 36
    return ("-" if number < 0 else "") + digits


def tokens_of(accesses):
    before = {}
    for letter, address in accesses:
        word = address // WORD
        yield letter + base36(word - before.get(letter, 0))
        before[letter] = word


def runs_of(tokens):
    """Greedily: at each place the run that saves most."""
    lines, single, at = [], [], 0
    while at < len(tokens):
        best, best_times = 1, 1
        for length in range(1, LONGEST_RUN + 1):
            run, times = tokens[at:at + length], 1
            while tokens[at + times * length:at + (times + 1) * length] == run:
                times += 1
            if times > 1 and (times - 1) * length > (best_times - 1) * best:
                best, best_times = length, times
        if best_times * best > 8 and best_times > 1:
            if single:
                lines.append(" ".join(single))
                single = []
            lines.append(" ".join(tokens[at:at + best]) + f" *{best_times}")
            at += best * best_times
        else:
            single.append(tokens[at])
            at += 1
            if len(single) == 16:
                lines.append(" ".join(single))
                single = []
    return lines + ([" ".join(single)] if single else [])


def main():
    target = pathlib.Path(sys.argv[1])
    source = pathlib.Path(__file__).with_suffix(".c")
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        program = directory / "program"
        subprocess.run(["gcc", *FLAGS, "-o", program, source], check=True)
        accesses, counts = lackey(program, directory)
        geometries = []
        for d1, ll in GEOMETRIES:
            found = cachegrind(program, directory, d1, ll)
            assert found["Ir"] == counts["I"] and found["Dw"] == counts["S"], "another run than lackey's"
            assert found["Dr"] == counts["L"] + counts["M"], "another run than lackey's"
            geometries.append({"d1_bytes": d1[0], "d1_ways": d1[1], "ll_bytes": ll[0], "ll_ways": ll[1],
                               "i1_misses": found["I1mr"], "d1_read_misses": found["D1mr"],
                               "d1_write_misses": found["D1mw"], "ll_fetch_misses": found["ILmr"],
                               "ll_read_misses": found["DLmr"], "ll_write_misses": found["DLmw"]})
    version = subprocess.run(["valgrind", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    (target / "cachegrind.trace").write_text("\n".join(runs_of(list(tokens_of(accesses)))) + "\n")
    rows = ",\n    ".join(json.dumps(row) for row in geometries)
    (target / "cachegrind.json").write_text(
        f'{{\n  "made_with": "{version}",\n  "line_bytes": {LINE},\n  "loads": {counts["L"]},\n'
        f'  "stores": {counts["S"]},\n  "loads_and_stores": {counts["M"]},\n  "geometries": [\n    {rows}\n  ]\n}}\n')


main()
