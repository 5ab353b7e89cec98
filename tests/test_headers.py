"""The headers of a request as the journal has them."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import ask
from tiledesk_fake import TiledeskFake
from tiledesk_fake.core.headers import Headers
from tiledesk_fake.gate.jwt import sign

JWTS = st.builds(lambda sub, secret: sign({"sub": sub}, secret), st.text(max_size=10), st.binary(max_size=8))
# Of what HTTP allows in a name; the parts of a JWT are told from what is around them by none of these.
AROUND = st.text("!#$%&'*+^`|~", max_size=3)
KINDS = [str, str.upper, str.lower]


def named(name: str) -> str:
    """The key of a WSGI environ for a header of this name."""
    return "HTTP_" + name.upper().replace("-", "_")


@given(AROUND, JWTS, AROUND)
@settings(deadline=None)
def test_a_jwt_in_the_place_of_a_name_is_hidden(before: str, jwt: str, after: str) -> None:
    headers = Headers({named(before + jwt + after): "v"})

    (shown,) = headers
    parts = [part.replace("_", "-").lower() for part in jwt.split(".")]
    assert shown == f"{before}<redacted>{after}"
    assert [part for part in parts if part in repr(headers)] == []


@given(st.text(string.ascii_letters + string.digits + "-!#$%&'*+^`|~", min_size=1, max_size=30))
@settings(deadline=None)
def test_a_name_without_a_dot_stays_readable(name: str) -> None:
    assert list(Headers({named(name): "v"})) == [name.lower()]


@pytest.mark.parametrize(
    "name", ["user-agent", "x-api.version", "x-b3-traceid", "authorization", "x-token", "eye.color"]
)
def test_names_that_clients_send_stay_readable(name: str) -> None:
    assert list(Headers({named(name): "v"})) == [name]


@pytest.mark.parametrize("written", KINDS)
def test_a_jwt_in_the_place_of_a_name_is_in_no_exchange(written: type[str]) -> None:
    fake = TiledeskFake()
    # Of one that has a `_` the server makes no header, since it could pass for another.
    jwt = next(jwt for number in range(99) if "_" not in (jwt := sign({"number": number}, b"secret")))

    ask(fake, headers=[(written(jwt), "v"), ("X-After", "w")])

    (exchange,) = fake.journal.exchanges
    assert dict(exchange.headers) == {"<redacted>": "v", "x-after": "w"}
