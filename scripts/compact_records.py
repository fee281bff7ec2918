#!/usr/bin/env python3
"""Makes the records of tests/conform/ from the full ones: only what `mtesim conform` judges, each result once.

usage: compact_records.py CATEGORIES RECORDS... > tests/conform/records.jsonl
       CATEGORIES: letters, like ASDF; H: lines with a "hypothesis", for tests/conform/hypotheses.jsonl
A line is a record whose `kernel` may be a list: of all the kernels that gave this result.
"""

import json
import sys

# As kNotJudged in sim/conform/compare.cpp.
DROPPED = {"fn", "seq", "t_us", "klog", "phase", "hang_ms", "hang_state", "hang_stack", "trace_events",
           "trace_events_6s", "cwdlen", "case_us", "after_hung", "sig_cnt", "si_addr"}

# Of a hypothesis, which is written another way: what sim/conform/hypothesis.cpp reads.
KEPT_OF_HYPOTHESIS = ("outcome", "ret", "errno", "calls", "mapped", "nr_items_after", "file_size", "file_new_prefix",
                      "correct_prefix", "tag_faults", "first_faults", "tcf_errno")


def compact_hypothesis(record):
    line = {key: record[key] for key in ("hypothesis", "variant", "kernel")}
    if "nomops" in record["params"]:
        line["params"] = "arm64.nomops"
    line["case"] = {k: v for k, v in record["case"].items() if k not in ("layout", "about", "killwait")}
    line["result"] = {k: record["result"][k] for k in KEPT_OF_HYPOTHESIS if k in record["result"]}
    line["result"]["first_faults"] = line["result"]["first_faults"][:8]
    return line


def main():
    categories, files = sys.argv[1], sys.argv[2:]
    lines = {}
    for file in files:
        with open(file, encoding="utf-8") as records:
            for text in records:
                record = json.loads(text)
                if "hypothesis" in record:
                    if "H" in categories:
                        print(json.dumps(compact_hypothesis(record), separators=(",", ":")))
                    continue
                if record["case"]["cat"] not in categories:
                    continue
                keep_all = record["case"]["cat"] == "F"  # sig_cnt and the like are what it asks for
                result = {k: v for k, v in record["result"].items() if keep_all and k != "t_us" or k not in DROPPED}
                again = record.get("again")
                again = {k: v for k, v in again.items() if k in result} if isinstance(again, dict) else None
                key = json.dumps([record["id"], record["case"], result, again])
                lines.setdefault(key, []).append(record["kernel"])
    for key in sorted(lines):
        identity, case, result, again = json.loads(key)
        kernels = lines[key]
        line = {"id": identity, "kernel": kernels[0] if len(kernels) == 1 else kernels, "case": case, "result": result}
        if again:
            line["again"] = again
        print(json.dumps(line, separators=(",", ":")))


if __name__ == "__main__":
    main()
