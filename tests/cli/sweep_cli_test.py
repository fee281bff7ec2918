"""mtesim sweep: rows, CSV that Python's reader takes, plots that an XML parser takes, and what is refused."""

import csv
import glob
import importlib.util
import json
import os
import shutil
import signal
import time
import unittest
import xml.etree.ElementTree

from program import Case, Ran, search, slow, start

PROBE = "/kernel/change/btrfs_search_ioctl.probe"
SIZE = "/calls/0/buf_size_bytes"


def swept(**more):
    """Two probes, three sizes."""
    return search(kernel={"revision": "7.3", "change": {"btrfs_search_ioctl.probe": "none"}},
                  sweep={PROBE: ["fault_in_writeable", "probe_granule_store"],
                         SIZE: {"from": 2048, "to": 8192, "times": 2}}, **more)


class Rows(Case):
    def rows(self, *args):
        ran = Ran("sweep", *args, "--out", "csv=" + self.path("x.csv"))
        self.assertEqual(ran.err, "")
        with open(self.path("x.csv"), newline="") as file:
            return list(csv.DictReader(file, strict=True))

    def test_csv_and_json_say_the_same(self):
        file = self.write("x.json", swept())
        rows = self.rows(file, "--out", "json=" + self.path("out.json"))
        with open(self.path("out.json")) as out:
            points = json.load(out)[0]["points"]
        self.assertEqual(len(rows), 6)
        self.assertEqual([(int(r[SIZE]), r[PROBE]) for r in rows],
                         [(p["at"][SIZE], p["at"][PROBE]) for p in points])
        self.assertEqual([r[SIZE] for r in rows], ["2048", "2048", "4096", "4096", "8192", "8192"])
        for row, point in zip(rows, points):
            self.assertEqual(int(row["cycles"]), point["run"]["cost"]["cycles"])
            self.assertEqual(int(row["rounds"]), point["run"]["rounds"])
            for count in ["loads", "stores", "lines_dirtied", "tag_faults", "locks"]:
                self.assertEqual(int(row[count]), point["run"]["counts"][count], count)
        stores = {(r[PROBE], r[SIZE]): int(r["lines_dirtied"]) for r in rows}
        self.assertGreater(stores["probe_granule_store", "8192"], 2 * stores["fault_in_writeable", "8192"] - 10)

    def test_all_columns_are_there_and_have_a_line_in_the_list(self):
        rows = self.rows(self.write("x.json", swept()))
        listed = [line.split()[0] for line in Ran("list", "columns").out.splitlines()[1:]]
        self.assertEqual(list(rows[0]), [SIZE, PROBE, *listed])

    def test_words_with_commas_come_back_whole(self):
        scenario = search(bad=8, sweep={"/kernel/revision": ["5.17", "7.3"]})
        scenario["calls"] = scenario["calls"] * 2
        scenario["kernel"]["revision"] = "7.3"
        rows = self.rows(self.write("x.json", scenario))
        self.assertEqual([r["outcome"] for r in rows], ["no return (unkillable)", "EFAULT, EFAULT"])

    def test_chosen_columns_in_their_order(self):
        file = self.write("x.json", swept())
        rows = self.rows(file, "--columns", "rounds,cycles", "--columns", "outcome")
        self.assertEqual(list(rows[0]), [SIZE, PROBE, "rounds", "cycles", "outcome"])
        table = Ran("sweep", file, "--columns", "locks,cycles").out.splitlines()
        self.assertEqual(table[1].split(), ["buf_size_bytes", "btrfs_search_ioctl.probe", "locks", "cycles"])
        self.assertEqual(len(table), 8)

    def test_the_table_has_what_varies_and_tells_the_rest_once(self):
        lines = Ran("sweep", self.write("x.json", swept())).out.splitlines()
        self.assertEqual(lines[0], "x: 6 points")
        self.assertTrue(lines[1].startswith("everywhere: outcome 0,"))
        heading = next(line for line in lines if line.startswith("buf_size_bytes")).split()
        self.assertIn("lines_dirtied", heading)
        self.assertNotIn("tag_faults", heading)

    def test_without_a_sweep_it_is_one_row(self):
        rows = self.rows(self.write("x.json", search(revision="7.3")))
        self.assertEqual([r["outcome"] for r in rows], ["0"])

    def test_csv_to_stdout_leaves_the_table_to_stderr(self):
        ran = Ran("sweep", self.write("x.json", swept()), "--out", "csv=-")
        self.assertEqual(len(list(csv.DictReader(ran.out.splitlines()))), 6)
        self.assertIn("6 points", ran.err)
        self.assertEqual(Ran("sweep", self.write("x.json", swept()), "--out", "csv=-", "--out", "json=-").status, 2)

    def test_the_same_bytes_whatever_the_jobs(self):
        file = self.write("x.json", swept())
        self.assertEqual(len({Ran("sweep", file, "--jobs", jobs, "--out", "csv=-").out for jobs in [1, 2, 7]}), 1)

    def test_an_expectation_that_does_not_hold_is_told_with_its_point(self):
        ran = Ran("sweep", self.write("x.json", search(bad=8, sweep={"/kernel/revision": ["5.17", "7.3"]},
                                                       expect={"run": {"results": ["EFAULT"]}})))
        self.assertEqual(ran.status, 1)
        self.assertEqual([line for line in ran.out.splitlines() if line.startswith("VIOLATED")],
                         ["VIOLATED  run/results: expected EFAULT, got no return, at /kernel/revision 5.17"])

    def test_a_check_is_a_part_of_the_row_unless_it_is_left_out(self):
        file = self.write("x.json", search(revision="7.3", buf_size=2048, check={}))
        self.assertEqual(self.rows(file)[0]["verdict"], "returns")
        self.assertEqual(self.rows(file, "--no-check")[0]["verdict"], "")

    def test_interrupted_it_has_the_rows_that_are_done(self):
        scenario = slow()
        scenario["sweep"] = {"/environment/0/budget": [6], "/environment/1/budget": [6, 5, 4, 3]}
        process = start("sweep", self.write("x.json", scenario), "--jobs", 1, "--out", "csv=" + self.path("x.csv"))
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 3)
        with open(self.path("x.csv"), newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([r["verdict"] for r in rows], ["bound"])
        self.assertIn("interrupted: 1 of 4 points carried out", out)


@unittest.skipUnless(shutil.which("gnuplot"), "needs gnuplot")
class Plots(Case):
    def svg(self, path):
        root = xml.etree.ElementTree.parse(path).getroot()
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        return "".join(root.itertext())

    def test_a_plot_has_a_line_for_each_value(self):
        file = self.write("x.json", swept())
        ran = Ran("sweep", file, "--plot", self.path("x.svg"), "--x", "buf_size_bytes", "--y", "cycles,stores",
                  "--group", PROBE, "--logx", "--logy")
        self.assertEqual((ran.status, ran.err), (0, ""))
        text = self.svg(self.path("x.svg"))
        for words in ["buf_size_bytes", "4 KiB", "cycles, fault_in_writeable", "stores, probe_granule_store"]:
            self.assertIn(words, text)
        self.assertEqual(glob.glob(self.path("*.part*")), [])

    def test_the_script_is_what_is_drawn(self):
        file = self.write("x.json", swept())
        script = Ran("sweep", file, "--out", "gnuplot=-").out
        self.assertEqual(script.count("<< EOD"), 2)
        self.assertIn("set terminal svg", script)
        svg = Ran("sweep", file, "--plot", "-")
        xml.etree.ElementTree.fromstring(svg.out)
        self.assertIn("6 points", svg.err)

    def test_every_study_is_drawn(self):
        spec = importlib.util.spec_from_file_location("studies", "scripts/studies.py")
        studies = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(studies)
        drawn = {scenario for scenario, _ in studies.PLOTS.values()}
        there = {os.path.basename(f)[:-5] for f in glob.glob("scenarios/studies/*.json")}
        self.assertEqual(drawn, there)
        with open("docs/studies.md") as file:
            page = file.read()
        for name, (scenario, how) in studies.PLOTS.items():
            self.assertIn("figures/studies/%s.svg" % name, page)
            ran = Ran("sweep", "scenarios/studies/%s.json" % scenario, *how, "--plot", self.path(name + ".svg"))
            self.assertEqual((ran.status, ran.err), (0, ""), name)
            self.assertIn("studies/" + scenario, self.svg(self.path(name + ".svg")))


class Refused(Case):
    def refused(self, *args, **more):
        ran = Ran("sweep", *args, **more)
        self.assertEqual(ran.status, 2, args)
        self.assertEqual(ran.out, "")
        return ran.err

    def test_names_that_are_none(self):
        file = self.write("x.json", swept())
        plot = ["--plot", self.path("x.svg")] if shutil.which("gnuplot") else ["--out", "gnuplot=" + self.path("x.gp")]
        self.assertIn('did you mean "cycles"?', self.refused(file, "--columns", "cylces"))
        self.assertIn("which is not swept", self.refused(file, *plot, "--x", "/kernel/revision"))
        self.assertIn("which is not swept", self.refused(file, *plot, "--group", "cycles"))
        self.assertIn("which is swept", self.refused(file, *plot, "--y", "buf_size_bytes"))
        self.assertIn("sweeps over nothing", self.refused(self.write("y.json", search()), *plot))
        self.assertIn("add --plot", self.refused(file, "--x", "buf_size_bytes"))
        self.assertIn("allowed: csv=FILE", self.refused(file, "--out", "xls=y"))
        self.assertEqual(glob.glob(self.path("x.svg*")) + glob.glob(self.path("x.gp*")), [])

    def test_grids_that_cannot_be(self):
        for axis, words in [({"from": 5, "to": 4}, "empty"), ({"from": 0, "to": 4, "times": 2}, "from 0"),
                            ({"from": 1, "to": 4, "times": 2, "step": 2}, "one of them"), ([], "/sweep"),
                            ({"from": 0, "to": 10**9}, "more than 100000 points")]:
            file = self.write("x.json", search(sweep={SIZE: axis}))
            error = self.refused(file)
            self.assertIn(words, error)
            self.assertTrue(error.startswith(file + ":1:"), error)

    def test_a_point_that_is_no_scenario(self):
        self.assertIn("5.99", self.refused(self.write("x.json", search(sweep={"/kernel/revision": ["7.3", "5.99"]}))))

    def test_files_that_cannot_be_written_are_told_before_the_work(self):
        file = self.write("x.json", slow())
        nowhere = self.path("nowhere/x")
        self.assertIn("No such file", self.refused(file, "--out", "csv=" + nowhere))
        self.assertIn("No such file", self.refused(file, "--out", "json=" + nowhere))
        self.assertIn("directory", self.refused(file, "--out", "csv=" + self.folder))

    def test_without_gnuplot_it_says_what_to_install(self):
        file = self.write("x.json", swept())
        environment = dict(os.environ, PATH=self.folder)
        self.assertIn("gnuplot-nox", self.refused(file, "--plot", self.path("x.svg"), env=environment))
        ran = Ran("sweep", file, "--out", "gnuplot=" + self.path("x.gp"), env=environment)
        self.assertEqual(ran.status, 0)


if __name__ == "__main__":
    unittest.main()
