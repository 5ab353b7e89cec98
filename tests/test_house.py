"""The order of the house: which module may know what, and what importing the package does not do."""

import ast
import dataclasses
import doctest
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_tiledesk_fake

import tiledesk_fake
from tiledesk_fake import contract
from tiledesk_fake.cli import _Group

PACKAGE = Path(tiledesk_fake.__file__).parent
TREES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}
# What examines other servers is a client: it names fields and statuses as any client does.
FAKE = {name: tree for name, tree in TREES.items() if not name.startswith("conformance/")}


CONFORMANCE = {name: tree for name, tree in TREES.items() if name not in FAKE}


def module_of(name: str) -> str:
    """The dotted name of a file of the package."""
    parts = ["tiledesk_fake", *name.removesuffix(".py").split("/")]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def for_typing_alone(tree: ast.Module) -> set[ast.AST]:
    """Everything below `if TYPE_CHECKING:`."""
    return {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }


def outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that are run, or type-checked, when a module is."""
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from outside_functions(child)


def imports(name: str, *, top_level: bool = False, typing: bool = False) -> Iterator[str]:
    """The modules that a file imports when it is imported or, unless `top_level`, ever; those of `typing` too."""
    tree = TREES[name]
    typing_alone = set() if typing else for_typing_alone(tree)
    for node in outside_functions(tree) if top_level else ast.walk(tree):
        if node in typing_alone:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module_of(name) if name.endswith("__init__.py") else module_of(name).rpartition(".")[0]
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            origin = ".".join(filter(None, (base, node.module)))
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def importers(*modules: str, among: dict[str, ast.Module] = TREES, top_level: bool = False) -> set[str]:
    """The files that import any of these modules, or anything in them."""
    return {
        name
        for name in among
        for imported in imports(name, top_level=top_level)
        if any(imported == module or imported.startswith(f"{module}.") for module in modules)
    }


def texts(tree: ast.Module) -> set[str]:
    """The strings of a module that are not its documentation."""
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
    }


def test_the_house_is_all_here() -> None:
    assert {"gate/gate.py", "core/history.py", "core/clock.py", "core/ids.py", "web/app.py", "web/wire.py"} <= set(FAKE)


def test_only_web_knows_flask() -> None:
    assert importers("flask", "werkzeug") == {"web/app.py"}


def test_only_what_serves_a_state_leads_to_web_and_to_flask_only_when_it_is_asked() -> None:
    # The control API is the other thing that answers requests.
    outside = {name: tree for name, tree in FAKE.items() if not name.startswith(("web/", "control/"))}

    assert importers("tiledesk_fake.web", among=outside) == {"served.py", "intercept/doors.py"}
    assert importers("tiledesk_fake.web.app", top_level=True) == set()


def test_only_what_serves_a_state_leads_to_the_server() -> None:
    assert importers("tiledesk_fake.serving.server") == {"served.py", "intercept/doors.py"}


def test_the_core_knows_neither_the_fake_nor_the_command_line() -> None:
    outside = {name: tree for name, tree in FAKE.items() if not name.startswith("cli/")}

    assert importers("tiledesk_fake.cli", among=outside) <= {"__main__.py"}
    assert importers("tiledesk_fake.fake") <= {"cli/__init__.py", "pytest.py", "app_factory.py"}
    assert importers("tiledesk_fake.conformance", among=outside) == set()


PLUGIN = {
    path.name: ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(Path(pytest_tiledesk_fake.__file__).parent.glob("*.py"))
}


# Python documents these; the underscore keeps them apart from a named tuple's fields.
OF_NAMED_TUPLES = {"_fields", "_replace"}


def private_names_of_others(tree: ast.Module) -> set[str]:
    """The names with an underscore that a module takes from others: imported, or asked of anything but `self`."""
    asked = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) != "self"
    }
    imported = {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    }
    private = {name for name in asked | imported if name.startswith("_") and not name.startswith("__")}
    return private - OF_NAMED_TUPLES


# pytest has no public way to run a test again beside itself; which names that takes is known in one place.
OF_PYTEST = {"variants.py": {"_id", "_nodeid", "_getinstance", "_initrequest", "_report_sections"}}


@pytest.mark.parametrize("name", PLUGIN)
def test_the_plugin_needs_no_private_name(name: str) -> None:
    assert private_names_of_others(PLUGIN[name]) - OF_PYTEST.get(name, set()) == set()


@pytest.mark.parametrize("name", PLUGIN)
def test_no_module_of_the_plugin_is_longer_than_one_reads_at_a_time(name: str) -> None:
    assert max(node.end_lineno or 0 for node in PLUGIN[name].body) <= 300


def test_a_run_that_hangs_shows_its_threads_before_its_time_is_up(pytestconfig: pytest.Config) -> None:
    assert 0 < float(pytestconfig.getini("faulthandler_timeout")) < float(pytestconfig.getini("timeout"))


def test_a_private_name_of_the_fake_would_be_noticed() -> None:
    tree = ast.parse("from tiledesk_fake.fake import _one\nfake._two\nself._three\nself.fake._four\nf().x._five()")

    assert private_names_of_others(tree) == {"_one", "_two", "_four", "_five"}


def test_errors_import_nothing_of_ours() -> None:
    assert importers("tiledesk_fake", among={"errors.py": TREES["errors.py"]}) == set()


def test_imports_make_no_circle() -> None:
    """Imports for type checkers count, and those inside functions."""
    # The package itself lists for type checkers what is public, from all over the house.
    known = {module_of(name): name for name in TREES if name != "__init__.py"}
    depends = {
        module: {imported for imported in imports(name, typing=True) if imported in known}
        for module, name in known.items()
    }
    settled: set[str] = set()
    while free := {module for module in depends.keys() - settled if depends[module] - {module} <= settled}:
        settled |= free

    assert depends.keys() - settled == set()


def test_only_the_clock_reads_the_time() -> None:
    # Deadlines of connections and the header Date are real time whatever the fake's clock shows.
    assert importers("tiledesk_fake.realtime") == {
        "arguments.py",  # for the types of time alone
        "core/clock.py",
        "serving/loop.py",
        "serving/service.py",
        "conformance/client.py",
    }
    # And nobody asks the module that others can patch.
    assert importers("time") == set()


def test_only_the_clock_sleeps() -> None:
    """A wait for an event that nobody sets is a sleep."""
    waiting = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and re.fullmatch(r"(?:threading\.)?Event\(\)\.wait", ast.unparse(node.func))
    }

    assert waiting == set()
    assert importers("sched", "asyncio") == set()


@pytest.mark.parametrize("name", TREES)
def test_nobody_asks_datetime_for_the_time(name: str) -> None:
    asked = {node.attr for node in ast.walk(TREES[name]) if isinstance(node, ast.Attribute)}

    # `.now()` of the fake's own clock is what the clock itself defines.
    assert asked.isdisjoint({"utcnow", "today"})
    assert not any(
        isinstance(node, ast.Attribute) and node.attr == "now" and ast.unparse(node.value) in ("datetime", "date")
        for node in ast.walk(TREES[name])
    )


def test_only_ids_makes_randomness() -> None:
    assert importers("random", "secrets", "uuid") == {"core/ids.py"}
    assert not any("urandom" in ast.unparse(tree) for tree in TREES.values())


def test_the_core_and_the_server_know_nothing_of_who_asks_from_elsewhere() -> None:
    outside = {name: tree for name, tree in FAKE.items() if not name.startswith(("remote/", "cli/"))}

    assert importers("tiledesk_fake.remote", among=outside) == set()
    assert importers("tiledesk_fake.control", among={n: t for n, t in FAKE.items() if n.startswith("remote/")}) == set()


def test_only_the_server_knows_sockets() -> None:
    assert importers("selectors") == {"serving/loop.py"}
    assert importers("httptools") == {"serving/reader.py"}
    assert importers("ssl", among=FAKE) == {
        "serving/tls.py",
        "serving/certificates.py",
        "cli/ca.py",
        "intercept/trust.py",
    }
    # By a pair of sockets the command line learns of signals.
    serving = {f"serving/{name}.py" for name in ("binding", "server", "connection", "loop", "stream")}
    # Whoever examines other servers has one client.
    # And `intercept` leads the sockets of clients.
    led = {"intercept/sockets.py", "intercept/loops.py"}
    assert importers("socket") == {*serving, *led, "cli/__init__.py", "conformance/client.py"}
    assert importers("select", "ssl", "http.client", among=CONFORMANCE) == {
        "conformance/client.py",
        "conformance/adapter.py",
    }
    # And so has whoever asks a fake that is served elsewhere, but for the question whom to trust.
    assert importers("http.client", "urllib.request", among=FAKE) == {"remote/calls.py", "cli/ca.py"}


def test_only_one_module_knows_asgi_and_only_when_it_is_asked() -> None:
    assert importers("a2wsgi") == {"web/asgi.py"}
    assert importers("a2wsgi", top_level=True) == set()
    assert importers("tiledesk_fake.web.asgi", top_level=True) == set()


def test_only_the_names_for_tests_know_pytest() -> None:
    assert importers("pytest", among=TREES) == {"pytest.py"}
    assert importers("tiledesk_fake.pytest", among=TREES) == set()


def test_one_file_knows_schemathesis_and_one_the_inside_of_hypothesis() -> None:
    assert importers("schemathesis") == {"conformance/engine.py"}
    assert importers("hypothesis", among=CONFORMANCE) == {"conformance/home.py"}
    assert importers("hypothesis", among=FAKE) <= {"strategies.py"}


def test_schemathesis_is_imported_by_what_generates_requests_alone() -> None:
    assert importers("tiledesk_fake.conformance.engine") == {"conformance/generated.py"}
    assert importers("tiledesk_fake.conformance.generated") == {"conformance/runner.py"}
    assert importers("tiledesk_fake.conformance.generated", top_level=True) == set()


def test_conformance_knows_the_contract_and_nothing_of_what_the_fake_is_made_of_but_for_replay_which_asks_it() -> None:
    package = {
        imported
        for name in CONFORMANCE
        if not name.startswith("conformance/replay/")
        for imported in imports(name)
        if imported in {module_of(each) for each in FAKE} - {"tiledesk_fake"}
    }
    known = {name for name in package if not name.startswith("tiledesk_fake.contract")}

    assert known == {
        f"tiledesk_fake.{name}" for name in ("core.clock", "core.ids", "core.redaction", "curl", "errors", "realtime")
    }


def test_only_the_command_line_leads_to_replay() -> None:
    outside = {name: tree for name, tree in TREES.items() if not name.startswith("conformance/replay/")}

    assert importers("tiledesk_fake.conformance.replay", among=outside) == {"cli/learn.py", "cli/replay.py"}


def test_serve_starts_without_the_other_commands() -> None:
    commands = {f"tiledesk_fake.cli.{name}" for name in set(_Group.LATE.values())}

    assert {module for module in commands if importers(module)} == set()


@pytest.mark.parametrize("name", TREES)
def test_no_file_has_more_than_400_lines(name: str) -> None:
    assert len((PACKAGE / name).read_text(encoding="utf-8").splitlines()) <= 400


def test_one_module_writes_curl_lines_and_one_makes_text_printable() -> None:
    """Each has rules of quoting that nobody should have to find out twice."""
    assert importers("shlex") == {"curl.py"}
    assert {name for name, tree in TREES.items() if any(text.startswith("curl ") for text in texts(tree))} == set()
    escaping = re.compile(r"unicode_escape|\bascii\(")
    assert {name for name, tree in TREES.items() if escaping.search(ast.unparse(tree))} == {"core/redaction.py"}


# `_id` is also a claim of every JWT, so it is no sign of knowing records.
FIELD_NAMES = {"createdAt", "updatedAt", "expiresAt", "id_user", "__v", "perPage", "jwts", "jwtHistories"}


def test_only_wire_knows_the_field_names_of_records() -> None:
    knowing = {name for name, tree in FAKE.items() if FIELD_NAMES & texts(tree)}

    # A scenario is written in these names, and made by strategies. The demo is read from the contract, and a choice is
    # called by one.
    # The control API has names of its own for its own JSON, which are the same.
    own = {"control/shapes.py", "control/operations.py", "remote/fake.py", "remote/values.py", "cli/tokens.py"}
    assert knowing == {"web/wire.py", "scenario.py", "strategies.py", "demo.py", "contract/profile.py", *own}
    assert FIELD_NAMES & texts(FAKE["contract/profile.py"]) == {"jwts", "jwtHistories"}


def test_of_what_examines_servers_the_rules_and_questions_name_fields_and_three_modules_that_read_lists() -> None:
    knowing = {name for name, tree in CONFORMANCE.items() if FIELD_NAMES & texts(tree)}

    assert {name for name in knowing if not name.startswith(("conformance/rules/", "conformance/questions/"))} == {
        "conformance/asking.py",
        "conformance/people.py",
        "conformance/tokens.py",
    }


def refusing_numbers(tree: ast.Module) -> set[int]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and type(node.value) is int and 400 <= node.value <= 511
    }


def test_only_problems_pairs_refusals_with_statuses() -> None:
    deciding = [
        "refusals.py",
        "state.py",
        "core/history.py",
        "core/users.py",
        "gate/jwt.py",
        *(name for name in FAKE if name.startswith("web/") and name != "web/problems.py"),
    ]

    assert {name: numbers for name in deciding if (numbers := refusing_numbers(FAKE[name]))} == {}
    assert refusing_numbers(FAKE["web/problems.py"]) >= {400, 404, 405, 413, 500}


def test_the_gate_reckons_with_the_statuses_of_passport_alone() -> None:
    """Of two failed strategies the first status counts; the answers are made elsewhere."""
    assert refusing_numbers(FAKE["gate/gate.py"]) == {400, 401}


HIDDEN = {"password", "secret", "authorization", "jwt", "body", "target", "query"}


# A planned fault's body is the test's own, an answer's is what the fake says, and an exchange is redacted already.
SHOWN = {"core.faults.Fault.body", "web.answer.Answer.body", "serving.gateway.Outgoing.body"}
SHOWN |= {"serving.rejection.Rejection.body", "core.journal.Exchange.target", "core.journal.Exchange.query"}


def values_of_the_package() -> dict[str, type]:
    """Its dataclasses and named tuples."""
    found = {}
    for name in TREES:
        if name == "__main__.py":
            continue
        for thing in vars(importlib.import_module(module_of(name))).values():
            if not isinstance(thing, type) or thing.__module__ != module_of(name):
                continue
            if dataclasses.is_dataclass(thing) or hasattr(thing, "_fields"):
                found[f"{thing.__module__.removeprefix('tiledesk_fake.')}.{thing.__qualname__}"] = thing
    return found


def shown_fields(value: Any) -> set[str]:
    """The fields that the value shows to whoever prints it."""
    if dataclasses.is_dataclass(value):
        return {field.name for field in dataclasses.fields(value) if field.repr}
    # A named tuple shows all, unless it says itself what it shows.
    return set(value._fields) if value.__repr__.__module__ != value.__module__ else set()


def test_no_value_shows_what_may_hold_credentials() -> None:
    values = values_of_the_package()
    showing = {f"{name}.{field}" for name, value in values.items() for field in shown_fields(value) & HIDDEN}

    assert len(values) > 40
    assert showing == SHOWN


# --- documentation -----------------------------------------------------------------------------------------------

EXAMPLES = [name for name in TREES if ">>> " in (PACKAGE / name).read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_in_the_documentation_runs(name: str) -> None:
    written = (PACKAGE / name).read_text(encoding="utf-8").count(">>> ")

    results = doctest.testmod(importlib.import_module(module_of(name)))

    assert results.failed == 0
    assert results.attempted == written


@pytest.mark.parametrize("name", TREES)
def test_every_module_says_what_it_is_for(name: str) -> None:
    assert ast.get_docstring(TREES[name])


def public_definitions(node: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Classes and functions whose names have no underscore, in classes of which the same is true."""
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public_definitions(child)


def is_rule(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether it is a rule of conformance: a sentence says what it asks."""
    made_by = {ast.unparse(each.func) for each in node.decorator_list if isinstance(each, ast.Call)}
    return not made_by.isdisjoint({"rule", "_last.rule"})


# What they define is called by the libraries, or the protocols, that named it.
@pytest.mark.parametrize("name", sorted(name for name in TREES if not name.startswith("serving/")))
def test_every_public_class_and_function_is_documented(name: str) -> None:
    undocumented = [part for part in public_definitions(TREES[name]) if not ast.get_docstring(part)]

    assert [part.name for part in undocumented if not is_rule(part)] == []


# --- what importing does not do ----------------------------------------------------------------------------------


def run(program: str) -> Any:
    """What a new interpreter prints, as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        # Little of this process's environment: the package may have changed that already.
        env={name: os.environ[name] for name in ("PATH", "PYTHONPATH", "SYSTEMROOT") if name in os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_importing_the_package_imports_next_to_nothing() -> None:
    loaded = run("""
        import json, sys
        before = set(sys.modules)
        import tiledesk_fake
        dir(tiledesk_fake), tiledesk_fake.__all__, tiledesk_fake.__version__
        print(json.dumps(sorted(set(sys.modules) - before)))
    """)

    assert [name for name in loaded if name.startswith("tiledesk_fake")] == ["tiledesk_fake"]
    assert {"flask", "werkzeug", "yaml", "click", "jsonschema_rs", "asyncio", "socket", "logging"}.isdisjoint(loaded)


def test_making_a_fake_imports_no_flask_and_nothing_for_the_command_line() -> None:
    # As an installation leaves it: in a checkout the contract may have been edited since.
    for file in (contract.FILE, contract.AUTH_FILE):
        file.with_suffix(".json").write_text(contract.twin(file), encoding="utf-8")
    loaded = run("""
        import json, sys
        import tiledesk_fake
        fake = tiledesk_fake.TiledeskFake()
        fake.issue_token(fake.add_user(email="ada@example.com"))
        print(json.dumps(sorted(sys.modules)))
    """)

    assert {"flask", "werkzeug", "click", "asyncio", "yaml", "urllib.request"}.isdisjoint(loaded)


def test_all_that_serves_a_request_is_imported_and_read_when_the_first_fake_is_made() -> None:
    """Later, time may stand still, and files and imports may be patched."""
    opened, loaded = run("""
        import encodings.idna, http.client, json, sys
        from urllib.parse import urlsplit
        import tiledesk_fake

        opened = []
        fake = tiledesk_fake.TiledeskFake()
        before = set(sys.modules)
        sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
        with fake:
            ada = fake.add_user(email="ada@example.com", password="secret")
            calls = [
                ("GET", "/v3/jwt/history?page=x&direction=1", ada.authorization),
                ("GET", "/v3/jwt/history", fake.issue_token(ada).authorization),
                ("DELETE", "/v3/jwt/history/id/5", "Bearer x"),
                ("PATCH", "/nowhere?token=1", "JWT"),
                ("OPTIONS", "*", ""),
                ("POST", "/v3/auth/signin", ""),
            ]
            plain = b'{"email": "ada@example.com", "password": "secret"}'
            # Not by encode(), which would import what decodes them.
            bodies = [
                (plain, "application/json"),
                (plain, "application/json; charset=utf-7"),
                (b"".join(bytes([byte, 0]) for byte in plain), "application/json; charset=utf-16"),
                (b"".join(bytes([0, byte]) for byte in plain), "application/json; charset=utf-16be"),
                (b"email=ada%40example.com&password=secret", "application/x-www-form-urlencoded"),
            ]
            for method, target, authorization in calls:
                for body, content_type in bodies:
                    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(fake.url).port)
                    headers = {"Authorization": authorization, "Content-Type": content_type}
                    connection.request(method, target, body, headers)
                    connection.getresponse().read()
                    connection.close()
            fake.journal.assert_called("signIn", status=200, times=len(bodies))
            [str(violation) for violation in fake.journal.violations]
        late = sorted(set(sys.modules) - before)
        print(json.dumps([opened, late]))
    """)

    assert (opened, loaded) == ([], [])


WORLD = """
    import json, logging, os, signal, sys, threading, warnings

    def world():
        return [
            dict(os.environ),
            [str(signal.getsignal(number)) for number in signal.valid_signals() if number not in (9, 19)],
            [str(handler) for handler in logging.getLogger().handlers],
            logging.getLogger().level,
            [thread.name for thread in threading.enumerate()],
            [str(filter) for filter in warnings.filters],
            sys.path, sys.getrecursionlimit(), sys.getswitchinterval(), os.getcwd(), str(sys.excepthook),
        ]

    before = json.dumps(world())
"""


@pytest.mark.parametrize(
    "done",
    [
        "import tiledesk_fake",
        "import tiledesk_fake.fake, tiledesk_fake.serving.server, tiledesk_fake.web.app",
        "from tiledesk_fake import TiledeskFake; fake = TiledeskFake(); fake.wsgi_app",
        "from tiledesk_fake import TiledeskFake\nwith TiledeskFake() as fake: fake.url",
    ],
    ids=["import", "import of everything", "use", "serving"],
)
def test_nothing_outside_the_package_is_changed_by(done: str) -> None:
    program = f"{textwrap.dedent(WORLD)}\n{done}\nprint(json.dumps([json.loads(before), world()]))"

    before, after = run(program)

    assert after == before


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_every_module_can_be_imported_by_itself() -> None:
    names = [module.name for module in pkgutil.iter_modules([str(PACKAGE)]) if module.name != "__main__"]

    failed = run(f"""
        import importlib, json, sys
        failed = []
        for name in {names!r}:
            for loaded in [loaded for loaded in sys.modules if loaded.startswith("tiledesk_fake")]:
                del sys.modules[loaded]
            try:
                importlib.import_module("tiledesk_fake." + name)
            except ImportError as problem:
                failed.append([name, str(problem)])
        print(json.dumps(failed))
    """)

    assert failed == []
