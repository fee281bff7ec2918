"""What --out writes, read by another reader; and what is left of it when the program is stopped midway."""

import glob
import json
import os
import signal
import subprocess
import time
import unittest

from program import PROGRAM, Case, Ran, search, slow, start


class Written(Case):
    def setUp(self):
        super().setUp()
        for i in range(6):
            self.write("in/%d.json" % i, search(name="n/%d" % i, bad=8 + i, expect={"run": {"no_return": True}}))
        self.write("in/wrong.json", search(name="wrong", surprise=1))
        self.write("in/swept.json", search(name="swept", bad=8, sweep={"/memory/0/tags/0/granules": {"from": 7, "to": 9}}))

    def test_json_is_one_array_of_all(self):
        ran = Ran("batch", self.path("in"), "--out", "json=" + self.path("out.json"))
        self.assertEqual(ran.status, 2)  # one of them is wrong
        with open(self.path("out.json")) as file:
            reports = json.load(file)
        self.assertEqual(len(reports), 8)
        by_name = {r["name"]: r for r in reports}
        one = by_name["n/3"]
        self.assertEqual(one["format"], "mtesim-result")
        self.assertEqual(one["status"], "holds")
        self.assertEqual(one["points"][0]["run"]["end"], "livelock")
        self.assertIn("btrfs_search_ioctl", json.dumps(one))
        self.assertEqual(one["configuration"]["name"], "n/3")
        self.assertEqual([p["at"] for p in by_name["swept"]["points"]],
                         [{"/memory/0/tags/0/granules": n} for n in [7, 8, 9]])
        refused = [r for r in reports if r["status"] == "refused"]
        self.assertEqual(len(refused), 1)
        self.assertIn("surprise", refused[0]["error"])
        self.assertEqual(glob.glob(self.path("out.json.part*")), [])

    def test_jsonl_is_a_line_a_scenario_and_says_the_same(self):
        Ran("batch", self.path("in"), "--out", "json=" + self.path("out.json"), "--out", "jsonl=" + self.path("out.jsonl"))
        with open(self.path("out.json")) as whole, open(self.path("out.jsonl")) as lines:
            self.assertEqual(json.load(whole), [json.loads(line) for line in lines])

    def test_a_dash_is_stdout_and_nothing_else_goes_there(self):
        ran = Ran("batch", self.path("in"), "--out", "json=-")
        self.assertEqual(len(json.loads(ran.out)), 8)
        self.assertIn("8 scenarios", ran.err)
        lines = Ran("run", self.path("in/0.json"), "--out", "jsonl=-").out.splitlines()
        self.assertEqual([json.loads(line)["name"] for line in lines], ["n/0"])

    def test_the_configuration_in_a_report_is_a_scenario_that_says_the_same(self):
        first = json.loads(Ran("run", self.path("in/0.json"), "--out", "json=-").out)[0]
        again = self.write("again.json", first["configuration"])
        second = json.loads(Ran("run", again, "--out", "json=-").out)[0]
        self.assertEqual(first["points"], second["points"])
        self.assertEqual(first["configuration"], second["configuration"])

    def test_white_space_and_the_order_of_keys_do_not_change_the_digest(self):
        scenario = search()
        digests = set()
        for text in [json.dumps(scenario), json.dumps(scenario, indent=3),
                     json.dumps(dict(reversed(list(scenario.items()))))]:
            file = self.write("x.json", text.encode())
            digests.add(json.loads(Ran("run", file, "--out", "json=-").out)[0]["digest"])
        self.assertEqual(len(digests), 1)
        file = self.write("x.json", search(revision="5.19"))
        self.assertNotIn(json.loads(Ran("run", file, "--out", "json=-").out)[0]["digest"], digests)

    def test_the_same_bytes_come_out_twice_and_whatever_the_jobs(self):
        for i in range(4):
            self.write("in/check%d.json" % i, search(name="check/%d" % i, buf_size=512, environment=[
                {"action": "retag", "where": "buf", "budget": 1}]))
        outs = {}
        for name, jobs in [("one", 1), ("two", 2), ("again", 2), ("many", 16)]:
            ran = Ran("batch", self.path("in"), "--jobs", jobs, "--out", "json=" + self.path(name),
                      "--out", "jsonl=" + self.path(name + "l"))
            with open(self.path(name), "rb") as a, open(self.path(name + "l"), "rb") as b:
                outs[name] = (ran.status, ran.out, a.read(), b.read())
        self.assertEqual(len(set(outs.values())), 1)


class NotWritten(Case):
    def test_a_full_disk_is_told_and_is_no_success(self):
        file = self.write("x.json", search())
        for form in ["json", "jsonl"]:
            for command in ["run", "batch"]:
                ran = Ran(command, file, "--out", form + "=/dev/full")
                self.assertNotEqual(ran.status, 0)
                self.assertIn("No space left on device", ran.err)

    def test_a_full_stdout_is_told_and_is_no_success(self):
        file = self.write("x.json", search())
        with open("/dev/full", "w") as full:
            for args in [["run", file, "--out", "json=-"], ["run", file, "--out", "jsonl=-"]]:
                done = subprocess.run([PROGRAM, *args], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
                self.assertNotEqual(done.returncode, 0, args)
                self.assertIn("No space left on device", done.stderr)

    def test_a_folder_that_is_not_there_is_told(self):
        ran = Ran("run", self.write("x.json", search()), "--out", "json=" + self.path("no/where.json"))
        self.assertNotEqual(ran.status, 0)
        self.assertIn("No such file or directory", ran.err)

    def test_an_old_result_stays_until_the_new_one_is_whole(self):
        out = self.write("out.json", b"old")
        self.write("in/a.json", search(name="a"))
        self.write("in/b.json", slow())
        process = start("batch", self.path("in"), "--jobs", 1, "--out", "json=" + out)
        time.sleep(1)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with open(out, "rb") as file:
            self.assertEqual(file.read(), b"old")

    def wait_for_lines(self, path, lines):
        for _ in range(100):
            time.sleep(0.1)
            if os.path.exists(path):
                with open(path) as file:
                    if file.read().count("\n") >= lines:
                        return
        self.fail("no %d lines in ten seconds" % lines)

    def test_killed_midway_it_leaves_no_half_json_and_whole_lines(self):
        for i in range(5):
            self.write("in/%d.json" % i, search(name="n/%d" % i))
        self.write("in/9.json", slow())
        process = start("batch", self.path("in"), "--jobs", 1, "--out", "json=" + self.path("out.json"),
                        "--out", "jsonl=" + self.path("out.jsonl"))
        self.wait_for_lines(self.path("out.jsonl"), 5)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertFalse(os.path.exists(self.path("out.json")))
        with open(self.path("out.jsonl")) as file:
            lines = file.read()
        self.assertTrue(lines.endswith("\n"))
        self.assertEqual([json.loads(line)["name"] for line in lines.splitlines()], ["n/%d" % i for i in range(5)])

    def test_interrupted_it_reports_what_it_has_and_says_that_the_rest_is_unknown(self):
        for name in ["0", "1"]:
            self.write("in/%s.json" % name, search(name=name))
        self.write("in/2.json", slow())
        self.write("in/3.json", search(name="3"))
        process = start("batch", self.path("in"), "--jobs", 1, "--out", "json=" + self.path("out.json"),
                        "--out", "jsonl=" + self.path("out.jsonl"))
        self.wait_for_lines(self.path("out.jsonl"), 2)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 3)
        self.assertIn("unknown", out)
        with open(self.path("out.json")) as file:
            reports = json.load(file)
        self.assertEqual([r["status"] for r in reports if r["name"] in ["0", "1"]], ["holds", "holds"])
        self.assertNotIn("3", [r["name"] for r in reports if r["status"] == "holds"])

    def test_an_interrupted_check_is_unknown(self):
        process = start("check", self.write("x.json", slow()))
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 3)
        self.assertIn("unknown", out)


if __name__ == "__main__":
    unittest.main()
