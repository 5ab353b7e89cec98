"""The client of the API."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from math import inf
from typing import Any
from urllib.parse import quote

import requests

from .credentials import jti_of
from .errors import NotAuthenticated, RateLimited, SessionsError, Unavailable, UnknownSession
from .session import Session

# Seconds before the first and the second retry, where the server does not say.
PAUSES_S = (0.2, 1.0)


class SessionsClient:
    """The sessions of the user that `authorization` stands for, see `basic` and `jwt`.

    A call that takes longer than `timeout_s` is given up. What failed for a moment is tried again, twice; longer than
    `patience_s` nobody waits for that.
    """

    def __init__(
        self,
        base_url: str,
        authorization: str,
        http: requests.Session | None = None,
        *,
        timeout_s: float = 10,
        patience_s: float = 60,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._history = f"{base_url}/jwt/history"
        self._authorization = authorization
        self._http = http or requests.Session()
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._sleep = sleep

    def sessions(self) -> list[Session]:
        """The sessions that nobody has ended, the newest first."""
        records = list(self._records())
        here = jti_of(self._authorization)
        if any(record["revoked"] and record["jti"] == here for record in records):
            # Not every server refuses it.
            raise NotAuthenticated("this session has ended; log in again")
        living = [Session.of(record) for record in records if not record["revoked"]]
        return sorted(living, key=lambda session: (session.created_at, session.id), reverse=True)

    def log_out(self, jti: str) -> None:
        """End the session with this jti."""
        if jti not in {session.jti for session in self.sessions()}:
            raise UnknownSession(f"the user is not logged in with the jti {jti!r}")
        self._revoke(f"/{quote(jti, safe='')}")

    def log_out_by_id(self, id: str) -> None:
        """End the session whose record has this id."""
        if id not in {session.id for session in self.sessions()}:
            raise UnknownSession(f"the user is not logged in with the id {id!r}")
        self._revoke(f"/id/{quote(id, safe='')}")

    def log_out_everywhere(self, *, here_too: bool = False) -> list[Session]:
        """End all sessions, but not the one that this client uses unless `here_too`; tells which have ended."""
        here = jti_of(self._authorization)
        ended = []
        # The one in use comes last: after it nothing more can be done.
        for session in sorted(self.sessions(), key=lambda session: session.jti == here):
            if session.jti == here and not here_too:
                continue
            self._revoke(f"/{quote(session.jti, safe='')}")
            ended.append(session)
        return ended

    def _records(self) -> Iterator[Mapping[str, Any]]:
        """The records of all pages, each once, in the order of the server."""
        seen: set[str] = set()
        for page in count():
            # Without a number it is the first page; where that is page 1, it comes twice.
            records, total = _page(self._call("GET", query={"page": page} if page else {}))
            new = [record for record in records if record["_id"] not in seen]
            yield from new
            seen.update(record["_id"] for record in new)
            if len(seen) >= total or (page != 1 and not new):
                break

    def _revoke(self, path: str) -> None:
        """Revoke what was in the list a moment ago.

        Of anything else nobody knows the answer, nor whether it would end the session of another user.
        """
        # Whoever was faster, it has ended.
        with suppress(UnknownSession):
            self._call("DELETE", path)

    def _call(self, method: str, path: str = "", query: Mapping[str, Any] | None = None) -> Any:
        for pause_s in (*PAUSES_S, None):
            try:
                answer = self._http.request(
                    method,
                    self._history + path,
                    params=query,
                    headers={"Authorization": self._authorization},
                    timeout=self._timeout_s,
                )
            except requests.RequestException as problem:
                # Nobody knows whether a revocation has happened; reading again does no harm.
                if pause_s is None or method != "GET":
                    raise Unavailable(f"no answer to {method} {path or '/'}: {problem}") from problem
                self._sleep(pause_s)
                continue
            if answer.status_code in (429, 503) and pause_s is not None:
                wait_s = float(answer.headers.get("Retry-After", pause_s))
                if wait_s <= self._patience_s:
                    self._sleep(wait_s)
                    continue
            return _content(answer)
        raise AssertionError("unreachable")


def _page(answer: Any) -> tuple[Sequence[Mapping[str, Any]], float]:
    """The records of one page, and how many there are on all pages, where that is told."""
    if isinstance(answer, list):
        return answer, inf
    if isinstance(answer, dict):
        for value in answer.values():
            if isinstance(value, list):
                return value, answer.get("count", inf)
    raise Unavailable("the server answered no list")


def _content(answer: requests.Response) -> Any:
    status = answer.status_code
    if status in (401, 403):
        raise NotAuthenticated("the credentials are not accepted; log in again")
    if status == 404:
        raise UnknownSession("there is no such session")
    if status == 429:
        raise RateLimited(float(answer.headers.get("Retry-After", PAUSES_S[-1])))
    if status >= 500:
        raise Unavailable(f"the server answered {status}")
    if status != 200:
        raise SessionsError(f"the server answered {status}: {answer.text}")
    try:
        return answer.json()
    except ValueError as problem:
        raise Unavailable("the server answered what is no JSON") from problem
