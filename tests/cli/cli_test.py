#!/usr/bin/env python3
"""Drives the program as its users do: exit statuses, output files, hostile input, interrupts, kills.

usage: cli_test.py PROGRAM        started at the root of the sources
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

PROGRAM = sys.argv.pop(1)
GOOD = "scenarios/search_ioctl/page-probe.json"
RETURNS = "scenarios/search_ioctl/every-bad-granule-of-an-item-7.3.json"
SLOW = "scenarios/search_ioctl/every-placement-and-alignment.json"


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def mtesim(*args, **options):
    return subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=60, **options)


def scenario(**changes):
    base = json.loads(Path(GOOD).read_text())
    base.pop("expect")
    base.update(changes)
    return base


class Cli(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, content):
        text = content if isinstance(content, str) else json.dumps(content)
        Path(self.path(name)).write_text(text)
        return self.path(name)

    # ---- exit statuses

    def test_what_holds_exits_with_0(self):
        self.assertEqual(mtesim("batch", GOOD).returncode, 0)

    def test_a_violated_expectation_exits_with_1_and_says_which(self):
        wrong = self.write("wrong.json", scenario(expect={"run": {"results": [0]}}))
        done = mtesim("batch", wrong)
        self.assertEqual(done.returncode, 1)
        self.assertIn("run/results: expected 0, got no return", done.stdout)

    def test_a_livelock_that_nobody_expected_exits_with_1(self):
        self.assertEqual(mtesim("check", self.write("s.json", scenario())).returncode, 1)

    def test_a_limit_is_unknown_and_exits_with_3(self):
        done = mtesim("check", "--max-states", "1", self.write("s.json", scenario(kernel={"revision": "7.3"})))
        self.assertEqual(done.returncode, 3)
        self.assertIn("unknown", done.stdout)

    def test_mistyped_words_get_a_suggestion(self):
        for args, wanted in [(("chek", GOOD), '"check"'), (("list", "knob"), '"knobs"'),
                             (("describe", "pipe_raed"), '"pipe_read"')]:
            done = mtesim(*args)
            self.assertEqual(done.returncode, 2, args)
            self.assertIn(f"did you mean {wanted}", done.stderr)

    def test_a_mistyped_option_is_not_taken_for_a_file(self):
        done = mtesim("run", "--formt", GOOD)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--formt", done.stderr)

    def test_every_command_has_help_with_an_example_that_works(self):
        for command in "batch promote run check explain list describe validate schema".split():
            text = mtesim(command, "--help").stdout
            example = next(line for line in text.splitlines() if line.startswith("Example: mtesim "))
            self.assertIn(command, example)
            words = example.split("&&")[0].split(">")[0].split()[2:]
            for word in words:
                if word.startswith("scenarios/"):
                    self.assertTrue(os.path.exists(word), f"{word}, of {command} --help")

    # ---- outputs

    def test_json_and_jsonl_are_read_by_others(self):
        whole, lines = self.path("r.json"), self.path("r.jsonl")
        self.assertEqual(mtesim("batch", GOOD, RETURNS, "--out", f"json={whole}", "--out", f"jsonl={lines}").returncode, 0)
        reports = json.loads(Path(whole).read_text())
        self.assertEqual(reports, [json.loads(line) for line in Path(lines).read_text().splitlines()])
        self.assertEqual([report["status"] for report in reports], ["holds", "holds"])
        point = reports[1 if "page-probe" in reports[1]["file"] else 0]["points"][0]
        self.assertEqual(point["check"]["verdict"], "livelock")
        self.assertEqual(point["run"]["end"], "livelock")

    def test_stdout_is_the_machines_if_it_is_asked_for(self):
        done = mtesim("batch", GOOD, "--out", "jsonl=-")
        self.assertEqual(json.loads(done.stdout)["name"], "search_ioctl/page-probe")
        self.assertIn("1 hold", done.stderr)

    def test_the_same_bytes_come_out_for_any_number_of_threads(self):
        outs = []
        for jobs in ("1", "2", "2"):
            outs.append(mtesim("batch", "scenarios/seed", "scenarios/pipe", "-j", jobs, "--out", "json=-").stdout)
        self.assertGreater(len(outs[0]), 10_000)
        self.assertTrue(outs[0] == outs[1] == outs[2])

    def test_a_full_disk_is_told_and_takes_nothing_else_with_it(self):
        lines = self.path("r.jsonl")
        done = mtesim("batch", GOOD, "--out", "json=/dev/full", "--out", f"jsonl={lines}")
        self.assertEqual(done.returncode, 3)
        self.assertIn("No space left on device", done.stderr)
        self.assertEqual(json.loads(Path(lines).read_text())["status"], "holds")

    def test_a_folder_that_is_not_there_is_wrong_input(self):
        done = mtesim("batch", GOOD, "--out", f"json={self.path('no/r.json')}")
        self.assertEqual(done.returncode, 2)
        self.assertIn("No such file or directory", done.stderr)

    def many(self, number):
        folder = Path(self.path("many"))
        folder.mkdir()
        text = Path(SLOW).read_text()
        for i in range(number):
            (folder / f"s{i:02}.json").write_text(text.replace("../scenario", "scenario"))
        return str(folder)

    def test_a_killed_batch_leaves_nothing_half_written(self):
        old = self.write("r.json", '["the old result"]')
        lines = self.path("r.jsonl")
        batch = subprocess.Popen([PROGRAM, "batch", self.many(20), "--out", f"json={old}", "--out", f"jsonl={lines}"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        batch.send_signal(signal.SIGKILL)
        batch.wait()
        self.assertEqual(json.loads(Path(old).read_text()), ["the old result"])
        for line in Path(lines).read_text().splitlines():
            json.loads(line)

    def test_an_interrupted_batch_says_unknown_and_exits_with_3(self):
        batch = subprocess.Popen([PROGRAM, "batch", self.many(20)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        batch.send_signal(signal.SIGINT)
        out, _ = batch.communicate(timeout=60)
        self.assertEqual(batch.returncode, 3)
        self.assertIn("unknown", out)

    # ---- hostile input

    def refused(self, file, *wanted):
        begun = time.monotonic()
        done = mtesim("run", file, preexec_fn=limit_memory)
        self.assertLess(time.monotonic() - begun, 5)
        self.assertEqual(done.returncode, 2, done.stderr[:300])
        for text in wanted:
            self.assertIn(text, done.stderr)
        self.assertLess(len(done.stderr), 5000)

    def test_a_wrong_key_is_told_with_its_place(self):
        file = self.write("s.json", '{\n  "name": "x",\n  "memry": []\n}\n')
        self.refused(file, f"{file}:3:3:", '"memry"', 'did you mean "memory"?')

    def test_a_wrong_type_is_told_with_its_place(self):
        file = self.write("s.json", scenario(process={"tcf": 7}))
        self.refused(file, "/process/tcf", "7", "none, sync, async, asymm")

    def test_a_billion_pages_are_refused(self):
        memory = [{"name": "buf", "pages": 1_000_000_000, "prot": "rwt"}]
        self.refused(self.write("s.json", scenario(memory=memory)), "/memory/0/pages", "1000000000")

    def test_a_long_string_is_refused(self):
        self.refused(self.write("s.json", scenario(about="x" * 10_000_000)))

    def test_deep_nesting_is_refused(self):
        self.refused(self.write("s.json", "[" * 1_000_000), ":1:")

    def test_what_is_no_text_is_refused(self):
        Path(self.path("nul.json")).write_bytes(b'{"name": "\x00"}')
        self.refused(self.path("nul.json"), ":1:")
        Path(self.path("bytes.json")).write_bytes(b'{"name": "\xff\xfe"}')
        self.refused(self.path("bytes.json"), ":1:")

    def test_what_is_no_file_is_refused(self):
        os.mkfifo(self.path("fifo.json"))
        self.refused(self.path("fifo.json"))
        self.refused(self.folder.name)
        self.refused(self.path("missing.json"), "missing.json")

    def test_a_file_that_is_wrong_does_not_stop_a_batch(self):
        self.write("a.json", "{")
        self.write("b.json", scenario(check={}, expect={"check": {"verdict": "livelock"}}))
        done = mtesim("batch", self.folder.name)
        self.assertEqual(done.returncode, 2)
        self.assertIn("1 hold, 0 violated, 1 refused", done.stdout)

    # ---- the schema

    def test_the_schema_is_the_shipped_one_and_takes_the_shipped_scenarios(self):
        schema = json.loads(mtesim("schema").stdout)
        self.assertEqual(schema, json.loads(Path("scenarios/scenario.schema.json").read_text()))
        import jsonschema
        jsonschema.Draft7Validator.check_schema(schema)
        validator = jsonschema.Draft7Validator(schema)
        files = [p for p in Path("scenarios").rglob("*.json") if not p.name.endswith(".schema.json")]
        self.assertGreater(len(files), 100)
        for file in files:
            self.assertEqual([], [error.message for error in validator.iter_errors(json.loads(file.read_text()))], file)


if __name__ == "__main__":
    unittest.main()
