"""What a client can depend on that nobody outside knows, as small changes to the library.

Each is right as the fake answers by default, and the tests pass. `pytest --tiledesk-assume-each` names the assumption.
None depends on `invalid-query`: that decides what only a mistake sends, which the verdict of the fixture notices first.
"""

from dataclasses import dataclass

from catalogue import Mistake


@dataclass(frozen=True)
class Dependency(Mistake):
    """What somebody took for granted; `falls` has the choices under which tests fail, as `page-base=1`.

    Where these are choices of more than one assumption, `reason` says why.
    """

    falls: tuple[str, ...]
    reason: str = ""

    @property
    def assumptions(self) -> set[str]:
        """The ids of the assumptions that it is named by."""
        return {choice.partition("=")[0] for choice in self.falls}


_QUERY = '{"page": page} if page else {}'
_LAST_PAGE = "if len(seen) >= total or (page != 1 and not new):"
_NEW = 'new = [record for record in records if record["_id"] not in seen]'
_BARE = """    if isinstance(answer, list):
        return answer, inf
"""
_ENVELOPE = """        for value in answer.values():
            if isinstance(value, list):
                return value, answer.get("count", inf)
"""
_SORTED = "return sorted(living, key=lambda session: (session.created_at, session.id), reverse=True)"
_HERE = """        if any(record["revoked"] and record["jti"] == here for record in records):
            # Not every server refuses it.
            raise NotAuthenticated("this session has ended; log in again")
"""
_JTIS = "{session.jti for session in self.sessions()}"
_UNKNOWN_JTI = f"""        if jti not in {_JTIS}:
            raise UnknownSession(f"the user is not logged in with the jti {{jti!r}}")
"""
_REVOKE_JTI = """        self._revoke(f"/{quote(jti, safe='')}")
"""
_UNKNOWN_ID = """        if id not in {session.id for session in self.sessions()}:
            raise UnknownSession(f"the user is not logged in with the id {id!r}")
"""
_REVOKE_ID = """        self._revoke(f"/id/{quote(id, safe='')}")
"""
_ROUND = "sorted(self.sessions(), key=lambda session: session.jti == here)"
_DELETE = """            self._call("DELETE", path)
"""

READING = [
    Dependency(
        "counts from 0",
        "The first page is page 0.",
        "client.py",
        _QUERY,
        '{"page": page}',
        ("page-base=1",),
    ),
    Dependency(
        "stops at what it knows",
        "Page 1 is never the first.",
        "client.py",
        _LAST_PAGE,
        "if len(seen) >= total or not new:",
        ("page-base=1",),
    ),
    Dependency("takes every record", "No page comes twice.", "client.py", _NEW, "new = records", ("page-base=1",)),
    Dependency(
        "stops at a short page",
        "A page has 40 records.",
        "client.py",
        _LAST_PAGE,
        "if len(seen) >= total or len(records) < 40:",
        ("page-size=10",),
    ),
    Dependency(
        "four pages are enough",
        "Nobody has more than 160 tokens.",
        "client.py",
        "in count():",
        "in range(4):",
        ("page-size=10",),
    ),
    Dependency(
        "looks at the first page",
        "Who logs out on a phone has used it not long ago.",
        "client.py",
        _JTIS,
        """{record["jti"] for record in _page(self._call("GET"))[0] if not record["revoked"]}""",
        ("page-size=10",),
    ),
    Dependency(
        "jwts",
        "The list is under jwts.",
        "client.py",
        _BARE + "    if isinstance(answer, dict):\n" + _ENVELOPE,
        """    if isinstance(answer, dict) and "jwts" in answer:
        return answer["jwts"], answer["count"]
""",
        ("list-envelope=jwtHistories", "list-envelope=bare"),
    ),
    Dependency(
        "jwts or bare",
        "The list is under jwts, or there is nothing else.",
        "client.py",
        _ENVELOPE,
        """        if "jwts" in answer:
            return answer["jwts"], answer["count"]
""",
        ("list-envelope=jwtHistories",),
    ),
    Dependency("an envelope", "An answer is an object.", "client.py", _BARE, "", ("list-envelope=bare",)),
    Dependency(
        "all where no count is",
        "A bare list is a whole one.",
        "client.py",
        _BARE,
        _BARE.replace("inf", "len(answer)"),
        ("list-envelope=bare",),
    ),
    Dependency(
        "sorts by parameter",
        "The server sorts, as it is documented.",
        "client.py",
        _QUERY,
        '{"sortField": "createdAt", "direction": -1, **({"page": page} if page else {})}',
        ("sort-parameter=sort",),
    ),
    Dependency(
        "sorts for paging",
        "Pages by _id hold still while tokens are added.",
        "client.py",
        _QUERY,
        '{"sortField": "_id", "direction": 1, **({"page": page} if page else {})}',
        ("sort-parameter=sort",),
    ),
    Dependency(
        "keeps the order",
        "What came is sorted already.",
        "client.py",
        _SORTED,
        "return living",
        ("tie-order=natural",),
    ),
    Dependency(
        "sorts by time alone",
        "No two sessions begin at once.",
        "client.py",
        _SORTED,
        _SORTED.replace("(session.created_at, session.id)", "session.created_at"),
        ("tie-order=natural",),
    ),
]
REVOKING = [
    Dependency(
        "looks for the mark",
        "Makes sure that it has ended.",
        "client.py",
        _REVOKE_JTI + "\n    def log_out_by_id",
        _REVOKE_JTI
        + """        if not any(record["revoked"] for record in self._records() if record["jti"] == jti):
            raise Unavailable("the session has not ended")

    def log_out_by_id""",
        ("revoked-listed=no",),
    ),
    Dependency(
        "ends page by page",
        "No list in memory. What leaves the list makes the next page begin later.",
        "client.py",
        _ROUND,
        f"""(
            {_ROUND}
            if here_too
            else (Session.of(record) for record in self._records() if not record["revoked"])
        )""",
        ("revoked-listed=no",),
    ),
    Dependency(
        "ids by their form",
        "What looks like an id is known to the server, or it says 404.",
        "client.py",
        _UNKNOWN_ID + _REVOKE_ID,
        (_UNKNOWN_ID + _REVOKE_ID)
        .replace("id not in {session.id for session in self.sessions()}", "len(id) != 24")
        .replace("self._revoke(", 'self._call("DELETE", '),
        ("revoke-unknown=null", "revoke-unknown=phantom"),
    ),
    Dependency(
        "null is unknown too",
        "The same, by somebody who has read of the null.",
        "client.py",
        _UNKNOWN_ID + _REVOKE_ID,
        """        if len(id) != 24 or self._call("DELETE", f"/id/{quote(id, safe='')}") is None:
            raise UnknownSession(f"the user is not logged in with the id {id!r}")
""",
        ("revoke-unknown=phantom",),
    ),
    Dependency(
        "a phantom shows itself",
        "The same, by somebody who has read of the record that is made.",
        "client.py",
        _UNKNOWN_ID + _REVOKE_ID,
        """        if len(id) != 24:
            raise UnknownSession(f"{id!r} is no id")
        answer = self._call("DELETE", f"/id/{quote(id, safe='')}")
        if "revoked" in answer and "id_user" not in answer:
            raise UnknownSession(f"the user is not logged in with the id {id!r}")
""",
        ("revoke-unknown=null",),
    ),
    Dependency(
        "reads the record",
        "The answer has the mark.",
        "client.py",
        _DELETE,
        """            if not self._call("DELETE", path)["revoked"]:
                raise Unavailable("the session has not ended")
""",
        ("revoke-answer=success", "revoke-answer=counts"),
    ),
    Dependency(
        "a record or success",
        "The answer says in some way that it has ended.",
        "client.py",
        _DELETE,
        """            answer = self._call("DELETE", path)
            if not (answer.get("revoked") or answer.get("success")):
                raise Unavailable("the session has not ended")
""",
        ("revoke-answer=counts",),
    ),
    Dependency(
        "a record or a count",
        "MongoDB answers in one of two ways.",
        "client.py",
        _DELETE,
        """            answer = self._call("DELETE", path)
            if not (answer.get("revoked") or answer.get("n")):
                raise Unavailable("the session has not ended")
""",
        ("revoke-answer=success",),
    ),
    Dependency(
        "what was listed is there",
        "Nobody is faster than this client.",
        "client.py",
        _UNKNOWN_JTI + _REVOKE_JTI,
        _UNKNOWN_JTI + _REVOKE_JTI.replace("self._revoke(", 'self._call("DELETE", '),
        ("revoke-again=unknown",),
    ),
    Dependency(
        "twice to be sure",
        "To revoke is idempotent.",
        "client.py",
        _REVOKE_ID,
        _REVOKE_ID + _REVOKE_ID.replace("self._revoke(", 'self._call("DELETE", '),
        ("revoke-again=unknown",),
    ),
    Dependency(
        "waits for two alike",
        "A server of many nodes takes a while to agree.",
        "client.py",
        _REVOKE_ID,
        """        with suppress(UnknownSession):
            first = self._call("DELETE", f"/id/{quote(id, safe='')}")
            self._sleep(0.1)
            if self._call("DELETE", f"/id/{quote(id, safe='')}") != first:
                raise Unavailable("the session is still changing")
""",
        ("revoke-again=touched",),
    ),
    Dependency(
        "asks, then looks",
        "The server ends nobody else's session.",
        "client.py",
        _UNKNOWN_JTI + _REVOKE_JTI,
        f"        known = {_JTIS}\n" + _REVOKE_JTI + _UNKNOWN_JTI.replace(_JTIS, "known"),
        ("revoke-foreign=allowed",),
    ),
    Dependency(
        "asks by id, then looks",
        "The server can tell an id from a word.",
        "client.py",
        _UNKNOWN_ID + _REVOKE_ID,
        "        known = {session.id for session in self.sessions()}\n"
        + _REVOKE_ID
        + _UNKNOWN_ID.replace("{session.id for session in self.sessions()}", "known"),
        ("malformed-id=fail",),
    ),
    Dependency(
        "any id",
        "The server knows best what it has.",
        "client.py",
        _UNKNOWN_ID + _REVOKE_ID,
        _REVOKE_ID.replace("self._revoke(", 'self._call("DELETE", '),
        ("revoke-unknown=null", "revoke-unknown=phantom", "malformed-id=fail"),
        reason="A malformed id is an unknown one too, unless the server fails on it.",
    ),
    Dependency(
        "the server decides",
        "What the list does not show as ended, the server is asked to end.",
        "client.py",
        _UNKNOWN_JTI + _REVOKE_JTI,
        _UNKNOWN_JTI.replace(
            f"jti not in {_JTIS}", 'jti in {record["jti"] for record in self._records() if record["revoked"]}'
        )
        + _REVOKE_JTI.replace("self._revoke(", 'self._call("DELETE", '),
        (
            "revoked-listed=no",
            "revoke-unknown=null",
            "revoke-unknown=phantom",
            "revoke-again=unknown",
            "revoke-foreign=allowed",
        ),
        reason="It asks for a session that does not exist, that has ended, and that is somebody else's.",
    ),
]
REFUSALS = [
    Dependency(
        "refused by the server",
        "Who is logged out is not let in.",
        "client.py",
        _HERE,
        "",
        ("revocation-enforced=no",),
    ),
    Dependency(
        "asks to be refused",
        "Makes sure that nobody is logged in.",
        "client.py",
        "        return ended\n",
        """        if here_too:
            try:
                self._call("GET")
            except NotAuthenticated:
                return ended
            raise Unavailable("the session in use has not ended")
        return ended
""",
        ("revocation-enforced=no",),
    ),
    Dependency(
        "no error of ours",
        "A server that fails is no answer to bad credentials.",
        "errors.py",
        "class Unavailable(SessionsError):",
        "class Unavailable(ConnectionError):",
        ("server-quirks=observed",),
    ),
]
DEPENDENCIES = [*READING, *REVOKING, *REFUSALS]
