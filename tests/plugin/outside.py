"""A project of its own that uses the plugin, and what pytest says when it runs there."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from textwrap import dedent

import pytest

# A run that takes this long has failed.
PATIENCE_S = 60
# What would make the inner run another one than meant.
_FOREIGN = re.compile(r"PYTEST_|TILEDESK_FAKE_|PYTHONWARNINGS$|COLUMNS$|(https?|all|no)_proxy$", re.IGNORECASE)


@dataclass(frozen=True)
class Run:
    """What a run of pytest ended with, and what it said."""

    code: int
    text: str
    errors: str

    @cached_property
    def outcomes(self) -> dict[str, list[str]]:
        """The outcomes of each test, by its name: more than one where it passed and then had an error, or was rerun.

        Skipped tests are not among them: pytest does not list them by name.
        """
        outcomes: dict[str, list[str]] = {}
        listed = re.findall(r"^(PASSED|FAILED|ERROR|XFAIL|XPASS|RERUN) \S+::([^\s\[:]+(?:\[.*?\])?)", self.text, re.M)
        for word, name in listed:
            outcomes.setdefault(name, []).append(word.lower())
        return outcomes

    @cached_property
    def counts(self) -> dict[str, int]:
        """How often there was each outcome, from the last line."""
        return pytest.RunResult.parse_summary_nouns(self.text.splitlines())

    def told(self, test: str) -> str:
        """The part of the output that tells what happened to a test: its failure or error, and what was captured."""
        parts = re.split(r"^_{3,} (.+?) _{3,}$|^={3,}.*={3,}$", self.text, flags=re.M)
        named = re.compile(rf"(?:.*[. ])?{re.escape(test)}")
        told = [text for name, text in zip(parts[1::2], parts[2::2], strict=True) if name and named.fullmatch(name)]
        assert told, f"nothing is told of {test} in:\n{self.text}"
        return "\n".join(told).strip()

    def summary(self, test: str) -> str:
        """The line of the short test summary about a test."""
        (line,) = re.findall(rf"^(?:FAILED|ERROR) \S+::{re.escape(test)} - (.*)$", self.text, re.M)
        return str(line)


class Project:
    """A folder with files, in which pytest is run with this plugin and those that are named, and no other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def run(
        self,
        *arguments: str,
        plugins: tuple[str, ...] = ("tiledesk_fake",),
        environment: Mapping[str, str] | None = None,
        python: str = sys.executable,
        autoload: bool = False,
        typed: str = "",
    ) -> Run:
        chosen = [part for plugin in plugins for part in ("-p", plugin)]
        done = subprocess.run(
            [python, "-m", "pytest", "-p", "no:cacheprovider", *chosen, *arguments],
            cwd=self.folder,
            env={**_environment(autoload=autoload), **(environment or {})},
            input=typed,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_S,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)


def _environment(*, autoload: bool) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    alone = {} if autoload else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return {**inherited, **alone, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100"}


@dataclass(frozen=True)
class Setup:
    """Files, environment and arguments of one run among many."""

    files: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()


_MANY = """
import contextlib, io, json, os, sys
import pytest

results = []
for folder, environment, arguments in json.load(sys.stdin):
    os.chdir(folder)
    os.environ.update(environment)
    with contextlib.redirect_stdout(io.StringIO()) as text, contextlib.redirect_stderr(io.StringIO()) as errors:
        code = pytest.main(["-p", "no:cacheprovider", "-p", "tiledesk_fake", *arguments])
    for name in environment:
        del os.environ[name]
    # The next folder has modules of the same names.
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(folder):
            del sys.modules[name]
    results.append([int(code), text.getvalue(), errors.getvalue()])
json.dump(results, sys.stdout)
"""


def run_many(folder: Path, setups: Mapping[str, Setup]) -> dict[str, tuple[Project, Run]]:
    """Run pytest for each setup, in a folder of its own, all in one process: starting one is what takes long."""
    projects = {name: Project(folder / str(number)) for number, name in enumerate(setups)}
    for name, setup in setups.items():
        for file, text in setup.files.items():
            projects[name].write(file, text)
    runs = run_all([(projects[name].folder, setup.environment, setup.arguments) for name, setup in setups.items()])
    return {name: (projects[name], run) for name, run in zip(setups, runs, strict=True)}


def run_all(cases: Sequence[tuple[Path, Mapping[str, str], Sequence[str]]], python: str = sys.executable) -> list[Run]:
    """Run pytest for each folder, environment and arguments, all in one process."""
    done = subprocess.run(
        [python, "-c", _MANY],
        env=_environment(autoload=False),
        input=json.dumps([(str(folder), dict(environment), [*arguments]) for folder, environment, arguments in cases]),
        capture_output=True,
        encoding="utf-8",
        timeout=2 * PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Run(*result) for result in json.loads(done.stdout)]


def contract_line(told: str) -> str:
    """The line of the contract that a violation names, read where it is said to be."""
    ((file, number),) = re.findall(r"^    contract  (/.*):(\d+)$", told, re.M)
    return Path(file).read_text(encoding="utf-8").splitlines()[int(number) - 1].strip()
