"""Hooks write what was said, without secrets, so that it can be replayed."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
import requests

from tests.replay.recording import written
from tests.replay.traffic import Traffic, basic
from tiledesk_fake import MisuseError, TiledeskFake
from tiledesk_fake.conformance.replay import replay
from tiledesk_fake.gate.jwt import sign
from tiledesk_fake.recording import Recorder


def session(recorder: Recorder) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    made.hooks["response"].append(recorder.requests_hook)
    return made


def test_what_requests_says_is_replayed_alike_and_has_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "traffic.jsonl"
    with TiledeskFake() as fake, Recorder(file) as recorder, session(recorder) as client:
        ada = fake.add_user(email="ada@example.com", password="correct-horse")
        token = fake.issue_token(ada)
        for authorization in (ada.authorization, token.authorization, basic(ada.email, "wrong-horse")):
            client.get(f"{fake.url}/jwt/history", headers={"Authorization": authorization}, timeout=5)
        body = {"email": ada.email, "password": "correct-horse"}
        signed_in = client.post(f"{fake.url}/auth/signin", json=body, timeout=5).json()["token"]
        client.get(f"{fake.url}/jwt/history?secret_token={token.jwt}", timeout=5)
        client.delete(f"{fake.url}/jwt/history/{token.jti}", headers={"Authorization": signed_in}, timeout=5)
        client.get(f"{fake.url}/jwt/history", headers={"Authorization": token.authorization}, timeout=5)

    written = file.read_text(encoding="utf-8")
    statuses = [json.loads(line)["response"]["status"] for line in written.splitlines()]
    assert statuses == [200, 200, 401, 200, 403, 200, 401]
    secrets = [token.jwt.split(".")[2], signed_in.split(".")[2], "horse", ada.authorization.split()[1]]
    assert [secret for secret in secrets if secret in written] == []
    assert token.jwt.rpartition(".")[0] in written
    found = replay(file)
    assert ([str(each) for each in found.differences], found.replayed) == ([], 7)


def test_what_httpx_says_is_recorded_alike_with_and_without_async(tmp_path: Path) -> None:
    files = [tmp_path / "sync.jsonl", tmp_path / "async.jsonl"]
    with TiledeskFake() as fake, Recorder(files[0]) as one, Recorder(files[1]) as other:
        headers = {"Authorization": fake.issue_token(fake.add_user(email="ada@example.com")).authorization}
        with httpx.Client(event_hooks={"response": [one.httpx_hook]}, trust_env=False) as client:
            client.get(f"{fake.url}/jwt/history", headers=headers)

        async def ask() -> None:
            hooks = {"response": [other.httpx_async_hook]}
            async with httpx.AsyncClient(event_hooks=hooks, trust_env=False) as client:
                await client.get(f"{fake.url}/jwt/history", headers=headers)

        asyncio.run(ask())

    said = [json.loads(file.read_text(encoding="utf-8"))["response"]["body"] for file in files]
    assert said[0] == said[1]
    assert [replay(file).differs for file in files] == [False, False]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", '{"email": "ada@example.com", "password": "correct-horse"}'),
        ("application/json", '{"user": {"newPassword": "correct-horse", "client_secret": "battery-staple"}}'),
        ("application/json", '[{"oldpsw": "correct-horse", "token": "JWT"}, {"apiKey": "battery-staple"}]'),
        ("application/json", '{"password": ["correct-horse"]}'),
        ("application/json", f'{{"a": {"[" * 600}"JWT"{"]" * 600}}}'),
        ("application/x-www-form-urlencoded", "email=ada%40example.com&password=correct-horse&jwt=JWT"),
        ("application/x-www-form-urlencoded", "new_password=correct-horse&client_secret=battery-staple"),
        ("text/plain", "JWT"),
    ],
)
@pytest.mark.parametrize(
    "target", ["/v3/auth/signin", "/v3/jwt/history/JWT", "/v3/x?secret_token=JWT&password=correct-horse"]
)
@pytest.mark.parametrize("authorization", ["JWT JWT", "Bearer JWT", "Basic BASIC", "JWT", "battery-staple", "ApiKey x"])
def test_a_secret_is_in_no_recording_wherever_a_client_puts_it(
    tmp_path: Path, content_type: str, body: str, target: str, authorization: str
) -> None:
    jwt = sign({"sub": "user"}, b"secret")
    credentials = basic("ada@example.com", "correct-horse").split()[1]

    def filled(text: str) -> str:
        return text.replace("JWT", jwt).replace("BASIC", credentials)

    word, _, rest = authorization.partition(" ")
    headers = [
        ("Authorization", f"{word} {filled(rest)}" if rest else filled(word)),
        ("Content-Type", content_type),
        ("Cookie", "connect.sid=battery-staple"),
        ("X-Api-Key", "battery-staple"),
        ("User-Agent", filled("client JWT")),
    ]
    answered = [("Set-Cookie", "connect.sid=battery-staple"), ("Location", filled("/v3/x?secret_token=JWT"))]
    file = tmp_path / "traffic.jsonl"
    with Recorder(file) as recorder:
        sent, said = filled(body).encode(), filled('{"success":true,"token":"JWT"}').encode()
        recorder.write("POST", f"http://x{filled(target)}", headers, sent, 200, answered, said)

    text = file.read_text(encoding="utf-8")
    assert json.loads(text)["response"]["status"] == 200
    secrets = [jwt.rpartition(".")[2], credentials, "correct-horse", "battery-staple"]
    assert [secret for secret in secrets if secret in text] == []


def test_a_file_that_is_added_to_gives_no_number_twice(tmp_path: Path) -> None:
    file = tmp_path / "traffic.jsonl"
    for password in ("one", "another"):
        with Recorder(file) as recorder:
            authorization = basic("ada@example.com", password)
            recorder.write("GET", "http://x/v3/jwt/history", [("Authorization", authorization)], b"", 401, [], b"")

    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line["request"]["headers"] for line in lines] == [
        [["Authorization", "Basic 1"]],
        [["Authorization", "Basic 2"]],
    ]


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="cannot be written"):
        Recorder(tmp_path / "nowhere" / "traffic.jsonl")


@pytest.mark.parametrize("tens", range(6))
def test_random_traffic_gives_no_alarm_without_its_secrets(tens: int, tmp_path: Path) -> None:
    for seed in range(tens * 10, tens * 10 + 10):
        traffic = Traffic(seed)
        lines = [line for line in traffic.lines if line["response"]["status"]]
        file = tmp_path / f"{seed}.jsonl"
        with Recorder(file) as recorder:
            for line in lines:
                request, answer = line["request"], line["response"]
                headers, said = ([(name, value) for name, value in each["headers"]] for each in (request, answer))
                url, sent = f"http://x{request['target']}", request["body"].encode()
                recorder.write(request["method"], url, headers, sent, answer["status"], said, answer["body"].encode())
        kept = [json.loads(each) for each in file.read_text(encoding="utf-8").splitlines()]
        then = [{**each, "at": line["at"]} for each, line in zip(kept, lines, strict=True)]

        found = replay(written(then, tmp_path), traffic.profile, others=traffic.others)

        assert [str(each) for each in found.differences] == [], f"seed {seed}"
