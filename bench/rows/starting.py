"""What it costs to start: the fake to its first answer, and pytest where nobody uses the plugin."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psutil

from ..environment import HERE
from ..load import Asked, Client
from ..measure import cpu_of_command, medians
from ..report import Row, microseconds
from ..work import LIST


def rows(rounds: int) -> Iterator[Row]:
    """The start of a server and the start of pytest."""
    hello = [sys.executable, "-m", "bench.servers.werkzeug_hello"]
    serve = [sys.executable, "-m", "tiledesk_fake", "serve", "--port", "0", "--quiet"]
    started: dict[str, list[_Start]] = {"ours": [], "hello": []}

    def cpu_of(name: str, command: Sequence[str], target: str) -> float:
        started[name].append(_start(command, target))
        return started[name][-1].cpu_s

    cpu = medians({"ours": lambda: cpu_of("ours", serve, LIST), "hello": lambda: cpu_of("hello", hello, "/")}, rounds)
    yield Row(
        "CPU of serve from process start to the first answer, against a Flask hello on Werkzeug",
        cpu["ours"] / cpu["hello"],
        at_most=0.8,
        detail=f"{microseconds(cpu['ours'])} to {microseconds(cpu['hello'])}",
    )
    memory = {name: median(start.resident_bytes for start in starts) for name, starts in started.items()}
    yield Row(
        "resident memory of an idle serve, against the same",
        memory["ours"] / memory["hello"],
        at_most=1.0,
        detail=f"{memory['ours'] / 2**20:.1f} to {memory['hello'] / 2**20:.1f} MiB",
    )
    with TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing(): pass\n")
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder]
        # Every other plugin that is installed here is off on both sides.
        alone = [*pytest, *_without("pytest_httpserver", "tiledesk_fake")]
        with_plugin = [*pytest, *_without("pytest_httpserver")]
        cpu = medians({"with": lambda: cpu_of_command(with_plugin), "alone": lambda: cpu_of_command(alone)}, rounds)
    yield Row(
        "CPU of pytest with the plugin unused, against pytest alone",
        cpu["with"] / cpu["alone"],
        at_most=1.03,
        detail=f"{microseconds(cpu['with'])} to {microseconds(cpu['alone'])}",
    )


def _without(*plugins: str) -> list[str]:
    return [word for plugin in plugins for word in ("-p", f"no:{plugin}")]


class _Start(NamedTuple):
    """What a server took until its first answer, and what it holds when it has given that."""

    cpu_s: float
    resident_bytes: int


def _start(command: Sequence[str], target: str) -> _Start:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HERE.parent)
    assert process.stdout
    with process.stdout as stdout:
        port = int(re.findall(rb"\d{4,}", stdout.readline())[-1])
        client = Client(port)
        client.send(Asked("GET", target).bytes(port))
        client.answer()
        client.close()
    resident = psutil.Process(process.pid).memory_info().rss
    process.kill()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return _Start(usage.ru_utime + usage.ru_stime, resident)
