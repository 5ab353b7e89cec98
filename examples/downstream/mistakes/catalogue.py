"""Mistakes that people make in a client of this API, as small changes to the library."""

import shutil
from dataclasses import dataclass
from pathlib import Path

EXAMPLE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Mistake:
    """What somebody got wrong, and the change that gets it wrong: `old` becomes `new` in one file of `sessions/`."""

    name: str
    story: str
    file: str
    old: str
    new: str

    def make(self, library: Path) -> None:
        """Make this mistake in a copy of the library."""
        path = library / self.file
        text = path.read_text(encoding="utf-8")
        assert text.count(self.old) == 1, f"{self.name}: expected once in {self.file}: {self.old!r}"
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


_JWT = 'return token if token.startswith("JWT ") else f"JWT {token}"'
_BASIC = 'b64encode(f"{email}:{password}".encode())'
_QUERY = '{"page": page} if page else {}'
_LAST_PAGE = "if len(seen) >= total or (page != 1 and not new):"
_LIVING = """[Session.of(record) for record in records if not record["revoked"]]"""
_LOG_OUT = """self._revoke(f"/{quote(jti, safe='')}")"""
_LOG_OUT_BY_ID = """self._revoke(f"/id/{quote(id, safe='')}")"""
_DELETE = 'self._call("DELETE", path)'
_HEADERS = 'headers={"Authorization": self._authorization},'
_REFUSED = """    if status in (401, 403):
        raise NotAuthenticated("the credentials are not accepted; log in again")
"""
_UNKNOWN = """raise UnknownSession(f"the user is not logged in with the id {id!r}")"""
_LOST = """                if pause_s is None or method != "GET":
                    raise Unavailable(f"no answer to {method} {path or '/'}: {problem}") from problem
"""

CREDENTIALS = [
    Mistake("bearer", "Everybody else's scheme word.", "credentials.py", _JWT, 'return f"Bearer {token}"'),
    Mistake(
        "doubled scheme",
        "A sign-in answers the token with its scheme word.",
        "credentials.py",
        _JWT,
        'return f"JWT {token}"',
    ),
    Mistake("no scheme", "The bare token in the header.", "credentials.py", _JWT, "return token"),
    Mistake(
        "token in the query",
        "It works in the browser.",
        "client.py",
        f"params=query,\n                    {_HEADERS}",
        'params={**(query or {}), "secret_token": self._authorization.partition(" ")[2]},',
    ),
    Mistake("basic in latin-1", "As requests does.", "credentials.py", ".encode()", '.encode("latin-1", "replace")'),
    Mistake("basic as in URLs", "The other base64.", "credentials.py", ".encode())", '.encode(), b"-_")'),
    Mistake("basic in clear", "No base64 at all.", "credentials.py", _BASIC, _BASIC.removeprefix("b64encode")),
    Mistake("basic with a line end", "As `echo` makes it.", "credentials.py", '{password}"', r'{password}\n"'),
]
REQUESTS = [
    Mistake("wrong base path", "The path of the documentation's menu.", "client.py", "/jwt/history", "/history"),
    Mistake("doubled base path", "The version twice.", "client.py", "{base_url}/jwt", "{base_url}/v3/jwt"),
    Mistake("unquoted jti", "A jti is not always a UUID.", "client.py", _LOG_OUT, 'self._revoke(f"/{jti}")'),
    Mistake(
        "slash unquoted", "quote() leaves slashes alone unless told.", "client.py", "quote(jti, safe='')", "quote(jti)"
    ),
    Mistake(
        "jti quoted twice",
        "Once by us, once by a helper.",
        "client.py",
        "quote(jti, safe='')",
        "quote(quote(jti, safe=''))",
    ),
    Mistake("id for the jti", "Both are called id somewhere.", "client.py", _LOG_OUT_BY_ID, 'self._revoke(f"/{id}")'),
    Mistake(
        "jti for the id", "The same the other way round.", "client.py", _LOG_OUT, _LOG_OUT.replace('f"/', 'f"/id/')
    ),
    Mistake("post", "Logging out is an action, is it not?", "client.py", _DELETE, _DELETE.replace("DELETE", "POST")),
    Mistake(
        "json body",
        "A body that says what the path says.",
        "client.py",
        _HEADERS,
        _HEADERS + ' json={"jti": path[1:]} if path else None,',
    ),
    Mistake("body with the list", "Parameters as JSON, to be sure.", "client.py", _HEADERS, f"{_HEADERS} json=query,"),
]
LIST = [
    Mistake("invented parameter", "Other lists have a limit.", "client.py", _QUERY, '{"limit": 100, "page": page}'),
    Mistake(
        "misspelt parameter",
        "As the other APIs spell it.",
        "client.py",
        _QUERY,
        '{"sort_field": "createdAt", **({"page": page} if page else {})}',
    ),
    Mistake(
        "unknown field", "The name of the field in our own code.", "client.py", _QUERY, '{"sortField": "created_at"}'
    ),
    Mistake("direction in words", "As SQL says it.", "client.py", _QUERY, '{"direction": "desc", "page": page}'),
    Mistake("oldest first", "The order of sorted().", "client.py", "session.id), reverse=True)", "session.id))"),
    Mistake("page from 1", "People count from 1.", "client.py", "in count():", "in count(1):"),
    Mistake("page never advanced", "A loop that asks the same again.", "client.py", _QUERY, "{}"),
    Mistake(
        "page is an offset", "Records instead of pages.", "client.py", _QUERY, '{"page": len(seen)} if page else {}'
    ),
    Mistake("first page only", "Nobody had more than 40 tokens in the demo.", "client.py", _LAST_PAGE, "if True:"),
    Mistake(
        "count of a page",
        "A full page must be the last one.",
        "client.py",
        _LAST_PAGE,
        _LAST_PAGE.replace(">= total", "== 40"),
    ),
    Mistake("one page too many", "Asks until nothing comes.", "client.py", _LAST_PAGE, "if page != 1 and not new:"),
    Mistake("ended sessions listed", "The mark is read by nobody.", "client.py", ' if not record["revoked"]]', "]"),
    Mistake(
        "list kept",
        "A cache that nobody empties.",
        "client.py",
        "    def sessions(self)",
        "    @__import__('functools').cache\n    def sessions(self)",
    ),
    Mistake(
        "time without zone",
        "Local time, or so it seems.",
        "session.py",
        'fromisoformat(record["createdAt"])',
        'fromisoformat(record["createdAt"]).replace(tzinfo=None)',
    ),
    Mistake(
        "expiry taken for granted",
        "Tokens of a sign-in never expire.",
        "session.py",
        'record.get("expiresAt")',
        'record["expiresAt"]',
    ),
]
EVERYWHERE = [
    Mistake(
        "first page logged out",
        "The rest stays logged in.",
        "client.py",
        "sorted(self.sessions(), ",
        "sorted(self.sessions()[:40], ",
    ),
    Mistake(
        "current session too",
        "Logs out who asked for it.",
        "client.py",
        "if session.jti == here and not here_too:",
        "if False:",
    ),
    Mistake(
        "current session first",
        "And then nobody is left to do the rest.",
        "client.py",
        "key=lambda session: session.jti == here)",
        "key=lambda session: session.jti != here)",
    ),
    Mistake(
        "stops at an ended session",
        "As if none could live that is older.",
        "client.py",
        _LIVING,
        """list(map(Session.of, __import__("itertools").takewhile(lambda record: not record["revoked"], records)))""",
    ),
    Mistake(
        "ends what has ended",
        "Twice the calls, and the list of ended sessions is wrong.",
        "client.py",
        "sorted(self.sessions(), ",
        "sorted(map(Session.of, self._records()), ",
    ),
    Mistake("somebody faster", "One 404 ends the round.", "client.py", "with suppress(UnknownSession):", "if True:"),
]
REFUSALS = [
    Mistake(
        "401 ignored",
        "No session is no session.",
        "client.py",
        _REFUSED,
        "    if status == 401:\n        return []\n",
    ),
    Mistake("unknown is success", "It is gone, so all is well.", "client.py", _UNKNOWN, "return"),
    Mistake(
        "any error is success",
        "It has ended, or will some day.",
        "client.py",
        "suppress(UnknownSession)",
        "suppress(SessionsError)",
    ),
]
TROUBLE = [
    Mistake("no retry", "A busy server is a broken server.", "client.py", "in (429, 503) and", "in () and"),
    Mistake("no retry on 429", "Only one of the two.", "client.py", "in (429, 503) and", "in (503,) and"),
    Mistake("retries everything", "A bug is no load.", "client.py", "in (429, 503) and", "in (429, 500, 503) and"),
    Mistake(
        "retry-after ignored",
        "Comes back too early.",
        "client.py",
        'answer.headers.get("Retry-After", pause_s)',
        "pause_s",
    ),
    Mistake(
        "retry-after in milliseconds",
        "Comes back far too early.",
        "client.py",
        'answer.headers.get("Retry-After", pause_s))',
        'answer.headers.get("Retry-After", pause_s)) / 1000',
    ),
    Mistake("endless patience", "Waits an hour.", "client.py", "if wait_s <= self._patience_s:", "if True:"),
    Mistake(
        "retries forever",
        "Some day it must work.",
        "client.py",
        "in (*PAUSES_S, None):",
        "in (*PAUSES_S, *([1.0] * 1000)):",
    ),
    Mistake("no timeout", "requests has none of its own.", "client.py", "timeout=self._timeout_s,", "timeout=None,"),
    Mistake(
        "lost list not asked for again",
        "Gives up at the first reset.",
        "client.py",
        _LOST,
        _LOST.replace('pause_s is None or method != "GET"', "True"),
    ),
    Mistake(
        "revocation sent again",
        "Nobody knows whether it has happened.",
        "client.py",
        _LOST,
        _LOST.replace(' or method != "GET"', ""),
    ),
    Mistake(
        "truncated list swallowed",
        "No sessions is a good answer too.",
        "client.py",
        _LOST,
        '                if method == "GET":\n                    return []\n' + _LOST,
    ),
    Mistake(
        "lost revocation swallowed",
        "It has probably happened.",
        "client.py",
        _LOST,
        '                if method != "GET":\n                    return None\n' + _LOST,
    ),
    Mistake(
        "errors of the tool",
        "requests shows through.",
        "client.py",
        "except requests.RequestException as problem",
        "except requests.ReadTimeout as problem",
    ),
]

KINDS = {
    "credentials": CREDENTIALS,
    "requests": REQUESTS,
    "list": LIST,
    "logging out everywhere": EVERYWHERE,
    "refusals": REFUSALS,
    "trouble": TROUBLE,
}
MISTAKES = [mistake for kind in KINDS.values() for mistake in kind]

# These change no answer; without the verdict of the fixture the tests would pass.
NOTICED_BY_VERDICT_ALONE = {
    "basic as in URLs",
    "json body",
    "body with the list",
    "misspelt parameter",
    "invented parameter",
}


def copy_with(mistake: Mistake | None, folder: Path) -> None:
    """Copy the library and its tests into a new folder, with this mistake or with none."""
    for part in ("sessions", "tests"):
        shutil.copytree(EXAMPLE / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(EXAMPLE / "pytest.ini", folder)
    if mistake:
        mistake.make(folder / "sessions")
