"""Exit statuses, help, suggestions, and the schema."""

import glob
import json
import unittest

import jsonschema

from program import Case, Ran, search, slow

COMMANDS = ["batch", "promote", "run", "check", "sweep", "explain", "replay", "shrink", "keep", "list",
            "describe", "validate", "schema"]


class Statuses(Case):
    def test_0_when_all_holds(self):
        file = self.write("x.json", search(bad=8, expect={"run": {"no_return": True}}))
        for command in ["batch", "run"]:
            self.assertEqual(Ran(command, file).status, 0, command)
        self.assertEqual(Ran("check", self.write("y.json", search(check={}))).status, 0)

    def test_1_when_an_expectation_is_violated(self):
        file = self.write("x.json", search(bad=8, expect={"run": {"results": [0]}}))
        for command in ["batch", "run"]:
            ran = Ran(command, file)
            self.assertEqual(ran.status, 1, command)
            self.assertIn("expected 0, got no return", ran.out)
        file = self.write("y.json", search(bad=8, check={}, expect={"check": {"verdict": "returns"}}))
        for command in ["batch", "check"]:
            ran = Ran(command, file)
            self.assertEqual(ran.status, 1, command)
            self.assertIn("expected returns, got livelock", ran.out)

    def test_2_when_the_input_is_wrong(self):
        file = self.write("x.json", search(kernel={"revision": "5.99"}))
        for command in ["batch", "run", "check", "explain", "validate"]:
            ran = Ran(command, file)
            self.assertEqual(ran.status, 2, command)
            self.assertIn("x.json:1:", ran.out + ran.err)
            self.assertIn("5.99", ran.out + ran.err)
        self.assertEqual(Ran("batch", self.folder + "/nothing").status, 2)
        self.assertEqual(Ran("run", file, "--out", "xml=y").status, 2)

    def test_3_when_a_limit_was_reached(self):
        file = self.write("x.json", slow())
        for args in [("check", file, "--max-states", 100), ("batch", file, "--max-states", 100),
                     ("check", file, "--max-seconds", 0.2)]:
            self.assertEqual(Ran(*args).status, 3, args)

    def test_a_violation_is_not_hidden_by_one_that_holds(self):
        self.write("a.json", search())
        self.write("b.json", search(name="b", expect={"run": {"results": [7]}}))
        self.write("c.json", search(name="c"))
        self.assertEqual(Ran("batch", self.folder).status, 1)

    def test_a_livelock_that_nobody_expected_is_a_violation(self):
        file = self.write("x.json", search(bad=8, check={}))
        self.assertEqual(Ran("check", file).status, 1)
        file = self.write("y.json", search(bad=8, check={}, expect={"check": {"verdict": "livelock"}}))
        self.assertEqual(Ran("check", file).status, 0)

    def test_a_file_that_is_wrong_does_not_stop_a_batch(self):
        self.write("a.json", "{")
        self.write("b.json", search(name="b"))
        ran = Ran("batch", self.folder)
        self.assertEqual(ran.status, 2)
        self.assertIn("1 hold, 0 violated, 1 refused", ran.out)

    def test_a_check_of_a_scenario_without_one_is_refused(self):
        ran = Ran("check", self.write("x.json", search()))
        self.assertEqual(ran.status, 2)
        self.assertIn("environment", ran.err)


class Help(Case):
    def test_every_command_has_an_example(self):
        for command in COMMANDS:
            ran = Ran(command, "--help")
            self.assertEqual(ran.status, 0)
            self.assertIn("Example: mtesim " + command, ran.out)
        self.assertIn("Example:", Ran("--help").out)
        self.assertEqual(Ran("--version").status, 0)

    def test_a_mistyped_command_is_told_with_what_was_meant(self):
        ran = Ran("chekc", "x.json")
        self.assertEqual(ran.status, 2)
        self.assertIn('did you mean "check"?', ran.err)
        self.assertEqual(Ran().status, 2)

    def test_a_mistyped_option_is_told(self):
        ran = Ran("run", self.write("x.json", search()), "--tracee")
        self.assertEqual(ran.status, 2)
        self.assertIn("--tracee", ran.err)

    def test_a_mistyped_topic_or_name_is_told_with_what_was_meant(self):
        self.assertIn('did you mean "knobs"?', Ran("list", "knob").err)
        ran = Ran("describe", "btrfs_search_ioctk")
        self.assertEqual(ran.status, 2)
        self.assertIn('did you mean "btrfs_search_ioctl"?', ran.err)

    def test_every_listed_name_can_be_described(self):
        names = [line.split()[0] for topic in ["loops", "revisions", "knobs", "actions", "filesystems", "schemes", "cpus"]
                 for line in Ran("list", topic).out.splitlines()[1:]]
        self.assertGreater(len(names), 30)
        for name in names:
            self.assertEqual(Ran("describe", name).status, 0, name)


class Schema(Case):
    def test_it_is_draft_07_and_takes_what_validate_takes(self):
        schema = json.loads(Ran("schema").out)
        jsonschema.Draft7Validator.check_schema(schema)
        validator = jsonschema.Draft7Validator(schema)
        files = [f for f in glob.glob("scenarios/**/*.json", recursive=True) if not f.endswith(".schema.json")]
        for file in files:
            with open(file) as text:
                self.assertEqual([e.message for e in validator.iter_errors(json.load(text))], [], file)
        for wrong in [{}, [], search(name="X"), search(kernel={"revision": "5.99"}), search(surprise=1),
                      search(calls=[])]:
            self.assertFalse(validator.is_valid(wrong))
            self.assertEqual(Ran("validate", self.write("x.json", wrong)).status, 2)
        self.assertTrue(validator.is_valid(search()))
        self.assertEqual(Ran("validate", self.write("x.json", search())).status, 0)


if __name__ == "__main__":
    unittest.main()
