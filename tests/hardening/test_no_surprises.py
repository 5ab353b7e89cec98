"""No surprises: the fake reaches out to nothing, writes nothing, and changes nothing of its process."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.hardening.hostile import cases_for, faults, mutations
from tests.hardening.served import ENDPOINTS, serving

# Writes down every event of Python's audit that reaches out of the process or changes a file.
WATCH = """
import os, sys
report = os.open({report!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
OUTWARD = (
    "socket.connect", "socket.sendto", "socket.gethostbyname", "subprocess.", "os.system", "os.exec", "os.posix_spawn",
    "os.spawn", "os.fork", "os.startfile", "pty.", "os.rename", "os.remove", "os.unlink", "os.mkdir", "os.rmdir",
    "os.link", "os.symlink", "os.chmod", "os.chown", "os.truncate", "os.putenv", "os.unsetenv", "os.kill", "shutil.",
    "tempfile.", "urllib.", "http.client.", "smtplib.", "ftplib.", "sqlite3.", "webbrowser.", "ctypes.dlopen",
    "pickle.find_class",
)
def watch(event, arguments):
    outward = event.startswith(OUTWARD)
    if event == "open":
        path, mode, flags = arguments
        outward = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC)) and path != os.devnull
    if outward:
        os.write(report, f"{{event}} {{str(arguments)[:200]}}\\n".encode())
sys.addaudithook(watch)
"""


def seen_while_hostile_clients_call(directory: Path, defect: str = "") -> list[str]:
    """What the served command does outside of its process while it starts, is attacked and ends."""
    report = directory / "report.txt"
    with serving(directory, before=WATCH.format(report=str(report)) + defect) as served:
        for method, path in ENDPOINTS.values():
            # A defect is found by the first request that is served.
            cases = cases_for(method, path)[: 1 if defect else None]
            assert faults(served.port, [*cases, *mutations(9, 0 if defect else 60, method, path)]) == {}
        served.process.terminate()
        served.process.wait(10)
    return report.read_text(encoding="utf-8").splitlines()


def test_hostile_clients_make_it_connect_run_and_write_nothing(tmp_path: Path) -> None:
    assert seen_while_hostile_clients_call(tmp_path) == []


def test_a_fake_that_reaches_out_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    defects = """
import contextlib, os, socket, subprocess, tiledesk_fake.state as state
revoke_jti_as = state.State.revoke_jti_as
def reaching_out(*arguments):
    with socket.socket() as outward:
        outward.connect_ex(("127.0.0.1", 9))
    subprocess.run(["true"])
    open("written.txt", "a").close()
    os.remove("written.txt")
    os.environ["A"] = "b"
    return revoke_jti_as(*arguments)
state.State.revoke_jti_as = reaching_out
"""

    found = {line.partition(" ")[0] for line in seen_while_hostile_clients_call(tmp_path, defects)}
    assert found >= {"socket.connect", "subprocess.Popen", "open", "os.remove", "os.putenv"}


# --- importing and collecting ------------------------------------------------------------------------------------

STATE_OF_PROCESS = """
import json, logging, os, signal, sys, threading, warnings

def state():
    # What pytest itself changes for each phase is left out.
    return json.loads(json.dumps({
        "environment": {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
        "signals": {int(n): repr(signal.getsignal(n)) for n in signal.valid_signals()},
        "root": [logging.root.level, [type(handler).__name__ for handler in logging.root.handlers]],
        "loggers": {
            name: [logger.level, len(logger.handlers), logger.propagate, logger.disabled]
            for name, logger in logging.root.manager.loggerDict.items()
            if isinstance(logger, logging.Logger) and not name.startswith("tiledesk_fake")
            and [logger.level, len(logger.handlers), logger.propagate, logger.disabled] != [0, 0, True, False]
        },
        "logging": [logging.getLoggerClass().__name__, logging.raiseExceptions, logging.root.manager.disable],
        "hooks": [repr(sys.excepthook), repr(threading.excepthook), repr(sys.unraisablehook)],
        "limits": [sys.getrecursionlimit(), sys.getswitchinterval()],
        "threads": threading.active_count(),
        "directory": os.getcwd(),
    }))
"""

IMPORT_EVERYTHING = """
import importlib, pkgutil
before = state()
import tiledesk_fake, pytest_tiledesk_fake
for package in (tiledesk_fake, pytest_tiledesk_fake):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        # The checks bring tools of their own, which only those who run them import.
        if module.name != "tiledesk_fake.__main__" and ".conformance" not in module.name:
            importlib.import_module(module.name)
for name in tiledesk_fake.__all__:
    getattr(tiledesk_fake, name)
tiledesk_fake.TiledeskFake().wsgi_app
"""
COMPARE = """
after = state()
changed = {key: [before[key], after[key]] for key in before if before[key] != after[key]}
assert not changed, changed
"""


def run_python(code: str, *arguments: str, directory: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-B", "-c", textwrap.dedent(code), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=directory)


def test_importing_every_module_changes_nothing_of_the_process(tmp_path: Path) -> None:
    ended = run_python(STATE_OF_PROCESS + IMPORT_EVERYTHING + COMPARE, directory=tmp_path)

    assert (ended.returncode, ended.stderr) == (0, "")


MEDDLING = {
    "variable": "import os; os.environ['AWS_SECRET'] = 'fake'",
    "signal": "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)",
    "level": "import logging; logging.getLogger('requests').setLevel(50)",
    "root": "import logging; logging.basicConfig()",
    "thread": "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
    "hook": "import sys; sys.unraisablehook = print",
}


@pytest.mark.parametrize("meddling", MEDDLING.values(), ids=MEDDLING)
def test_a_package_that_meddles_is_found(tmp_path: Path, meddling: str) -> None:
    code = STATE_OF_PROCESS + f"before = state()\n{meddling}\n{COMPARE}"

    ended = run_python(code, directory=tmp_path)

    assert ended.returncode == 1
    assert "AssertionError" in ended.stderr


COLLECT = """
import pytest

class Watch:
    def pytest_collection_modifyitems(self):
        print("FOUND", json.dumps(state()))
        ours = [name for name in sys.modules if name.split(".")[0] in ("flask", "werkzeug", "yaml", "tiledesk_fake")]
        print("IMPORTED", json.dumps(ours))

others = [f"-pno:{name}" for name in ("cacheprovider", "schemathesis", "hypothesispytest", "randomly", "xdist")]
pytest.main(["--collect-only", "-q", *others, *sys.argv[1:]], plugins=[Watch()])
"""


def test_collecting_tests_changes_nothing_and_imports_nothing_but_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(fake_tiledesk): pass\n", encoding="utf-8")

    def collected(*arguments: str) -> list[str]:
        ended = run_python(STATE_OF_PROCESS + COLLECT, *arguments, directory=tmp_path)
        return [re.sub("0x[0-9a-f]+", "", line) for line in ended.stdout.splitlines() if line[:2] in ("FO", "IM")]

    with_plugin = collected("test_it.py")

    assert with_plugin == collected("-p", "no:tiledesk_fake", "test_it.py")
    assert with_plugin[1] == "IMPORTED []"
