"""Checks that are cut, kept in a file and resumed."""

import json
import os
import unittest

from program import Case, Ran, search


def longer(**more):
    """A check of some thousand states."""
    return search(revision="7.3", environment=[{"action": "evict", "where": "buf", "budget": 2},
                               {"action": "retag", "where": "buf", "budget": 1}], **more)


class Checkpoints(Case):
    def result(self, *args):
        out = self.folder + "/out.json"
        ran = Ran("check", *args, "--out", "json=" + out)
        with open(out, encoding="utf-8") as file:
            return ran, json.load(file)[0]

    def test_a_check_that_was_cut_goes_on_and_finds_the_same(self):
        file = self.write("x.json", longer())
        whole, expected = self.result(file)
        self.assertEqual(whole.status, 0, whole.err)
        states = expected["points"][0]["check"]["states"]
        kept = self.folder + "/kept"
        cut = Ran("check", file, "--checkpoint", kept, "--max-states", states // 2)
        self.assertEqual(cut.status, 3, cut.err)
        self.assertIn("unknown", cut.out)
        self.assertTrue(os.path.getsize(kept) > 0)
        for jobs in [1, 2]:
            resumed, found = self.result(file, "--checkpoint", kept, "--resume", "-j", jobs)
            self.assertEqual(resumed.status, 0, resumed.err)
            self.assertEqual(found, expected)

    def test_a_checkpoint_of_something_else_is_refused(self):
        file = self.write("x.json", longer())
        kept = self.folder + "/kept"
        self.assertEqual(Ran("check", file, "--checkpoint", kept, "--max-states", 5).status, 3)
        other = self.write("y.json", longer(name="other"))
        for args, said in [([other, "--checkpoint", kept, "--resume"], "another check"),
                           ([file, "--checkpoint", kept, "--resume", "--without", "join"], "another check"),
                           ([file, "--checkpoint", file, "--resume"], "no checkpoint"),
                           ([file, "--checkpoint", self.folder + "/none", "--resume"], "no such file"),
                           ([file, "--resume"], "--checkpoint")]:
            ran = Ran("check", *args)
            self.assertEqual(ran.status, 2, args)
            self.assertIn(said, ran.err, args)
        with open(kept, "r+b") as stream:
            stream.seek(os.path.getsize(kept) // 2)
            stream.write(b"\xff\xff\xff")
        ran = Ran("check", file, "--checkpoint", kept, "--resume")
        self.assertEqual(ran.status, 2)
        self.assertIn("damaged", ran.err)

    def test_a_place_that_cannot_be_written_does_not_end_the_check(self):
        file = self.write("x.json", longer())
        ran = Ran("check", file, "--checkpoint", self.folder + "/no/such/folder/kept", "--max-states", 5)
        self.assertEqual(ran.status, 3)
        self.assertIn("not written", ran.err)

    def test_a_limit_on_memory_gives_unknown(self):
        file = self.write("x.json", search(environment=[{"action": "evict", "where": "buf", "budget": 6},
                                                        {"action": "retag", "where": "buf", "budget": 4}]))
        ran = Ran("check", file, "--max-memory", 1)
        self.assertEqual(ran.status, 3, ran.out + ran.err)
        self.assertIn("memory", ran.out)


class Families(Case):
    def test_a_sweep_says_where_its_members_part(self):
        file = self.write("x.json", search(bad=0, check={}, kernel={"revision": "5.17"},
                                           sweep={"/memory/0/tags/0/granules": {"from": 0, "to": 30}}))
        ran = Ran("check", file)
        self.assertIn("family", ran.out)
        self.assertIn("otherwise returns", ran.out)


if __name__ == "__main__":
    unittest.main()
