"""Right traffic, made with the fake itself: random users, tokens and requests, and what a recording may leave out."""

import base64
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from tests.wsgi import call
from tiledesk_fake import NoAnswer, TiledeskFake
from tiledesk_fake.contract.profile import CHOICES

Line = dict[str, Any]
FIELDS = ["createdAt", "updatedAt", "expiresAt", "jti", "_id", "id_user", "revoked", "__v"]


def line(fake: TiledeskFake, method: str, target: str, headers: list[list[str]], body: str = "") -> Line:
    """An exchange with a fake, as a line of a recording."""
    try:
        reply = call(fake.wsgi_app, method, target, [(name, value) for name, value in headers], body.encode())
        response: Line = {
            "status": reply.status,
            "headers": [[name, value] for name, value in reply.headers.items()],
            "body": "" if method == "HEAD" else reply.body.decode(),
        }
    except NoAnswer:
        response = {"status": None, "headers": [], "body": None}
    return {
        "request": {"method": method, "target": target, "headers": headers, "body": body},
        "response": response,
        "at": fake.clock.now().isoformat(),
    }


class Traffic:
    """The traffic of one seed: `lines` under `profile`; `others` is whether revocations by others were left out."""

    def __init__(self, seed: int, length: int = 40) -> None:
        self.random = random.Random(seed)
        chance = self.random.random
        self.profile = {id: self.random.choice(named) for id, named in CHOICES.items() if chance() < 0.4}
        if chance() < 0.4:
            self.profile["page-size"] = str(self.random.choice([1, 2, 3, 5]))
        self.fake = TiledeskFake(profile=self.profile, seed=seed)
        self.fake.clock.freeze(datetime(2026, 3, 1, tzinfo=UTC))
        self.users = [
            self.fake.add_user(email=f"{name}@example.com", password=f"{name}-word")
            for name in ("ada", "bob", "cyd")[: self.random.randint(1, 3)]
        ]
        self.tokens: list[tuple[Any, Any]] = []
        for _ in range(self.random.randint(0, 12)):
            self.issue(past=True)
        self.others = chance() < 0.3
        self.lines: list[Line] = []
        hidden_user = self.users[-1] if self.others and len(self.users) > 1 else None
        for _ in range(length):
            self.fake.clock.advance(seconds=self.random.choice([0, 0, 0.01, 1, 3, 100, 5000]))
            user = self.random.choice(self.users)
            made = self.exchange(user)
            revokes = made["request"]["method"] == "DELETE"
            if revokes and (user is hidden_user or (self.others and chance() < 0.3)):
                continue
            if not revokes and chance() < 0.25 and not made["request"]["target"].endswith("/auth/signin"):
                continue
            self.lines.append(made)
        self.thin()

    def issue(self, *, past: bool) -> None:
        now = self.fake.clock.now()
        user = self.random.choice(self.users)
        at = now - timedelta(minutes=self.random.randint(1, 5)) if past else now
        expires = self.random.choice([None, None, timedelta(minutes=8), timedelta(hours=3), timedelta(days=3)])
        number = self.random.randint(0, 10**6)
        jti = self.random.choice([None, None, f"{self.random.choice('aA')}-{number}", f"id/{number}", f"ü {number}"])
        revoked = self.random.random() < 0.2
        token = self.fake.issue_token(user, created_at=at, expires_in=expires, jti=jti, revoked=past and revoked)
        self.tokens.append((user, token))

    def authorization(self, user: Any) -> str | None:
        own = [token for owner, token in self.tokens if owner is user]
        kind = self.random.random()
        if own and kind < 0.5:
            jwt = self.random.choice(own).jwt
            word = self.random.choice(["JWT", "JWT", "JWT", "jwt", "JWT ", "Bearer"])
            if self.random.random() < 0.1:
                head, body, signature = jwt.split(".")
                jwt = f"{head}.{body}.{signature[::-1]}"
            return f"{word} {jwt}"
        if kind < 0.8:
            return basic(user.email, user.password)
        if kind < 0.9:
            return basic(user.email, self.random.choice(["wrong", f"{user.password}:x", user.password.upper()]))
        return self.random.choice([None, "Basic", "JWT", "Basic eA==", "JWT a.b.c", "JWT x", basic("no@x.de", "x")])

    def exchange(self, user: Any) -> Line:
        chance = self.random.random
        authorization = self.authorization(user)
        headers = [] if authorization is None else [["Authorization", authorization]]
        kind = chance()
        if kind < 0.08:
            self.issue(past=False)
        if kind < 0.55:
            return line(self.fake, self.random.choice(["GET"] * 9 + ["HEAD"]), self.list_target(), headers)
        if kind < 0.85:
            return line(self.fake, "DELETE", self.revoke_target(), headers)
        if kind < 0.93:
            return self.sign_in(user)
        method, target = self.random.choice(
            [
                ("PUT", "/v3/jwt/history"),
                ("GET", "/v3/jwt/history/x"),
                ("GET", "/v3/jwt/history/a/b/c"),
                ("DELETE", "/v3/jwt/history/%zz"),
                ("GET", "/v3/jwt"),
                ("OPTIONS", "/v3/jwt/history"),
                ("GET", "/v3/auth/signin"),
            ]
        )
        return line(self.fake, method, target, headers)

    def list_target(self) -> str:
        chance = self.random.random
        path = self.random.choice(["/v3/jwt/history"] * 5 + ["/v3/JWT/History", "/v3/jwt/history/"])
        query = []
        if chance() < 0.5:
            field = self.random.choice([*FIELDS, *FIELDS, "nothing", ""])
            query.append(f"{self.random.choice(['sortField', 'sort'])}={field}")
        if chance() < 0.5:
            query.append(f"direction={self.random.choice([1, -1, 1, -1, 'asc', 7, ''])}")
        if chance() < 0.5:
            query.append(f"page={self.random.choice([0, 1, 1, 2, 3, 'abc', -1, '1.5', '', 9])}")
        if self.tokens and chance() < 0.05:
            query.append(f"secret_token={self.random.choice(self.tokens)[1].jwt}")
        return f"{path}?{'&'.join(query)}" if query else path

    def revoke_target(self) -> str:
        chance = self.random.random
        if self.tokens and chance() < 0.75:
            token = self.random.choice(self.tokens)[1]
            if chance() < 0.5:
                return f"/v3/jwt/history/{quote(token.jti, safe='')}"
            return f"/v3/jwt/history/id/{token.id.upper() if chance() < 0.2 else token.id}"
        keys = [
            "nobodys",
            "id",
            "id/5e00000000000000000000aa",
            "id/5",
            "id/twelve-chars",
            "id%2Fx",
            "%24ne",
            "nobodys/",
        ]
        return f"/v3/jwt/history/{self.random.choice(keys)}"

    def sign_in(self, user: Any) -> Line:
        password = self.random.choice([user.password, user.password, "wrong", "", 5])
        email = self.random.choice([user.email, user.email, user.email.upper(), "no@example.com", "x"])
        import json

        body = json.dumps({"email": email, "password": password})
        made = line(self.fake, "POST", "/v3/auth/signin", [["Content-Type", "application/json"]], body)
        if made["response"]["status"] == 200:
            newest = max(self.fake.history(user), key=lambda token: token.created_at)
            self.tokens.append((user, newest))
        return made

    def thin(self) -> None:
        """Leave out what recordings leave out: the beginning, all credentials, the headers of answers."""
        if self.random.random() < 0.3:
            self.lines = self.lines[self.random.randint(0, len(self.lines) // 2) :]
        if self.random.random() < 0.2:
            for each in self.lines:
                kept = [pair for pair in each["request"]["headers"] if pair[0] != "Authorization"]
                each["request"]["headers"] = kept
        if self.random.random() < 0.1:
            for each in self.lines:
                each["response"]["headers"] = []


def basic(email: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{email}:{password}'.encode()).decode()}"
