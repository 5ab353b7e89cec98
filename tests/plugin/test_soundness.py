"""On suites that are made at random, the matrix finds what running everything finds, and runs less."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from pprint import pformat
from random import Random
from typing import Any

import pytest

from tests.plugin import steps
from tests.plugin.outside import Project, run_all
from tests.plugin.test_matrix import fallen
from tests.served import served, server_url
from tiledesk_fake import TiledeskFake
from tiledesk_fake.contract.profile import CHOICES, read_profile

pytestmark = pytest.mark.slow

OPERATIONS = ("listTokens", "revokeTokenByJti", "revokeTokenById", "signIn")
QUERIES = (
    *("", "?page=0", "?page=1", "?page=2", "?page=-1", "?page=1.5", "?page="),
    *("?direction=1", "?direction=-1", "?direction=up", "?limit=3", "?secret=x"),
    *(f"?{name}={field}" for name in ("sort", "sortField") for field in ("createdAt", "jti", "_id", "nothing")),
    *("?sort=jti&direction=1", "?sortField=jti&direction=-1&page=1", "?sortField=updatedAt&page=0", "?page=0&page=1"),
)
STRAY = (
    ("DELETE", "/jwt/history/%zz"),
    ("POST", "/jwt/history"),
    ("GET", "/jwt/histories"),
    ("DELETE", "/jwt/history/id"),
)
UNKNOWN = ("nobody", "0" * 23 + "f", "none", "a/b", "%")


def some_steps(random: Random) -> Iterator[tuple[Any, ...]]:
    """Steps of a test, which look at some of what they could see."""
    ids = random.sample(range(16, 4096), 60)
    yield "issue", 0, [ids.pop() for _ in range(random.choice([1, 2, 3, 12, 41]))], False

    def caller() -> str:
        return random.choice(["ada"] * 5 + ["bob", "0", "0", "1", "nobody"])

    def look() -> str:
        return random.choice(["", "", *steps.LOOKS])

    for _ in range(random.randint(1, 6)):
        match random.choice(["issue", "revoke", "advance", "list", "list", "list", "delete", "delete", "other"]):
            case "issue":
                yield "issue", random.randint(0, 1), [ids.pop(), ids.pop()], random.random() < 0.3
            case "revoke":
                yield "revoke", random.randint(0, 3)
            case "advance":
                yield "advance", random.choice([1, 60])
            case "list":
                yield "list", caller(), random.choice(QUERIES), look()
            case "delete":
                known: list[int | str] = [0, 0, 1, 2, 42]
                yield "delete", caller(), random.choice([*known, *UNKNOWN]), random.choice(["jti", "id"]), look()
            case "other":
                yield random.choice(
                    [
                        ("fault", random.choice(OPERATIONS), random.choice([401, 404, 429, 503])),
                        ("drop", random.choice(OPERATIONS)),
                        ("clear",),
                        ("stray", caller(), *random.choice(STRAY), look()),
                        ("sign_in", random.choice(["ada", "wrong"]), look()),
                        ("goes_by", random.choice([*CHOICES])),
                    ]
                )
    if random.random() < 0.5:
        yield random.choice([("history", 0), ("history", 1), ("reasons",), ("violations",)])


def some_test(number: int, random: Random, profile: Mapping[str, str]) -> str:
    """A test that passes under the profile, since it expects what it sees there."""
    taken = list(some_steps(random))
    with TiledeskFake(profile=profile).start() as fake:
        seen = steps.play(fake, taken)
        passes_as_it_is = not (fake.journal.untaken_violations or fake.faults.unspent)
    lines = [] if passes_as_it_is else ["@pytest.mark.tiledesk(strict=False)"]
    match random.choice(["own", "own", "made", "session"]):
        case "own":
            lines += [f"def test_{number}(fake_tiledesk):", "    fake = fake_tiledesk"]
        case "made":
            lines += [f"def test_{number}(fake_tiledesk_factory):", "    fake = fake_tiledesk_factory(seed=1)"]
        case "session":
            lines += [f"def test_{number}(fake_tiledesk_server):", "    fake = fake_tiledesk_server"]
    lines += [f"    taken = {pformat(taken, compact=True)}", f"    assert play(fake, taken) == {pformat(seen)}"]
    return "\n".join(lines) + "\n"


def write_suite(project: Project, seed: int, profile: Mapping[str, str], *, of: int) -> None:
    random = Random(seed)
    tests = [some_test(number, random, profile) for number in range(of)]
    project.write("steps.py", Path(steps.__file__).read_text(encoding="utf-8"))
    project.write("test_it.py", "\n\n".join(["import pytest\n\nfrom steps import play\n", *tests]))


def found(project: Project, *runs: list[str]) -> list[dict[str, Any]]:
    """What each run of pytest, with these arguments, reports of the choices."""
    frugal = ["--assert=plain", "--tb=line", "-p", "no:randomly"]
    reports = [f"report-{number}.json" for number in range(len(runs))]
    told = run_all(
        [
            (project.folder, {}, [*frugal, *arguments, f"--tiledesk-assume-report={report}"])
            for arguments, report in zip(runs, reports, strict=True)
        ]
    )
    assert "mend these first" not in "".join(run.text for run in told), told[0].text
    return [json.loads(project.read(report))["choices"] for report in reports]


def ran(choices: Mapping[str, Any]) -> int:
    return sum(each["ran"] for each in choices.values())


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("profile", ["documented", "siblings"])
def test_what_running_everything_finds_is_found(project: Project, seed: int, profile: str) -> None:
    write_suite(project, seed, read_profile(profile).choices, of=50)
    each = f"--tiledesk-assume-each={','.join(CHOICES)}"
    by_profile = [each, f"--tiledesk-profile={profile}"]

    cheap, everything = found(project, by_profile, [*by_profile, "-k", " or ".join(CHOICES)])

    assert fallen(cheap) == fallen(everything)
    # Or else the suite would show nothing.
    assert len(fallen(cheap)) >= 12
    assert ran(everything) == 50 * sum(len(choices) - 1 for choices in CHOICES.values())
    assert ran(cheap) <= 0.6 * ran(everything)


def test_what_is_run_spared_and_failed_is_the_same_elsewhere(project: Project) -> None:
    write_suite(project, 2, {}, of=15)

    with served() as server:
        here, elsewhere = found(
            project, ["--tiledesk-assume-each"], ["--tiledesk-assume-each", "--tiledesk-url", server_url(server)]
        )

    assert elsewhere == here
    assert len(fallen(here)) >= 8
