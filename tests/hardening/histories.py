"""Records what concurrent clients of one fake do, and what a fake does when they come one after the other.

Clients list and revoke by HTTP, over sockets or right through `wsgi_app`, and issue, load and reset through the Python
interface. They authenticate by Basic, or by the token of a jti, which the others revoke.
"""

import http.client
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from tests.hardening.linearizability import Done
from tests.wsgi import call as call_wsgi
from tiledesk_fake import AlreadyExists, NotFound, ScenarioError, TiledeskFake, User
from tiledesk_fake.gate.jwt import sign

CLIENTS = 8
OPERATIONS = 40

# A second revocation is refused, so that two clients that revoke one token cannot both be told that they did.
PROFILE = {"revoke-again": "unknown"}
SECRET = "of-concurrent-clients"
ADA = "5e0000000000000000000001"
LOADED = ("phone", "laptop")
SCENARIO = {
    "users": [
        {
            "email": "ada@example.com",
            "password": "secret",
            "_id": ADA,
            "tokens": [{"jti": jti, "_id": f"6{number:023x}"} for number, jti in enumerate(LOADED)],
        }
    ]
}
PAGE = 40

Kind = Literal["list", "revoke", "revoke-by-id", "issue", "load", "reset"]


class Call(NamedTuple):
    """`by` is the jti of the token that authenticates, None for Basic."""

    kind: Kind
    jti: str = ""
    by: str | None = None


class Held(NamedTuple):
    """What a fake holds: nobody, or Ada with her tokens, the newest last, each with whether it is revoked."""

    has_ada: bool = False
    tokens: tuple[tuple[str, bool], ...] = ()


def step(held: Held, call: Call) -> tuple[Held, object]:
    """The sequential model: what a call makes of what a fake holds, and its result."""
    tokens = dict(held.tokens)
    if call.kind == "reset":
        return Held(), "reset"
    if call.kind == "load":
        if held.has_ada:
            return held, "taken"
        return Held(True, tuple((jti, False) for jti in LOADED)), "loaded"
    if call.kind == "issue":
        if not held.has_ada:
            return held, "nobody"
        if call.jti in tokens:
            return held, "taken"
        return Held(True, (*held.tokens, (call.jti, False))), "issued"
    if not held.has_ada or (call.by is not None and tokens.get(call.by, False)):
        return held, 401
    if call.kind == "list":
        return held, (200, len(held.tokens), tuple(reversed(held.tokens))[:PAGE])
    if tokens.get(call.jti, True):
        return held, 404
    revoked = tuple((jti, is_revoked or jti == call.jti) for jti, is_revoked in held.tokens)
    return Held(True, revoked), (200, call.jti)


def new_fake() -> TiledeskFake:
    return TiledeskFake(profile=PROFILE, secret=SECRET)


# Through a socket or not: method, target and Authorization make a status and a body.
Ask = Callable[[str, str, str], tuple[int, bytes]]


@dataclass
class Client:
    """One of the concurrent clients, with a plan of its own."""

    fake: TiledeskFake
    ask: Ask
    plan: list[Call]

    def run(self, record: Callable[[Done[Call]], None]) -> None:
        for call in self.plan:
            began = time.perf_counter_ns()
            result = self.do(call)
            record(Done(call, result, began, time.perf_counter_ns()))

    def do(self, call: Call) -> object:
        if call.kind == "reset":
            self.fake.reset()
            return "reset"
        if call.kind == "load":
            try:
                self.fake.load(SCENARIO)
            except ScenarioError:
                return "taken"
            return "loaded"
        if call.kind == "issue":
            try:
                self.fake.issue_token(User(ADA, "ada@example.com", "secret"), jti=call.jti)
            except AlreadyExists:
                return "taken"
            except NotFound:
                return "nobody"
            return "issued"
        if call.kind == "list":
            status, body = self.ask("GET", "/v3/jwt/history", _authorization(call.by))
            return (200, *_listed(body)) if status == 200 else status
        target = f"/v3/jwt/history/{call.jti}"
        if call.kind == "revoke-by-id":
            target = f"/v3/jwt/history/id/6{LOADED.index(call.jti):023x}"
        status, body = self.ask("DELETE", target, _authorization(call.by))
        return (200, json.loads(body)["jti"]) if status == 200 else status


def _authorization(by: str | None) -> str:
    if by is None:
        return "Basic YWRhQGV4YW1wbGUuY29tOnNlY3JldA=="
    return "JWT " + sign({"_id": ADA, "sub": "user", "jti": by}, SECRET.encode())


def _listed(body: bytes) -> tuple[int, tuple[tuple[str, bool], ...]]:
    listed = json.loads(body)
    return listed["count"], tuple((record["jti"], record["revoked"]) for record in listed["jwts"])


def plan(rng: random.Random, *, operations: int = OPERATIONS, resets: bool = True) -> list[Call]:
    """What one client does."""
    jtis = [*LOADED, "a", "b", "c", "d"]
    weights: dict[Kind, int] = {"list": 8, "revoke": 5, "revoke-by-id": 3, "issue": 4}
    if resets:
        weights |= {"load": 2, "reset": 1}
    calls = []
    for _ in range(operations):
        kind = rng.choices(list(weights), list(weights.values()))[0]
        by = rng.choice([None, None, *LOADED, "a"])
        jti = rng.choice(LOADED if kind == "revoke-by-id" else jtis)
        if kind == "issue" and rng.random() < 0.5:
            jti = f"{rng.getrandbits(32):x}"
        calls.append(Call(kind, jti, by))
    return calls


@contextmanager
def taking_turns() -> Iterator[None]:
    """Let threads take turns as often as they can, so that a lock that is missing is missed."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def recorded(fake: TiledeskFake, seed: int, ask: Callable[[], Ask], *, resets: bool = True) -> list[Done[Call]]:
    """The history of CLIENTS clients that begin at once; the fake holds the scenario, and every call has a result."""
    fake.load(SCENARIO)
    history: list[Done[Call]] = []
    problems: list[BaseException] = []
    together = threading.Barrier(CLIENTS)

    def run(client: Client) -> None:
        try:
            together.wait(10)
            client.run(history.append)
        except BaseException as problem:
            problems.append(problem)

    clients = [Client(fake, ask(), plan(random.Random(f"{seed} {number}"), resets=resets)) for number in range(CLIENTS)]
    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    with taking_turns():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert problems == []
    assert len(history) == CLIENTS * OPERATIONS, "an answer was lost"
    return history


@contextmanager
def over_sockets(fake: TiledeskFake) -> Iterator[Callable[[], Ask]]:
    """For each client a connection of its own to the listening fake."""
    connections = ExitStack()

    def connect() -> Ask:
        connection = http.client.HTTPConnection(urlsplit(fake.url).netloc, timeout=10)
        connections.callback(connection.close)

        def ask(method: str, target: str, authorization: str) -> tuple[int, bytes]:
            connection.request(method, target, headers={"Authorization": authorization})
            response = connection.getresponse()
            return response.status, response.read()

        return ask

    with connections:
        yield connect


def through_wsgi(fake: TiledeskFake) -> Callable[[], Ask]:
    """Calls of the WSGI app, each in the thread of its client."""
    app = fake.wsgi_app

    def ask(method: str, target: str, authorization: str) -> tuple[int, bytes]:
        reply = call_wsgi(app, method, target, [("Authorization", authorization)])
        return reply.status, reply.body

    return lambda: ask
