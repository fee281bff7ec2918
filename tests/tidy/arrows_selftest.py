#!/usr/bin/env python3
"""arrows.py finds, in made-up trees, what it is there to find, and nothing beside it."""

import tempfile
import unittest
from pathlib import Path

import arrows


class Arrows(unittest.TestCase):
    def findings(self, **files):
        """Those of a tree with `files`, written path=text with __ for / and a .h at the end."""
        return self.findings_in({name.replace("__", "/") + ".h": text for name, text in files.items()})

    def findings_in(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            return list(arrows.findings(root))

    def test_an_arrow_down_is_fine(self):
        self.assertEqual([], self.findings(model__mm__x='#include "model/arch/tag.h"\n#include <vector>\n'))

    def test_an_arrow_up_is_named_with_its_line(self):
        found = self.findings(model__mm__x='#pragma once\n#include "sim/run/timeline.h"\n')
        self.assertEqual(1, len(found))
        self.assertTrue(found[0].startswith("model/mm/x.h:2: 'model/mm/x.h' may not include 'sim/run/timeline.h'"))

    def test_the_explorer_reaches_base_and_no_more(self):
        self.assertEqual([], self.findings(sim__explore__x='#include "model/base/fingerprint.h"\n'))
        self.assertEqual(1, len(self.findings(sim__explore__x='#include "model/arch/tag.h"\n')))

    def test_an_arrow_may_be_followed_further(self):
        self.assertEqual([], self.findings(sim__run__x='#include "model/base/bytes.h"\n'))
        self.assertEqual([], self.findings(sim__scenario__x='#include "sim/explore/graph.h"\n'))
        self.assertEqual(1, len(self.findings(sim__run__x='#include "sim/explore/graph.h"\n')))

    def test_nobody_uses_the_tests_and_they_use_everybody(self):
        self.assertEqual(1, len(self.findings(sim__app__x='#include "tests/support/bench.h"\n')))
        self.assertEqual([], self.findings(tests__unit__x='#include "sim/app/cli.h"\n#include <nlohmann/json.hpp>\n'))

    def test_an_include_is_written_from_the_root(self):
        self.assertEqual(1, len(self.findings(model__mm__x='#include "folio.h"\n')))
        self.assertEqual(1, len(self.findings(model__mm__x='#include "../arch/tag.h"\n')))

    def test_each_library_has_its_folders(self):
        for header, allowed, forbidden in (
            ("nlohmann/json.hpp", "sim__scenario__x", "sim__run__x"),
            ("CLI/CLI.hpp", "sim__app__x", "sim__scenario__x"),
            ("spdlog/spdlog.h", "sim__app__x", "sim__run__x"),
            ("boost/icl/interval_map.hpp", "model__mm__x", "model__kernel__x"),
            ("chrono", "sim__run__x", "model__kernel__x"),
        ):
            with self.subTest(header):
                self.assertEqual([], self.findings(**{allowed: f"#include <{header}>\n"}))
                self.assertEqual(1, len(self.findings(**{forbidden: f"#include <{header}>\n"})))

    def test_a_comment_is_no_include(self):
        self.assertEqual([], self.findings(model__base__x='// #include "sim/app/cli.h"\n'))

    def test_cmake_draws_the_same_arrows(self):
        good = "mtesim_library(mm USES arch base EXTERNAL Boost::headers)\n"
        self.assertEqual([], self.findings_in({"model/mm/CMakeLists.txt": good}))
        self.assertEqual(1, len(self.findings_in({"model/mm/CMakeLists.txt": good.replace("base", "kernel")})))
        self.assertEqual(1, len(self.findings_in({"model/arch/CMakeLists.txt": "mtesim_library(arch)\n"})))

    def test_a_path_of_one_machine_is_named(self):
        for top in ("home", "root", "work", "Users"):
            with self.subTest(top):
                self.assertEqual(1, len(self.findings_in({"docs/x.md": f"see /{top}/someone/notes\n"})))
                self.assertEqual([], self.findings_in({"docs/x.md": f"see docs/{top}/x, https://example.org/{top}/x\n"}))


if __name__ == "__main__":
    unittest.main()
