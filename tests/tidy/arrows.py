#!/usr/bin/env python3
"""Names every #include that runs against the arrows, every library used outside its folder, every machine's path.

usage: arrows.py [ROOT]        exit status 0: nothing to say; 1: lines `file:line: what is wrong`
"""

import re
import subprocess
import sys
from pathlib import Path

# folder -> the folders it uses. What those use is open to it too, as it is to the linker; nothing else is.
# The mtesim_library(... USES ...) lines of the CMakeLists.txt files say the same, and are compared with this.
ARROWS = {
    "model/base": [],
    "model/arch": ["model/base"],
    "model/mm": ["model/arch", "model/base"],
    "model/kernel": ["model/mm", "model/arch", "model/base"],
    "fs_models": ["model/kernel", "model/mm", "model/arch", "model/base"],
    "sim/explore": ["model/base"],
    "sim/property": ["fs_models"],
    "sim/cost": ["model/kernel", "model/mm", "model/arch", "model/base"],
    "sim/run": ["sim/property", "sim/cost", "fs_models"],
    "sim/check": ["sim/property", "sim/cost", "sim/run", "sim/explore", "fs_models"],
    "sim/scenario": ["sim/run", "sim/check", "sim/cost", "fs_models"],
    "sim/conform": ["sim/scenario", "sim/run", "sim/check", "fs_models"],
    "sim/app": ["sim/conform", "sim/scenario", "sim/run", "sim/check", "sim/explore", "fs_models"],
}
OUTSIDE = ["tests", "bench"]  # may use every folder, and no folder may use them

# A library, or a part of the standard one -> the folders above that may include it.
JSON = ["sim/scenario", "sim/conform", "sim/app"]
SIM = ["sim/explore", "sim/property", "sim/cost", "sim/run", "sim/check", "sim/scenario", "sim/conform", "sim/app"]
LIBRARIES = {
    r"nlohmann/|valijson/|fmt/": JSON,
    r"CLI/|spdlog/": ["sim/app"],
    r"boost/icl/": ["model/mm"],
    r"(chrono|filesystem|fstream|iostream|random|thread)$": SIM,  # model and fs_models: no clock, no file, no dice
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
USES = re.compile(r"^mtesim_library\((\w+)(?: USES ([\w ]+?))?(?: EXTERNAL [^)]*)?\)", re.MULTILINE)
MACHINE_PATH = re.compile(r"(?<![\w./~$)}>-])/(?:home|root|work|Users)/\w[\w./-]*")


def reachable(folder):
    seen, todo = {folder}, [folder]
    while todo:
        for used in ARROWS[todo.pop()]:
            if used not in seen:
                seen.add(used)
                todo.append(used)
    return seen


def folder_of(path):
    """The folder of the table that `path` lies in, or None."""
    return next((f for f in [*ARROWS, *OUTSIDE] if path.startswith(f + "/")), None)


def check_include(source, kind, header):
    """What is wrong with `source` including `header`; None where nothing is."""
    here, there = folder_of(source), folder_of(header)
    if here is None:
        return None
    if there is None:
        if kind == '"':
            return f"'{header}' is not written from the root"
        if here in OUTSIDE:
            return None
        for pattern, folders in LIBRARIES.items():
            if re.match(pattern, header) and here not in folders:
                return f"'{source}' may not include '{header}': only {', '.join(folders)} may"
        return None
    if here in OUTSIDE or there in reachable(here):
        return None
    return f"'{source}' may not include '{header}': no arrow runs from {here} to {there}"


def check_cmake(path, text):
    """Where a CMakeLists.txt draws other arrows than the table."""
    folder = path.removesuffix("/CMakeLists.txt")
    if folder not in ARROWS:
        return
    for match in USES.finditer(text):
        name, uses = match.group(1), set((match.group(2) or "").split())
        wanted = {f.rsplit("/", 1)[-1] for f in ARROWS[folder]}
        if uses != wanted:
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: {name} uses '{' '.join(sorted(uses))}', the arrows say '{' '.join(sorted(wanted))}'"


def files(root):
    """All files of the project, as paths from the root: what git knows or would add, or without git all but build/."""
    git = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (root / ".git").exists():
        try:
            listed = subprocess.run(git, capture_output=True, check=True, text=True).stdout
            return sorted(p for p in listed.split("\0") if p and (root / p).is_file())
        except (OSError, subprocess.CalledProcessError):
            pass
    found = (p.relative_to(root) for p in root.rglob("*") if p.is_file())
    return sorted(p.as_posix() for p in found if p.parts[0] not in (".git", "build"))


def findings(root):
    for path in files(root):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # no text, so no line to name
        for number, line in enumerate(text.splitlines(), 1):
            if path.endswith((".h", ".cpp", ".h.in")) and (include := INCLUDE.match(line)):
                if wrong := check_include(path, *include.groups()):
                    yield f"{path}:{number}: {wrong}"
            if machine := MACHINE_PATH.search(line):
                yield f"{path}:{number}: '{machine.group()}' is a path of one machine"
        if path.endswith("/CMakeLists.txt"):
            yield from check_cmake(path, text)


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    found = list(findings(root))
    print("\n".join(found) if found else "every arrow runs one way")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
