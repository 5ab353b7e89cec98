"""Python in processes of its own, with an app to serve."""

import dataclasses
import os
import subprocess
import sys
import textwrap
from pathlib import Path

PREAMBLE = """
import os, socket, sys, threading, time
from tiledesk_fake.serving.server import Server

def app(environ, start_response):
    start_response("200 OK", [])
    return [b"fine"]

REQUEST = b"GET / HTTP/1.1\\r\\nHost: fake\\r\\n\\r\\n"
"""


def start_python(script: str, before: str = "") -> "subprocess.Popen[str]":
    """A script with an app to serve, in a process of its own where every warning is an error."""
    code = textwrap.dedent(before) + PREAMBLE + textwrap.dedent(script)
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclasses.dataclass(frozen=True)
class Ended:
    """What is left of a process."""

    returncode: int
    stderr: str


FINE = Ended(0, "")


# Many times what any script takes.
SCRIPT_PATIENCE_S = 60.0


def run_python(script: str, before: str = "") -> Ended:
    with start_python(script, before) as process:
        try:
            _, errors = process.communicate(timeout=SCRIPT_PATIENCE_S)
        finally:
            process.kill()
    return Ended(process.returncode, errors)


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
