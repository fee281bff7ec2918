#!/usr/bin/env python3
"""What scripts/evidence.py takes from records, and which situations of the verdict table they speak of."""

import copy
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import evidence  # noqa: E402
import verdict_table  # noqa: E402

# A page of an uncached ext4 file is overwritten; granule 128 of the buffer, which begins at 4096, is bad.
WRITE = {
    "id": "x", "kernel": "5.10.0-32-arm64",
    "case": {"cat": "B", "op": "pwrite", "obj": "ext4", "segs": "4096+4096", "bad": "384+1", "ptag": 5, "npages": 4,
             "fsize": 16384, "foff": 4096, "direct": 0, "cache": "cold"},
    "result": {"hang": True, "killable": True, "tagfaults": 64},
}
LOCK_PI = {
    "hypothesis": "H6", "variant": "lock_pi-asymm", "kernel": "7.3.4+deb13-arm64", "params": "",
    "case": {"fn": "futex", "op": "lock_pi", "bad": 1024, "mode": "asymm"},
    "result": {"outcome": "no return, unkillable", "tag_faults": 100},
}


def taken(record, **case):
    record = copy.deepcopy(record)
    record["case"].update(case)
    make = evidence.of_hypothesis if "hypothesis" in record else evidence.of_record
    return make(record, evidence.revision_of(record["kernel"], ["5.10", "7.3"]))


def situations(found):
    return [name for name, matches in verdict_table.SITUATIONS.items() if matches and matches(found)]


class Records(unittest.TestCase):
    def test_a_record_speaks_of_its_situation_only(self):
        found = taken(WRITE)
        self.assertEqual((found.revision, found.mode, found.outcome), ("5.10", "sync", "livelock, killable"))
        self.assertEqual(found.bad, [(2048, 2064)])
        self.assertEqual(situations(found), ["generic_perform_write-ext4-uncached-block"])
        self.assertEqual(situations(taken(WRITE, cache="warm")), ["generic_perform_write-ext4-cached-block"])
        self.assertEqual(situations(taken(WRITE, segs="4096+4000")), ["generic_perform_write-ext4-part-of-a-block"])
        self.assertEqual(situations(taken(WRITE, direct=1)), ["iomap_dio_rw-ext4-write-mapped"])

    def test_where_a_page_probe_looks_nothing_is_said(self):
        for granule in (256, 511):  # of the first byte, of the last byte
            self.assertEqual(situations(taken(WRITE, bad=f"{granule}+1")), [])
        for granule in (257, 510):
            self.assertEqual(len(situations(taken(WRITE, bad=f"{granule}+1"))), 1)
        beyond = taken(WRITE, segs="4608+4096", bad="512+1")  # the begin of the buffer's second page
        self.assertEqual(situations(beyond), [])

    def test_what_is_not_such_a_buffer_is_not_taken(self):
        self.assertIsNone(taken(WRITE, bad="512+1"))  # behind the buffer
        self.assertIsNone(taken(WRITE, bad="384+1:5"))  # the pointer's own tag
        self.assertIsNone(taken(WRITE, mem="file:ext4"))
        self.assertIsNone(taken(WRITE, prot="1:ro"))
        self.assertIsNone(taken(WRITE, tcf="both"))
        self.assertIsNone(taken(WRITE, segs="4096+100,5000+100"))

    def test_a_hypothesis_is_evidence_too(self):
        found = taken(LOCK_PI)
        self.assertEqual((found.revision, found.mode, found.outcome), ("7.3", "asymm", "livelock, unkillable"))
        self.assertEqual(situations(found), ["futex-lock-pi"])

    def test_kernels_without_a_revision_are_left_out(self):
        self.assertIsNone(evidence.revision_of("6.16.3+deb13-cloud-arm64", ["6.1", "6.12", "7.3"]))
        self.assertEqual(evidence.revision_of("6.12.95+deb12-arm64", ["6.1", "6.12"]), "6.12")

    def test_counts_have_classes(self):
        self.assertEqual([evidence.outcome_of_count(n, 4096) for n in (0, 1, 4095, 4096)],
                         ["nothing", "short", "short", "full"])
        self.assertEqual(evidence.outcome_of_count(3, None), "done")


class Standing(unittest.TestCase):
    def cell(self, *outcomes):
        seen = []
        for outcome in outcomes:
            found = taken(WRITE)
            found.outcome = outcome
            seen.append(found)
        return verdict_table.Cell("short", seen).standing()

    def test_a_cell_is_confirmed_only_if_all_records_agree(self):
        self.assertEqual(self.cell(), "predicted")
        self.assertEqual(self.cell("short", "short"), "confirmed")
        self.assertEqual(self.cell("short", "EFAULT"), "mixed")
        self.assertEqual(self.cell("EFAULT"), "refuted")


if __name__ == "__main__":
    unittest.main()
