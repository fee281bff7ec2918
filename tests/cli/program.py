"""Starts the program for tests, and writes scenarios for it."""

import json
import os
import resource
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["MTESIM"]
# The address sanitizer reserves terabytes that it never touches: no bound on addresses then.
SANITIZED = b"__asan_" in open(PROGRAM, "rb").read()


def limit_memory():
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def start(*args, **more):
    return subprocess.Popen([PROGRAM, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            stdin=subprocess.DEVNULL, preexec_fn=limit_memory, **more)


class Ran:
    def __init__(self, *args, seconds=20, **more):
        process = start(*args, **more)
        try:
            self.out, self.err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        self.status = process.returncode


def search(name="x", bad=None, revision="5.17", buf_size=16272, **more):
    """A search ioctl into four pages, with one granule of another tag; behind a page probe it never returns."""
    scenario = {
        "name": name,
        "kernel": {"revision": revision},
        "memory": [{"name": "buf", "pages": 5, "prot": "rwt", "tag": 5}],
        "files": [{"name": "f", "fs": "btrfs", "tree": [{"items": 4, "item_size_bytes": 968}]}],
        "calls": [{"ioctl": "BTRFS_IOC_TREE_SEARCH_V2", "file": "f", "buffer": "buf+0", "buf_size_bytes": buf_size,
                   "pointer_tag": 5}],
    }
    if bad is not None:
        scenario["memory"][0]["tags"] = [{"granules": str(bad), "tag": 6}]
    scenario.update(more)
    return scenario


def slow(name="slow"):
    """A check that takes far longer than any test waits for it."""
    return search(name=name, revision="7.3", environment=[
        {"action": "retag", "where": "buf", "budget": 6}, {"action": "evict", "where": "buf", "budget": 6}])


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path
