"""What generated tests do to a fake, step by step, and what they see of it. Also a module of the generated suites."""

import json
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

NAMES = ("ada", "bob")
NEW_YEAR = "2026-01-01T00:00:00Z"


def play(fake: Any, steps: list[Any]) -> list[Any]:
    """What a test sees that takes these steps with a fake, which it makes as new before: alike each time."""
    play = Play(fake)
    return [seen for name, *arguments in steps if (seen := getattr(play, name)(*arguments)) is not None]


class Play:
    """Each method is a step, and answers what is seen of it, if anybody looks."""

    def __init__(self, fake: Any) -> None:
        fake.reset()
        fake.clock.freeze(NEW_YEAR)
        self.fake = fake
        self.users = [
            fake.add_user(email=f"{name}@example.com", password=name, id=f"{number:024x}")
            for number, name in enumerate(NAMES)
        ]
        self.tokens: list[Any] = []

    def issue(self, user: int, ids: list[int], revoked: bool) -> None:
        for id in ids:
            self.tokens.append(
                self.fake.issue_token(self.users[user], id=f"{id:024x}", jti=f"{NAMES[user]} {id}", revoked=revoked)
            )

    def revoke(self, number: int) -> None:
        self.fake.revoke(self._token(number))

    def advance(self, seconds: int) -> None:
        self.fake.clock.advance(seconds=seconds)

    def fault(self, operation: str, status: int) -> None:
        self.fake.faults.add(operation, status=status)

    def drop(self, operation: str) -> None:
        self.fake.faults.add(operation, drop="before-answer")

    def clear(self) -> None:
        self.fake.journal.clear()

    def list(self, caller: str, query: str, look: str) -> Any:
        return self._ask("GET", f"/jwt/history{query}", caller, look)

    def delete(self, caller: str, target: int | str, by: str, look: str) -> Any:
        token = self._token(target) if isinstance(target, int) else None
        key = (token.jti if by == "jti" else token.id) if token else str(target)
        return self._ask("DELETE", f"/jwt/history/{'id/' if by == 'id' else ''}{quote(key, safe='')}", caller, look)

    def stray(self, caller: str, method: str, path: str, look: str) -> Any:
        return self._ask(method, path, caller, look)

    def sign_in(self, password: str, look: str) -> Any:
        body = json.dumps({"email": "ada@example.com", "password": password}).encode()
        return self._ask("POST", "/auth/signin", "nobody", look, body)

    def goes_by(self, id: str) -> str:
        return str(self.fake.profile[id])

    def history(self, user: int) -> Any:
        return [(_own(token.jti), token.revoked) for token in self.fake.history(self.users[user])]

    def reasons(self) -> Any:
        return [(exchange.operation, exchange.status, exchange.reason) for exchange in self.fake.journal.exchanges]

    def violations(self) -> Any:
        return [(violation.rule, violation.message) for violation in self.fake.journal.violations]

    def _token(self, number: int) -> Any:
        return self.tokens[number % len(self.tokens)]

    def _ask(self, method: str, path: str, caller: str, look: str, body: bytes | None = None) -> Any:
        url = urlsplit(self.fake.url)
        headers = {"Content-Type": "application/json"} if body else {}
        if caller != "nobody":
            user = self.users[NAMES.index(caller)] if caller in NAMES else None
            headers["Authorization"] = user.authorization if user else self._token(int(caller)).authorization
        connection = HTTPConnection(url.netloc, timeout=10)
        try:
            connection.request(method, url.path + path, body, headers)
            answer = connection.getresponse()
            return LOOKS[look](answer.status, _parsed(answer.read()))
        except (HTTPException, OSError) as silence:
            return look and type(silence).__name__
        finally:
            connection.close()


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.decode()


def _own(jti: str) -> str:
    return jti if jti.startswith(NAMES) else "made by the fake"


def _records(body: Any) -> Any:
    """The records of a list, in whatever form, or the one of a revocation."""
    if isinstance(body, dict):
        listed = [value for value in body.values() if isinstance(value, list)]
        return listed[0] if listed else [body]
    return body if isinstance(body, list) else []


def _of_each(field: str) -> Any:
    return lambda status, body: [record.get(field, "none") for record in _records(body)]


LOOKS: dict[str, Any] = {
    "": lambda status, body: None,
    "status": lambda status, body: status,
    "form": lambda status, body: sorted(body) if isinstance(body, dict) else type(body).__name__,
    "told": lambda status, body: (
        [body.get(name) for name in ("success", "msg", "perPage", "count")] if isinstance(body, dict) else body is None
    ),
    "number": lambda status, body: len(_records(body)),
    "order": lambda status, body: [_own(record.get("jti", "")) for record in _records(body)],
    "revoked": _of_each("revoked"),
    "updated": _of_each("updatedAt"),
}
"""What a test may look at in an answer; at nothing by the empty name."""
