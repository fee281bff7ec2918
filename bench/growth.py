#!/usr/bin/env python3
"""How a check of the search ioctl grows with pages, granules and budgets: a table, a CSV file and a plot.

    ./dev bench
    bench/growth.py --svg docs/figures/check-growth.svg     # the plot wants gnuplot

Each row is one process; its time is processor time. A row that is not done in --seconds is told as such and left out
of the plot.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "..", "build", "release", "bench", "search_ioctl_check")
BASE = {"pages": 3, "granules": 4, "item": 2, "evict": 2, "retag": 2}
AXES = {
    "pages": [1, 2, 3, 4, 6, 8, 12, 16],
    "granules": [2, 4, 8, 16, 32, 64, 128, 256],
    "evict": [0, 1, 2, 3, 4, 6, 8],
    "retag": [0, 1, 2, 3, 4, 6, 8],
}


def measure(sizes, seconds):
    words = [word for key, value in sizes.items() for word in (f"--{key}", str(value))]
    ran = subprocess.run([PROGRAM, "--probe", "granule", "--max-seconds", str(seconds), *words],
                         capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def plot(rows, svg):
    gnuplot = shutil.which("gnuplot")
    if gnuplot is None:
        sys.exit("growth.py: found no gnuplot (Debian: gnuplot-nox); the table above is all")
    panels = []
    for axis in AXES:
        done = [r for r in rows if r["axis"] == axis and r["verdict"] != "bound"]
        seconds = "\n".join(f"{r[axis]} {r['cpu_seconds']}" for r in done)
        memory = "\n".join(f"{r[axis]} {r['peak_mib']}" for r in done)
        panels.append(f"set title 'by {axis}'\nset xlabel '{axis}'\n"
                      "plot '-' with linespoints pt 7 title 'seconds', '-' axes x1y2 with linespoints pt 6 title 'MiB'\n"
                      f"{seconds}\ne\n{memory}\ne")
    script = (f"set terminal svg size 900,640 background 'white'\nset output '{svg}'\nset logscale y\n"
              "set format y '%g'\nset ylabel 'seconds of processor time'\nset grid\nset yrange [0.001:100]\n"
              "set ytics nomirror\nset y2tics\nset y2range [0:64]\nset y2label 'MiB, peak of the process'\nset key top left\n"
              "set multiplot layout 2,2\n" + "\n".join(panels) + "\n")
    subprocess.run([gnuplot], input=script, text=True, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30, help="give a row up after this time (30)")
    parser.add_argument("--csv", help="write the rows there, too")
    parser.add_argument("--svg", help="draw them there, by gnuplot")
    options = parser.parse_args()
    rows = []
    print(f"{'axis':<9} {'pages':>5} {'granules':>8} {'evict':>5} {'retag':>5} {'states':>8} {'transitions':>11} "
          f"{'seconds':>8} {'MiB':>6}")
    for axis, values in AXES.items():
        for value in values:
            sizes = {**BASE, axis: value}
            row = {"axis": axis, **sizes, **measure(sizes, options.seconds)}
            rows.append(row)
            seconds = "not done" if row["verdict"] == "bound" else f"{row['cpu_seconds']:.4f}"
            print(f"{axis:<9} {row['pages']:>5} {row['granules']:>8} {row['evict']:>5} {row['retag']:>5} "
                  f"{row['states']:>8} {row['transitions']:>11} {seconds:>8} {row['peak_mib']:>6.1f}", flush=True)
    if options.csv:
        with open(options.csv, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    if options.svg:
        plot(rows, options.svg)


if __name__ == "__main__":
    main()
