"""Witnesses as files: documents, traces and graphs for other programs, replay, shrink and keep."""

import copy
import glob
import json
import os
import re
import shutil
import subprocess
import unittest

from program import Case, Ran, search, slow


def livelock(**more):
    """Another thread changes one tag behind 5.17's page probe: the copy faults for ever."""
    scenario = {
        "name": "witness/livelock",
        "kernel": {"revision": "5.17"},
        "memory": [{"name": "buf", "pages": 1, "prot": "rwt", "tag": 5}],
        "files": [{"name": "f", "fs": "btrfs", "tree": [{"items": 1, "item_size_bytes": 32}]}],
        "calls": [{"ioctl": "BTRFS_IOC_TREE_SEARCH_V2", "file": "f", "buffer": "buf+0", "buf_size_bytes": 64,
                   "pointer_tag": 5}],
        "environment": [{"action": "retag", "where": "buf", "budget": 1}],
        "expect": {"check": {"verdict": "livelock"}},
    }
    scenario.update(more)
    return scenario


def swept():
    return livelock(sweep={"/environment/0/budget": [1, 2]})


class WithWitness(Case):
    def setUp(self):
        super().setUp()
        self.scenario = self.write("x.json", livelock())
        self.witness = self.path("x.witness.json")
        self.ran = Ran("check", self.scenario, "--out", "witness=" + self.witness)
        self.assertEqual(self.ran.status, 0, self.ran.err)
        with open(self.witness) as file:
            self.document = json.load(file)

    def replay_of(self, change):
        document = copy.deepcopy(self.document)
        change(document)
        return Ran("replay", self.write("changed.json", document))


class Document(WithWitness):
    def test_it_holds_scenario_schedule_and_what_was_reached(self):
        d = self.document
        self.assertEqual((d["format"], d["format_version"], d["verdict"]), ("mtesim-witness", 1, "livelock"))
        self.assertEqual(d["killable"], False)
        self.assertEqual(d["scenario"]["calls"][0]["buf_size_bytes"], 64)
        self.assertEqual(d["scenario"]["machine"]["page_size"], 4096)  # the defaults are there
        acts = [a for s in d["stem"] + d["loop"] for a in s["actions"]]
        self.assertEqual(len(acts), 1)
        self.assertEqual(acts[0]["action"], "retag")
        self.assertRegex(acts[0]["where"], r"^buf\+\d+$")
        changes = [c for s in d["stem"] for c in s["changes"]]
        self.assertTrue([c for c in changes if c["what"].startswith("tag ") and (c["from"], c["to"]) == (5, 13)])
        self.assertTrue([c for c in changes if c["what"] == "budget of retag buf" and (c["from"], c["to"]) == (1, 0)])
        self.assertEqual(d["loop"][-1]["state"], d["stem"][-1]["state"])  # it comes back to where it begins
        for step in d["stem"] + d["loop"]:
            self.assertRegex(step["state"], "^[0-9a-f]{16}$")
            self.assertEqual(step["loop"], "btrfs_search_ioctl")

    def test_the_scenario_in_it_is_one_to_be_carried_out(self):
        ran = Ran("check", self.write("inner.json", self.document["scenario"]))
        self.assertEqual(ran.status, 0, ran.out)

    def test_the_same_comes_out_twice(self):
        Ran("check", self.scenario, "--out", "witness=" + self.path("again.json"))
        with open(self.witness, "rb") as a, open(self.path("again.json"), "rb") as b:
            self.assertEqual(a.read(), b.read())

    def test_of_a_sweep_it_has_the_point(self):
        file = self.write("swept.json", swept())
        for point, budget in [(0, 1), (1, 2)]:
            Ran("check", file, "--point", point, "--out", "witness=" + self.path("p.json"))
            with open(self.path("p.json")) as f:
                d = json.load(f)
            self.assertEqual(d["scenario"]["environment"][0]["budget"], budget)
            self.assertNotIn("sweep", {k for k, v in d["scenario"].items() if v})
            self.assertEqual(d["source"]["at"], {"/environment/0/budget": budget})

    def test_a_witness_that_is_not_there_is_told(self):
        ran = Ran("check", self.scenario, "--witness", 7, "--out", "witness=" + self.path("none.json"))
        self.assertEqual(ran.status, 2)
        self.assertIn("no witness 7", ran.err)
        self.assertFalse(os.path.exists(self.path("none.json")))

    def test_a_dash_is_stdout_and_people_read_stderr(self):
        ran = Ran("check", self.scenario, "--out", "witness=-")
        self.assertEqual(json.loads(ran.out), self.document)
        self.assertIn("livelock", ran.err)


class Text(WithWitness):
    def test_the_check_shows_what_happens_and_what_changes(self):
        for part in ["** meanwhile: retag buf+", "tag check fault", "5 -> 13", "budget of retag buf: 1 -> 0", "loop:",
                     "nothing changes", "it goes on like this for ever"]:
            self.assertIn(part, self.ran.out)
        self.assertLess(len(self.ran.out.splitlines()), 40)

    def test_of_a_check_that_returns_there_is_none(self):
        ran = Ran("check", self.write("r.json", livelock(kernel={"revision": "7.3"}, expect={})))
        self.assertEqual(ran.status, 0, ran.out)
        self.assertNotIn("  witness 0", ran.out)


class Replay(WithWitness):
    def test_it_reaches_what_was_recorded(self):
        ran = Ran("replay", self.witness)
        self.assertEqual(ran.status, 0, ran.out + ran.err)
        self.assertIn("each reached the recorded state, and the loop closes", ran.out)
        self.assertIn("copy_to_user", Ran("replay", self.witness, "--trace").out)

    def test_another_change_than_recorded_is_named(self):
        def change(d):
            d["stem"][0]["changes"][0]["to"] = "elsewhere"
        ran = self.replay_of(change)
        self.assertEqual(ran.status, 1)
        self.assertIn("step 1 (1 of the stem)", ran.out)
        self.assertIn("elsewhere, reached", ran.out)

    def test_another_state_than_recorded_is_a_difference_to_the_same_program_only(self):
        def change(d):
            d["loop"][0]["state"] = "0" * 16
        ran = self.replay_of(change)
        self.assertEqual(ran.status, 1)
        self.assertIn("recorded 0000000000000000", ran.out)

        def older(d):
            change(d)
            d["program_version"] = "0.0.1"
        ran = self.replay_of(older)
        self.assertEqual(ran.status, 0)
        self.assertIn("written by 0.0.1", ran.out)

    def test_an_action_that_the_world_does_not_have_there_is_named(self):
        acting = [i for i, s in enumerate(self.document["stem"]) if s["actions"]][0]

        def far(d):
            d["stem"][acting]["actions"][0]["site"] = 1000
        ran = self.replay_of(far)
        self.assertEqual(ran.status, 1)
        self.assertIn("cannot be made", ran.out)

        def elsewhere(d):
            d["stem"][acting]["actions"][0]["where"] = "buf+4000"
        self.assertEqual(self.replay_of(elsewhere).status, 1)

        def twice(d):
            d["stem"][acting]["actions"] *= 2
        self.assertEqual(self.replay_of(twice).status, 1)

    def test_a_loop_that_does_not_close_is_told(self):
        def change(d):
            d["stem"], d["loop"] = [], d["stem"] + d["loop"]
        ran = self.replay_of(change)
        self.assertEqual(ran.status, 1)
        self.assertIn("the loop does not close", ran.out)

    def test_an_edited_scenario_is_told(self):
        def change(d):
            d["scenario"]["about"] = "edited"
        ran = self.replay_of(change)
        self.assertEqual(ran.status, 0)
        self.assertIn("digest differs", ran.out)

    def test_a_malformed_one_is_refused_with_its_place(self):
        cases = [
            (lambda d: d.update(surprise=1), "/: found the unknown key|surprise"),
            (lambda d: d["stem"][0].update(task="one"), "/stem/0/task: "),
            (lambda d: d["stem"][0].update(task=4), "/stem/0/task: found task 4"),
            (lambda d: d["scenario"]["kernel"].update(revision="5.99"), "/scenario/kernel/revision: "),
            (lambda d: d["scenario"]["calls"][0].update(buffer="bufs+0"), "/scenario/calls/0/buffer: "),
            (lambda d: d["stem"][0]["actions"][0].update(where="bufs+0"), "/stem/0/actions/0/where: "),
            (lambda d: d["stem"][0]["actions"][0].update(action="evict"), "/stem/0/actions/0: "),
            (lambda d: d.pop("loop"), "loop"),
            (lambda d: d.update(format="other"), "/format: "),
        ]
        for change, told in cases:
            ran = self.replay_of(change)
            self.assertEqual(ran.status, 2, told + ran.out + ran.err)
            self.assertRegex(ran.err, r"changed.json:1:\d+: ")
            self.assertRegex(ran.err, told)
        self.assertEqual(Ran("replay", self.write("no.json", b"{")).status, 2)
        self.assertEqual(Ran("replay", self.path("nothing.json")).status, 2)


class Itf(WithWitness):
    """What Apalache's ADR 015 says of a trace, checked by hand."""

    def value(self, v):
        if isinstance(v, bool) or isinstance(v, str):
            return
        if isinstance(v, int):
            self.assertLess(abs(v), 1 << 53)
        elif isinstance(v, list):
            for item in v:
                self.value(item)
        else:
            self.assertIsInstance(v, dict)
            special = [k for k in v if k.startswith("#")]
            if special:
                self.assertEqual(len(v), 1, v)
                self.assertIn(special[0], ["#bigint", "#tup", "#set", "#map", "#unserializable"])
            if "#bigint" in v:
                self.assertRegex(v["#bigint"], r"^-?\d+$")
            elif "#map" in v:
                for pair in v["#map"]:
                    self.assertEqual(len(pair), 2)
                    self.value(pair)
            else:
                for member in v.values():
                    self.value(member)

    def trace(self, file, *args):
        ran = Ran("check", file, *args, "--out", "itf=-")
        trace = json.loads(ran.out)
        self.assertEqual(trace["#meta"]["format"], "ITF")
        for i, state in enumerate(trace["states"]):
            self.assertEqual(state["#meta"]["index"], i)
            self.assertEqual(set(state), {"#meta", *trace["vars"]})
            for name in trace["vars"]:
                self.assertRegex(name, "^[A-Za-z_][A-Za-z0-9_]*$")
                self.value(state[name])
        return trace

    def test_a_lasso(self):
        trace = self.trace(self.scenario)
        self.assertEqual(len(trace["states"]), 1 + len(self.document["stem"]) + len(self.document["loop"]))
        last, back = trace["states"][-1], trace["states"][trace["loop"]]
        for name in trace["vars"]:
            if name != "step":
                self.assertEqual(last[name], trace["states"][trace["loop"] - 1][name])  # the loop closes
        self.assertEqual(back["#meta"]["index"], len(self.document["stem"]) + 1)
        tags = [dict(s["buf_tags"]["#map"]) for s in trace["states"]]
        self.assertEqual([list(t.values()) for t in (tags[0], tags[-1])], [[5], [13]])
        self.assertEqual(trace["states"][0]["budgets"], {"retag buf": 1})
        self.assertEqual(trace["states"][-1]["budgets"], {"retag buf": 0})
        self.assertIn("progress", trace["states"][0]["task"])
        self.assertTrue(any("retag buf" in act for s in trace["states"] for act in s["step"]["environment"]))

    def test_a_way_that_ends_has_no_loop(self):
        trace = self.trace(self.write("r.json", livelock(kernel={"revision": "7.3"}, expect={})))
        self.assertNotIn("loop", trace)
        self.assertEqual(trace["states"][-1]["task"]["place"], "done")


class Dot(WithWitness):
    def drawn(self, file, form="dot"):
        ran = Ran("check", file, "--out", form + "=-", seconds=60)
        self.assertRegex(ran.out, r"^digraph ")
        return ran.out

    def test_the_witness_is_in_colour(self):
        text = self.drawn(self.scenario)
        self.assertIn("retag buf+", text)
        red = [line for line in text.splitlines() if "->" in line and "penwidth" in line]
        self.assertEqual(len(red), len(self.document["stem"]) + len(self.document["loop"]))
        alone = self.drawn(self.scenario, "dot-witness")
        self.assertEqual(len([line for line in alone.splitlines() if " -> s" in line]), len(red))

    def test_a_large_graph_is_cut_with_a_notice(self):
        text = self.drawn(self.write("slow.json", livelock(
            calls=[{"ioctl": "BTRFS_IOC_TREE_SEARCH_V2", "file": "f", "buffer": "buf+0", "buf_size_bytes": 3968,
                    "pointer_tag": 5}],
            files=[{"name": "f", "fs": "btrfs", "tree": [{"items": 40, "item_size_bytes": 32}]}],
            environment=[{"action": "retag", "where": "buf", "budget": 2}])))
        self.assertIn("there are more", text)
        self.assertLess(len(re.findall(r"^  s\d+ \[", text, re.M)), 400)

    @unittest.skipUnless(shutil.which("dot"), "graphviz is not installed, so that nobody reads the graph")
    def test_graphviz_reads_it(self):
        for form in ["dot", "dot-witness"]:
            done = subprocess.run(["dot", "-Tsvg"], input=self.drawn(self.scenario, form), capture_output=True, text=True,
                                  timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("</svg>", done.stdout)


class Several(Case):
    def two_ways(self):
        # Two items, two granules that can be changed: cycles in different places, of one shape.
        return livelock(files=[{"name": "f", "fs": "btrfs", "tree": [{"items": 2, "item_size_bytes": 32}]}],
                        calls=[{"ioctl": "BTRFS_IOC_TREE_SEARCH_V2", "file": "f", "buffer": "buf+0",
                                "buf_size_bytes": 128, "pointer_tag": 5}])

    def test_each_is_another_and_replays(self):
        file = self.write("x.json", self.two_ways())
        ran = Ran("check", file, "--witnesses", 3, "--out", "witness=" + self.path("w{n}.json"))
        self.assertEqual(ran.status, 0, ran.err)
        entries = []
        for n in range(3):
            with open(self.path("w%d.json" % n)) as f:
                d = json.load(f)
            if d["loop"]:
                entries.append(d["loop"][-1]["state"])
            replayed = Ran("replay", self.path("w%d.json" % n))
            self.assertEqual(replayed.status, 0, replayed.out)
        self.assertGreater(len(entries), 1)
        self.assertEqual(len(set(entries)), len(entries))
        self.assertIn("witness 2", ran.out)
        told = Ran("explain", file, "--path", 2, "--witnesses", 3)
        self.assertEqual(told.status, 0, told.err)

    def test_of_a_check_that_returns_there_is_a_way_to_each_result(self):
        file = self.write("x.json", livelock(kernel={"revision": "7.3"}, expect={}))
        ran = Ran("check", file, "--witnesses", 2, "--out", "witness=" + self.path("w{n}.json"))
        results = set()
        for name in sorted(glob.glob(self.path("w*.json"))):
            with open(name) as f:
                d = json.load(f)
            self.assertEqual(Ran("replay", name).status, 0)
            if "violates" not in d:
                results.add([c["to"] for c in d["stem"][-1]["changes"] if c["what"] == "results"][0])
        self.assertEqual(len(results), 2, ran.out)


class Shrink(WithWitness):
    def cluttered(self):
        return livelock(
            about="long", process={"tcf": "sync"},
            memory=[{"name": "other", "pages": 3}, {"name": "buf", "pages": 4, "prot": "rwt", "tag": 5}],
            files=[{"name": "z", "fs": "zero"},
                   {"name": "f", "fs": "btrfs", "tree": [{"items": 3, "item_size_bytes": 64}]}],
            calls=[{"read": "z", "buffer": "other+0", "count_bytes": 64},
                   {"ioctl": "BTRFS_IOC_TREE_SEARCH_V2", "file": "f", "buffer": "buf+0", "buf_size_bytes": 300,
                    "pointer_tag": 5}],
            environment=[{"action": "evict", "where": "other", "budget": 1}, {"action": "retag", "where": "buf", "budget": 2},
                         {"action": "sigkill"}])

    def test_what_does_not_matter_goes(self):
        file = self.write("c.json", self.cluttered())
        ran = Ran("shrink", file, "-o", self.path("small.json"), seconds=90)
        self.assertEqual(ran.status, 0, ran.err)
        with open(self.path("small.json")) as f:
            small = json.load(f)
        self.assertEqual([m["name"] for m in small["memory"]], ["buf"])
        self.assertEqual(small["memory"][0].get("pages", 1), 1)
        self.assertEqual(len(small["calls"]), 1)
        self.assertEqual(len(small["files"]), 1)
        self.assertLessEqual(len(small.get("environment", [])), 1)
        self.assertEqual(small["kernel"], {"revision": "5.17"})
        ran = Ran("check", self.path("small.json"))
        self.assertIn("livelock", ran.out)
        self.assertIn("SIGKILL does not end it", ran.out)
        again = Ran("shrink", file, seconds=90)
        with open(self.path("small.json")) as f:
            self.assertEqual(again.out, f.read())

    def test_a_witness_becomes_a_smaller_witness_that_replays(self):
        file = self.write("c.json", self.cluttered())
        Ran("check", file, "--out", "witness=" + self.path("big.json"))
        ran = Ran("shrink", self.path("big.json"), "-o", self.path("small.json"), seconds=90)
        self.assertEqual(ran.status, 0, ran.err)
        self.assertEqual(Ran("replay", self.path("small.json")).status, 0)
        self.assertLess(os.path.getsize(self.path("small.json")), os.path.getsize(self.path("big.json")))

    def test_what_shows_nothing_is_not_shrunk(self):
        ran = Ran("shrink", self.write("r.json", livelock(kernel={"revision": "7.3"})))
        self.assertEqual(ran.status, 2)
        self.assertIn("nothing to shrink", ran.err)
        self.assertEqual(ran.out, "")

    def test_a_limit_on_time_is_told(self):
        ran = Ran("shrink", self.write("slow.json", slow()), "--max-seconds", 0.5, seconds=60)
        self.assertEqual(ran.status, 3)
        self.assertIn("the limit on time", ran.err)


class Keep(WithWitness):
    def test_what_is_kept_holds_in_a_batch(self):
        for number, source in enumerate([self.scenario, self.witness]):
            out = self.path("kept/%d.json" % number)
            ran = Ran("keep", source, "-o", out)
            self.assertEqual(ran.status, 0, ran.err)
            with open(out) as f:
                kept = json.load(f)
            self.assertEqual(kept["name"], "regressions/witness-livelock")
            self.assertEqual(kept["expect"]["check"]["verdict"], "livelock")
            self.assertEqual(kept["expect"]["check"]["killable"], False)
            self.assertEqual(kept["expect"]["run"]["results"], [0])
            self.assertTrue(kept["about"])
        self.assertEqual(Ran("batch", self.path("kept")).status, 0)
        self.assertEqual(Ran("validate", self.path("kept/0.json")).status, 0)

    def test_what_is_there_is_not_overwritten_unasked(self):
        out = self.write("kept.json", b"mine")
        ran = Ran("keep", self.scenario, "-o", out)
        self.assertEqual(ran.status, 2)
        self.assertIn("--force", ran.err)
        with open(out, "rb") as f:
            self.assertEqual(f.read(), b"mine")
        self.assertEqual(Ran("keep", self.scenario, "-o", out, "--force", "--name", "my/own").status, 0)
        with open(out) as f:
            self.assertEqual(json.load(f)["name"], "my/own")

    def test_one_that_returns_is_kept_with_its_results(self):
        out = self.path("kept.json")
        ran = Ran("keep", self.write("r.json", livelock(kernel={"revision": "7.3"})), "-o", out)
        self.assertEqual(ran.status, 0, ran.err)
        with open(out) as f:
            check = json.load(f)["expect"]["check"]
        self.assertEqual(check["verdict"], "returns")
        self.assertIn("tag_fault", check["reached"])
        self.assertEqual(Ran("batch", out).status, 0)

    def test_the_usual_place_is_beside_the_scenarios(self):
        ran = Ran("keep", self.scenario, cwd=self.folder)
        self.assertEqual(ran.status, 0, ran.err)
        self.assertTrue(os.path.exists(self.path("scenarios/regressions/witness-livelock.json")))


if __name__ == "__main__":
    unittest.main()
