"""One examination of one server: what rules ask with, and what they share."""

import re
import sys
from contextlib import suppress

from ..curl import curl
from .asking import Asking
from .changes import Changes
from .client import Client
from .credentials import Redaction
from .guard import Guard
from .outcome import Broken, CannotCheck
from .people import Introductions
from .reply import Reply
from .stories import Stories
from .target import Target
from .tokens import Tokens

_VARIABLE = re.compile(r"\$((?:BASIC|PASSWORD|JWT)[0-9]+|MINTED)(?![0-9])")
"""What a secret is shown as."""


class Examination(Asking):
    """Asks one server, on behalf of the rules.

    `tokens` gives up tokens to be revoked, `stories` tells what revocations did, and `changes` what became of all else.
    Close it at the end.

    Raises CannotCheck where the server cannot be reached or refuses the credentials that it is examined with.
    """

    def __init__(self, target: Target) -> None:
        if not target.credentials:
            raise CannotCheck("there is nobody to call as; give --basic ADDRESS:PASSWORD or --jwt TOKEN")
        self.target = target
        guard = Guard(target.credentials, may_revoke=target.may_revoke)
        redact = Redaction([[credential] for credential in target.credentials])
        client = Client(target.url, guard, timeout_s=target.timeout_s, redact=redact)
        introductions = Introductions(client)
        super().__init__(client, target.choices, introductions.persons)
        self.expired = introductions.expired
        self.tokens = Tokens(self, may_revoke=target.may_revoke, seed=target.seed)
        self.stories = Stories(self, self.tokens)
        try:
            introductions.make(target.credentials)
            redact.know([person.credentials for person in self.persons], self.expired)
            self.changes = Changes(self, self.tokens)
            # A list that cannot be read is a matter for the rules; until then the password calls.
            with suppress(Broken):
                self.tokens.call_by_token()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections. An exception on its way out learns what was done: `given_up`, `left_behind`."""
        self.client.close()
        ended = sys.exception()
        if ended is None or hasattr(ended, "given_up"):
            return
        given_up = self.changes.perhaps_revoked if self.tokens.given_up else []
        setattr(ended, "given_up", given_up)  # noqa: B010 - any exception may come by
        setattr(ended, "left_behind", self.tokens.left_behind)  # noqa: B010
        if given_up:
            said = ", ".join(f"{each['_id']} (jti {each['jti']})" for each in given_up)
            ended.add_note(f"These tokens were given up, and may be revoked: {said}")

    def curl(self, reply: Reply | None) -> str:
        """A line for the shell that repeats a request; secrets are variables in it."""
        if reply is None:
            return ""
        headers = [self.redact(f"{name}: {value}" if value.strip() else f"{name};") for name, value in reply.sent]
        url = self.redact(self.client.origin + reply.target)
        return curl(reply.method, url, headers, options=("-i", "--path-as-is"), variables=_VARIABLE)

    def evidence(self, reply: Reply) -> str:
        """An exchange in one line, without secrets."""
        return self.redact(f"{reply.method} {reply.target} -> {reply.summary}")
