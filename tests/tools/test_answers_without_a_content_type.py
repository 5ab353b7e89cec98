"""The 400 of an Authorization header of one word has no Content-Type; three tools take it, and the JSON one, alike."""

import json
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.tools import foreign
from tiledesk_fake import TiledeskFake, contract
from tiledesk_fake.contract.published import published

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def fake() -> Iterator[TiledeskFake]:
    with TiledeskFake() as fake:
        fake.add_user(email="ada@example.com", password="secret")
        yield fake


def write_spec(folder: Path, fake: TiledeskFake, declared: object = None) -> str:
    """The contract, for this fake's address; with what is `declared` as the content of the 400 of the list."""
    document = json.loads(json.dumps(published(contract.load(), server=fake.url)))
    del document["x-assumptions"]
    if declared is not None:
        document["components"]["responses"]["InvalidQuery"]["content"] = declared
    (folder / "openapi.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return str(folder / "openapi.yaml")


# The form that was given up.
JSON_ALONE = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}

BY_OPENAPI_CORE = """
import sys
import requests
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

spec, url = sys.argv[1:]
asked = [(400, {"Authorization": "token"}, None, {}), (400, {}, ("ada@example.com", "secret"), {"page": "abc"})]
for status, headers, auth, query in asked:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"{url}/jwt/history", headers=headers, auth=auth, params=query)
    assert answer.status_code == status
    request = RequestsOpenAPIRequest(requests.Request("GET", f"{url}/jwt/history"))
    OpenAPI.from_file_path(spec).validate_response(request, RequestsOpenAPIResponse(answer))
"""


def test_openapi_core_takes_both_answers(fake: TiledeskFake, tmp_path: Path) -> None:
    python = str(foreign.from_index("openapi-core==0.23.1", "requests") / "python")
    command = [python, "-c", BY_OPENAPI_CORE, write_spec(tmp_path, fake), fake.url]

    foreign.run(command, tmp_path)
    write_spec(tmp_path, fake, JSON_ALONE)
    with pytest.raises(AssertionError, match="MediaTypeNotFound"):
        foreign.run(command, tmp_path)


BY_OPENAPI_PYTHON_CLIENT = """
import sys
from made import AuthenticatedClient
from made.api.jwt import list_tokens

client = AuthenticatedClient(base_url=sys.argv[1], token="token", prefix="")
answer = list_tokens.sync_detailed(client=client)
assert (answer.status_code, answer.content, answer.parsed) == (400, b"Bad Request", None)
"""


def test_openapi_python_client_takes_the_text(fake: TiledeskFake, tmp_path: Path) -> None:
    tools = foreign.from_index("openapi-python-client==0.29.1", "ruff")
    generate = ["openapi-python-client", "generate", "--meta", "none", "--output-path", "made", "--overwrite"]
    call = [str(tools / "python"), "-c", BY_OPENAPI_PYTHON_CLIENT, fake.url]

    foreign.run([*generate, "--path", write_spec(tmp_path, fake)], tmp_path, tools)
    foreign.run(call, tmp_path)
    foreign.run([*generate, "--path", write_spec(tmp_path, fake, JSON_ALONE)], tmp_path, tools)
    with pytest.raises(AssertionError, match="JSONDecodeError"):
        foreign.run(call, tmp_path)


def through_prism(tools: Path, spec: str, upstream: str) -> tuple[int, bytes]:
    """What Prism's proxy, which answers 500 to an answer that the contract denies, makes of the 400."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(tools / "prism"), "proxy", spec, upstream, "--port", str(port), "--errors"]
    with subprocess.Popen(command, env=foreign.ENVIRONMENT, stdout=subprocess.PIPE, text=True) as prism:
        assert prism.stdout
        try:
            assert any("is listening" in line for line in prism.stdout)
            request = urllib.request.Request(f"http://127.0.0.1:{port}/jwt/history", headers={"Authorization": "token"})
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with pytest.raises(urllib.error.HTTPError) as problem:
                opener.open(request, timeout=30)
            with problem.value as answer:
                return answer.code, answer.read()
        finally:
            prism.kill()


def test_prism_takes_the_text(fake: TiledeskFake, tmp_path: Path) -> None:
    tools = foreign.from_npm("@stoplight/prism-cli@5.16.0") / ".bin"

    assert through_prism(tools, write_spec(tmp_path, fake), fake.url) == (400, b"Bad Request")
    status, body = through_prism(tools, write_spec(tmp_path, fake, JSON_ALONE), fake.url)
    assert status == 500
    assert b"VIOLATIONS" in body


def test_no_other_answer_comes_without_a_content_type() -> None:
    """The texts of the gate are those that declare no content."""
    responses = contract.load().document["components"]["responses"]

    assert {name for name, response in responses.items() if "content" not in response} == {
        "InvalidQuery",
        "BadRequest",
        "Unauthorized",
    }
