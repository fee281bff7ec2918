#!/usr/bin/env python3
"""Makes the records of tests/conform/ from the full ones: only what `mtesim conform` judges, each result once.

usage: compact_records.py CATEGORIES RECORDS... > tests/conform/records.jsonl
       CATEGORIES: letters, like ASDF
A line is a record whose `kernel` may be a list: of all the kernels that gave this result.
"""

import json
import sys

# As kNotJudged in sim/conform/compare.cpp.
DROPPED = {"fn", "seq", "t_us", "klog", "phase", "hang_ms", "hang_state", "hang_stack", "trace_events",
           "trace_events_6s", "cwdlen", "case_us", "after_hung", "sig_cnt", "si_addr"}


def main():
    categories, files = sys.argv[1], sys.argv[2:]
    lines = {}
    for file in files:
        with open(file, encoding="utf-8") as records:
            for text in records:
                record = json.loads(text)
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
