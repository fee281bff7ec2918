#!/usr/bin/env python3
"""Writes docs/seed-mail-table.md from the scenarios in scenarios/seed_mail_dio/.

Usage: scripts/seed_mail_table.py [--program PROGRAM] [--records FILE]... [--check]

Side by side: what the mail says of O_DIRECT with mismatched tags, what mtesim makes of the mail's kernel and of newer
ones (out of `mtesim batch`), and what records of real kernels show (--records; by default those of tests/conform/).
--check writes nothing, and says whether the page is current.
"""

import collections
import json
import pathlib
import sys

import evidence
from tables import ROOT, batch, names_listed, options_of_page, table, wrapped, write_or_check

FOLDER = ROOT / "scenarios" / "seed_mail_dio"
PAGE = ROOT / "docs" / "seed-mail-table.md"
MAIL_KERNEL = "5.16"
RECORDED = ["5.10", "6.1", "6.12", "7.3"]
BUFFERS = ["page-aligned", "512", "16", "3"]
BLOCKS = {"data": "on the disk", "hole": "a hole", "new": "behind the end"}

# What the mail says: (file system, call) -> whether there are tag check faults, page-aligned and not. It says nothing
# of what blocks the file had, and "no live-lock" of all.
CLAIMS = {
    ("ext4", "read"): (False, False),
    ("ext4", "write"): (False, False),
    ("gfs2", "read"): (False, False),
    ("gfs2", "write"): (True, True),
    ("btrfs", "read"): (True, True),
    ("btrfs", "write"): (False, True),
}

Case = collections.namedtuple("Case", "fs nocow call blocks buffer")


def buffer_kind(start):
    if start % evidence.PAGE == 0:
        return "page-aligned"
    return "512" if start % 512 == 0 else "16" if start % 16 == 0 else "3"


def case_of(e):
    """The row that an evidence belongs to; None if to none."""
    plain = e.direct and e.mode == "sync" and e.is_whole_blocks() and e.in_the_middle() and e.call in ("read", "write")
    if not plain or e.obj not in ("ext4", "gfs2", "btrfs") or e.length < 2 * evidence.PAGE:
        return None
    if e.is_inside_file():
        blocks = e.content
    else:
        blocks = "new" if e.call == "write" and e.position >= e.size else None
    return Case(e.obj, e.nocow, e.call, blocks, buffer_kind(e.start)) if blocks in BLOCKS else None


class Outcome:
    """What came of a call, or of several that came out alike: the class of result, and whether tags were met."""

    def __init__(self, result, faults):
        self.result, self.faults = result, faults

    def key(self):
        return self.result, self.faults

    def words(self):
        if self.result.startswith("livelock"):
            return self.result
        return ("faults, " if self.faults else "no fault, ") + self.result


def predictions(results):
    """By case and revision."""
    found = {}
    for scenario in results:
        document = json.loads(pathlib.Path(scenario["file"]).read_text())
        file, call = document["files"][0], document["calls"][0]
        name = "read" if "read" in call else "write"
        blocks = "new" if file["size_bytes"] == 0 else file.get("content", "data")
        for point in scenario["points"]:
            start = int(point["at"]["/calls/0/buffer"].split("+")[1])
            case = Case(file["fs"], file.get("nocow", False), name, blocks, buffer_kind(start))
            run, check = point["run"], point["check"]
            if (run["end"] == "livelock") != (check["verdict"] == "livelock"):
                sys.exit(f"{scenario['file']}: run and check differ")
            if run["end"] == "livelock":
                result = evidence.outcome_of_hang(run["killable"])
            else:
                result = run["results"][0]
                if not isinstance(result, str):
                    result = evidence.outcome_of_count(result, call["count_bytes"])
            key = case, point["at"]["/kernel/revision"]
            if key in found:
                sys.exit(f"{scenario['file']}: {key} is another file's as well")
            found[key] = Outcome(result, run["counts"]["tag_faults"] > 0)
    return found


def records_by_case(known):
    found = collections.defaultdict(collections.Counter)
    for e in known:
        case = case_of(e)
        if case is not None and e.faults is not None:
            found[case, e.revision][e.outcome, e.faults > 0] += 1
    return found


def recorded_words(case, revision, predicted, recorded):
    """The record, and beside it what mtesim says where that is something else or where there is no record."""
    own = predicted[case, revision]
    seen = recorded.get((case, revision))
    if not seen:
        return f"({own.words()})"
    words = "; ".join(f"{Outcome(*key).words()} [{n}]" for key, n in sorted(seen.items()))
    return words if set(seen) == {own.key()} else f"{words} **≠** ({own.words()})"


def claim_of(case):
    return CLAIMS[case.fs, case.call][0 if case.buffer == "page-aligned" else 1]


def rows_of(predicted, recorded):
    order = ["gfs2", "ext4", "btrfs"]
    cases = sorted({case for case, _ in predicted}, key=lambda c: (
        order.index(c.fs), c.nocow, c.call, list(BLOCKS).index(c.blocks), BUFFERS.index(c.buffer)))
    rows = []
    for case in cases:
        own = predicted[case, MAIL_KERNEL]
        agrees = own.faults == claim_of(case) and not own.result.startswith("livelock")
        rows.append([
            case.fs + (", no checksums" if case.nocow else ""), case.call, BLOCKS[case.blocks], case.buffer,
            "faults" if claim_of(case) else "no fault", own.words() + ("" if agrees else " **≠ mail**"),
            *(recorded_words(case, revision, predicted, recorded) for revision in RECORDED),
        ])
    return rows


def counted(predicted, recorded):
    cells = [(case, revision) for case, revision in predicted if revision in RECORDED]
    with_records = [cell for cell in cells if recorded.get(cell)]
    alike = [cell for cell in with_records if set(recorded[cell]) == {predicted[cell].key()}]
    return (f"Of {len(cells)} cells of recorded kernels {len(with_records)} have records, and in {len(alike)} of these "
            "mtesim and all records say the same.")


MAIL = (
    "The mail is Catalin Marinas' of 29 November 2021 ([linux-mail-sub-page-faults]), written while 5.16 was being "
    "made. He had tried to live-lock other users of the fault-in functions than the btrfs search ioctl, by O_DIRECT "
    "(and O_SYNC) on gfs2, ext4 and btrfs, with mismatched tags in the middle of a page. He reports: gfs2, no tag "
    "check faults in reads, some in writes; ext4, none, whether or not the buffer is page-aligned; btrfs, writes "
    "fault with unaligned buffers only, reads with both; no live-lock anywhere. He does not say what blocks the files "
    "had, how long the transfers were, or how the unaligned buffers lay."
)

WHY = [
    "**gfs2, writes.** The mail sees faults. The records see none where blocks are overwritten that are on the disk, "
    "and faults where the write fills a hole or makes the file longer. In the first case the pages are had by GUP and "
    "read through the kernel's own mapping, which no tag guards. In the second gfs2 has nothing to write over: its "
    "direct path gives the write back, and it is done buffered, by loads through the user's pointer. A test that "
    "makes its file by the very write that it tests has the second case, so both can be right; the mail's guess, that "
    "gfs2 does not always use get_user_pages() for writes, is what happens. 5.10 does not come back from that "
    "buffered write, for the reason of its other ones: a short copy into a fresh block counts as nothing, and the "
    "same length is tried again.",
    "**gfs2, reads.** Mail and records agree for blocks on the disk. Of holes the mail does not speak. There the "
    "buffer is cleared by stores through the user's pointer, and the fault-in between two tries is a walk that sees "
    "no tag: a livelock in the records of 6.1 and 6.12, and predicted for 5.16. So \"no live-lock\" holds for blocks "
    "on the disk and not for holes. That SIGKILL would not end it on 5.16 follows from a return value of 5.16's "
    "fault_in_safe_writeable(), which takes a first page that failed for success if the range begins inside it.",
    "**ext4.** Mail and records agree where blocks are on the disk: no faults, page-aligned or not. A buffer that is "
    "not aligned to 512 bytes is refused with EINVAL, so nothing can fault. Reads of holes, of which the mail does "
    "not speak, fault, aligned or not, since no disk is asked and the buffer is cleared by stores through the user's "
    "pointer. 5.10 returns 0 then, as at the end of a file, because its clear_user() reports nothing cleared after a "
    "fault; 6.1 and later say EFAULT.",
    "**btrfs, page-aligned reads.** The mail sees faults. The records see none for blocks on the disk, and the model "
    "none for 5.16. Both see faults in a read of a hole, whose zeroes are stored through the user's pointer. Inline "
    "and compressed extents are copied as well. Which of these the mail's file had, if any, it does not tell, and no "
    "5.16 was run: this difference stays open.",
    "**btrfs, unaligned buffers.** Mail and records agree: a buffer that is not aligned to the file system's blocks "
    "sends the call through the page cache, where every access is checked. Reads stop at the mismatch, on 5.10 a few "
    "bytes before it if the buffer is not aligned to 16 bytes either. Writes stop there too, but for 7.3, where the "
    "buffered write of whole uncached blocks never ends.",
    "**btrfs, page-aligned writes.** Mail and records agree for the kernels around the mail's, and for files without "
    "checksums. Newer ones have changed. 6.12 sends a file with checksums through the buffered path, as its pages "
    "might change under the checksum, so it faults and ends short. 7.3.4 meets the granule on the direct path "
    "already, goes on buffered, and does not return. SIGKILL ended those two calls after some four seconds, for a "
    "cause that was not found; the model says that it does not, and that cell is marked **≠**.",
]


def page_of(predicted, recorded, version, files):
    made = (
        f"Made by `scripts/seed_mail_table.py` with mtesim {version}, out of `mtesim batch` over {len(files)} files of "
        "`scenarios/seed_mail_dio/`, each point a run and an exhaustive check: SYNC checks, a transfer of 16 KiB, one "
        "granule in the middle of the buffer with another tag than the pointer. The records are those of direct "
        "transfers of at least 8 KiB, in whole blocks, with mismatched granules where no probe of whole pages looks."
    )
    legend = (
        "*blocks*: what the file has where it is read or written. *buffer*: page-aligned, or how far into a page it "
        "begins; of the records, aligned to 512 bytes, to 16 bytes, or to less. *full*, *short*, *nothing*: the count. "
        "A number in brackets says how many records. In parentheses: predicted, no record. **≠ mail**: the "
        f"prediction for {MAIL_KERNEL} differs from the mail. **≠**: records and prediction differ, the "
        "prediction in parentheses. "
        f"{MAIL_KERNEL} itself was never run, and all of its column is predicted from its source. The records of the "
        "column 7.3 are of 7.3.4."
    )
    header = ["file system", "call", "blocks", "buffer", "mail", f"{MAIL_KERNEL}, predicted",
              *(f"{revision}, recorded" for revision in RECORDED)]
    why = "\n\n".join(map(wrapped, WHY))
    return f"""# The seed mail's table: O_DIRECT with mismatched tags

<!-- Generated by scripts/seed_mail_table.py; do not edit. -->

{wrapped(MAIL)}

{wrapped(made)}

{wrapped(legend)}

{wrapped(counted(predicted, recorded))}

{table(header, rows_of(predicted, recorded))}

## Where mail and records differ, and why

{why}

A livelock in parentheses is a prediction, and for a kernel that people run a possible bug: confirm it and report it to
the maintainers first.
"""


def main():
    options = options_of_page()
    files = sorted(FOLDER.glob("*.json"))
    results = batch(options.program, files)
    revisions = names_listed(options.program, "revisions")
    recorded = records_by_case(evidence.read_evidence(options.records, revisions))
    text = page_of(predictions(results), recorded, results[0]["program_version"], files)
    sys.exit(write_or_check(PAGE, text, options.check))


if __name__ == "__main__":
    main()
