"""What never leaves the fake in clear: credentials, wherever in a text they are."""

import re
from functools import lru_cache

# A JWT starts with the base64 of `{"`, or of `{` and white space.
JWT = re.compile(r"e(?:yJ|yA|wo|w0|wk)[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)?")
_PARAMETER = re.compile(
    r"([?&;][^=&;#]*(?:token|jwt|auth|password|passwd|pwd|secret|api[-_]?key|credential)[^=&;#]*=)[^&;#]*",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(basic|bearer|jwt|token)((?:\s|%20|\+)+)(?!<)[^\s\"'&,;]+", re.IGNORECASE)
_USERINFO = re.compile(r"(//)[^/@\s]*@")


# Clients call the same few targets over and over.
@lru_cache(maxsize=256)
def redacted(text: str) -> str:
    """The text with every JWT, every credential after a scheme word and every secret parameter replaced.

    A jti stays readable.

    >>> redacted("/v3/jwt/history?secret_token=abc&page=1")
    '/v3/jwt/history?secret_token=<redacted>&page=1'
    """
    text = _PARAMETER.sub(r"\1<redacted>", text)
    text = JWT.sub("<redacted>", text)
    text = _SCHEME.sub(r"\1\2<redacted>", text)
    return _USERINFO.sub(r"\1<redacted>@", text)
