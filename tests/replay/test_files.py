"""A recording that cannot be read ends in one line that says where, and a HAR is read as JSON lines are."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.command import run
from tests.replay.recording import written
from tests.replay.traffic import Traffic
from tiledesk_fake.gate.jwt import sign

LINE: dict[str, Any] = {
    "request": {"method": "GET", "target": "/v3/jwt/history", "headers": [], "body": ""},
    "response": {"status": 401, "headers": [], "body": "Unauthorized"},
    "at": "2026-03-01T00:00:00Z",
}


def changed(part: str, **changes: Any) -> str:
    return json.dumps({**LINE, part: {**LINE[part], **changes}} if part else {**LINE, **changes})


HOSTILE = {
    "no JSON": "{",
    "a list": "[]",
    "a number": "1",
    "deep": "[" * 100_000,
    "a long number": changed("", at=1).replace('"at": 1', '"at": ' + "9" * 10_000),
    "no request": '{"response": {}}',
    "a status that is text": changed("response", status="200"),
    "a status that is true": changed("response", status=True),
    "a huge status": changed("response", status=10**9),
    "headers that are an object": changed("request", headers={}),
    "a header of three": changed("request", headers=[["a", "b", "c"]]),
    "half a surrogate pair": changed("request", target="/\ud800"),
    "a method with a space": changed("request", method="GET /"),
    "a body that is a number": changed("response", body=5),
    "a body in no base64": changed("response", body="%", encoding="base64"),
    "no time": changed("", at=None),
    "a time without a zone": changed("", at="2026-03-01T00:00:00"),
    "a time before 1970": changed("", at="1066-03-01T00:00:00Z"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("command", [["replay"], ["learn", "--from"]], ids=["replay", "learn"])
def test_a_hostile_line_is_told_with_its_number(name: str, command: list[str], tmp_path: Path) -> None:
    file = tmp_path / "traffic.jsonl"
    file.write_text(f"{json.dumps(LINE)}\n{HOSTILE[name]}\n", encoding="utf-8")

    done = run(*command, str(file))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert f"{file}, line 2: " in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"log": []}',
        '{"log": {"entries": {}}}',
        '{"log": {"entries": [1]}}',
        '{"log": {"entries": [{}',
        "\xff",
    ],
)
def test_what_is_no_har_is_told(text: str, tmp_path: Path) -> None:
    file = tmp_path / "traffic.har"
    file.write_bytes(text.encode("latin-1"))

    done = run("replay", str(file))

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert str(file) in done.stderr


def test_a_file_that_is_not_there_or_has_another_ending_is_told(tmp_path: Path) -> None:
    assert run("replay", str(tmp_path / "x.jsonl")).returncode == 2
    assert "ends in .har or .jsonl" in run("replay", str(tmp_path / "x.txt")).stderr


def as_har(lines: list[dict[str, Any]]) -> dict[str, Any]:
    def named(headers: list[list[str]]) -> list[dict[str, str]]:
        return [{"name": name, "value": value} for name, value in headers]

    entries = [
        {
            "startedDateTime": line["at"],
            "time": 1.5,
            "request": {
                "method": line["request"]["method"],
                "url": "https://api.tiledesk.com" + line["request"]["target"],
                "headers": named(line["request"]["headers"]),
                "postData": {"mimeType": "", "text": line["request"]["body"]},
            },
            "response": {
                "status": line["response"]["status"] or 0,
                "headers": named(line["response"]["headers"]),
                "content": {"text": line["response"]["body"]},
            },
        }
        for line in lines
    ]
    other = {"method": "GET", "url": "https://fonts.example/x.woff", "headers": []}
    entries.append({**entries[0], "request": other})
    return {"log": {"version": "1.2", "creator": {"name": "x"}, "pages": [{}], "entries": entries, "comment": ""}}


@pytest.mark.parametrize("seed", [1, 2, 4, 5])
def test_a_har_is_replayed_as_lines_are(seed: int, tmp_path: Path) -> None:
    traffic = Traffic(seed)
    file = tmp_path / "traffic.har"
    file.write_text(json.dumps(as_har(traffic.lines)), encoding="utf-8")
    options = [f"--assume={id}={choice}" for id, choice in traffic.profile.items()]

    done = run("replay", str(file), *options, *["--others"] * traffic.others)

    assert done.returncode == 0, done.stdout
    assert "Not told by this file:" in done.stdout


def test_a_difference_is_reported_in_three_forms_with_what_explains_it(tmp_path: Path) -> None:
    body = '{"perPage":10,"count":0,"jwts":[]}'
    headers = [["Content-Type", "application/json"]]
    line = {**LINE, "response": {"status": 200, "headers": headers, "body": body}}
    file = written([line], tmp_path)
    for form in ("html", "json"):
        done = run("replay", str(file), "--report", str(tmp_path / f"report.{form}"))

    assert done.returncode == 1
    assert "exchange 1 (line 1): GET /v3/jwt/history" in done.stdout
    assert "--assume page-size=10" in done.stdout
    (difference,) = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["differences"]
    assert difference["explained_by"] == {"page-size": "10"}
    assert difference["contract"].startswith("openapi/jwt.yaml:")
    assert "page-size=10" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert run("replay", str(file), "--assume", "page-size=10").returncode == 0


def test_another_form_of_report_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    done = run("replay", str(tmp_path / "x.jsonl"), "--report", "x.xml")

    assert (done.returncode, ".html or .json" in done.stderr) == (2, True)


def test_no_report_tells_a_secret_of_the_file_or_loads_anything(tmp_path: Path) -> None:
    jwt = sign({"sub": "user", "_id": "5e0000000000000000000001"}, b"secret")
    password, script = "correct-horse-battery", "<img src=http://evil.example/x onerror=alert(1)>"
    credentials = b64encode(f"ada@example.com:{password}".encode()).decode()
    echo = json.dumps({"success": False, "msg": f"{script} JWT {jwt} Basic {credentials} \x1b[31m"})
    answer = {"status": 500, "headers": [["Content-Type", "application/json"]], "body": echo}
    lines = [
        {
            "request": {"method": "GET", "target": target, "headers": [["Authorization", authorization]], "body": ""},
            "response": answer,
            "at": "2026-06-01T12:00:00Z",
        }
        for target in ("/v3/jwt/history", f"/v3/jwt/history?secret_token={jwt}", f"/v3/jwt/history/{jwt}?{script}")
        for authorization in (f"JWT {jwt}", f"Basic {credentials}")
    ]
    file = written(lines, tmp_path)
    shown = ""
    for form in ("html", "json"):
        done = run("replay", str(file), "--report", str(tmp_path / f"report.{form}"))
        shown += done.stdout + done.stderr + (tmp_path / f"report.{form}").read_text(encoding="utf-8")

    assert done.returncode == 1
    assert [secret for secret in (*jwt.split("."), credentials, password) if secret in shown] == []
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in html
    assert "&lt;img src=http://evil.example/x" in html
    assert not any(part in html for part in ("<script", "<img", 'src="', "href=", "url(", "@import"))
    assert "\x1b" not in shown
