"""What the scripts that compare programs have in common."""

import os
import statistics
import subprocess
import sys
import tempfile


def run(command, folder=None):
    """What the command prints, its processor seconds and its peak in bytes."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=folder)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {process.returncode}\n{text[-2000:]}")
    return text, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
