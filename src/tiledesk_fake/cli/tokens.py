"""The commands `tiledesk-fake token …`."""

from typing import Any

import click

from ..remote.calls import segment
from .elsewhere import Duration, Json, asking, control_of, examples, path_of, show, user_of, without_none


def _line(token: dict[str, Any]) -> str:
    expiry = f"  expires {token['expiresAt']}" if token["expiresAt"] else ""
    return f"{token['jti']}  {token['_id']}  issued {token['createdAt']}{expiry}{'  revoked' * token['revoked']}"


@click.group()
def token() -> None:
    """The tokens of a running fake."""


@token.command("list", epilog=examples("tiledesk-fake token list ada@example.com"))
@click.argument("user", metavar="USER")
@asking
def list_tokens(*, user: str, url: str, control_token: str | None, as_json: bool) -> None:
    """List the tokens of a user, who is named by e-mail address or id: the newest first, revoked ones too."""
    control = control_of(url, control_token)
    told = control.get(f"{path_of(user_of(control, user))}/tokens")
    show(told, *map(_line, told["tokens"]), as_json=as_json)


@token.command(
    epilog=examples(
        "tiledesk-fake token issue ada@example.com --jti phone --expires-in 1h",
        """tiledesk-fake token issue ada@example.com --created-at 2026-01-01T10:00:00Z --claims '{"role": "owner"}'""",
    )
)
@click.argument("user", metavar="USER")
@click.option("--jti", metavar="TEXT", help="Made up unless given.")
@click.option("--id", metavar="ID", help="That of the record: 24 hex digits, made up unless given.")
@click.option("--expires-in", type=Duration(), help="Like 90s, 15m, 2h or 7d; with a minus it has expired already.")
@click.option("--expires-at", metavar="TIME", help="Like 2026-01-01T10:00:00Z.")
@click.option("--created-at", metavar="TIME", help="Like 2026-01-01T10:00:00Z; now unless given.")
@click.option("--revoked", is_flag=True, help="Issue one that is revoked already.")
@click.option("--claims", type=Json(), help="An object that replaces or extends the claims of the JWT.")
@asking
def issue(
    *,
    user: str,
    jti: str | None,
    id: str | None,
    expires_in: float | None,
    expires_at: str | None,
    created_at: str | None,
    revoked: bool,
    claims: Any,
    url: str,
    control_token: str | None,
    as_json: bool,
) -> None:
    """Issue a token to a user, who is named by e-mail address or id, and print its value of Authorization."""
    given = without_none(
        jti=jti,
        _id=id,
        expires_in_s=expires_in,
        expiresAt=expires_at,
        createdAt=created_at,
        revoked=revoked or None,
        claims=claims,
    )
    control = control_of(url, control_token)
    told = control.post(f"{path_of(user_of(control, user))}/tokens", given)
    show(told, told["authorization"], as_json=as_json)


@token.command(epilog=examples("tiledesk-fake token revoke phone"))
@click.argument("jti")
@asking
def revoke(*, jti: str, url: str, control_token: str | None, as_json: bool) -> None:
    """Revoke the token with this jti, whoever it belongs to."""
    told = control_of(url, control_token).post(f"/tokens/{segment(jti)}/revoke")
    show(told, _line(told), as_json=as_json)
