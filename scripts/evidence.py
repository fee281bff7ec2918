"""What real kernels did, in the words of the tables: one Evidence for each kernel, call and buffer on record.

Two kinds of files are read: records (tests/conform/records.jsonl, docs/fidelity.md says what is in them) and
hypotheses, loops that were predicted from source first and then tried (hypotheses.jsonl, with the key "hypothesis").
Only calls with one plain buffer are taken: private anonymous memory with PROT_MTE that is all there, one segment, at
least one granule in it with another tag than the pointer's.
"""

import dataclasses
import errno
import json

PAGE = 4096
GRANULE = 16
CHECKED_MODES = {"none": "none", "sync": "sync", "async": "async", "asymm": "asymm", "storeonly": "store-only"}
FUTEX_NAMES = {"lockpi": "lock_pi", "waitneq": "wait", "wakeop": "wake_op", "requeue": "cmp_requeue"}


@dataclasses.dataclass
class Evidence:
    """Offsets in bytes; of the mismatched runs from the buffer's begin, the first may begin before it."""

    source: str  # "records", or the hypothesis
    revision: str
    mode: str
    call: str  # "read", "write", "futex lock_pi", "getrandom", ...
    obj: str = ""  # the file system, or the kind of file
    where: str = ""  # which side, which word, or what of the results has the mismatched granule
    direct: bool = False
    nocow: bool = False
    sync: bool = False
    cache: str = "cold"
    content: str = "data"
    size: int = 0
    position: int = 0
    start: int = 0  # of the buffer in its page
    length: int = 0
    text_length: int = 0
    bad: list = dataclasses.field(default_factory=list)
    outcome: str = ""
    result: str = ""  # the count or the error's name, in full
    faults: int | None = None

    def first_bad(self):
        return self.bad[0][0]

    def in_the_middle(self):
        """No mismatched granule lies where a probe of whole pages looks, in any revision: the first byte, the same
        offset in each later page, the begin of each page, the last byte of a chunk and of all."""
        edge = -self.start % PAGE
        looked_at = {0, self.length - 1}
        for page in range(0, self.length + PAGE, PAGE):
            looked_at |= {page - 1, page, edge + page}
        return all(begin > 0 and not any(begin <= p < end for p in looked_at) for begin, end in self.bad)

    def is_inside_file(self):
        return self.position + self.length <= self.size

    def is_whole_blocks(self):
        return self.position % PAGE == 0 and self.length % PAGE == 0


def outcome_of_count(count, wanted):
    """Of a call that moves bytes: how its count stands to what was wanted; of others (wanted None): "done"."""
    if wanted is None:
        return "done"
    return "full" if count == wanted else "short" if count > 0 else "nothing"


def outcome_of_hang(killable):
    return "livelock, killable" if killable else "livelock, unkillable"


def error_name(number):
    return "EAGAIN" if number == errno.EAGAIN else errno.errorcode[number]


def is_regular(obj):
    return obj in ("btrfs", "ext4", "gfs2", "xfs", "tmpfs", "ramfs")


def wanted_bytes(evidence):
    """What the call can move at most; None if it does not move bytes that are counted."""
    if evidence.call == "read" and (is_regular(evidence.obj) or evidence.obj in ("pipe", "unix", "unixdg")):
        left = evidence.size - (evidence.position if is_regular(evidence.obj) else 0)
        return max(0, min(evidence.length, left))
    moves = ("read", "write", "getrandom", "vmsplice", "process_vm_readv", "process_vm_writev", "mem_read", "mem_write")
    return evidence.length if evidence.call in moves else None


def revision_of(kernel, revisions):
    """Of a release like 6.12.95+deb12-arm64; None for a kernel that no revision stands for."""
    name = ".".join(kernel.split("-")[0].split("+")[0].split(".")[:2])
    return name if name in revisions else None


def runs_in_buffer(bad, begin, length, pointer_tag=0):
    """The mismatched runs "g+n[:tag],..." of a region that lie in the buffer, counted from its begin. None at all if a
    run has the pointer's own tag: it may take away what another did."""
    runs = []
    for run in filter(None, bad.split(",")):
        place, _, tag = run.partition(":")
        if tag == str(pointer_tag):
            return []
        first, _, count = place.partition("+")
        from_byte = int(first) * GRANULE - begin
        to_byte = from_byte + int(count or 1) * GRANULE
        if to_byte > 0 and from_byte < length:
            runs.append((from_byte, to_byte))
    return sorted(runs)


def settle(evidence, result):
    """Fills in the outcome from the keys of a record's result; None if there is none."""
    evidence.faults = result.get("tagfaults")
    if result.get("hang"):
        evidence.outcome = evidence.result = outcome_of_hang(result.get("killable"))
    elif "ret" not in result:
        return None
    elif result["ret"] < 0:
        evidence.outcome = evidence.result = error_name(result["errno"])
    else:
        evidence.outcome = outcome_of_count(result["ret"], wanted_bytes(evidence))
        evidence.result = str(result["ret"])
    return evidence


def of_record(record, revision):
    case, result = record["case"], record["result"]
    ordinary = case.get("mem", "anon") == "anon" and not ({"prot", "tco", "badend"} & case.keys())
    if not ordinary or "tcf_errno" in result or result.get("oops") or case["cat"] not in "ABCDG":
        return None
    segments = case.get("segs", "").split(",")
    if "@" in segments[0] or case.get("tcf", "sync") not in CHECKED_MODES:
        return None
    begin, length = map(int, segments[0].split("+"))
    op = case["op"]
    evidence = Evidence("records", revision, CHECKED_MODES[case.get("tcf", "sync")], op, case.get("obj", ""),
                        direct=bool(case.get("direct")), sync=bool(case.get("osync")),
                        cache=case.get("cache", "warm"), content=case.get("fmode", "data"), size=case.get("fsize", 0),
                        position=case.get("foff", 0), text_length=case.get("llen", 0), length=length)
    if op == "futex":
        return of_futex(evidence, case, result, segments)
    if len(segments) != 1:
        return None
    for short in ("read", "write"):
        if op in (short, short + "v", "p" + short, "p" + short + "v"):
            evidence.call = short
    if evidence.obj == "btrfsnc":
        evidence.obj, evidence.nocow = "btrfs", True
    if op in ("ts1", "ts2"):
        evidence.call = "tree_search"
        if result.get("ref_ret") != 0:
            return None
        begin += result["hdr"]
        evidence.length = length if op == "ts2" else 4096 - result["hdr"]
    if op in ("pvm_read", "pvm_write", "mem_read", "mem_write"):
        if "sub" in case:
            return None
        evidence.call = {"pvm_read": "process_vm_readv", "pvm_write": "process_vm_writev"}.get(op, op)
        evidence.where = case["role"]
    evidence.start = begin % PAGE
    evidence.bad = runs_in_buffer(case.get("bad", ""), begin, evidence.length, case.get("ptag", 0))
    if not evidence.bad:
        return None
    if evidence.call == "tree_search":
        evidence.where = place_in_results(evidence.first_bad(), result["ref_end"])
    return settle(evidence, result)


def place_in_results(offset, end):
    if 0 < offset < 32:
        return "header"
    return "items" if offset + GRANULE <= end else "behind" if offset >= end else ""


def of_futex(evidence, case, result, segments):
    """One mismatched word of two: which one."""
    if case.get("arg"):
        return None
    words = [int(segment.split("+")[0]) for segment in segments]
    bad = [bool(runs_in_buffer(case.get("bad", ""), word, 4)) for word in words]
    if len(bad) != 2 or bad[0] == bad[1]:
        return None
    evidence.call = "futex " + FUTEX_NAMES.get(case["sub"], case["sub"])
    evidence.where = "first" if bad[0] else "second"
    evidence.bad = [(0, GRANULE)]
    return settle(evidence, result)


def of_hypothesis(record, revision):
    case, result = record["case"], record["result"]
    if record.get("params", "") not in ("", "no_hash_pointers") or "bad" not in case or result.get("tcf_errno"):
        return None
    if case.get("unmap") or case.get("mode") not in CHECKED_MODES:
        return None
    begin = case.get("uoff", 0)
    evidence = Evidence(record["hypothesis"], revision, CHECKED_MODES[case["mode"]], case["fn"], start=begin % PAGE,
                        length=case.get("len", PAGE), position=case.get("foff", 0), size=case.get("fsize", 0),
                        direct=bool(case.get("direct")), nocow=bool(case.get("nocow")),
                        cache=case.get("cache", "cold"))
    ret = result.get("ret")
    if case["fn"] == "rw":
        evidence.call, evidence.obj = case["op"], case["fs"]
        evidence.content = "hole" if case.get("file") == "hole" else "data"
        if case["fs"] == "tmpfs" and case["op"] == "read":
            evidence.size = max(evidence.size, evidence.length)
    elif case["fn"] in ("ts1", "ts2"):
        evidence.call = "tree_search"
        begin = 104 if case["fn"] == "ts1" else 112
        evidence.length = case.get("cap", 4096 - begin)
        # The trees tried fill either buffer with items, unless the search asks for a few.
        end = 512 if "nri" in case else evidence.length - 100
        evidence.where = place_in_results(case["bad"] - begin, end)
    elif case["fn"] == "fiemap":
        evidence.call, evidence.obj = "fiemap", case["fs"]
        evidence.length = 32 + 56 * 8  # of the eight extents that the file has
    elif case["fn"] == "futex":
        first = case["op"].endswith("_1st")
        evidence.call = "futex " + case["op"].removesuffix("_1st")
        alone = case["op"] in ("wait", "lock_pi", "unlock_pi", "trylock_pi")
        evidence.where = "first" if first or alone else "second"
        evidence.length, begin = 4, case["bad"]
    elif case["fn"] == "golden":
        call, kind = {"gr": ("read", "pipe"), "gw": ("write", "pipe"), "gz": ("read", "zero"), "tr": ("read", "tmpfs"),
                      "tw": ("write", "tmpfs")}[case["op"]]
        evidence.call, evidence.obj = call, kind
        evidence.length -= case.get("koff", 0)
        evidence.size = PAGE
        evidence.position = case.get("koff", 0) if kind == "tmpfs" else 0
        ret = (result.get("calls") or [None])[0]
    elif case["fn"] == "kcore":
        evidence.call, evidence.obj, evidence.size = "read", "kcore", 1 << 16
    evidence.bad = runs_in_buffer(f"{case['bad'] // GRANULE}+1", begin, evidence.length)
    if not evidence.bad:
        return None
    if result["outcome"].startswith("no return"):
        return settle(evidence, {"hang": True, "killable": "unkillable" not in result["outcome"],
                                 "tagfaults": result.get("tag_faults")})
    if ret is None:
        return None
    number = result["errno"] if ret == -1 and "errno" in result else -ret
    return settle(evidence, {"ret": ret, "errno": number, "tagfaults": result.get("tag_faults")})


def read_evidence(files, revisions):
    """All evidence of the files that are there, on kernels that a revision stands for."""
    found = []
    for file in files:
        if not file.exists():
            continue
        for line in file.read_text().splitlines():
            record = json.loads(line)
            kernels = record["kernel"] if isinstance(record["kernel"], list) else [record["kernel"]]
            for kernel in kernels:
                revision = revision_of(kernel, revisions)
                if revision is None:
                    continue
                make = of_hypothesis if "hypothesis" in record else of_record
                evidence = make(record, revision)
                if evidence is not None:
                    found.append(evidence)
    return found
