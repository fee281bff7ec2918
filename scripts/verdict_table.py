#!/usr/bin/env python3
"""Writes docs/verdict-table.md from the scenarios in scenarios/verdicts/.

Usage: scripts/verdict_table.py [--program PROGRAM] [--records FILE]... [--check]

The script carries the scenarios out with `mtesim batch` and reads what it writes; it knows no result beforehand. A cell
is confirmed, refuted or a prediction by the records of real kernels (--records; by default those of tests/conform/)
that match the predicate of its situation, in SITUATIONS. --check writes nothing, and says whether the page is current.
"""

import collections
import json
import pathlib
import sys

import evidence
from tables import (MODES, ROOT, batch, mode_of, names_listed, options_of_page, table, wrapped,
                    write_or_check)

FOLDER = ROOT / "scenarios" / "verdicts"
PAGE = ROOT / "docs" / "verdict-table.md"


# --- which records speak of a situation


def transfer(call, obj, more=lambda e: True):
    """A read or write of this object with its mismatched granule where page probes do not look, before the end."""
    return lambda e: (e.call == call and e.obj == obj and not e.direct and e.in_the_middle() and
                      e.first_bad() < evidence.wanted_bytes(e) and more(e))


def overwrites(e):
    return e.content == "data" and e.is_inside_file()


def overwrites_uncached(e):
    return overwrites(e) and e.cache == "cold" and e.is_whole_blocks()


def overwrites_cached(e):
    return overwrites(e) and e.cache == "warm"


def overwrites_part_of_a_block(e):
    within = e.position // evidence.PAGE == (e.position + e.length - 1) // evidence.PAGE
    return overwrites(e) and e.cache == "cold" and within and not e.is_whole_blocks()


def appends(e):
    return e.size == 0 and e.position == 0 and e.is_whole_blocks()


def reads_data(e):
    return e.content == "data"


def direct(call, obj, alignment, more):
    """O_DIRECT with offset, length and buffer aligned to so many bytes."""
    return lambda e: (e.call == call and e.obj == obj and e.direct and e.in_the_middle() and
                      e.first_bad() < evidence.wanted_bytes(e) and
                      (e.start | e.position | e.length) % alignment == 0 and more(e))


def is_stuffed(e):
    return e.size <= 4096 - 232  # what a gfs2 inode has room for


def reads_mapped(e):
    return e.content == "data" and e.is_inside_file() and not is_stuffed(e)


def reads_hole(e):
    return e.content == "hole" and e.is_inside_file()


def writes_hole(e):
    return e.content == "hole" and e.is_inside_file() and not is_stuffed(e)


def unaligned(call):
    """btrfs: whole blocks of a file, but the buffer is aligned to 512 bytes or less."""
    return lambda e: (e.call == call and e.obj == "btrfs" and e.direct and e.start % evidence.PAGE != 0 and
                      e.is_whole_blocks() and e.content == "data" and e.is_inside_file() and e.in_the_middle())


def in_first_page(e):
    return e.first_bad() < evidence.PAGE


def searches(where):
    return lambda e: e.call == "tree_search" and e.where == where and e.in_the_middle()


def call(name, where="", more=lambda e: True):
    return lambda e: e.call == name and e.where == where and more(e)


def with_mark(name, obj):
    """A call so small that a mismatched granule is wherever it is."""
    return lambda e: e.call == name and e.obj == obj


# The first files of a row have this name, before the modes.
SITUATIONS = {
    "btrfs_search_ioctl-item": searches("items"),
    "btrfs_search_ioctl-header": searches("header"),
    "btrfs_search_ioctl-behind-the-last-item": searches("behind"),
    "filemap_read-ext4": transfer("read", "ext4", reads_data),
    "filemap_read-tmpfs": transfer("read", "tmpfs"),
    "generic_perform_write-ext4-uncached-block": transfer("write", "ext4", overwrites_uncached),
    "generic_perform_write-ext4-cached-block": transfer("write", "ext4", overwrites_cached),
    "generic_perform_write-ext4-part-of-a-block": transfer("write", "ext4", overwrites_part_of_a_block),
    "generic_perform_write-ext4-new-block": transfer("write", "ext4", appends),
    "generic_perform_write-tmpfs-new-page": transfer("write", "tmpfs"),
    "iomap_file_buffered_write-uncached-block": transfer("write", "xfs", overwrites_uncached),
    "iomap_file_buffered_write-cached-block": transfer("write", "xfs", overwrites_cached),
    "iomap_file_buffered_write-new-block": transfer("write", "xfs", appends),
    "iomap_dio_rw-ext4-read-mapped": direct("read", "ext4", 512, reads_mapped),
    "iomap_dio_rw-ext4-read-hole": direct("read", "ext4", 512, reads_hole),
    "iomap_dio_rw-ext4-write-mapped": direct("write", "ext4", 512, overwrites),
    "iomap_dio_rw-xfs-read-mapped": direct("read", "xfs", 512, reads_mapped),
    "iomap_dio_rw-xfs-read-hole": direct("read", "xfs", 512, reads_hole),
    "iomap_dio_rw-xfs-write-mapped": direct("write", "xfs", 512, overwrites),
    "btrfs_buffered_write-uncached-block": transfer("write", "btrfs", overwrites_uncached),
    "btrfs_buffered_write-cached-block": transfer("write", "btrfs", overwrites_cached),
    "btrfs_buffered_write-new-block": transfer("write", "btrfs", appends),
    "btrfs_buffered_write-part-of-a-block": transfer("write", "btrfs", overwrites_part_of_a_block),
    "btrfs_direct_read-page-aligned": direct("read", "btrfs", 4096, reads_mapped),
    "btrfs_direct_read-unaligned": unaligned("read"),
    "btrfs_direct_write-page-aligned": direct("write", "btrfs", 4096, lambda e: overwrites(e) and not e.nocow),
    "btrfs_direct_write-page-aligned-nocow": direct("write", "btrfs", 4096, lambda e: overwrites(e) and e.nocow),
    "btrfs_direct_write-unaligned": unaligned("write"),
    "gfs2_file_read_iter-buffered": transfer("read", "gfs2", reads_mapped),
    "gfs2_file_direct_read-mapped": direct("read", "gfs2", 512, reads_mapped),
    "gfs2_file_direct_read-hole": direct("read", "gfs2", 512, reads_hole),
    "gfs2_file_direct_read-stuffed": direct("read", "gfs2", 512, lambda e: reads_data(e) and is_stuffed(e)),
    "gfs2_file_write_iter-uncached-block": transfer("write", "gfs2", overwrites_uncached),
    "gfs2_file_write_iter-cached-block": transfer("write", "gfs2", overwrites_cached),
    "gfs2_file_write_iter-new-block": transfer("write", "gfs2", appends),
    "gfs2_file_write_iter-direct-mapped": direct("write", "gfs2", 512, lambda e: overwrites(e) and not is_stuffed(e)),
    "gfs2_file_write_iter-direct-hole": direct("write", "gfs2", 4096, writes_hole),
    "fiemap-gfs2": with_mark("fiemap", "gfs2"),
    "fiemap-ext4": with_mark("fiemap", "ext4"),
    "fiemap-btrfs": with_mark("fiemap", "btrfs"),
    "fiemap-xfs": with_mark("fiemap", "xfs"),
    "pipe_read": transfer("read", "pipe", in_first_page),
    "pipe_write": transfer("write", "pipe", in_first_page),
    "read_zero": transfer("read", "zero", lambda e: evidence.GRANULE <= e.first_bad() < evidence.PAGE),
    "write_null": with_mark("write", "null"),
    "write_full": with_mark("write", "full"),
    "get_random_bytes_user": call("getrandom", more=lambda e: e.first_bad() >= evidence.GRANULE),
    "unix_stream_sendmsg": transfer("write", "unix", lambda e: e.length <= 32768),
    "unix_stream_read_generic": transfer("read", "unix", lambda e: e.size <= 32768),
    "unix_dgram_sendmsg-send": transfer("write", "unixdg"),
    "unix_dgram_sendmsg-receive": transfer("read", "unixdg"),
    "eventfd_read-read": with_mark("read", "eventfd"),
    "eventfd_read-write": with_mark("write", "eventfd"),
    "seq_read_iter": lambda e: (e.call == "read" and e.obj == "procver" and e.length <= 150 and
                                e.first_bad() >= evidence.GRANULE),
    "comm_write": lambda e: e.call == "write" and e.obj == "comm" and e.first_bad() < min(e.length, 15),
    "pagemap_read": with_mark("read", "pagemap"),
    "process_vm_rw-readv-local": call("process_vm_readv", "local", evidence.Evidence.in_the_middle),
    "process_vm_rw-readv-remote": call("process_vm_readv", "remote"),
    "process_vm_rw-writev-local": call("process_vm_writev", "local", evidence.Evidence.in_the_middle),
    "process_vm_rw-writev-remote": call("process_vm_writev", "remote"),
    "mem_rw-read": call("mem_read", "local"),
    "mem_rw-read-position": call("mem_read", "remote"),
    "mem_rw-write": call("mem_write", "local"),
    "mem_rw-write-position": call("mem_write", "remote"),
    "vmsplice_to_pipe": call("vmsplice"),
    "read_kcore": transfer("read", "kcore"),
    "futex-wait": call("futex wait", "first"),
    "futex-wake": call("futex wake", "first"),
    "futex-wake-op": call("futex wake_op", "second"),
    "futex-cmp-requeue": call("futex cmp_requeue", "first"),
    "futex-lock-pi": call("futex lock_pi", "first"),
    "futex-cmp-requeue-pi": call("futex cmp_requeue_pi", "second"),
    "small_call-uname": call("uname"),
    "small_call-openat": call("open", more=lambda e: e.first_bad() <= e.text_length),
    "small_call-getcwd": call("getcwd", more=lambda e: e.first_bad() <= e.text_length),
    # Nobody tried these.
    "fuse_fill_write_pages": None,
    "netfs_perform_write": None,
    "ntfs_compress_write": None,
    "blockdev_direct_io-read-mapped": None,
    "blockdev_direct_io-write-mapped": None,
    "f2fs_direct_io-read-mapped": None,
    "f2fs_direct_io-read-hole": None,
    "f2fs_direct_io-write-mapped": None,
    "mfill_atomic_copy": None,
    "user_events_write": None,
    "user_event_enabler_write": None,
}

# --- what came out


def wanted_by(call_spec, files):
    """What the first call of a scenario can move at most; None if it moves no bytes that are counted."""
    if "read" in call_spec:
        file = next(f for f in files if f["name"] == call_spec["read"])
        endless = file["fs"] in ("zero", "pagemap", "seq_file", "eventfd")
        return call_spec["count_bytes"] if endless else min(call_spec["count_bytes"], file["size_bytes"])
    if "iov" in call_spec or "process_vm" in call_spec:
        return sum(part["size_bytes"] for part in call_spec.get("iov", call_spec.get("local")))
    if "write" in call_spec or "proc_mem" in call_spec:
        return call_spec["count_bytes"]
    return call_spec["size_bytes"] if call_spec.get("call") == "getrandom" else None


def outcome_of(point, document):
    """Of a run and a check, which must agree: nothing acts in these scenarios."""
    run, check = point["run"], point["check"]
    if run["end"] == "livelock":
        if check["verdict"] != "livelock" or check["killable"] != run["killable"]:
            sys.exit(f"{document['name']}: run and check differ")
        return evidence.outcome_of_hang(run["killable"])
    if run["end"] != "returned" or check["verdict"] != "returns":
        return check["verdict"]
    result = run["results"][0]
    if isinstance(result, str):
        return result
    return evidence.outcome_of_count(result, wanted_by(document["calls"][0], document.get("files", [])))


class Cell:
    """A situation, a mode and a revision: what came out, and what real kernels did."""

    def __init__(self, outcome, seen):
        self.outcome = outcome
        self.seen = collections.Counter(e.outcome for e in seen)
        self.sources = {e.source for e in seen}

    def standing(self):
        if not self.seen:
            return "predicted"
        if self.seen.keys() == {self.outcome}:
            return "confirmed"
        return "mixed" if self.outcome in self.seen else "refuted"

    def words(self):
        marks = {"confirmed": " **c**", "predicted": "", "mixed": " **m**", "refuted": " **r**"}
        return self.outcome + marks[self.standing()]


class Row:
    def __init__(self, situation, loop, about):
        self.situation, self.loop, self.about = situation, loop, about
        self.cells = {}  # by mode and revision

    def name(self):
        rest = self.situation.split("-", 1)[1:]
        return rest[0].replace("-", " ") if rest else "–"


def situation_of(stem):
    found = [name for name in SITUATIONS if stem.startswith(name + "-")]
    if not found:
        sys.exit(f"{stem}: no situation in SITUATIONS has this name")
    return max(found, key=len)


def rows_of(results, known):
    rows = {}
    for scenario in results:
        file = pathlib.Path(scenario["file"])
        document = json.loads(file.read_text())
        situation = situation_of(file.stem)
        loop = scenario["points"][0]["calls"][0].split("through ")[-1]
        row = rows.setdefault(situation, Row(situation, loop, document["about"]))
        matches = SITUATIONS[situation]
        matching = [e for e in known if matches(e)] if matches else []
        for point in scenario["points"]:
            process = dict(document.get("process", {}))
            process["tcf"] = point["at"].get("/process/tcf", process.get("tcf", "sync"))
            mode, revision = mode_of(process), point["at"]["/kernel/revision"]
            if (mode, revision) in row.cells:
                sys.exit(f"{file}: the cell {mode}, {revision} is another file's as well")
            seen = [e for e in matching if e.mode == mode and e.revision == revision]
            row.cells[mode, revision] = Cell(outcome_of(point, document), seen)
    return [rows[name] for name in SITUATIONS if name in rows]


# --- the page


def grid(rows, mode, revisions):
    lines = []
    for row in rows:
        cells = [row.cells.get((mode, revision)) for revision in revisions]
        if any(cells):
            lines.append([f"`{row.loop}`", row.name(), *(cell.words() if cell else "" for cell in cells)])
    return table(["loop", "situation", *revisions], lines)


def modes_in_sections(rows, revisions):
    titles = {
        "sync": "SYNC: loads and stores are checked at once",
        "asymm": "ASYMM: loads are checked at once, stores are not",
        "store-only": "SYNC with store-only checks",
        "none": "NONE: nothing is checked",
        "async": "ASYNC: nothing that the kernel does is checked",
    }
    sections = []
    for mode in sorted(MODES, key=list(titles).index):
        offered = [r for r in revisions if any((mode, r) in row.cells for row in rows)]
        sections.append(f"## {titles[mode]}\n\n{grid(rows, mode, offered)}")
    return "\n\n".join(sections)


def differences(rows):
    lines = []
    for row in rows:
        for (mode, revision), cell in row.cells.items():
            if cell.standing() in ("mixed", "refuted"):
                seen = ", ".join(f"{outcome} ({n})" for outcome, n in sorted(cell.seen.items()))
                lines.append([f"`{row.loop}`", row.name(), mode, revision, cell.outcome, seen])
    if not lines:
        return "None: no record shows another outcome than the table."
    return table(["loop", "situation", "mode", "revision", "table", "records (how many)"], lines)


def evidence_table(rows, revisions):
    """How many records stand behind a row, all modes together."""
    lines = []
    for row in rows:
        counts = [sum(sum(c.seen.values()) for (_, r), c in row.cells.items() if r == revision)
                  for revision in revisions]
        sources = sorted(set().union(*(c.sources for c in row.cells.values())))
        words = [str(n) if n else "" for n in counts]
        lines.append([f"`{row.loop}`", row.name(), row.about, *words, ", ".join(sources)])
    return table(["loop", "situation", "what is tried", *revisions, "from"], lines)


def livelocks(rows, revisions):
    """The livelocks of one revision after the other, counted and named from the cells."""
    parts = []
    for revision in reversed(revisions):
        lines, cells = [], 0
        for row in rows:
            own = [(mode, row.cells[mode, revision]) for mode in MODES if (mode, revision) in row.cells]
            own = [(mode, cell) for mode, cell in own if cell.outcome.startswith("livelock")]
            cells += len(own)
            words = "; ".join(f"{mode}: {cell.outcome.split(', ')[1]}, {cell.standing()}" for mode, cell in own)
            name = f"`{row.loop}`" + (f", {row.name()}" if row.name() != "–" else "")
            if own:
                lines.append(f"* {name}: {words}")
        parts.append(f"**{revision}**, {cells} cells:\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


TRIED = [
    "The loops were read in source first, and what they would do with one bad granule was written down before any "
    "kernel was asked. Then Debian's 5.10.223, 6.1.176, 6.12.95 and 7.3.4 were run under an emulator with MTE, two "
    "CPUs, one for the call and one to watch it; a call that had not come back after six seconds got a SIGKILL.",
    "Held up: the livelock of the btrfs search ioctl on 5.10, its end since 6.1, and its return on 7.3.4 with "
    "store-only checks; the write of a whole uncached block on btrfs in 7.3.4, which SIGKILL does not end; the "
    "killable loops of gfs2's buffered read, direct read of a hole and of inline data, and FIEMAP since 6.1, and of "
    "/proc/kcore since 6.12; the futex calls lock-pi and cmp-requeue-pi, which hang on all four kernels; the EFAULT "
    "that the ioctl gives for a granule behind its last item, and in ASYMM mode for stores that would have passed; "
    "that direct I/O of blocks on disk does not see tags.",
    "Did not hold up: \"5.10 fails because a copy that moves nothing does not try one byte\". 5.10.223 has that step, "
    "back-ported. It loops on whole uncached blocks of ext4, xfs and gfs2 for another reason, that a short copy "
    "counts as nothing and the same length is tried again. \"Direct writes of btrfs end\": on 7.3.4 a page-aligned one "
    "meets the granule on the direct path already, goes on buffered, and loops there; 6.16.3 and 6.18.15 do not end "
    "it either.",
    "Not tried: wake-op by FEAT_LSUI, which the emulator does not have; the wrong return values of "
    "fault_in_safe_writeable(), as no kernel that still has them was to be had; any kernel from 5.13 to 5.19; and the "
    "loops without a number in the table of records.",
]

ADVICE = (
    "A livelock without **c** is a prediction, and for a kernel that people run a possible bug. Confirm it, report it "
    "to the maintainers of that code first (to security@kernel.org where an unprivileged user can hang a machine), "
    "and publish afterwards. This page gives the analysis, not a recipe."
)


def page_of(rows, revisions, version, files, loops):
    recorded = [r for r in revisions if any(row.cells[cell].seen for row in rows for cell in row.cells if cell[1] == r)]
    standings = collections.Counter(cell.standing() for row in rows for cell in row.cells.values())
    cells = sum(standings.values())
    covered = {row.loop for row in rows}
    missing = [name for name in loops if name not in covered]
    if missing:
        sys.exit(f"no scenario in {FOLDER.relative_to(ROOT)} for: {', '.join(missing)}")
    made = (
        f"Made by `scripts/verdict_table.py` with mtesim {version}, out of `mtesim batch` over {len(files)} files of "
        f"`scenarios/verdicts/`: {cells} cells, each a run and a check of all futures, which agree. In each, one "
        "granule of an otherwise good buffer has another tag than the pointer; it lies where no probe of whole pages "
        "looks. All loops of `mtesim list loops` are there. "
        "A mode, or a loop, that a revision does not have has no cell."
    )
    words = (
        "*full*: all bytes were moved; *short*: fewer, more than none; *nothing*: 0, as at the end of a file; *done*: "
        "a call that counts no bytes succeeded; an error's name; *livelock*: it never returns, and a SIGKILL ends it "
        "(*killable*) or does not."
    )
    marks = (
        "**c**, confirmed: records of that kernel in this situation and mode are there, and all show the same. **r**, "
        "refuted: they show something else. **m**, mixed: some do and some do not. No mark: predicted, from source, "
        "and not seen on a kernel. Which records belong to a situation is said by the predicates in the script; they "
        "were made on Debian's 5.10.223, 6.1.176, 6.12.95 and 7.3.4 under an emulator. The other revisions have no "
        "records."
    )
    summary = (
        f"{standings['confirmed']} cells are confirmed, {standings['predicted']} predicted, {standings['mixed']} mixed "
        f"and {standings['refuted']} refuted."
    )
    return f"""# Verdicts: loop × situation × mode × kernel revision

<!-- Generated by scripts/verdict_table.py; do not edit. -->

{wrapped(made)}

{wrapped(words)}

{wrapped(marks)}

{wrapped(summary)}

{wrapped(ADVICE)}

{modes_in_sections(rows, revisions)}

## Livelocks of the recorded revisions

{livelocks(rows, recorded)}

## Where records show something else

{differences(rows)}

## What was predicted and then tried

{chr(10).join(wrapped(p) + chr(10) for p in TRIED)}
## The situations, and the records behind them

{evidence_table(rows, revisions)}
"""


def main():
    options = options_of_page()
    files = sorted(FOLDER.glob("*.json"))
    results = batch(options.program, files)
    revisions = names_listed(options.program, "revisions")
    known = evidence.read_evidence(options.records, revisions)
    rows = rows_of(results, known)
    loops = names_listed(options.program, "loops")
    text = page_of(rows, revisions, results[0]["program_version"], files, loops)
    sys.exit(write_or_check(PAGE, text, options.check))


if __name__ == "__main__":
    main()
