"""The servers that are compared: ours, the limits, and the rivals that could be installed.

Each is started as its own documentation says, serves the bytes of the work, and asks as little of a request as it can.
Those that cannot serve given bytes at a given path do the nearest that they have.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from tiledesk_fake import contract

from .environment import HERE, HOME, NODE_MODULES
from .load import Asked, Client
from .measure import cpu_of_process
from .work import LIST, RECORDS, work

_FILES = HOME / "files"
_PATIENCE_S = 60.0


class CannotStart(Exception):
    """A contender that does not come up, or does not answer."""


@dataclass(frozen=True)
class Contender:
    """A server: what it is called, its package, how it is started on a port, what it is asked, in what it differs.

    `command` gets a free port; one that chooses for itself prints it as its first line.
    """

    name: str
    package: str
    command: Callable[[int], list[str]]
    list: Asked
    revocation: Asked
    prepare: Callable[["Running"], None] = lambda running: None
    prints_port: bool = False
    note: str = ""


@dataclass
class Running:
    """A contender that listens."""

    contender: Contender
    port: int
    process: psutil.Process

    def cpu(self) -> float:
        """The CPU seconds it has used so far, with all processes that it started."""
        return cpu_of_process(self.process)

    def ask(self, asked: Asked) -> bytes:
        """The body of the answer; CannotStart unless it is a success."""
        client = Client(self.port)
        client.send(asked.bytes(self.port))
        status, body = client.answer()
        client.close()
        if status >= 300:
            raise CannotStart(f"{asked.method} {asked.target[:60]} was answered {status}: {body[:200]!r}")
        return body


@contextmanager
def running(contender: Contender) -> Iterator[Running]:
    """The contender, listening and answering; CannotStart if it does not get there."""
    port = 0 if contender.prints_port else _free_port()
    _FILES.mkdir(parents=True, exist_ok=True)
    log = _FILES / f"{contender.name.replace(' ', '-')}.log"
    # A file, because what a server logs by default is part of its cost.
    with log.open("wb") as output:
        started = subprocess.Popen(
            contender.command(port),
            stdout=subprocess.PIPE if contender.prints_port else output,
            stderr=output,
            cwd=_FILES,
            env=os.environ | {"PYTHONPATH": str(HERE.parent)},
        )
    process = psutil.Process(started.pid)
    try:
        if started.stdout:
            port = int(started.stdout.readline() or 0)
        running = Running(contender, port, process)
        _await_answer(running, started)
        yield running
    except (OSError, ValueError) as problem:
        raise CannotStart(f"{problem}; see {log}") from None
    finally:
        children = process.children(recursive=True) if process.is_running() else []
        for each in [*children, process]:
            if each.is_running():
                each.kill()
        started.wait()


def contenders() -> list[Contender]:
    """Ours, the limits and all rivals, the installed and the others."""
    own = (("Authorization", work().authorization),)
    listing, revocation = Asked("GET", LIST, own), Asked("DELETE", work().revocation, own)

    def python(name: str, package: str, module: str, note: str = "") -> Contender:
        command = [sys.executable, "-m", f"bench.servers.{module}"]
        return Contender(name, package, lambda _: command, listing, revocation, prints_port=True, note=note)

    return [
        python("ours", "tiledesk-fake", "ours"),
        python("smallest socket server", "", "smallest", note="answers the list to everything"),
        python("Flask view", "flask", "flask_view", note="on the fake's server"),
        python("pytest-httpserver", "pytest-httpserver", "httpserver"),
        *_prism(own),
        _mockoon(listing, revocation),
        _json_server(),
        _wiremock(listing, revocation),
        _moto(),
        _localstripe(),
    ]


def version_of(contender: Contender) -> str | None:
    """The installed version; None if it is not installed."""
    if not contender.package:
        return ""
    if (manifest := NODE_MODULES / contender.package / "package.json").exists():
        found: str = json.loads(manifest.read_text())["version"]
        return found
    try:
        return version(contender.package)
    except PackageNotFoundError:
        return None


def _prism(own: tuple[tuple[str, str], ...]) -> list[Contender]:
    document = json.loads(json.dumps(contract.load().document))
    examples = document["components"]["examples"]
    examples["firstPage"]["value"] = json.loads(work().listed)
    examples["revokedByJti"]["value"] = examples["revokedById"]["value"] = json.loads(work().revoked)
    file = _write("prism.json", document)
    # Prism leaves out the path of the document's server.
    listing = Asked("GET", LIST.removeprefix("/v3"), own)
    revocation = Asked("DELETE", work().revocation.removeprefix("/v3"), own)

    def made(name: str, *options: str) -> Contender:
        package = "@stoplight/prism-cli"
        return Contender(
            name, package, lambda port: [_node("prism"), "mock", "-p", str(port), *options, file], listing, revocation
        )

    return [made("Prism"), made("Prism -v silent", "-v", "silent")]


def _mockoon(listing: Asked, revocation: Asked) -> Contender:
    def route(number: int, asked: Asked, body: bytes) -> dict[str, object]:
        response = {
            "uuid": f"00000000-0000-4000-8000-00000000001{number}",
            "body": body.decode(),
            "latency": 0,
            "statusCode": 200,
            "label": "",
            "headers": [{"key": "Content-Type", "value": "application/json"}],
            "bodyType": "INLINE",
            "filePath": "",
            "databucketID": "",
            "sendFileAsBody": False,
            "rules": [],
            "rulesOperator": "OR",
            "disableTemplating": True,
            "fallbackTo404": False,
            "default": True,
            "crudKey": "id",
            "callbacks": [],
        }
        return {
            "uuid": f"00000000-0000-4000-8000-00000000000{number}",
            "type": "http",
            "documentation": "",
            "method": asked.method.lower(),
            "endpoint": asked.target.removeprefix("/"),
            "responses": [response],
            "responseMode": None,
            "streamingMode": None,
            "streamingInterval": 0,
        }

    routes = [route(1, listing, work().listed), route(2, revocation, work().revoked)]
    environment = {
        "uuid": "00000000-0000-4000-8000-000000000000",
        "lastMigration": 33,
        "name": "bench",
        "endpointPrefix": "",
        "latency": 0,
        "port": 3000,
        "hostname": "127.0.0.1",
        "folders": [],
        "routes": routes,
        "rootChildren": [{"type": "route", "uuid": each["uuid"]} for each in routes],
        "proxyMode": False,
        "proxyHost": "",
        "proxyRemovePrefix": False,
        "tlsOptions": {
            "enabled": False,
            "type": "CERT",
            "pfxPath": "",
            "certPath": "",
            "keyPath": "",
            "caPath": "",
            "passphrase": "",
        },
        "cors": False,
        "headers": [],
        "proxyReqHeaders": [],
        "proxyResHeaders": [],
        "data": [],
        "callbacks": [],
    }
    file = _write("mockoon.json", environment)
    return Contender(
        "Mockoon",
        "@mockoon/cli",
        lambda port: [_node("mockoon-cli"), "start", "--disable-log-to-file", "--data", file, "--port", str(port)],
        listing,
        revocation,
    )


def _json_server() -> Contender:
    records = json.loads(work().listed)["jwts"]
    return Contender(
        "json-server",
        "json-server",
        # It writes changes into the file that it serves.
        lambda port: [
            _node("json-server"),
            "--port",
            str(port),
            "--host",
            "127.0.0.1",
            _write("json-server.json", {"history": [{"id": number, **each} for number, each in enumerate(records)]}),
        ],
        Asked("GET", "/history"),
        Asked("PATCH", "/history/1", (("Content-Type", "application/json"),), b'{"revoked":true}'),
        note="its own JSON of the records; a revocation is a PATCH",
    )


def _wiremock(listing: Asked, revocation: Asked) -> Contender:
    folder = _FILES / "wiremock"
    for name, asked, body in (("list", listing, work().listed), ("revoke", revocation, work().revoked)):
        _write(
            f"wiremock/mappings/{name}.json",
            {
                "request": {"method": asked.method, "url": asked.target},
                "response": {
                    "status": 200,
                    "body": body.decode(),
                    "headers": {"Content-Type": "application/json"},
                },
            },
        )
    return Contender(
        "WireMock",
        "wiremock",
        lambda port: [_node("wiremock"), "--port", str(port), "--root-dir", str(folder)],
        listing,
        revocation,
    )


def _moto() -> Contender:
    credentials = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    own = (("Authorization", credentials),)

    def fill(running: Running) -> None:
        running.ask(Asked("PUT", "/bench", own))
        running.ask(Asked("PUT", "/bench/list", (*own, ("Content-Type", "application/json")), work().listed))

    return Contender(
        "moto",
        "moto",
        lambda port: [str(Path(sys.executable).parent / "moto_server"), "--port", str(port)],
        Asked("GET", "/bench/list", own),
        Asked("DELETE", "/bench/gone", own),
        prepare=fill,
        note="the bytes are an S3 object; a revocation deletes one",
    )


def _localstripe() -> Contender:
    own = (("Authorization", "Bearer sk_test_12345"),)
    form = (*own, ("Content-Type", "application/x-www-form-urlencoded"))

    def fill(running: Running) -> None:
        for number in range(RECORDS):
            running.ask(Asked("POST", "/v1/products", form, f"id=p{number}&name=p{number}&type=service".encode()))

    return Contender(
        "localstripe",
        "localstripe",
        lambda port: [str(Path(sys.executable).parent / "localstripe"), "--port", str(port), "--from-scratch"],
        Asked("GET", f"/v1/products?limit={RECORDS}", own),
        Asked("POST", "/v1/products/p1", form, b"active=false"),
        prepare=fill,
        note="a list of 40 products; a revocation is an update",
    )


def _node(binary: str) -> str:
    return str(NODE_MODULES / ".bin" / binary)


def _write(name: str, content: object) -> str:
    file = _FILES / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))
    return str(file)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _await_answer(running: Running, started: subprocess.Popen[bytes]) -> None:
    contender = running.contender
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            contender.prepare(running)
            running.ask(contender.list)
            running.ask(contender.revocation)
        except (OSError, ValueError, CannotStart) as problem:
            if started.poll() is not None:
                raise CannotStart(f"it ended with status {started.returncode}; {problem}") from None
            if time.monotonic() > until:
                raise CannotStart(str(problem)) from None
            time.sleep(0.2)
        else:
            return
