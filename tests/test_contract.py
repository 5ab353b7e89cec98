"""The contract: valid under every profile, refused where it does not fit the code, followed where it does."""

import json
import os
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from tests.choices import profiles
from tests.wsgi import Reply, call
from tiledesk_fake import ContractError, ProfileError, TiledeskFake, contract, demo
from tiledesk_fake.contract import AUTH_FILE, FILE, Contract, load, merge_patch, schemas
from tiledesk_fake.contract.places import Place
from tiledesk_fake.contract.profile import CHOICES
from tiledesk_fake.state import State
from tiledesk_fake.web.road import Road
from tiledesk_fake.web.wsgi import WsgiApp

TEXT = FILE.read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = yaml.safe_load(TEXT)
ASSUMPTIONS: dict[str, dict[str, Any]] = {assumption["id"]: assumption for assumption in DOCUMENT["x-assumptions"]}
SINGLE_TURNS = [
    {id: choice}
    for id, assumption in ASSUMPTIONS.items()
    for choice in (assumption["default"], *assumption["alternatives"])
]
PROFILES = profiles()
OPERATIONS = ("listTokens", "revokeTokenByJti", "revokeTokenById")

every_turn = pytest.mark.parametrize("choices", SINGLE_TURNS, ids=lambda choices: "-".join(*choices.items()))


def references(node: Any) -> Iterator[str]:
    """Every $ref below a node."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    for value in node if isinstance(node, list) else ():
        yield from references(value)


def target(document: dict[str, Any], reference: str) -> Any:
    assert reference.startswith("#/")
    node: Any = document
    for key in reference[2:].split("/"):
        node = node[key]
    return node


def resolved(document: dict[str, Any], node: Any) -> Any:
    """The node with what its references lead to in their places."""
    if isinstance(node, dict):
        if "$ref" in node:
            return resolved(document, target(document, node["$ref"]))
        return {key: resolved(document, value) for key, value in node.items()}
    return [resolved(document, value) for value in node] if isinstance(node, list) else node


def pointed_at(value: Any, pointer: str) -> Any:
    """What a JSON pointer leads to."""
    for key in pointer.split("/")[1:]:
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def operations(document: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """The path and the content of each operation, by operationId."""
    return {
        operation["operationId"]: (path, operation)
        for path, item in document["paths"].items()
        for operation in item.values()
    }


def spoken(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the assumptions, whose patches may speak of what is not there."""
    return {key: value for key, value in document.items() if key != "x-assumptions"}


def check_document(document: dict[str, Any]) -> None:
    """All that must hold for the document under any profile."""
    OpenAPIV31SpecValidator({**document, "openapi": "3.1.0"}).validate()
    for reference in references(spoken(document)):
        target(document, reference)
    check_examples(document)
    check_links(document)
    check_components(document)
    check_provenance(document)


def check_provenance(document: dict[str, Any]) -> None:
    """Descriptions say how each part is known, for those who read a rendered page, which hides `x-provenance`."""
    parts = list(parts_with_provenance(spoken(document)))
    assert len(parts) >= 20
    for part in parts:
        provenance, description = part["x-provenance"], part["description"]
        assert re.findall(r"\*\*(\w+)\*\*", description) == [provenance["level"].capitalize()]
        # A paragraph of its own: in Markdown a single line break is a space.
        assert f"\n\n**{provenance['level'].capitalize()}**" in f"\n\n{description}"
        assert provenance.get("source", "") in description


def test_a_rendered_page_names_every_assumption_with_its_choices() -> None:
    """Parts of the document send the reader to assumptions, and renderers hide `x-assumptions`."""
    document = contract.load().document

    listed = re.findall(r"^- `([\w-]+)`: (.*\?) (`.*`)$", document["info"]["description"], re.MULTILINE)
    assert listed == [
        (each["id"], each["question"], ", ".join(f"`{choice}`" for choice in (each["default"], *each["alternatives"])))
        for each in document["x-assumptions"]
    ]


def parts_with_provenance(node: Any) -> Iterator[dict[str, Any]]:
    """Every part of the document that says how it is known."""
    if isinstance(node, dict):
        if "x-provenance" in node:
            yield node
        node = list(node.values())
    for value in node if isinstance(node, list) else ():
        yield from parts_with_provenance(value)


def check_examples(document: dict[str, Any]) -> None:
    parameters = resolved(document, document["components"]["parameters"])
    responses = resolved(document, document["components"]["responses"])
    media_types = [media for response in responses.values() for media in contents(response).values()]
    for holder in (*parameters.values(), *media_types):
        validator = jsonschema_rs.validator_for(holder["schema"], validate_formats=True)
        assert holder["examples"]
        for example in holder["examples"].values():
            validator.validate(example["value"])
            assert example["summary"]


def contents(response: dict[str, Any]) -> dict[str, Any]:
    """What a response has, also where it may not be declared because another answer comes without a Content-Type."""
    found: dict[str, Any] = response.get("content") or response.get("x-content", {})
    return found


def check_links(document: dict[str, Any]) -> None:
    known = operations(document)
    found = set()
    for source, (path, operation) in known.items():
        response = resolved(document, operation["responses"]["200"])
        (example,) = response["content"]["application/json"]["examples"].values()
        for link in response["links"].values():
            _, linked = known[link["operationId"]]
            names = {parameter["name"] for parameter in resolved(document, linked["parameters"])}
            for name, expression in link.get("parameters", {}).items():
                assert name in names
                if expression.startswith("$response.body#"):
                    assert isinstance(pointed_at(example["value"], expression.removeprefix("$response.body#")), str)
                else:
                    assert f"{{{expression.removeprefix('$request.path.')}}}" in path
            found.add((source, link["operationId"]))
    assert {
        ("listTokens", "revokeTokenByJti"),
        ("listTokens", "revokeTokenById"),
        ("revokeTokenByJti", "listTokens"),
        ("revokeTokenById", "listTokens"),
    } <= found


def check_components(document: dict[str, Any]) -> None:
    """Every component is referred to; what a profile leaves without use is gone."""
    used = {reference.removeprefix("#/components/") for reference in references(spoken(document))}
    components = {
        f"{kind}/{name}"
        for kind, named in document["components"].items()
        if kind != "securitySchemes"
        for name in named
    }
    assert components - used == set()


# --- the document ------------------------------------------------------------------------------------------------


def test_the_file_lies_where_the_package_finds_it() -> None:
    assert FILE.name == "jwt.yaml"
    assert FILE.parent.name == "openapi"


def test_the_twin_is_read_in_the_place_of_the_file_it_was_made_from(tmp_path: Path) -> None:
    file = tmp_path / "jwt.yaml"
    file.write_bytes(FILE.read_bytes())
    file.with_suffix(".json").write_text(contract.twin(file).replace('"maxItems": 40', '"maxItems": 7'))

    with pytest.raises(ContractError, match="expected one page size"):
        load(file=file)


@pytest.mark.parametrize("twin", ["", "[]", "{", "{}", "null", contract.twin()[:-3], "\udcff"])
def test_a_twin_of_another_file_or_of_none_is_not_read(tmp_path: Path, twin: str) -> None:
    file = tmp_path / "jwt.yaml"
    file.write_text(FILE.read_text(encoding="utf-8").replace("Revoke a", "Revoke some"), encoding="utf-8")
    file.with_suffix(".json").write_bytes(twin.encode("utf-8", "surrogateescape"))

    assert "Revoke some" in str(load(file=file).document)
    file.with_suffix(".json").write_text(contract.twin(), encoding="utf-8")
    assert "Revoke some" in str(load(file=file).document)


def test_no_alias_stands_outside_the_assumptions() -> None:
    """Some tools read an alias as text, others change two places at once."""
    before, _, assumptions = TEXT.partition("\nx-assumptions:\n")

    assert assumptions
    assert [event for event in yaml.parse(before) if isinstance(event, yaml.AliasEvent)] == []


def test_the_file_as_it_is_written_is_valid_openapi_3_0() -> None:
    assert DOCUMENT["openapi"] == "3.0.3"
    OpenAPIV30SpecValidator(DOCUMENT).validate()


def test_with_another_first_line_the_file_is_valid_openapi_3_1() -> None:
    other, changed = re.subn(r"(?m)^openapi: 3\.0\.3$", "openapi: 3.1.0", TEXT)

    assert changed == 1
    OpenAPIV31SpecValidator(yaml.safe_load(other)).validate()


@every_turn
def test_under_every_choice_the_document_is_sound(choices: dict[str, str]) -> None:
    check_document(load(choices).document)


@every_turn
def test_under_every_choice_the_document_is_valid_openapi_3_0(choices: dict[str, str]) -> None:
    OpenAPIV30SpecValidator(load(choices).document).validate()


@given(PROFILES)
@settings(deadline=None, max_examples=30)
def test_under_any_combination_of_choices_the_document_is_sound(choices: dict[str, str]) -> None:
    contract = load(choices)

    check_document(contract.document)
    assert contract.choices == choices


@given(PROFILES)
@settings(deadline=None, max_examples=20)
def test_loading_under_a_profile_leaves_the_defaults_as_they_were(choices: dict[str, str]) -> None:
    before = deepcopy(load().document)
    load(choices)

    assert load().document == before


def test_under_the_defaults_only_the_choices_are_added_to_the_file() -> None:
    document = deepcopy(load().document)
    for assumption in document["x-assumptions"]:
        assert assumption.pop("choice") == assumption["default"]

    assert document == DOCUMENT


@given(PROFILES)
@settings(deadline=None, max_examples=20)
def test_the_document_says_which_choices_were_made(choices: dict[str, str]) -> None:
    made = {assumption["id"]: assumption["choice"] for assumption in load(choices).document["x-assumptions"]}

    assert made == choices


def test_there_are_the_three_operations() -> None:
    found = {
        id: (path, [name["$ref"] for name in operation["parameters"]])
        for id, (path, operation) in operations(DOCUMENT).items()
    }
    prefix = "#/components/parameters"

    assert found == {
        "listTokens": ("/jwt/history", [f"{prefix}/sortField", f"{prefix}/direction", f"{prefix}/page"]),
        "revokeTokenByJti": ("/jwt/history/{jti}", [f"{prefix}/jti"]),
        "revokeTokenById": ("/jwt/history/id/{id}", [f"{prefix}/id"]),
    }


def components_with_provenance() -> dict[str, dict[str, Any]]:
    parts = {f"operations/{id}": operation for id, (_, operation) in operations(DOCUMENT).items()}
    for kind in ("securitySchemes", "parameters", "responses", "schemas"):
        for name, part in DOCUMENT["components"][kind].items():
            if "$ref" not in part:
                parts[f"{kind}/{name}"] = part
    return parts


@pytest.mark.parametrize("part", components_with_provenance().values(), ids=components_with_provenance().keys())
def test_every_part_says_how_it_is_known(part: dict[str, Any]) -> None:
    provenance = part["x-provenance"]

    assert provenance["level"] in ("documented", "observed", "assumed")
    assert provenance.keys() <= {"level", "source"}
    assert provenance["level"] == "assumed" or provenance["source"]


@every_turn
def test_under_every_choice_every_schema_and_response_says_how_it_is_known(choices: dict[str, str]) -> None:
    components = load(choices).document["components"]
    parts = [*components["schemas"].items(), *components["responses"].items()]

    assert [name for name, part in parts if "$ref" not in part and "x-provenance" not in part] == []


def test_the_operations_and_their_parameters_are_documented() -> None:
    parts = [operation for _, operation in operations(DOCUMENT).values()]
    parts += DOCUMENT["components"]["parameters"].values()

    assert {part["x-provenance"]["level"] for part in parts} == {"documented"}


# --- the assumptions ---------------------------------------------------------------------------------------------


def test_there_are_fourteen_assumptions_that_the_code_implements_with_their_choices() -> None:
    written = {id: {assumption["default"], *assumption["alternatives"]} for id, assumption in ASSUMPTIONS.items()}

    assert len(DOCUMENT["x-assumptions"]) == 14
    assert written == {id: set(choices) for id, choices in CHOICES.items()}


@pytest.mark.parametrize("assumption", ASSUMPTIONS.values(), ids=ASSUMPTIONS.keys())
def test_an_assumption_is_a_question_with_a_default_alternatives_and_evidence(assumption: dict[str, Any]) -> None:
    expected = {"id", "question", "default", "meaning", "confidence", "evidence", "alternatives"}

    assert assumption.keys() - {"numbers"} == expected
    assert assumption["question"].endswith("?")
    assert assumption["meaning"]
    assert assumption["evidence"]
    assert 0 <= assumption["confidence"] <= 1
    assert assumption["default"] not in assumption["alternatives"]
    for alternative in assumption["alternatives"].values():
        assert alternative.keys() == {"meaning", "patch"}
        assert alternative["meaning"]
        assert alternative["patch"].keys() <= {"components", "operations"}


@pytest.mark.parametrize("id", [id for id in ASSUMPTIONS if id != "revocation-enforced"])
def test_every_alternative_changes_what_the_document_says(id: str) -> None:
    """But for the enforcement at the gate, which no schema can tell."""
    for choice in ASSUMPTIONS[id]["alternatives"]:
        assert spoken(load({id: choice}).document) != spoken(load().document)


@pytest.mark.parametrize(
    ("choices", "name", "expected"),
    [
        ({"page-base": "1"}, "PageNumber", {"minimum": 1, "default": 1}),
        ({"page-size": "10"}, "TokenPage", {"maxItems": 10}),
        ({"page-size": "7"}, "TokenPage", {"maxItems": 7}),
        ({"page-size": "1000"}, "PageSize", {"minimum": 1000, "maximum": 1000}),
        ({"list-envelope": "jwtHistories"}, "Listing", {"required": ["perPage", "count", "jwtHistories"]}),
        ({"list-envelope": "bare"}, "Listing", {"type": "array", "maxItems": 40}),
        ({"revoke-answer": "success"}, "Revocation", {"required": ["success"]}),
        ({"revoke-answer": "counts"}, "Revocation", {"required": ["n", "ok", "deletedCount"]}),
    ],
)
def test_a_choice_specialises_a_schema(choices: dict[str, str], name: str, expected: dict[str, Any]) -> None:
    schema = load(choices).schema(name)

    assert {key: schema.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("choices", "id", "statuses"),
    [
        ({}, "listTokens", ["200", "400", "401", "403"]),
        ({}, "revokeTokenByJti", ["200", "400", "401", "403", "404"]),
        ({"invalid-query": "fail"}, "listTokens", ["200", "400", "401", "403", "500"]),
        ({"revoke-unknown": "null"}, "revokeTokenById", ["200", "400", "401", "403"]),
        ({"revoke-unknown": "phantom"}, "revokeTokenByJti", ["200", "400", "401", "403"]),
        ({"invalid-query": "coerce"}, "listTokens", ["200", "400", "401", "403", "500"]),
        ({"malformed-id": "fail"}, "revokeTokenById", ["200", "400", "401", "403", "404", "500"]),
        ({"server-quirks": "observed"}, "revokeTokenByJti", ["200", "400", "401", "403", "404", "500"]),
    ],
)
def test_a_choice_specialises_the_answers_of_an_operation(
    choices: dict[str, str], id: str, statuses: list[str]
) -> None:
    _, operation = operations(load(choices).document)[id]

    assert sorted(operation["responses"]) == statuses


# --- the examples ------------------------------------------------------------------------------------------------


def test_the_demo_lists_what_the_example_shows() -> None:
    fake = TiledeskFake()
    fake.load(demo.scenario())
    headers = [("Authorization", fake.users[demo.EMAIL].authorization)]

    assert call(fake.wsgi_app, "GET", "/v3/jwt/history", headers).json == load().example("TokenList")


def test_examples_of_one_name_belong_together() -> None:
    """A tool that sends the examples of parameters expects the answer that has the same name, and there is one."""
    components = DOCUMENT["components"]
    known = {role: components["parameters"][role]["examples"]["known"]["value"] for role in ("jti", "id")}

    assert known == {"jti": load().example("RevokedByJti")["jti"], "id": load().example("RevokedById")["_id"]}
    for _, operation in operations(DOCUMENT).values():
        asked = [set(parameter["examples"]) for parameter in resolved(DOCUMENT, operation["parameters"])]
        responses = resolved(DOCUMENT, operation["responses"]).values()
        answered = [set(media["examples"]) for response in responses for media in response.get("content", {}).values()]
        assert all(names == asked[0] for names in asked)
        assert asked[0] <= set.union(*answered)


@pytest.mark.parametrize("name", ["SortField", "SortDirection"])
def test_each_value_of_an_enumeration_has_a_name_for_generators(name: str) -> None:
    schema = load().schema(name)

    assert len(set(schema["x-enum-varnames"])) == len(schema["x-enum-varnames"]) == len(schema["enum"])
    assert all(re.fullmatch(r"[A-Z][A-Z_]*", varname) for varname in schema["x-enum-varnames"])


@pytest.mark.parametrize(("role", "key"), [("jti", "jti"), ("id", "_id")])
def test_the_known_examples_of_path_parameters_are_in_the_demo_and_the_unknown_ones_are_not(
    role: str, key: str
) -> None:
    examples = DOCUMENT["components"]["parameters"][role]["examples"]
    held = {record[key] for record in load().example("TokenList")["jwts"]}

    assert examples["known"]["value"] in held
    assert examples["unknown"]["value"] not in held


# --- what is read from it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("envelope", ["jwts", "jwtHistories", "bare"])
def test_the_example_of_a_page_shows_no_more_than_a_page_has(size: int, envelope: str) -> None:
    contract = load({"page-size": str(size), "list-envelope": envelope})
    shown = contract.example("TokenList")

    assert len(shown if envelope == "bare" else shown[envelope]) == min(size, 3)
    assert contract.document["components"]["schemas"]["TokenPage"]["maxItems"] == size


def test_page_size_first_page_and_base_path_come_from_the_document() -> None:
    contract = load({"page-size": "10", "page-base": "1"})

    assert (contract.page_size, contract.first_page, contract.base_path) == (10, 1, "/v3")


def test_a_parameter_has_its_role_its_name_and_its_default() -> None:
    (listing, *_) = load({"sort-parameter": "sort", "invalid-query": "ignore"}).operations
    sort, direction, page = listing.parameters

    assert (sort.role, sort.name, sort.location, sort.default) == ("sortField", "sort", "query", "createdAt")
    assert (direction.default, page.default) == (-1, 0)


def test_a_path_parameter_has_no_default() -> None:
    assert [operation.parameters[0].default for operation in load().operations[1:]] == [None, None]


def test_a_contract_is_made_once_per_profile() -> None:
    assert load({"page-base": "1"}) is load({"page-base": "1"})
    assert load({"page-base": "1"}) is not load()


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ((), "# The contract"),
        (("paths", "/jwt/history", "get", "operationId"), "operationId: listTokens"),
        (("components", "parameters", "page", "no such key"), "page:"),
    ],
)
def test_a_place_in_the_file_is_told_by_its_line(keys: tuple[str, ...], line: str) -> None:
    name, _, number = load().places.of(keys).line_of_file.partition(":")

    assert Path(name).samefile(FILE)
    assert TEXT.splitlines()[int(number) - 1].strip().startswith(line)


@pytest.mark.parametrize("file", [FILE, AUTH_FILE], ids=lambda file: file.name)
def test_a_place_is_shown_from_where_the_reader_is(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(7, "assumed", file)
    shown = {}
    for here in (file.parent, file.parents[1], tmp_path, Path("/")):
        monkeypatch.chdir(here)
        shown[here] = place.line_of_file

    assert shown == {
        file.parent: f"{file.name}:7",
        file.parents[1]: f"openapi/{file.name}:7",
        tmp_path: f"{file}:7",
        Path("/"): f"{file}:7",
    }


def test_a_place_is_shown_where_the_reader_has_deleted_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert Place(7, "assumed").line_of_file == f"{FILE}:7"


@pytest.mark.parametrize(
    ("asked", "file", "begins"),
    [
        ("GET /v3/jwt/history", FILE, "jwtAuth:"),
        ("POST /v3/auth/signin?page=1", AUTH_FILE, "post:"),
    ],
)
def test_a_violation_elsewhere_leads_to_the_line_of_a_file(
    asked: str, file: Path, begins: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fake = TiledeskFake(profile={"page-base": "1", "list-envelope": "bare", "sort-parameter": "sort"})
    method, target = asked.split()
    call(fake.wsgi_app, method, target, [("Authorization", "Bearer x")] if file == FILE else [])

    violation = fake.journal.violations[0]
    path, _, number = violation.where.rpartition(":")
    assert Path(path).samefile(file)
    assert Path(path).read_text(encoding="utf-8").splitlines()[int(number) - 1].strip().startswith(begins)


def test_an_unknown_choice_is_a_profile_error() -> None:
    with pytest.raises(ProfileError, match="there is no assumption 'page-bass'; did you mean 'page-base'"):
        load({"page-bass": "1"})


# --- files that do not fit the code ------------------------------------------------------------------------------

GONE = object()
Path_ = tuple[str | int, ...]
Edit = Callable[..., Path]
GET, BY_JTI, BY_ID = (
    ("paths", "/jwt/history", "get"),
    ("paths", "/jwt/history/{jti}", "delete"),
    ("paths", "/jwt/history/id/{id}", "delete"),
)
SCHEMAS, PARAMETERS, RESPONSES = (("components", kind) for kind in ("schemas", "parameters", "responses"))


def reference(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """Writes a copy of the file with some values replaced, or GONE; each by the keys that lead to it."""

    def edit(*changes: tuple[Path_, Any]) -> Path:
        document = deepcopy(DOCUMENT)
        for (*keys, last), value in changes:
            node: Any = document
            for key in keys:
                node = node[key]
            if value is GONE:
                del node[last]
            else:
                node[last] = value
        file = tmp_path / "edited.yaml"
        # JSON is YAML, and has no anchors.
        file.write_text(json.dumps(document), encoding="utf-8")
        return file

    return edit


def assumption_at(id: str) -> int:
    return list(ASSUMPTIONS).index(id)


def at(id: str, *keys: str) -> Path_:
    return ("x-assumptions", assumption_at(id), *keys)


MISFITS: list[tuple[str, tuple[tuple[Path_, Any], ...], str]] = [
    (
        "an unknown operationId",
        (((*GET, "operationId"), "listToken"),),
        "the code implements no operation 'listToken'; did you mean 'listTokens'? Valid: listTokens, revokeTokenByJti",
    ),
    ("no operationId", (((*GET, "operationId"), GONE),), "the code implements no operation 'get /jwt/history'"),
    ("an operation too many", (((*GET[:2], "post"), {"operationId": "addToken", "responses": {}}),), "'addToken'"),
    (
        "a missing operation",
        ((BY_JTI[:2], GONE),),
        "expected the operation 'revokeTokenByJti'; did you mean 'revokeTokenById'",
    ),
    (
        "an unknown parameter",
        (
            ((*PARAMETERS, "pages"), DOCUMENT["components"]["parameters"]["page"]),
            ((*GET, "parameters", 2), reference("parameters", "pages")),
        ),
        "listTokens: the code reads no parameter 'pages'; did you mean 'page'? Valid: sortField, direction, page",
    ),
    ("a missing parameter", (((*GET, "parameters", 2), GONE),), "listTokens: expected the parameter 'page'"),
    (
        "a parameter in place",
        (((*GET, "parameters", 2), {"name": "page", "in": "query"}),),
        "expected a parameter as a reference to",
    ),
    (
        "an unknown assumption",
        ((at("page-base", "id"), "page-bass"),),
        "the code implements no assumption 'page-bass'; did you mean 'page-base'?",
    ),
    (
        "a missing assumption",
        ((at("page-base"), GONE),),
        "expected the assumption 'page-base'; did you mean 'page-size'?",
    ),
    (
        "an unknown default",
        ((at("page-base", "default"), "2"),),
        "page-base: the code implements no choice '2'; Valid: 0, 1",
    ),
    (
        "an unknown alternative",
        ((at("list-envelope", "alternatives", "jwtHistory"), {"meaning": "x", "patch": {}}),),
        "list-envelope: the code implements no choice 'jwtHistory'; did you mean 'jwtHistories'? Valid: jwts",
    ),
    (
        "a missing alternative",
        ((at("list-envelope", "alternatives", "jwtHistories"), GONE),),
        "list-envelope: expected the choice 'jwtHistories'",
    ),
    *(
        (
            f"other numbers: {got}",
            ((at("page-size", "numbers"), numbers),),
            f"page-size: expected any .*, got {got}",
        )
        for numbers, got in (
            (GONE, "none"),
            ({"minimum": 1, "maximum": 100}, "any whole number from 1 to 100"),
        )
    ),
    (
        "numbers where the code takes none",
        ((at("page-base", "numbers"), {"minimum": 0, "maximum": 9}),),
        "page-base: expected no numbers, got any whole number from 0 to 9",
    ),
    (
        "a path that lacks its parameter",
        (((*BY_JTI[:1], "/jwt/history/{jit}"), DOCUMENT["paths"]["/jwt/history/{jti}"]), (BY_JTI[:2], GONE)),
        "expected the path '/jwt/history/{jit}' to name its path parameters ['jti'], it names ['jit']",
    ),
    (
        "page sizes that disagree",
        (((*SCHEMAS, "TokenPage", "maxItems"), 41),),
        "expected one page size in .* got 40, 40 and 41",
    ),
    ("no page size", (((*SCHEMAS, "PageSize", "minimum"), 1),), "expected one page size in .* got 1, 40 and 40"),
    (
        "a page of nothing",
        tuple(
            (key, 0)
            for key in (
                (*SCHEMAS, "PageSize", "minimum"),
                (*SCHEMAS, "PageSize", "maximum"),
                (*SCHEMAS, "TokenPage", "maxItems"),
            )
        ),
        "expected one page size in .* got 0, 0 and 0",
    ),
    (
        "a default that is not the first page",
        (((*SCHEMAS, "PageNumber", "default"), 1),),
        "the first page; got 1 and 0",
    ),
    (
        "a first page without a default",
        (((*SCHEMAS, "PageNumber", "default"), GONE),),
        "the first page; got None and 0",
    ),
    *(
        (
            f"no {name}",
            (((*SCHEMAS, name), GONE), ((*SCHEMAS, f"{name}s"), {})),
            f"expected the schema '{name}'; did you mean '{name}s'",
        )
        for name in ("PageSize", "PageNumber", "TokenPage", "TokenRecord", "SortField")
    ),
    (
        "a reference that leads nowhere",
        (((*PARAMETERS, "direction", "schema"), reference("schemas", "SortDirections")),),
        "the reference '#/components/schemas/SortDirections' leads nowhere; did you mean 'SortDirection'?",
    ),
    (
        "a parameter that is not there",
        (((*GET, "parameters", 2), reference("parameters", "pgae")),),
        "the reference '#/components/parameters/pgae' leads nowhere; did you mean 'page'?",
    ),
    (
        "a schema that asks for more than is checked",
        (((*SCHEMAS, "PageNumber", "multipleOf"), 2),),
        "page: the code checks no 'multipleOf'; Valid: type, enum, minimum, maximum, minLength, maxLength",
    ),
    (
        "a parameter of a type that is not read",
        (((*SCHEMAS, "PageNumber", "type"), "number"),),
        "page: the code reads no type 'number'; there are integer, string",
    ),
    (
        "an answer that nobody gives",
        tuple(((*path, "responses", "403"), GONE) for path in (GET, BY_JTI, BY_ID)),
        "'NotTwoWords'",
    ),
    ("no servers", ((("servers",), GONE),), "expected the part 'servers'"),
    ("no paths", ((("paths",), {}),), "expected the part 'paths'"),
    ("no components", ((("components",), GONE),), "expected the part 'components'"),
    ("no schemas", ((SCHEMAS, GONE),), "expected the part 'components.schemas'"),
    ("no parameters", ((PARAMETERS, GONE),), "expected the part 'components.parameters'"),
    ("no responses", ((RESPONSES, GONE),), "expected the part 'components.responses'"),
]


@pytest.mark.parametrize(
    ("changes", "message"), [misfit[1:] for misfit in MISFITS], ids=[misfit[0] for misfit in MISFITS]
)
def test_a_file_that_does_not_fit_the_code_is_refused(
    edited: Edit, changes: tuple[tuple[Path_, Any], ...], message: str
) -> None:
    message = message if ".*" in message else re.escape(message)

    with pytest.raises(ContractError, match=rf"^edited\.yaml: .*{message}"):
        load(file=edited(*changes))


NUMBERS_OR_TEXT = st.integers(-3, 3) | st.text(max_size=3)


@given(
    schema=st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "string"])},
        optional={
            "enum": st.lists(NUMBERS_OR_TEXT, min_size=1, max_size=4),
            "minimum": st.integers(-3, 3),
            "maximum": st.integers(-3, 3),
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(0, 3),
        },
    ),
    value=NUMBERS_OR_TEXT,
)
def test_a_value_is_complained_of_if_json_schema_excludes_it(schema: dict[str, Any], value: int | str) -> None:
    assert (schemas.complaint(schema, value) is None) == jsonschema_rs.is_valid(schema, value)


@pytest.mark.parametrize(
    "change",
    [
        (at("page-base", "id"), GONE),
        (at("page-base", "default"), GONE),
        (at("page-base", "alternatives"), GONE),
        (at("page-base"), None),
        ((*SCHEMAS, "PageSize", "minimum"), GONE),
        ((*SCHEMAS, "PageNumber", "minimum"), GONE),
        ((*SCHEMAS, "TokenPage", "maxItems"), GONE),
        ((*PARAMETERS, "page", "name"), GONE),
        ((*RESPONSES, "Unauthorized", "x-body"), GONE),
        ((*RESPONSES, "UnknownToken", "content", "application/json", "examples"), GONE),
        ((*RESPONSES, "UnknownToken", "content", "application/json", "examples"), {}),
        ((*GET, "responses"), GONE),
        ((*GET, "responses", "default"), reference("responses", "Unauthorized")),
        ((*SCHEMAS, "SortField"), reference("schemas", "SortField")),
        (("servers", 0, "url"), GONE),
        (("servers",), {"url": "/v3"}),
        (("paths",), []),
    ],
    ids=lambda change: "/".join(map(str, change[0])),
)
def test_a_file_that_lacks_what_is_read_of_it_is_refused_all_the_same(edited: Edit, change: tuple[Path_, Any]) -> None:
    with pytest.raises(ContractError, match=r"^edited\.yaml: "):
        load(file=edited(change))


def test_a_patch_of_an_unknown_operation_is_refused(edited: Edit) -> None:
    file = edited((at("malformed-id", "alternatives", "fail", "patch", "operations"), {"revokeTokenByID": {}}))

    load(file=file)
    with pytest.raises(
        ContractError, match="malformed-id: patches the operation 'revokeTokenByID'; did you mean 'revokeTokenById'"
    ):
        load({"malformed-id": "fail"}, file=file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ((*SCHEMAS, "TokenRecord", "properties", "expiresAt"), GONE),
            r"TokenRecord\.properties: expected the field 'expiresAt'",
        ),
        (
            ((*SCHEMAS, "TokenRecord", "properties", "expireAt"), {}),
            r"TokenRecord\.properties: the code knows no field 'expireAt'; did you mean 'expiresAt'\?",
        ),
        (((*SCHEMAS, "SortField", "enum"), ["createdAt"]), r"SortField\.enum: expected the field '_id'"),
        (
            ((*SCHEMAS, "SortField", "enum", 1), "updated"),
            r"SortField\.enum: the code knows no field 'updated'; did you",
        ),
    ],
)
def test_a_file_with_other_fields_is_refused_when_the_app_is_made(
    edited: Edit, change: tuple[Path_, Any], message: str
) -> None:
    state = State(load(file=edited(change)), "secret", None)

    with pytest.raises(ContractError, match=message):
        Road(state, "/v3")


@pytest.mark.parametrize("content", ["[]", "5", "", "swagger: '2.0'"])
def test_a_file_that_is_no_openapi_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(ContractError, match=r"^other\.yaml: expected an OpenAPI document"):
        load(file=file)


def test_a_file_that_is_no_yaml_is_refused_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("openapi: 3.0.3\ninfo: {\n", encoding="utf-8")

    with pytest.raises(ContractError, match=r"broken\.yaml:3: is not valid YAML"):
        load(file=file)


def test_a_file_that_changed_is_read_again(edited: Edit) -> None:
    before = load(file=edited())
    file = edited((("servers", 0, "url"), "https://api.tiledesk.com/v4"))
    # As an editor would, some time later.
    stamp = file.stat().st_mtime_ns + 1_000_000_000
    os.utime(file, ns=(stamp, stamp))

    assert before.base_path == "/v3"
    assert load(file=file).base_path == "/v4"


# --- what the fake follows ---------------------------------------------------------------------------------------

SECRET = "0123456789abcdef" * 4


class Service:
    """The fake's state and app under any contract, with a user who has some tokens."""

    def __init__(self, contract: Contract, tokens: int = 3) -> None:
        self.state = State(contract, SECRET, None)
        self.app = WsgiApp(Road(self.state, contract.base_path))
        self.ada = self.state.add_user("ada@example.com", "secret", None, True)
        for number in range(tokens):
            self.state.issue(
                self.ada, jti=f"jti-{number}", id=None, created_ms=number, expires_ms=None, revoked=False, claims={}
            )

    def ask(self, target: str, method: str = "GET", *, auth: bool = True) -> Reply:
        return call(self.app, method, target, [("Authorization", self.ada.authorization)] if auth else [])


def test_the_page_size_follows_the_file(edited: Edit) -> None:
    sizes = ((*SCHEMAS, "PageSize", "minimum"), (*SCHEMAS, "PageSize", "maximum"), (*SCHEMAS, "TokenPage", "maxItems"))
    file = edited(*((size, 7) for size in sizes))

    listing = Service(load(file=file), tokens=9).ask("/v3/jwt/history").json

    assert listing["perPage"] == 7
    assert len(listing["jwts"]) == 7
    assert listing["count"] == 9


def test_the_page_size_of_an_alternative_follows_the_file(edited: Edit) -> None:
    patch = DOCUMENT["x-assumptions"][assumption_at("page-size")]["alternatives"]["10"]["patch"]
    patch = json.loads(json.dumps(patch).replace("10", "2"))
    contract = load({"page-size": "10"}, file=edited((at("page-size", "alternatives", "10", "patch"), patch)))

    assert len(Service(contract).ask("/v3/jwt/history").json["jwts"]) == 2


def test_the_last_page_number_follows_the_file(edited: Edit) -> None:
    service = Service(load(file=edited(((*SCHEMAS, "PageNumber", "maximum"), 5))))

    assert service.ask("/v3/jwt/history?page=5").status == 200
    assert service.ask("/v3/jwt/history?page=6").status == 400


def test_the_first_page_number_follows_the_file(edited: Edit) -> None:
    number = (*SCHEMAS, "PageNumber")
    service = Service(load(file=edited(((*number, "minimum"), 3), ((*number, "default"), 3))))

    assert service.ask("/v3/jwt/history?page=2").status == 400
    assert service.ask("/v3/jwt/history?page=3").body == service.ask("/v3/jwt/history").body
    assert len(service.ask("/v3/jwt/history?page=3").json["jwts"]) == 3


def test_the_default_direction_follows_the_file(edited: Edit) -> None:
    service = Service(load(file=edited(((*SCHEMAS, "SortDirection", "default"), 1))))

    assert [record["jti"] for record in service.ask("/v3/jwt/history").json["jwts"]] == ["jti-0", "jti-1", "jti-2"]


def test_the_directions_follow_the_file(edited: Edit) -> None:
    service = Service(load(file=edited(((*SCHEMAS, "SortDirection", "enum"), [-1]))))

    assert service.ask("/v3/jwt/history?direction=1").status == 400


def test_the_default_sort_field_follows_the_file(edited: Edit) -> None:
    service = Service(load(file=edited(((*SCHEMAS, "SortField", "default"), "revoked"))))
    service.ask("/v3/jwt/history/jti-1", "DELETE")

    assert service.ask("/v3/jwt/history").json["jwts"][0]["jti"] == "jti-1"


@pytest.mark.parametrize("role", ["sortField", "direction", "page"])
def test_the_name_of_a_query_parameter_follows_the_file(edited: Edit, role: str) -> None:
    service = Service(load(file=edited(((*PARAMETERS, role, "name"), "renamed"))))

    assert service.ask("/v3/jwt/history?renamed=nonsense").json["msg"].startswith("renamed: ")
    assert service.ask(f"/v3/jwt/history?{role}=nonsense").status == 200


def test_the_name_of_a_path_parameter_follows_the_file(edited: Edit) -> None:
    file = edited(
        ((*PARAMETERS, "jti", "name"), "tokenId"),
        (("paths", "/jwt/history/{tokenId}"), DOCUMENT["paths"]["/jwt/history/{jti}"]),
        (BY_JTI[:2], GONE),
    )

    assert Service(load(file=file)).ask("/v3/jwt/history/jti-1", "DELETE").json["jti"] == "jti-1"


def test_the_schema_of_a_path_parameter_follows_the_file(edited: Edit) -> None:
    service = Service(load(file=edited(((*PARAMETERS, "jti", "schema", "maxLength"), 5))))

    assert service.ask("/v3/jwt/history/jti-1", "DELETE").status == 200
    assert service.ask("/v3/jwt/history/jti-12", "DELETE").status == 400


def test_the_path_of_an_operation_follows_the_file(edited: Edit) -> None:
    file = edited((("paths", "/tokens/{jti}"), DOCUMENT["paths"]["/jwt/history/{jti}"]), (BY_JTI[:2], GONE))
    service = Service(load(file=file))

    assert service.ask("/v3/tokens/jti-1", "DELETE").json["jti"] == "jti-1"
    assert service.ask("/v3/tokens/jti-1", "DELETE", auth=False).status == 401
    assert service.ask("/v3/jwt/history/jti-2", "DELETE").status == 404
    assert service.ask("/v3/jwt/history").status == 200


def test_a_path_may_go_on_after_its_parameter(edited: Edit) -> None:
    file = edited((("paths", "/jwt/{jti}/revocation"), DOCUMENT["paths"]["/jwt/history/{jti}"]), (BY_JTI[:2], GONE))

    assert Service(load(file=file)).ask("/v3/jwt/jti-1/revocation", "DELETE").json["jti"] == "jti-1"


def test_the_method_of_an_operation_follows_the_file(edited: Edit) -> None:
    item = DOCUMENT["paths"]["/jwt/history/{jti}"]
    service = Service(load(file=edited((BY_JTI[:2], {"post": item["delete"]}))))

    assert service.ask("/v3/jwt/history/jti-1", "POST").json["jti"] == "jti-1"
    assert service.ask("/v3/jwt/history/jti-1", "DELETE").headers["Allow"] == "POST, OPTIONS"


def test_status_and_message_of_an_answer_follow_the_file(edited: Edit) -> None:
    example = (*RESPONSES, "UnknownToken", "content", "application/json", "examples", "unknown", "value", "msg")
    unknown = reference("responses", "UnknownToken")
    file = edited(
        (example, "No such token."),
        *(((*path, "responses", "404"), GONE) for path in (BY_JTI, BY_ID)),
        *(((*path, "responses", "410"), unknown) for path in (BY_JTI, BY_ID)),
    )

    reply = Service(load(file=file)).ask("/v3/jwt/history/nothing", "DELETE")

    assert reply.status == 410
    assert reply.body == b'{"success":false,"msg":"No such token."}'


def test_challenge_and_text_of_the_401_follow_the_file(edited: Edit) -> None:
    unauthorized = (*RESPONSES, "Unauthorized")
    file = edited(
        ((*unauthorized, "x-body"), "Go away"),
        ((*unauthorized, "headers", "WWW-Authenticate", "schema", "enum"), ['Basic realm="Fake"']),
    )

    reply = Service(load(file=file)).ask("/v3/jwt/history", auth=False)

    assert reply.body == b"Go away"
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="Fake"'


@pytest.mark.parametrize(
    ("url", "base_path"),
    [("https://api.tiledesk.com/api/v4/", "/api/v4"), ("https://api.tiledesk.com", ""), ("/v5", "/v5")],
)
def test_the_base_path_follows_the_file(edited: Edit, url: str, base_path: str) -> None:
    service = Service(load(file=edited((("servers", 0, "url"), url))))

    assert service.ask(f"{base_path}/jwt/history").status == 200
    assert service.ask("/v3/jwt/history").status == 404


def test_the_defaults_follow_the_file(edited: Edit) -> None:
    """Default and alternative of an assumption can change places; what the code does follows the choice."""
    file = edited(
        (at("revocation-enforced", "default"), "no"),
        (at("revocation-enforced", "alternatives"), {"yes": {"meaning": "It is refused.", "patch": {}}}),
    )

    assert load(file=file).choices["revocation-enforced"] == "no"


# --- answers keep the contract -----------------------------------------------------------------------------------


@cache
def validator(contract: Contract, id: str, status: str) -> Any:
    _, operation = operations(contract.document)[id]
    response = resolved(contract.document, operation["responses"][status])
    return jsonschema_rs.validator_for(contents(response)["application/json"]["schema"], validate_formats=True)


@given(PROFILES)
@settings(deadline=None, max_examples=40)
def test_under_any_profile_good_requests_get_answers_of_the_schemas(choices: dict[str, str]) -> None:
    contract = load(choices)
    service = Service(contract, tokens=12)
    by_id = service.state.history.of(service.ada.id)[0].id
    expected = {
        "listTokens": ("GET", "/v3/jwt/history"),
        "revokeTokenByJti": ("DELETE", "/v3/jwt/history/jti-1"),
        "revokeTokenById": ("DELETE", f"/v3/jwt/history/id/{by_id:024x}"),
    }

    for id, (method, target) in [*expected.items(), ("listTokens", expected["listTokens"])]:
        reply = service.ask(target, method)
        assert reply.status == 200
        validator(contract, id, "200").validate(reply.json)


@given(PROFILES)
@settings(deadline=None, max_examples=40)
def test_under_any_profile_bad_requests_get_answers_that_are_declared(choices: dict[str, str]) -> None:
    contract = load(choices)
    service = Service(contract)
    bad = [
        ("listTokens", "GET", "/v3/jwt/history?page=abc"),
        ("revokeTokenByJti", "DELETE", "/v3/jwt/history/nothing"),
        ("revokeTokenById", "DELETE", "/v3/jwt/history/id/nothing"),
    ]

    for id, method, target in bad:
        reply = service.ask(target, method)
        validator(contract, id, str(reply.status)).validate(reply.json)


# --- merge patches -----------------------------------------------------------------------------------------------

# The examples of RFC 7396, appendix A.
MERGES = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]


@pytest.mark.parametrize(("original", "patch", "result"), MERGES)
def test_a_merge_patch_does_what_its_rfc_shows(original: str, patch: str, result: str) -> None:
    assert merge_patch(json.loads(original), json.loads(patch)) == json.loads(result)


@pytest.mark.parametrize(("original", "patch"), [merge[:2] for merge in MERGES])
def test_a_merge_patch_leaves_the_original_and_the_patch_alone(original: str, patch: str) -> None:
    target, change = json.loads(original), json.loads(patch)
    merged = merge_patch(target, change)
    if isinstance(merged, dict):
        merged["x"] = 1

    assert (target, change) == (json.loads(original), json.loads(patch))
