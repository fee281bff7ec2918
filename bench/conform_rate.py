#!/usr/bin/env python3
"""How many simple records of real kernels `mtesim conform` replays a second on one core.

usage: conform_rate.py [--program build/release/mtesim] [--records N] [--runs N]

Simple: a single call without a disk (categories A and D) that returned; no sweep, no hang. All of tests/conform that
are so, again and again, until there are N. The time is processor time of the whole process, user and system: start,
reading and parsing the file, carrying out, comparing and the report included.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def simple_records():
    """The lines of simple records, one for each kernel."""
    with open(os.path.join(ROOT, "tests/conform/records.jsonl"), encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            if record["case"]["cat"] not in "AD" or record["case"]["op"] == "sweep" or record["result"].get("hang"):
                continue
            kernels = record["kernel"] if isinstance(record["kernel"], list) else [record["kernel"]]
            for kernel in kernels:
                yield json.dumps({**record, "kernel": kernel}, separators=(",", ":"))


def processor_seconds(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {ran.returncode}\n{ran.stdout[-2000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.path.join(ROOT, "build/release/mtesim"))
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    lines = list(simple_records())
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        for i in range(args.records):
            file.write(lines[i % len(lines)] + "\n")
        file.flush()
        size = os.path.getsize(file.name)
        print(f"{args.records} records ({len(lines)} different), {size / 1e6:.1f} MB")
        seconds = [processor_seconds(args.program, "conform", file.name, "--jobs", "1") for _ in range(args.runs)]
    for one in seconds:
        print(f"{one:6.2f} s of processor time: {args.records / one:8.0f} records a second")
    print(f"best: {args.records / min(seconds):.0f} records a second")


if __name__ == "__main__":
    main()
