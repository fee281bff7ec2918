"""Records of real kernels: what agrees, what does not, what is no record, and a record as a scenario."""

import json
import re
import unittest

from program import Case, Ran

READ = {"id": "X1", "kernel": "6.1.0-50-arm64",
        "case": {"cat": "A", "op": "read", "obj": "tmpfs", "segs": "4096+65", "bad": "258+1", "ptag": 5, "npages": 4,
                 "fsize": 65},
        "result": {"ret": 32, "errno": 0, "pos_after": 32, "mod_prefix": 32, "mod_total": 32, "mod_last": 32,
                   "mod_outside": 0, "good_prefix": 32, "good_total": 32, "tagfaults": 3,
                   "tf_off": [4128, 4128, 4128], "tf_wnr": 1}}


def record(case=None, result=None, **change):
    made = json.loads(json.dumps({**READ, **change}))
    made["case"].update(case or {})
    made["result"].update(result or {})
    return made


class Conform(Case):
    def conform(self, *records, args=()):
        lines = [r if isinstance(r, str) else json.dumps(r) for r in records]
        file = self.folder + "/records.jsonl"
        with open(file, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        return Ran("conform", file, *args)

    def test_a_record_that_agrees(self):
        ran = self.conform(record())
        self.assertEqual((ran.status, ran.out.count("expected")), (0, 0), ran.out)

    def test_known_disagreements(self):
        known = self.folder + "/known.txt"
        for text, status, says in [("6.1.0-50-arm64 X1 ret  # a remark\n", 0, "1 keys disagree, all known"),
                                   ("# nothing\n", 1, "not among those known: 6.1.0-50-arm64 X1 ret"),
                                   ("6.1.0-50-arm64 X1 ret\n6.1.0-50-arm64 X1 errno\n", 1,
                                    "known to disagree, but does not: 6.1.0-50-arm64 X1 errno"),
                                   ("6.1.0-50-arm64 X1\n", 2, "found a line that is none of: RELEASE RECORD KEY")]:
            with open(known, "w", encoding="utf-8") as out:
                out.write(text)
            ran = self.conform(record(result={"ret": 31}), args=("--known", known))
            self.assertEqual(ran.status, status, ran.out + ran.err)
            self.assertIn(says, ran.out + ran.err)

    def test_each_group_of_fields_is_judged(self):
        for group, key, wrong in [("outcome", "ret", 31), ("outcome", "errno", 14), ("bytes", "mod_total", 31),
                                  ("bytes", "good_prefix", 33), ("bytes", "pos_after", 0), ("faults", "tagfaults", 2),
                                  ("faults", "tf_off", [4128, 4128, 4129]), ("faults", "tf_wnr", 0)]:
            ran = self.conform(record(result={key: wrong}), args=("--out", "json=" + self.folder + "/out.json"))
            self.assertEqual(ran.status, 1, key)
            self.assertIn(f"X1: {group} {key}: expected {json.dumps(wrong).replace(', ', ',')}", ran.out)
            with open(self.folder + "/out.json", encoding="utf-8") as file:
                out = json.load(file)
            agree = {"outcome": 1, "bytes": 1, "faults": 1, group: 0}
            self.assertEqual(out["agree"], agree, key)
            self.assertEqual(out["by_category"]["A"], {"records": 1, "agree": agree})

    def test_a_key_that_was_not_the_same_twice_is_not_judged(self):
        self.assertEqual(self.conform(record(result={"tagfaults": 9}, again={"tagfaults": 3})).status, 0)
        self.assertEqual(self.conform(record(result={"tagfaults": 9}, again=1)).status, 1)

    def test_a_hang_that_is_none_and_one_that_was_missed(self):
        hang = record()
        hang["result"] = {"hang": True, "killable": False}
        ran = self.conform(hang)
        self.assertEqual(ran.status, 1)
        self.assertIn("hang: expected true, got nothing", ran.out)
        futex = record(case={"cat": "D", "op": "futex", "sub": "lockpi", "segs": "4096+4", "bad": "256+1"})
        futex["result"] = {"hang": True, "killable": False}
        self.assertEqual(self.conform(futex).status, 0)
        futex["result"] = {"ret": 0, "errno": 0}
        ran = self.conform(futex)
        self.assertEqual(ran.status, 1)
        self.assertIn("hang: expected nothing, got true", ran.out)

    def test_what_cannot_be_carried_out_is_told_and_disagrees(self):
        ran = self.conform(record(case={"obj": "floppy"}), record(kernel="4.19.0"),
                           args=("--out", "json=" + self.folder + "/out.json"))
        self.assertEqual(ran.status, 1)
        self.assertIn("not carried out: file floppy", ran.out)
        with open(self.folder + "/out.json", encoding="utf-8") as file:
            out = json.load(file)
        self.assertEqual(out["skipped"], {"file floppy": 1, "revision 4.19": 1})
        self.assertEqual(out["agree"], {"outcome": 0, "bytes": 0, "faults": 0})

    def test_lines_that_are_no_records_are_named(self):
        for line, what in [("{", "no JSON object"), ("[]", "no JSON object"), ("{}", 'no "id"'), ("\x00", "no JSON"),
                           (json.dumps(record())[:-40], "no JSON object"),
                           (json.dumps(record(case={"colour": 1})), "colour"),
                           (json.dumps(record(case={"segs": "1+x"})), "a number"),
                           (json.dumps(record(case={"segs": 5})), "a text"),
                           (json.dumps(record(case={"npages": "many"})), "a whole number"),
                           (json.dumps(record(case={"npages": 1.5})), "a whole number"),
                           (json.dumps(record(case={"npages": 2**64 - 1})), "63 bits"),
                           (json.dumps(record(case={"segs": "4096+" + "9" * 400})), "a number"),
                           (json.dumps(record(case={"\x1b[31m": 1})), "\\"),
                           ('{"id": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested"),
                           (json.dumps(record(result={"ret": [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]})), "nested"),
                           (json.dumps(record(kernel=[])), "empty list")]:
            ran = self.conform(record(), line)
            self.assertEqual(ran.status, 2, line[:200])
            self.assertIn("records.jsonl:2: found", ran.err)
            self.assertIn(what, ran.err)
            self.assertIsNone(re.search(r"[\x00-\x08\x0b-\x1f\x7f]", ran.out + ran.err))
            self.assertLess(len(ran.err), 2000)
            self.assertRegex(ran.out, "category A +1 +1 +1 +1", "the others are carried out")

    def test_hostile_numbers_are_refused(self):
        for case in [{"npages": 10**9}, {"npages": -1}, {"npages": 0}, {"segs": "-5+10"}, {"segs": "4096+-1"},
                     {"segs": "99999999999+10"}, {"bad": "99999999+5"}, {"bad": "-1+1"}, {"prot": "77:none"},
                     {"prot": "-1:none"}, {"fsize": -1}, {"fsize": 10**15}, {"foff": -3},
                     {"cat": "S", "op": "sweep", "L": 10**9, "align": 0, "dist": 1, "arg": 0}]:
            ran = self.conform(record(case=case))
            self.assertEqual(ran.status, 2, (case, ran.err))
            self.assertRegex(ran.err, r"records.jsonl:1: found .*; allowed: ")
        for case in [{"prot": "1:purple"}, {"segs": ""}, {"op": "f", "cat": "F", "sub": "juggle"}]:
            ran = self.conform(record(case=case))
            self.assertEqual(ran.status, 1, (case, ran.err))
            self.assertIn("not carried out", ran.out, case)

    def test_what_is_no_file_of_records(self):
        for path, what in [(self.folder, "a folder"), (self.folder + "/none.jsonl", "no such file"),
                           (self.write("empty.jsonl", b""), "found no record"),
                           (self.write("blank.jsonl", b"\n\n"), "found no record"),
                           (self.write("noise.jsonl", bytes(range(256)) * 100), "noise.jsonl:1: found")]:
            ran = Ran("conform", path)
            self.assertEqual(ran.status, 2, path)
            self.assertIn(what, ran.err)
            self.assertIn(path if "no record" not in what else "", ran.err)

    def test_a_record_of_several_kernels(self):
        ran = self.conform(record(kernel=["6.1.0-50-arm64", "6.12.95+deb12-arm64"]))
        self.assertEqual(ran.status, 0, ran.out)
        self.assertIn("6.12.95+deb12-arm64  1", ran.out)

    def test_only_and_category_choose(self):
        wrong = record(id="X2", result={"ret": 1})
        self.assertEqual(self.conform(record(), wrong, args=("--only", "X1")).status, 0)
        self.assertEqual(self.conform(record(), wrong, args=("--only", "X2")).status, 1)
        self.assertEqual(self.conform(record(), wrong, args=("--only", "X1,X2")).status, 1)
        self.assertEqual(self.conform(record(), wrong, args=("--only", "X1", "--only", "X2")).status, 1)
        self.assertEqual(self.conform(wrong, args=("--category", "D")).status, 2)
        self.assertEqual(self.conform(wrong, args=("--category", "D,A")).status, 1)
        ran = self.conform(record(), args=("--only", "X1,X9"))
        self.assertEqual(ran.status, 2)
        self.assertIn("asked for: X9", ran.err)
        self.assertEqual(Ran("conform", "--only", "X1", self.folder + "/records.jsonl").status, 0)
        self.assertEqual(self.conform(record(), args=("--mops", "often")).status, 2)

    def test_a_record_as_a_scenario(self):
        scenario = self.conform(record(), args=("--scenario", "X1"))
        self.assertEqual(scenario.status, 0)
        file = self.write("x1.json", json.loads(scenario.out))
        self.assertEqual(Ran("validate", file).status, 0)
        self.assertIn("returns 32 after", Ran("run", file).out)
        several = record(kernel=["5.10.0-32-arm64", "6.12.95+deb12-arm64"])
        for name, revision in [("X1", "5.10"), ("X1@5.10", "5.10"), ("X1@6.12", "6.12")]:
            self.assertEqual(json.loads(self.conform(several, args=("--scenario", name)).out)["kernel"]["revision"],
                             revision)
        self.assertEqual(self.conform(several, args=("--scenario", "X1@6.1")).status, 2)
        near = self.conform(record(), args=("--scenario", "X"))
        self.assertEqual(near.status, 2)
        self.assertIn("X1", near.err)

    def test_a_record_of_tag_semantics_as_a_scenario(self):
        tags = record(case={"cat": "F", "op": "f", "sub": "madvise", "kind": "anon-private", "arg": 4})
        file = self.write("f.json", self.conform(tags, args=("--scenario", "X1")).out.encode())
        self.assertEqual(Ran("validate", file).status, 0)
        self.assertEqual(Ran("run", file).status, 0)

    def test_the_json_has_the_promised_keys(self):
        ran = self.conform(record(), record(id="X2", case={"obj": "floppy"}), args=("--out", "json=-"))
        out = json.loads(ran.out)
        self.assertEqual(out["records"], 2)
        self.assertEqual(out["agree"], {"outcome": 1, "bytes": 1, "faults": 1})
        self.assertEqual(out["by_category"], {"A": {"records": 2, "agree": out["agree"]}})
        self.assertEqual(out["skipped"], {"file floppy": 1})
        self.assertIn("not carried out", ran.err)

    def test_the_number_of_threads_changes_nothing(self):
        records = [record(id=f"X{i}", result={"ret": i}) for i in range(50)]
        one = self.conform(*records, args=("--jobs", 1))
        many = self.conform(*records, args=("--jobs", 7))
        self.assertEqual(one.out, many.out)


if __name__ == "__main__":
    unittest.main()
