"""The users that can call."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..errors import AlreadyExists, MisuseError, NotFound
from .handing import read_only

# A test needs a handful; a loop that never ends should end before the memory does.
MOST_USERS = 100_000


@read_only(
    email="fake.update_user(user, email=…) answers the changed user",
    password="fake.update_user(user, password=…) answers the changed user",  # noqa: S106 - a hint
    active="fake.update_user(user, active=…) answers the changed user",
    id="an id stays; fake.add_user(…, id=…) makes a user with another one",
)
@dataclass(frozen=True, slots=True)
class User:
    """A user of the fake: `id` is 24 hex digits; a user who is not active is refused everywhere.

    `firstname`, `lastname` and `emailverified` are in the claims of the user's tokens and in the answer of a sign-in. A
    User can be pickled.
    """

    id: str
    email: str
    password: str | None = field(repr=False)
    active: bool = True
    firstname: str = field(default="Test", repr=False)
    lastname: str = field(default="User", repr=False)
    emailverified: bool = field(default=True, repr=False)

    def has_password(self, given: str) -> bool:
        """Whether this is the user's password, or one that bcrypt cannot tell from it: it reads 72 bytes (observed).

        >>> User("5e0000000000000000000001", "ada@example.com", 72 * "x").has_password(73 * "x")
        True
        """
        own = self.password
        return own is not None and (own == given or _as_bcrypt_reads(own) == _as_bcrypt_reads(given))

    @property
    def authorization(self) -> str:
        """The value of an `Authorization` header that logs this user in by Basic: `Basic …`.

        Raises MisuseError where Basic can never work for this user, on the real server as here (observed): without a
        password, with a colon in the password (everything from it on is cut off), with capitals in the stored e-mail
        address (what the client sends is lower-cased before the look-up), or when the user is not active.

        >>> User("5e0000000000000000000001", "ada@example.com", "secret").authorization
        'Basic YWRhQGV4YW1wbGUuY29tOnNlY3JldA=='
        """
        obstacle = self._obstacle_to_basic()
        if obstacle:
            instead = (
                "Authenticate with a token: fake.issue_token(user).authorization"
                if self.active
                else "A token is refused as well, so let the user be active: fake.update_user(user, active=True)"
            )
            raise MisuseError(
                f"Basic can never work for {self.email}, on the real server either: {obstacle}. {instead}"
            )
        credentials = b64encode(f"{self.email}:{self.password}".encode()).decode()
        return f"Basic {credentials}"

    def _obstacle_to_basic(self) -> str | None:
        if not self.active:
            return "the user is not active"
        if not self.password:
            return "the user has no password"
        if ":" in self.password:
            return "the password has a colon, and the gate cuts it off there"
        if not self.email or ":" in self.email:
            return "the e-mail address is empty or has a colon, and the gate splits at the first one"
        if self.email != self.email.lower():
            return "the e-mail address is stored with capitals, and the gate looks for it in lower case"
        return None


def _as_bcrypt_reads(password: str) -> bytes:
    # What is shorter is read over and over, with a zero byte between.
    text = password.encode("utf-8", "replace") + b"\0"
    return (text * (72 // len(text) + 1))[:72]


class Users:
    """The users of one fake, by id and by e-mail address, in the order they were added."""

    def __init__(self, users: Iterable[User] = (), former: Iterable[User] = ()) -> None:
        """`former` are users as they once were, whom tests may still hold."""
        self._by_id: dict[int, User] = {}
        self._by_email: dict[str, User] = {}
        self.former = set(former)
        for user in users:
            self.add(user)

    def add(self, user: User) -> None:
        """Add a user; raises AlreadyExists if the id or the e-mail address is taken, MisuseError past MOST_USERS."""
        id = int(user.id, 16)
        if id in self._by_id:
            raise AlreadyExists(f"there is a user with the id {user.id} already: {self._by_id[id].email}")
        if user.email in self._by_email:
            raise AlreadyExists(f"there is a user with the e-mail address {user.email!r} already")
        if len(self._by_id) >= MOST_USERS:
            raise MisuseError(f"expected at most {MOST_USERS:,} users in one fake; reset() it, or make another")
        self._by_id[id] = user
        self._by_email[user.email] = user

    def change(self, user: User) -> None:
        """Put a user in the place of the one with the same id; raises AlreadyExists if the e-mail address is taken."""
        id = int(user.id, 16)
        before = self._by_id[id]
        if self._by_email.get(user.email, before) is not before:
            raise AlreadyExists(f"there is a user with the e-mail address {user.email!r} already")
        self.former |= {before, user}
        self._by_id[id] = user
        # In the order in which users were added, whatever their addresses.
        self._by_email = {each.email: each for each in self}

    def remove(self, user: User) -> None:
        """Forget a user."""
        del self._by_email[self._by_id.pop(int(user.id, 16)).email]

    def by_id(self, id: int) -> User | None:
        """The user with this id, None if there is none."""
        return self._by_id.get(id)

    def by_email(self, email: str) -> User | None:
        """The user with exactly this e-mail address, None if there is none."""
        return self._by_email.get(email)

    def holds(self, user: User) -> bool:
        """Whether this very user was added here, as it is or as it was before a change."""
        current = self._by_id.get(int(user.id, 16))
        return current is not None and (current == user or user in self.former)

    def __iter__(self) -> Iterator[User]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        return f"<Users {[user.email for user in self]}>"


def not_held(user: User) -> NotFound:
    """That a fake does not hold this user."""
    return NotFound(
        f"this fake does not hold {user}; add_user makes users, and reset forgets them, as remove_user does"
    )


def check_user(user: User) -> User:
    """The user, if it is made of valid parts; raises MisuseError for parts that are none."""
    for name in ("email", "password", "firstname", "lastname"):
        check_text(getattr(user, name) or "", name)
    if not user.email:
        raise MisuseError("expected an e-mail address, got an empty text")
    return user


def check_text(text: str, name: str) -> None:
    """Raise MisuseError if the text cannot be sent: half of a surrogate pair has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as cause:
        raise MisuseError(
            f"expected the {name} as text that has a UTF-8 form; character {cause.start} has none"
        ) from None
