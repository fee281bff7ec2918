"""The loop that docs/writing-a-copy-loop.md builds, taken from the page itself.

A fenced block of the page says in its info string what it is:

  cpp file=PATH                a file; others in the same way
  cpp in=PATH after=TEXT       lines that belong into a file of ours, behind the first line with TEXT
  cpp in=PATH before=TEXT      the same, in front of it
  console                      commands behind "$ ", and what they print

  page.py unfold PAGE SOURCES INTO   writes the files, and changed copies of ours, below INTO
  page.py run PAGE INTO PROGRAMS     carries the commands out in INTO, programs of the folder PROGRAMS being at hand,
                                     and compares
"""

import difflib
import os
import pathlib
import re
import subprocess
import sys


def blocks(page):
    """Info string, as words, and text of each fenced block."""
    for match in re.finditer(r"^```([^\n]*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        language, *rest = match[1].split() or [""]
        yield language, dict(word.split("=", 1) for word in rest), match[2]


def put(text, lines, where):
    """The text with the lines behind or in front of the first line that has the words."""
    (side, words), = ((side, where[side]) for side in ("after", "before") if side in where)
    found = next((i for i, line in enumerate(text) if words in line), None)
    if found is None:
        sys.exit(f"no line with {words!r}")
    at = found + (side == "after")
    return text[:at] + lines + text[at:]


def unfold(page, sources, into):
    files = {}
    for _, where, text in blocks(page):
        if "file" in where:
            files[where["file"]] = text.splitlines(keepends=True)
        elif "in" in where:
            path = where["in"]
            if path not in files:
                files[path] = (sources / path).read_text(encoding="utf-8").splitlines(keepends=True)
            files[path] = put(files[path], text.splitlines(keepends=True), where)
    for path, lines in files.items():
        to = into / path
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text("".join(lines), encoding="utf-8")


def run(page, into, programs):
    env = dict(os.environ, PATH=f"{programs}{os.pathsep}{os.environ['PATH']}")
    tried = 0
    failed = False
    for language, _, text in blocks(page):
        if language != "console":
            continue
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
            tried += 1
            done = subprocess.run(["sh", "-c", command], cwd=into, env=env, capture_output=True, text=True, check=False)
            if done.stdout != expected:
                failed = True
                print(f"$ {command}\n{done.stderr}")
                print("".join(difflib.unified_diff(expected.splitlines(True), done.stdout.splitlines(True),
                                                   "the page", "the program")))
    if tried == 0:
        sys.exit("no command found")
    print(f"{tried} commands")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    what, page_file, *paths = sys.argv[1:]
    contents = pathlib.Path(page_file).read_text(encoding="utf-8")
    {"unfold": unfold, "run": run}[what](contents, *(pathlib.Path(path).resolve() for path in paths))
