"""docs/clients.md: every section is run, its commands and its program, and the types of the program are checked."""

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tools import foreign
from tiledesk_fake import TiledeskFake

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"


@dataclass(frozen=True)
class Section:
    title: str
    commands: list[str]
    language: str
    program: str


def sections() -> list[Section]:
    found = []
    for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        blocks = re.findall(r"^```(\w+)\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
        (first, commands), (language, program) = blocks
        assert first == "bash"
        found.append(Section(part.partition("\n")[0], commands.splitlines(), language, program))
    return found


SECTIONS = sections()


def test_the_page_has_a_section_for_each_generator() -> None:
    assert [section.title for section in SECTIONS] == [
        "openapi-python-client",
        "openapi-generator, Python",
        "openapi-generator, TypeScript",
        "openapi-typescript and openapi-fetch",
        "hey-api",
    ]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_the_commands_and_the_program_of_a_section_work(section: Section, tmp_path: Path) -> None:
    spec = foreign.run([sys.executable, "-m", "tiledesk_fake", "spec"], tmp_path)
    (tmp_path / "openapi.yaml").write_text(spec, encoding="utf-8")
    path: list[Path] = []
    for line in section.commands:
        match shlex.split(line):
            case ["pip", "install", *packages]:
                path.append(foreign.from_index(*packages))
            case ["npm", "install", *packages]:
                modules = foreign.from_npm(*packages)
                (tmp_path / "node_modules").symlink_to(modules)
                path.append(modules / ".bin")
            case ["npx", *command]:
                foreign.run(command, tmp_path, *path)
            case command:
                if command[0] == "openapi-generator-cli":
                    foreign.needs("java")
                foreign.run(command, tmp_path, *path)
    with TiledeskFake() as fake:
        ada = fake.add_user(email="ada@example.com", password="secret")
        first, caller = fake.issue_token(ada), fake.issue_token(ada)
        variables = {"TILEDESK_URL": fake.url, "TILEDESK_TOKEN": caller.jwt}
        said = run_program(section, tmp_path, path, variables)

    assert said.splitlines()[-1] == "Object not found."
    assert (first.revoked, caller.revoked) == (True, False)
    assert [exchange.status for exchange in fake.journal.exchanges] == [200, 200, 404]
    assert fake.journal.violations == []


def run_program(section: Section, folder: Path, path: list[Path], variables: dict[str, str]) -> str:
    """What the program prints, once its types are known to be right."""
    if section.language == "python":
        (folder / "program.py").write_text(section.program, encoding="utf-8")
        python = next(str(each / "python") for each in path)
        options = ["--strict", "--follow-imports", "silent", "--python-executable", python]
        foreign.run([sys.executable, "-m", "mypy", *options, "program.py"], folder, MYPYPATH=str(folder))
        return foreign.run([python, "-W", "error", "program.py"], folder, **variables)
    (folder / "program.ts").write_text(section.program, encoding="utf-8")
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "preserve"]
    foreign.run(["tsc", *options, "--types", "node", "program.ts"], folder, *path)
    return foreign.run(["tsx", "program.ts"], folder, *path, **variables)
