"""What the scripts that make tables share: carrying scenarios out, and laying a page out."""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build" / "release" / "mtesim"
RECORDS = ROOT / "tests" / "conform" / "records.jsonl"
HYPOTHESES = ROOT / "tests" / "conform" / "hypotheses.jsonl"
MODES = ["none", "sync", "async", "asymm", "store-only"]


def options_of_page():
    """--program, --records FILE... and --check, as every script of a page that records confirm takes them."""
    options = argparse.ArgumentParser()
    options.add_argument("--program", default=str(PROGRAM))
    options.add_argument("--records", action="append", type=pathlib.Path)
    options.add_argument("--check", action="store_true")
    options = options.parse_args()
    options.records = options.records or [RECORDS, HYPOTHESES]
    return options


def run_program(program, *arguments):
    return subprocess.run([program, *arguments], stdout=subprocess.PIPE, text=True, check=False)


def batch(program, files):
    """The results of the scenarios, as `mtesim batch` writes them. A scenario that is refused ends the script."""
    with tempfile.TemporaryDirectory() as folder:
        lines = pathlib.Path(folder) / "results.jsonl"
        done = run_program(program, "batch", *map(str, files), "--out", f"jsonl={lines}")
        if done.returncode not in (0, 1) or not lines.exists():
            sys.exit(f"{program} batch failed with exit status {done.returncode}")
        results = [json.loads(line) for line in lines.read_text().splitlines()]
    for scenario in results:
        if scenario["status"] == "refused":
            sys.exit(f"{scenario['file']}: {scenario['error']}")
    return results


def names_listed(program, what):
    """The names that `mtesim list WHAT` prints, in its order."""
    lines = run_program(program, "list", what).stdout.splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ")]


def mode_of(process):
    return "store-only" if process.get("store_only") else process.get("tcf", "sync")


def wrapped(paragraph):
    return textwrap.fill(paragraph, 120, break_long_words=False, break_on_hyphens=False)


def table(header, rows):
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths)] for row in [header, *rows]]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_or_check(page, text, check):
    """Writes a page, or, to check it, says whether it is there and the same; the script's exit status."""
    name = page.relative_to(ROOT)
    if not check:
        page.parent.mkdir(exist_ok=True)
        page.write_text(text)
        print(f"wrote {name}")
        return 0
    if page.exists() and page.read_text() == text:
        return 0
    print(f"{name} is not what the script makes now; run the script without --check and read the difference")
    return 1
