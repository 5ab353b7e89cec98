"""The commands `tiledesk-fake user …`."""

from typing import Any

import click

from .elsewhere import asking, control_of, examples, path_of, show, user_of, without_none

_names = (
    click.option("--firstname", metavar="TEXT", help="A claim of the user's tokens."),
    click.option("--lastname", metavar="TEXT", help="A claim of the user's tokens."),
    click.option("--active/--inactive", default=None, help="Who is inactive is refused everywhere."),
)


def _with_names(command: Any) -> Any:
    for option in reversed(_names):
        command = option(command)
    return command


def _line(user: dict[str, Any]) -> str:
    state = "" if user["active"] else "  inactive"
    return f"{user['_id']}  {user['email']}{state}"


def _lines(user: dict[str, Any]) -> tuple[str, ...]:
    authorization = user["authorization"]
    return _line(user), f"Authorization: {authorization}" if authorization else f"# {user['why_no_authorization']}"


@click.group()
def user() -> None:
    """The users of a running fake."""


@user.command("list", epilog=examples("tiledesk-fake user list", "tiledesk-fake user list --json"))
@asking
def list_users(*, url: str, control_token: str | None, as_json: bool) -> None:
    """List the users: id and e-mail address, in the order they were added."""
    told = control_of(url, control_token).get("/users")
    show(told, *map(_line, told["users"]), as_json=as_json)


@user.command(epilog=examples("tiledesk-fake user add ada@example.com --password secret"))
@click.argument("email")
@click.option("--password", metavar="TEXT", help="Without one, Basic never works.")
@click.option("--id", metavar="ID", help="24 hex digits; made up unless given.")
@_with_names
@asking
def add(
    *,
    email: str,
    password: str | None,
    id: str | None,
    url: str,
    control_token: str | None,
    as_json: bool,
    firstname: str | None,
    lastname: str | None,
    active: bool | None,
) -> None:
    """Add a user, and print the Authorization that lets it call."""
    given = without_none(email=email, password=password, _id=id, firstname=firstname, lastname=lastname, active=active)
    told = control_of(url, control_token).post("/users", given)
    show(told, *_lines(told), as_json=as_json)


@user.command(epilog=examples("tiledesk-fake user update ada@example.com --inactive"))
@click.argument("user", metavar="USER")
@click.option("--email", metavar="TEXT", help="The new e-mail address.")
@click.option("--password", metavar="TEXT", help="The new password.")
@click.option("--no-password", is_flag=True, help="Take the password away.")
@_with_names
@asking
def update(
    *,
    user: str,
    email: str | None,
    password: str | None,
    no_password: bool,
    url: str,
    control_token: str | None,
    as_json: bool,
    firstname: str | None,
    lastname: str | None,
    active: bool | None,
) -> None:
    """Change a user, who is named by e-mail address or id. Tokens that are issued stay as they are."""
    if password is not None and no_password:
        raise click.UsageError("expected --password or --no-password, got both")
    changes = without_none(email=email, password=password, firstname=firstname, lastname=lastname, active=active)
    if no_password:
        changes["password"] = None
    if not changes:
        raise click.UsageError(
            "expected what to change: --email, --password, --no-password, --firstname, --lastname, "
            "--active or --inactive"
        )
    control = control_of(url, control_token)
    told = control.call("PATCH", path_of(user_of(control, user)), changes)
    show(told, *_lines(told), as_json=as_json)


@user.command(epilog=examples("tiledesk-fake user remove ada@example.com"))
@click.argument("user", metavar="USER")
@asking
def remove(*, user: str, url: str, control_token: str | None, as_json: bool) -> None:
    """Remove a user, who is named by e-mail address or id, and all tokens of that user."""
    control = control_of(url, control_token)
    show(control.call("DELETE", path_of(user_of(control, user))), as_json=as_json)
