"""What it costs to start: the fake to its first answer, and pytest where nobody uses the plugin."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ..environment import HERE
from ..load import Asked, Client
from ..measure import cpu_of_command, medians
from ..report import Row, microseconds
from ..work import LIST


def rows(rounds: int) -> Iterator[Row]:
    """The start of a server and the start of pytest."""
    hello = [sys.executable, "-m", "bench.servers.flask_hello"]
    serve = [sys.executable, "-m", "bench.servers.first_answer"]
    cpu = medians(
        {"ours": lambda: _cpu_to_first_answer(serve, LIST), "hello": lambda: _cpu_to_first_answer(hello, "/")}, rounds
    )
    yield Row(
        "CPU from process start to the first answer, against a Flask hello",
        cpu["ours"] / cpu["hello"],
        at_most=1.2,
        detail=f"{microseconds(cpu['ours'])} to {microseconds(cpu['hello'])}",
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


def _cpu_to_first_answer(command: Sequence[str], target: str) -> float:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HERE.parent)
    assert process.stdout
    with process.stdout as stdout:
        port = int(stdout.readline())
        client = Client(port)
        client.send(Asked("GET", target).bytes(port))
        client.answer()
        client.close()
    process.kill()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime
