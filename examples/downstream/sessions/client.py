"""The client of the API."""

import time
from collections.abc import Callable, Mapping
from itertools import count
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
        """All sessions, the newest first, those included that are logged out."""
        found: list[Session] = []
        for page in count():
            query = {"sortField": "createdAt", "direction": -1, "page": page}
            answer = self._call("GET", query=query)
            found += map(Session.of, answer["jwts"])
            if not answer["jwts"] or len(found) >= answer["count"]:
                break
        return found

    def log_out(self, jti: str) -> None:
        """End the session with this jti; one that has ended already stays so."""
        self._call("DELETE", f"/{quote(jti, safe='')}")

    def log_out_by_id(self, id: str) -> None:
        """End the session whose record has this id."""
        self._call("DELETE", f"/id/{quote(id, safe='')}")

    def log_out_everywhere(self, *, here_too: bool = False) -> list[Session]:
        """End all sessions, but not the one that this client uses unless `here_too`; tells which have ended."""
        here = jti_of(self._authorization)
        ended = []
        # The one in use comes last: after it nothing more can be done.
        for session in sorted(self.sessions(), key=lambda session: session.jti == here):
            if session.revoked:
                continue
            if session.jti == here and not here_too:
                continue
            try:
                self.log_out(session.jti)
            except UnknownSession:
                # Somebody was faster.
                continue
            ended.append(session)
        return ended

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
