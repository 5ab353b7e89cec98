"""What a fake elsewhere holds, as the views of users and tokens ask for it: anew each time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from ..core.history import Record
from ..core.users import User, Users
from ..errors import NotFound
from ..state import forgotten
from . import values
from .calls import Control, segment


class RemoteHistory:
    """The records of all tokens, the oldest first."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def by_jti(self, jti: str) -> Record | None:
        """The record with this jti, None if there is none."""
        try:
            # What has no UTF-8 form was never in a history, and neither was nothing.
            return values.record(self._control.get(f"/tokens/{segment(jti)}")) if jti else None
        except (NotFound, UnicodeEncodeError):
            return None

    def of(self, user_id: str) -> list[Record]:
        """The records of a user, the newest first. Raises NotFound if there is no such user."""
        return [values.record(each) for each in self._control.get(f"/users/{user_id}/tokens")["tokens"]]

    def __iter__(self) -> Iterator[Record]:
        users = self._control.get("/users")["users"]
        return iter(sorted(record for each in users for record in self.of(each["_id"])))


class RemoteState:
    """Stands where the state of a fake in this process would."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self.history = RemoteHistory(control)

    @property
    def lock(self) -> AbstractContextManager[object]:
        """None that others would mind: what is decided is decided by the server."""
        return nullcontext()

    @property
    def users(self) -> Users:
        """All users as they are now."""
        told = self._control.get("/users")["users"]
        # The scenario alone tells the passwords of those for whom Basic cannot work.
        passwords = {} if all(each["authorization"] for each in told) else self._passwords()
        return Users(values.user(each, passwords.get(each["email"])) for each in told)

    def user(self, id: str) -> User:
        """The user with this id. Raises NotFound if there is none."""
        told = self._control.get(f"/users/{id}")
        return values.user(told, None if told["authorization"] else self._passwords().get(told["email"]))

    def _passwords(self) -> dict[str, str | None]:
        return {each["email"]: each.get("password") for each in self._control.get("/scenario")["users"]}

    def current(self, record: Record) -> Record:
        """A record as it is now; raises NotFound if it is forgotten."""
        current = self.history.by_jti(record.jti)
        if current is None or current.id != record.id:
            raise forgotten(record)
        return current

    def jwt(self, record: Record) -> str:
        """The signed token of a record; raises NotFound if it is forgotten."""
        self.current(record)
        jwt: str = self._control.get(f"/tokens/{segment(record.jti)}")["jwt"]
        return jwt
