"""A request as a line for the shell: one way to write it and to quote it, for whoever shows one."""

import re
import shlex
from collections.abc import Iterable


def curl(
    method: str,
    url: str,
    headers: Iterable[str] = (),
    *,
    options: Iterable[str] = (),
    body: str = "",
    variables: re.Pattern[str] | None = None,
) -> str:
    """The line that sends a request with curl.

    `headers` are written as `Name: value`, `options` stand first, and `body` goes with `--data`. What `variables`
    matches, all of it in its first group, is a variable that the shell fills in. Nothing is redacted here.

    >>> curl("DELETE", "http://127.0.0.1:8000/v3/jwt/history/a b", ["X-A: 1"], options=["-i"])
    "curl -i -X DELETE -H 'X-A: 1' 'http://127.0.0.1:8000/v3/jwt/history/a b'"
    """
    words = ["curl", *options]
    if method == "HEAD":
        # With -X HEAD curl would wait for a body.
        words.append("--head")
    elif method != "GET":
        words += ["-X", method]
    for header in headers:
        words += ["-H", header]
    if body:
        words += ["--data", body]
    return " ".join(quoted(word, variables) for word in [*words, url])


def quoted(text: str, variables: re.Pattern[str] | None = None) -> str:
    r"""The text as one word of a POSIX shell, in which nothing but the variables is filled in.

    >>> quoted("?sortField=$where")
    "'?sortField=$where'"
    >>> print(quoted("?sortField=$where&secret_token=$JWT1", re.compile(r"\$(JWT1)")))
    "?sortField=\$where&secret_token=$JWT1"
    """
    if variables is None or not variables.search(text) or "\n" in text:
        return shlex.quote(text)
    pieces = variables.split(text)
    for at, piece in enumerate(pieces):
        if at % 2:
            # Else the name would go on with what follows it.
            braced = pieces[at + 1][:1] == "_" or pieces[at + 1][:1].isalnum()
            pieces[at] = f"${{{piece}}}" if braced else f"${piece}"
        else:
            pieces[at] = re.sub(r'([\\"`$])', r"\\\1", piece)
    return f'"{"".join(pieces)}"'
