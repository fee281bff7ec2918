"""Files that are wrong, or meant to do harm: refused with their place, at once, in little memory."""

import json
import os
import re
import time
import unittest

from program import SANITIZED, Case, Ran, search


class Hostile(Case):
    def refused(self, path, *words, place=True):
        for command in ["validate", "run"]:
            begin = time.monotonic()
            ran = Ran(command, path, seconds=30)
            took = time.monotonic() - begin
            said = ran.out + ran.err
            self.assertEqual(ran.status, 2, said[:500])
            self.assertLess(took, 20 if SANITIZED else 2)
            self.assertLess(len(said), 20_000)
            self.assertIsNone(re.search(r"[\x00-\x08\x0b-\x1f\x7f]", said), "control characters on the terminal")
            if place:
                self.assertRegex(said, re.escape(path) + r":\d+:\d+: ")
            else:
                self.assertIn(path, said)
            for word in words:
                self.assertIn(word, said)

    def test_a_misspelt_key(self):
        text = json.dumps(search(), indent=1).replace('"memory"', '"memmory"').encode()
        path = self.write("x.json", text)
        self.refused(path, "memmory", 'did you mean "memory"?')
        line = text.decode().split('"memmory"')[0].count("\n") + 1
        self.assertIn("%s:%d:2: " % (path, line), Ran("validate", path).out)

    def test_values_of_the_wrong_type(self):
        for key, value in [("memory", {}), ("memory", 7), ("name", 7), ("calls", "x"), ("machine", []), ("kernel", None),
                           ("process", {"tcf": 1}), ("check", True), ("sweep", [1]), ("expect", {"run": [1]})]:
            self.refused(self.write("x.json", search(**{key: value})), "/" + key)

    def test_a_billion_pages(self):
        scenario = search()
        for pages in [10**9, 2**63, 2**64, 10**30, 1e300, -1, 0, 1.5]:
            scenario["memory"][0]["pages"] = pages
            self.refused(self.write("x.json", scenario), "/memory/0/pages")
        scenario["memory"] = [{"name": "m%d" % i, "pages": 60_000} for i in range(900)]
        self.refused(self.write("x.json", scenario), "pages in all")

    def test_a_large_grid(self):
        scenario = search(bad=8, sweep={"/memory/0/tags/0/granules": {"from": 0, "to": 1_000_000_000}})
        self.refused(self.write("x.json", scenario), "100000")

    def test_a_text_of_ten_megabytes(self):
        self.refused(self.write("x.json", search(about="x" * 10_000_000)), place=False)
        self.refused(self.write("x.json", search(about="x" * 1_000_000)))

    def test_nesting_a_million_deep(self):
        for text in [b"[" * 1_000_000, b'{"a":' * 600_000, b"[" * 1_000_000 + b"]" * 1_000_000]:
            self.refused(self.write("x.json", text))

    def test_very_many_values(self):
        self.refused(self.write("x.json", b"[" + b"0," * 1_900_000 + b"0]"))

    def test_bytes_that_are_no_text(self):
        valid = json.dumps(search()).encode()
        for bad in [b"\0", b"\xff\xfe", b"", b" ", valid + b"\0", valid.replace(b'"x"', b'"x\0"'),
                    valid.replace(b'"x"', b'"x\\u0000"'), valid.replace(b'"x"', b'"\xc3\x28"'),
                    valid.replace(b'"x"', b'"\x1b]0;hello\x07"'), valid + valid, valid[:-1], b"nul", os.urandom(4096)]:
            self.refused(self.write("x.json", bad))

    def test_a_key_twice(self):
        self.refused(self.write("x.json", b'{"name": "a", "name": "b"}'), "name")

    def test_what_is_no_file(self):
        self.refused(self.path("missing.json"), place=False)
        self.refused(self.folder, place=False)
        fifo = self.path("fifo.json")
        os.mkfifo(fifo)
        self.refused(fifo, place=False)
        self.refused("/dev/zero", place=False)

    def test_a_file_that_may_not_be_read(self):
        path = self.write("x.json", search())
        os.chmod(path, 0)
        if not os.access(path, os.R_OK):
            self.refused(path, place=False)

    def test_a_folder_with_a_fifo_in_it_does_not_hang(self):
        self.write("in/x.json", search())
        os.mkfifo(self.path("in/y.json"))
        os.symlink(self.path("in"), self.path("in/loop"))
        self.assertIn(Ran("batch", self.path("in")).status, [0, 2])


if __name__ == "__main__":
    unittest.main()
