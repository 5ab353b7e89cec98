"""Servers that keep the contract and look different."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import RLock, Thread
from typing import Any

from tests.conformance.world import Answer, Ask, Request, Twist, World

RIGHT: dict[str, Twist] = {}


def right(twist: Twist) -> Twist:
    """Add a twist to the catalogue, named by its function."""
    RIGHT[getattr(twist, "__name__").replace("_", " ")] = twist  # noqa: B009 - a Callable need not have a name
    return twist


def _rewritten(given: Answer, change: Callable[[Any], Any]) -> Answer:
    """The answer with every object in its body changed."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return change({name: walk(each) for name, each in value.items()})
        return [walk(each) for each in value] if isinstance(value, list) else value

    is_json = any(name == "Content-Type" and "json" in value for name, value in given.headers)
    return given.saying(walk(given.json)) if is_json and given.body else given


@right
def every_object_has_more_fields(world: World, request: Request, ask: Ask) -> Answer:
    return _rewritten(ask(request), lambda fields: {"token": "JWT …", "origin": None, "n0": [1]} | fields)


@right
def lists_show_more_than_revocations_do(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    return _rewritten(given, lambda fields: fields | {"token": "JWT …", "id_project": None}) if request.lists else given


@right
def revocations_show_more_than_lists_do(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    return _rewritten(given, lambda fields: fields | {"revokedBy": "ada"}) if request.revokes else given


@right
def every_object_has_the_number_of_the_request(world: World, request: Request, ask: Ask) -> Answer:
    number = world.memory["asked"] = world.memory.get("asked", 0) + 1
    return _rewritten(ask(request), lambda fields: fields | {"requestId": number})


@right
def a_revocation_leaves_its_reason_in_the_record(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    return _rewritten(given, lambda fields: fields | ({"reason": "by hand"} if fields.get("revoked") else {}))


@right
def keys_are_in_another_order(world: World, request: Request, ask: Ask) -> Answer:
    return _rewritten(ask(request), lambda fields: dict(reversed(fields.items())))


@right
def messages_are_worded_otherwise(world: World, request: Request, ask: Ask) -> Answer:
    return _rewritten(ask(request), lambda fields: fields | ({"msg": "Nein."} if "msg" in fields else {}))


@right
def bodies_are_indented(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    is_json = given.body[:1] in (b"{", b"[")
    return replace(given, body=json.dumps(given.json, indent=4).encode()) if is_json else given


@right
def answers_have_more_headers(world: World, request: Request, ask: Ask) -> Answer:
    more = (("X-Powered-By", "Express"), ("X-Request-Id", "1"), ("Vary", "Origin"), ("Strict-Transport-Security", "x"))
    given = ask(request)
    return replace(given, headers=(*given.headers, *more))


@right
def the_charset_is_not_named(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    named = any(name == "Content-Type" and "json" in value for name, value in given.headers)
    return given.with_header("Content-Type", "application/json") if named else given


@right
def the_charset_is_written_otherwise(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    named = any(name == "Content-Type" and "json" in value for name, value in given.headers)
    return given.with_header("content-type", 'Application/JSON;charset="UTF-8"') if named else given


@right
def answers_have_an_etag(world: World, request: Request, ask: Ask) -> Answer:
    return ask(request).with_header("ETag", 'W/"1"').with_header("Cache-Control", "no-store")


@right
def every_answer_sets_cookies(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    cookies = (("Set-Cookie", "connect.sid=s%3A1; Path=/; HttpOnly"), ("Set-Cookie", "a=b"))
    return replace(given, headers=(*given.headers, *cookies))


@right
def the_refused_get_another_header(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    return given.with_header("X-Reason", "who are you?") if given.status == 401 else given


@right
def methods_are_allowed_that_nobody_asked_for(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    listed = next((value for name, value in given.headers if name == "Allow"), "")
    return given.with_header("Allow", f"{listed},HEAD" if "HEAD" not in listed else listed) if listed else given


@right
def there_is_no_sign_in(world: World, request: Request, ask: Ask) -> Answer:
    world.signs_in = False
    return ask(request)


@right
def preflights_are_not_answered(world: World, request: Request, ask: Ask) -> Answer:
    return Answer(404, (), b"") if request.method == "OPTIONS" else ask(request)


@contextmanager
def another_http_server(world: World, *, chunked: bool, **options: Any) -> Iterator[Any]:
    """The world behind the standard library's server: a thread for each connection, chunks or a closed connection."""
    # The threads are the server's; the world behind it is not made for them.
    lock = RLock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if chunked else "HTTP/1.0"
        # Sent in one piece: the next piece would wait for the client to acknowledge the first.
        wbufsize = 1 << 20

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                authorization = self.headers.get("Authorization")
                given = world.twist(world, Request(self.command, self.path, authorization, body), world.ask)
            self.send_response(given.status)
            for name, value in given.headers:
                if name.lower() != "content-length":
                    self.send_header(name, value)
            if not chunked:
                self.send_header("Connection", "close")
            elif given.status != 204:
                self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if self.command == "HEAD" or given.status == 204:
                return
            self.wfile.write(_in_chunks(given.body) if chunked else given.body)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield world.target(f"http://127.0.0.1:{server.server_port}/v3", **options)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _in_chunks(body: bytes) -> bytes:
    pieces = [body[at : at + 100] for at in range(0, len(body), 100)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
