#!/usr/bin/env python3
"""Writes docs/search-ioctl-table.md from the scenarios in scenarios/search_ioctl/.

Usage: scripts/search_ioctl_table.py [PROGRAM]

PROGRAM is the simulator, by default build/release/mtesim of this checkout. The script carries the scenarios of the
table out with `mtesim batch`, reads the JSON lines that it writes, and knows nothing of the results beforehand. What it
does know is CONFIRMED: what real kernels were seen to do.
"""

import json
import pathlib
import sys

from tables import MODES, PROGRAM, ROOT, batch, mode_of, run_program, table, wrapped

FOLDER = ROOT / "scenarios" / "search_ioctl"
PAGE = ROOT / "docs" / "search-ioctl-table.md"

PROBES = [
    "fault_in_writeable",
    "fault_in_safe_writeable",
    "fault_in_subpage_writeable",
    "probe_granule_store",
    "fault_in_subpage_writeable-min_size-512",
]

# (revision, mode) -> the kernel that ran the ioctl with its own probe, under an emulator, what it did, and the key of
# the records, for one bad granule among the results. A cell whose outcome is another one is not confirmed but refuted.
LIVELOCK = "livelock, unkillable"
CONFIRMED = {
    ("5.10", "sync"): ("5.10.223", LIVELOCK, "H1"),
    ("6.1", "sync"): ("6.1.176", "EFAULT", "H1"),
    ("6.12", "sync"): ("6.12.95", "EFAULT", "H1"),
    ("7.3", "sync"): ("7.3.4", "EFAULT", "H1"),
    ("7.3", "store-only"): ("7.3.4", LIVELOCK, "H1"),
    ("5.10", "none"): ("5.10.223", "0", "H8"),
    ("6.1", "none"): ("6.1.176", "0", "H8"),
    ("6.12", "none"): ("6.12.95", "0", "H8"),
    ("7.3", "none"): ("7.3.4", "0", "H8"),
    ("5.10", "async"): ("5.10.223", "0", "H8"),
    ("6.1", "async"): ("6.1.176", "0", "H8"),
    ("6.12", "async"): ("6.12.95", "0", "H8"),
    ("7.3", "async"): ("7.3.4", "0", "H8"),
    ("6.1", "asymm"): ("6.1.176", "EFAULT", "H8"),
    ("6.12", "asymm"): ("6.12.95", "EFAULT", "H8"),
    ("7.3", "asymm"): ("7.3.4", "EFAULT", "H8"),
}
RECORDS = {
    "H1": "SYNC and store-only, both forms of the ioctl, a granule in a header or in an item",
    "H8": "NONE, ASYNC and ASYMM, the second form of the ioctl",
}


def own_probe(program, revision):
    """The probe that the ioctl has in a revision, by `mtesim describe`."""
    for line in run_program(program, "describe", revision).stdout.splitlines():
        name, equals, value = line.strip().partition(" = ")
        if equals and name == "btrfs_search_ioctl.probe":
            return value
    sys.exit(f"{program} describe {revision} does not tell its probe")


class Cell:
    """A revision, a probe and a mode, and what came out."""

    def __init__(self, revision, probe, mode, own, point):
        self.revision, self.probe, self.mode, self.own = revision, probe, mode, own
        run = point["run"]
        self.ends = run["end"] == "returned"
        self.verdict = point["check"]["verdict"] if point.get("check") else ("returns" if self.ends else run["end"])
        self.killable = "" if self.ends else ("yes" if run["killable"] else "no")
        self.rounds = str(run["rounds"]) if self.ends else "for ever"
        self.result = ", ".join(str(r) for r in run["results"])

    def outcome(self):
        if self.ends:
            return self.result
        return self.verdict + (", killable" if self.killable == "yes" else ", unkillable")

    def evidence(self):
        """"confirmed", "refuted", "no record" or "what if"."""
        if not self.own:
            return "what if"
        if (self.revision, self.mode) not in CONFIRMED:
            return "no record"
        return "confirmed" if CONFIRMED[self.revision, self.mode][1] == self.outcome() else "refuted"

    def evidence_words(self):
        evidence = self.evidence()
        if evidence in ("confirmed", "refuted"):
            kernel, _, key = CONFIRMED[self.revision, self.mode]
            return f"{evidence}: {kernel} ({key})"
        return f"predicted: {evidence}"

    def row(self):
        probe = f"`{self.probe}`" + (", its own" if self.own else "")
        outcome = [self.verdict, self.killable, self.rounds, self.result]
        return [self.revision, probe, self.mode, *outcome, self.evidence_words()]


def cells_of(results, own):
    """All cells, each once; a revision's own probe is its own however the scenario names it."""
    found = {}
    for scenario in results:
        document = json.loads(pathlib.Path(scenario["file"]).read_text())
        kernel, mode = document.get("kernel", {}), mode_of(document.get("process", {}))
        change = kernel.get("change", {})
        for point in scenario["points"]:
            revision = point["at"]["/kernel/revision"]
            probe = change.get("btrfs_search_ioctl.probe", own[revision])
            first_bytes = change.get("btrfs_search_ioctl.min_size", 0)
            name = probe + (f", first {first_bytes} bytes" if first_bytes else "")
            cell = Cell(revision, name, mode, name == own[revision], point)
            before = found.setdefault((revision, name, mode), cell)
            if before.row() != cell.row():
                sys.exit(f"{scenario['file']}: at {revision} it differs from another scenario of the same cell")
    return list(found.values())


def grid(cells, revisions):
    """A line for each mode and probe, a column for each revision."""
    marks = {"confirmed": " **c**", "refuted": " **refuted**", "no record": " *own*", "what if": ""}

    def word(cell):
        return cell.outcome() + marks[cell.evidence()] if cell else ""

    by_place = {(c.revision, c.probe, c.mode): c for c in cells}
    probes = sorted({c.probe for c in cells})
    rows = []
    for mode in MODES:
        for probe in probes:
            line = [by_place.get((revision, probe, mode)) for revision in revisions]
            if any(line):
                rows.append([mode, f"`{probe}`", *map(word, line)])
    return table(["mode", "probe", *revisions], rows)


def reading(cells):
    """Paragraphs in which all is counted from the cells."""
    own = [c for c in cells if c.own]
    stuck = [c for c in cells if not c.ends]
    killable = [c for c in stuck if c.killable == "yes"]
    by_evidence = {e: sum(c.evidence() == e for c in cells) for e in ("confirmed", "refuted", "no record", "what if")}

    def revisions_of(some):
        return ", ".join(dict.fromkeys(c.revision for c in some)) or "none"

    def probes_of(some):
        return ", ".join(f"`{p}`" for p in sorted({c.probe for c in some})) or "none"

    def always_end_in(mode):
        bad = {c.probe for c in cells if c.mode == mode and not c.ends}
        return [c for c in cells if c.mode == mode and c.probe not in bad]

    sync = [c for c in own if c.mode == "sync"]
    never = revisions_of([c for c in sync if not c.ends])
    ending = revisions_of([c for c in sync if c.ends])
    refused = [c for c in cells if c.mode == "asymm" and c.result == "EFAULT"]
    unchecked = [c for c in cells if c.mode in ("none", "async")]
    exceptions = [c for c in unchecked if c.result != "0"]
    paragraphs = [
        f"With its own probe and SYNC checks the ioctl never returns in {never}, and ends in {ending}. "
        f"Of all {len(cells)} cells {len(stuck)} livelock. SIGKILL ends {len(killable)} of these, all with "
        f"{probes_of(killable)}, which looks for fatal signals; its form up to 5.16 loses them again where its range "
        "does not begin at a page start.",
        f"Probes that end the ioctl in SYNC mode: {probes_of(always_end_in('sync'))}. "
        f"With store-only checks: {probes_of(always_end_in('store-only'))}. "
        f"In ASYMM mode the copy's stores do not fault, so each EFAULT there is one too many: {probes_of(refused)}. "
        "In the modes NONE and ASYNC nothing is checked; cells there that do not return 0: "
        f"{len(exceptions)} of {len(unchecked)}.",
        "A probe is right in every mode only if it makes the very accesses that the copy will make, over all that the "
        "copy does in one piece.",
        f"{by_evidence['confirmed']} cells are confirmed on real kernels and {by_evidence['refuted']} refuted; "
        f"{by_evidence['no record']} are a revision's own behaviour, as read in its source, without a record; "
        f"{by_evidence['what if']} are what-ifs, which no kernel ever did. The last two kinds are predictions.",
    ]
    return "\n\n".join(map(wrapped, paragraphs))


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else str(PROGRAM)
    files = sorted(FOLDER.glob("default-probe-*.json"))
    for probe in PROBES:
        files += [FOLDER / f"{probe}-{mode}.json" for mode in MODES if (FOLDER / f"{probe}-{mode}.json").exists()]
    results = batch(program, files)
    version = results[0]["program_version"]
    listed = {point["at"]["/kernel/revision"] for scenario in results for point in scenario["points"]}
    revisions = sorted(listed, key=lambda name: [int(part) for part in name.split(".")])
    own = {revision: own_probe(program, revision) for revision in revisions}
    cells = cells_of(results, own)
    cells.sort(key=lambda c: (revisions.index(c.revision), not c.own, c.probe, MODES.index(c.mode)))
    header = ["revision", "probe", "mode", "verdict", "SIGKILL ends it", "rounds", "result", "real kernel"]
    records = "; ".join(f"{key}: {what}" for key, what in RECORDS.items())
    made = (
        f"Made by `scripts/search_ioctl_table.py` with mtesim {version}, out of `mtesim batch` over {len(files)} files "
        f"of `scenarios/search_ioctl/`: {len(cells)} cells. In each the results go to four pages; one granule, in the "
        "second item and 680 bytes behind the begin of that item's header, has another tag than the pointer. A mode "
        "that a revision does not offer has no cell."
    )
    evidence = (
        f"Real kernels: *confirmed* where a kernel that was run under an emulator did the same ({records}); *no "
        "record* where the probe is the revision's own and its source was read, but no such kernel was run; *what if* "
        "where the probe is not the one that the revision has. The last two are predictions."
    )
    page = f"""# The btrfs tree-search ioctl: kernel revision × probe × mode of tag checks

<!-- Generated by scripts/search_ioctl_table.py; do not edit. -->

{wrapped(made)}

{wrapped(evidence)}

## At a glance

**c**: the revision's own probe, confirmed. *own*: its own probe, no record. No mark: what if.

{grid(cells, revisions)}

## How to read it

{reading(cells)}

## All cells

{table(header, [cell.row() for cell in cells])}
"""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page)
    print(f"wrote {PAGE.relative_to(ROOT)}: {len(cells)} cells")


if __name__ == "__main__":
    main()
