"""The operations of the control API on a fake; a test in Python can do each of them too."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .. import __version__
from ..contract.choices import unnoted
from ..core.clock import OutsideOfTime, iso
from ..core.users import User
from ..errors import MisuseError, NotFound, nearest
from ..scenario import parse_scenario
from . import description, shapes
from .call import DONE, Call, Later, Reply
from .hearing import clear_journal, forget_touched, read_journal, read_verdict
from .problems import Problem
from .reading import duration, fields_of, instant
from .worlds import World, Worlds


def _health(world: World) -> Reply:
    return Reply(
        200,
        {
            "status": "ok",
            "version": __version__,
            "world": world.name,
            "base_path": world.fake.base_path,
            "began": world.began,
            "before": world.before,
        },
    )


def check_health(call: Call) -> Reply:
    """Whether the server answers, and for which fake."""
    return _health(call.world)


def set_up(call: Call) -> Reply:
    """Choose the settings of a world before its first use."""
    settings = {name: value for name, value in call.given().items() if value is not None}
    if call.world.used:
        which = "the fake that the server began with" if call.world.name is None else "this world"
        raise Problem(
            "impossible-now",
            f"{which} is in use, and its settings stay; a world takes settings before anything else: "
            "PUT /w/NAME/_fake, after DELETE /w/NAME/_fake if there is one of that name",
        )
    call.worlds.set_up(call.world, **settings)
    return _health(call.world)


def list_worlds(call: Call) -> Reply:
    """The worlds, the one called last at the end."""
    return Reply(200, {"worlds": [_world(each, call.worlds) for each in call.worlds], "limit": call.worlds.limit})


def _world(world: World, worlds: Worlds) -> dict[str, Any]:
    # What nobody has used holds nothing, and asking it would make it hold something.
    fake = world.fake if world.used else None
    return {
        "name": world.name,
        "users": len(fake.users) if fake else 0,
        "tokens": len(fake.tokens) if fake else 0,
        "exchanges": len(fake.journal) if fake else 0,
        "idle_s": worlds.idle_s(world),
    }


def describe_control(call: Call) -> Reply:
    """The contract of the control API."""
    return Reply(200, description.document())


def describe_api(call: Call) -> Reply:
    """The contract of the API, under the current profile."""
    return Reply(200, call.world.fake.contract)


def show_authority(call: Call) -> Reply:
    """The certificate that clients of this server are told to trust."""
    pem = call.worlds.first.fake.ca_pem
    if pem is None:
        raise Problem("not-found", "this server speaks plain HTTP, and nobody vouches for it; serve --tls has a CA")
    return Reply(200, pem, "application/x-pem-file")


def list_users(call: Call) -> Reply:
    """The users, in the order they were added."""
    return Reply(200, {"users": [shapes.user(user) for user in call.world.fake.users.values()]})


def add_user(call: Call) -> Reply:
    """A new user."""
    given = call.given()
    if "_id" in given:
        given["id"] = given.pop("_id")
    return Reply(201, shapes.user(call.world.fake.add_user(**given)))


def _user(call: Call) -> User:
    id = call.path["userId"].lower()
    for user in call.world.fake.users.values():
        if user.id == id:
            return user
    raise NotFound(f"there is no user with the id {id!r}; POST /_fake/users adds one, and GET lists them")


def show_user(call: Call) -> Reply:
    """One user."""
    return Reply(200, shapes.user(_user(call)))


def update_user(call: Call) -> Reply:
    """The user, changed."""
    user, given = _user(call), call.given()
    if not given:
        return Reply(200, shapes.user(user))
    return Reply(200, shapes.user(call.world.fake.update_user(user, **given)))


def remove_user(call: Call) -> Reply:
    """A user goes, with all tokens."""
    call.world.fake.remove_user(_user(call))
    return DONE


def list_tokens(call: Call) -> Reply:
    """The tokens of a user, the newest first."""
    return Reply(200, {"tokens": [shapes.token(token) for token in call.world.fake.history(_user(call))]})


def issue_token(call: Call) -> Reply:
    """A new token of a user."""
    user, given = _user(call), call.given()
    named = {"_id": "id", "createdAt": "created_at", "expiresAt": "expires_at", "expires_in_s": "expires_in"}
    arguments = {named.get(name, name): value for name, value in given.items()}
    for name in ("createdAt", "expiresAt"):
        if name in given:
            arguments[named[name]] = instant(given[name], name)
    with _possible_now():
        if "expires_in_s" in given:
            arguments["expires_in"] = duration(given["expires_in_s"], "expires_in_s")
        return Reply(201, shapes.token(call.world.fake.issue_token(user, **arguments)))


def show_token(call: Call) -> Reply:
    """One token."""
    return Reply(200, shapes.token(call.world.fake.tokens[call.path["tokenJti"]]))


def revoke_token(call: Call) -> Reply:
    """A token, revoked."""
    call.given()
    return Reply(200, shapes.token(call.world.fake.revoke(jti=call.path["tokenJti"])))


@contextmanager
def _possible_now() -> Iterator[None]:
    """What no clock shows is impossible from where this one stands; from elsewhere the same step may not be."""
    try:
        yield
    except OutsideOfTime as problem:
        raise Problem("impossible-now", str(problem)) from None


def show_clock(call: Call) -> Reply:
    """The time of the fake."""
    clock = call.world.fake.clock
    return Reply(200, {"now": iso(clock.now()), "frozen": clock.frozen})


def freeze_clock(call: Call) -> Reply:
    """The clock stops."""
    call.world.fake.clock.freeze(instant(call.given().get("at"), "at"))
    return show_clock(call)


def advance_clock(call: Call) -> Reply:
    """The clock moves."""
    with _possible_now():
        call.world.fake.clock.advance(**call.given())
    return show_clock(call)


def resume_clock(call: Call) -> Reply:
    """The clock shows the real time."""
    call.given()
    call.world.fake.clock.resume()
    return show_clock(call)


def list_faults(call: Call) -> Reply:
    """The faults that still wait for calls."""
    return Reply(200, {"faults": [shapes.fault(planned) for planned in call.world.fake.faults.planned]})


def add_fault(call: Call) -> Reply:
    """A new fault."""
    given = call.given()
    when = given.get("when")
    for name, value in when.items() if isinstance(when, dict) else ():
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            raise MisuseError(f"when: {name}: expected text, a whole number or null, as the client sends it")
    if (encoded := given.pop("body_base64", None)) is not None:
        if given.get("body") is not None:
            raise MisuseError("expected body or body_base64, got both")
        given["body"] = _decoded(encoded)
    faults = call.world.fake.faults
    faults.add(given.pop("operation"), **given)
    return Reply(201, shapes.fault(faults.planned[-1]))


def _decoded(encoded: Any) -> bytes:
    try:
        return b64decode(encoded if isinstance(encoded, str) else "?", validate=True)
    except (NotBase64, ValueError):
        raise MisuseError("body_base64: expected text in base64") from None


def clear_faults(call: Call) -> Reply:
    """The faults go."""
    call.world.fake.faults.clear()
    return DONE


def show_profile(call: Call) -> Reply:
    """The choice of every assumption, and the note of those that whoever asks goes by."""
    fake = call.world.fake
    choices = unnoted(fake.profile)
    touch = call.query.get("touch", ",".join(choices))
    ids = touch.split(",") if touch else []
    for id in ids:
        if id not in choices:
            raise Problem("misuse", f"touch: there is no assumption {id!r}{nearest(id, choices)}", valid=choices)
    fake.journal.touched.update(ids)
    return Reply(200, dict(choices))


def set_profile(call: Call) -> Reply:
    """Other choices."""
    if not isinstance(call.body, dict):
        # For the sentence alone.
        fields_of(call.body, dict.fromkeys(call.world.fake.profile, False))
    call.world.fake.set_profile(call.body)
    return Reply(200, dict(unnoted(call.world.fake.profile)))


def save_scenario(call: Call) -> Reply:
    """All users and tokens."""
    return Reply(200, call.world.fake.scenario())


def load_scenario(call: Call) -> Reply:
    """More users and tokens."""
    # A text would be taken for the path of a file.
    parsed = parse_scenario(call.body)
    call.world.fake.load(call.body)
    return Reply(201, {"users": len(parsed.users), "tokens": sum(len(user.tokens) for user in parsed.users)})


def take_snapshot(call: Call) -> Reply:
    """A snapshot."""
    call.given()
    return Reply(201, {"id": call.world.take_snapshot()})


def restore_snapshot(call: Call) -> Reply:
    """All is as it was."""
    call.given()
    snapshot = call.world.snapshot(call.path["snapshotId"])
    if snapshot is None:
        raise NotFound("there is no such snapshot; POST /_fake/snapshots takes one, and the last 100 are kept")
    call.world.fake.restore(snapshot)
    return DONE


def reset(call: Call) -> Reply:
    """The fake is as new."""
    call.given()
    fake = call.world.fake
    fake.reset()
    fake.journal.take_violations()
    fake.journal.take_bugs()
    return DONE


OPERATIONS: Mapping[str, Callable[[Call], Reply | Later]] = {
    "checkHealth": check_health,
    "setUp": set_up,
    "listWorlds": list_worlds,
    "describeControl": describe_control,
    "describeApi": describe_api,
    "showAuthority": show_authority,
    "listUsers": list_users,
    "addUser": add_user,
    "showUser": show_user,
    "updateUser": update_user,
    "removeUser": remove_user,
    "listTokensOfUser": list_tokens,
    "issueToken": issue_token,
    "showToken": show_token,
    "revokeToken": revoke_token,
    "showClock": show_clock,
    "freezeClock": freeze_clock,
    "advanceClock": advance_clock,
    "resumeClock": resume_clock,
    "listFaults": list_faults,
    "addFault": add_fault,
    "clearFaults": clear_faults,
    "readJournal": read_journal,
    "clearJournal": clear_journal,
    "forgetTouched": forget_touched,
    "readVerdict": read_verdict,
    "showProfile": show_profile,
    "setProfile": set_profile,
    "saveScenario": save_scenario,
    "loadScenario": load_scenario,
    "takeSnapshot": take_snapshot,
    "restoreSnapshot": restore_snapshot,
    "reset": reset,
}
"""The code of each operation, by its operationId; the page, and the end of a world, are the business of `api`."""

WITHOUT_USE = frozenset(("checkHealth", "listWorlds", "describeControl", "describeApi", "showAuthority", "setUp"))
"""The operations that ask nothing of a world that would make it hold something."""
