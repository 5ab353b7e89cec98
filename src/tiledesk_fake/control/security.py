"""Who may call the control API: no page of a foreign origin, and nobody without the token where there is one.

A page in the browser of whoever runs the server can send requests to it. It cannot choose `Host` and `Origin`, and
without leave, which is never given, it can send no JSON and no DELETE, and read no answer.
"""

import re
from collections.abc import Iterable
from hmac import compare_digest
from ipaddress import ip_address
from wsgiref.types import WSGIEnvironment

from ..errors import MisuseError
from .problems import Problem

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
_ORIGIN = re.compile(r"https?://(.+)", re.IGNORECASE)
_TOKEN = re.compile(r"[!-~]+", re.ASCII)
_ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - to know them


def is_loopback(host: str) -> bool:
    """Whether a name or an address is one of this machine for itself alone.

    >>> is_loopback("127.0.0.2"), is_loopback("app.localhost"), is_loopback("0.0.0.0"), is_loopback("localhost.evil")
    (True, True, False, False)
    """
    name = host.lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return _is_address(name) and ip_address(name).is_loopback


class Security:
    """The rules for one server: where it listens, which names it has besides, and its token.

    Raises MisuseError where others could reach the control API without a token.
    """

    def __init__(self, host: str, allowed_hosts: Iterable[str], token: str | None) -> None:
        if token is not None and not _TOKEN.fullmatch(token):
            raise MisuseError(
                "expected a control token of visible ASCII characters without blanks, at least one; "
                "it goes into a header: Authorization: Bearer <token>"
            )
        if token is None and not is_loopback(host):
            raise MisuseError(
                f"others can reach {host or 'every address'}, and whoever reaches the control API can read and change "
                "all that the fake holds; give --control-token TEXT (or TILEDESK_FAKE_CONTROL_TOKEN), or listen on "
                "127.0.0.1"
            )
        self._token = token
        self._reached_by_address = host in _ANY_ADDRESS
        self._names = {host.lower(), *map(_checked_name, allowed_hosts)}

    def check(self, environ: WSGIEnvironment, *, open_to_all: bool) -> None:
        """Raise the Problem of a request that may not be served; one that is `open_to_all` needs no token."""
        host = _name(environ.get("HTTP_HOST", ""))
        if host is None or not (self._knows(host) or (self._reached_by_address and _is_address(host))):
            raise Problem(
                "foreign-host",
                "the control API answers to names and addresses of this machine alone, and the Host of this request is "
                "none; start the server with --allowed-host NAME for another name",
            )
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and not self._is_ours(origin, host):
            raise Problem(
                "foreign-origin",
                "the control API is not for pages of other origins; start the server with --allowed-host NAME for a "
                "page that is served from another name",
            )
        if environ.get("HTTP_SEC_FETCH_SITE", "").strip().lower() == "cross-site":
            raise Problem(
                "foreign-origin",
                "a browser says that a page of another site sent this request; open the page or send the request from "
                "the same name as the server's",
            )
        if self._token is not None and not open_to_all:
            self._check_token(environ.get("HTTP_AUTHORIZATION", ""), self._token)

    def _check_token(self, authorization: str, token: str) -> None:
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() == "bearer" and compare_digest(given.strip().encode(), token.encode()):
            return
        raise Problem(
            "control-token",
            "expected Authorization: Bearer <token>, with the token that the server was started with (--control-token)",
            headers=[("WWW-Authenticate", "Bearer")],
        )

    def _is_ours(self, origin: str, host: str) -> bool:
        match = _ORIGIN.fullmatch(origin.strip())
        name = _name(match[1]) if match else None
        return name is not None and (self._knows(name) or (self._reached_by_address and name == host))

    def _knows(self, name: str) -> bool:
        return is_loopback(name) or name in self._names


def _name(authority: str) -> str | None:
    """The name or the address, without brackets, in an authority like `localhost:8000`; None if it is none."""
    match = _AUTHORITY.fullmatch(authority)
    if not match or int(match[2] or 0) > 65_535:
        return None
    return match[1].strip("[]").lower()


def _checked_name(given: str) -> str:
    name = _name(given if given.startswith("[") or ":" not in given or not _is_address(given) else f"[{given}]")
    if name is None or name != given.strip("[]").lower():
        raise MisuseError(
            f"--allowed-host: expected a name like fake.example.com, without scheme and port, got {given!r}"
        )
    return name


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
