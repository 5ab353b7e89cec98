"""The paths of the JWT history, below the base path of a server."""

from urllib.parse import quote, unquote

HISTORY = "/jwt/history"


def jti_path(jti: str) -> str:
    """The path that revokes a jti.

    >>> jti_path("a/b")
    '/jwt/history/a%2Fb'
    """
    return f"{HISTORY}/{quote(utf8(jti), safe='')}"


def id_path(id: str) -> str:
    """The path that revokes an id.

    >>> id_path("65a1f0c2d4e6b8a09c7e5d31")
    '/jwt/history/id/65a1f0c2d4e6b8a09c7e5d31'
    """
    return f"{HISTORY}/id/{quote(utf8(id), safe='')}"


def key_in(target: str) -> tuple[str, str]:
    """The key that a target revokes by: `jti` or `id`, and its value.

    >>> key_in("/v3/jwt/history/id/1"), key_in("/v3/jwt/history/id%2F1/"), key_in("/v3/jwt/history/id")
    (('id', '1'), ('jti', 'id/1'), ('jti', 'id'))
    """
    path = target.partition("?")[0]
    segments = path[path.lower().rindex(HISTORY) + len(HISTORY) :].strip("/").split("/")
    by = "id" if len(segments) > 1 and segments[0].lower() == "id" else "jti"
    return by, unquote(segments[-1], errors="surrogatepass")


def utf8(key: str) -> bytes:
    """The bytes of a key."""
    # A server may list a key with half a surrogate pair, which has no UTF-8 of its own.
    return key.encode("utf-8", "surrogatepass")
