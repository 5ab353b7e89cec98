"""The parts of an exchange that may be shown: without secrets, on one line."""

from ...core.redaction import redacted
from ...web.answer import Answer
from ..credentials import Redaction
from ..reply import cut
from .exchange import Exchange

_HIDE = Redaction()


def hidden(text: str) -> str:
    """The text without credentials, printable, and no longer than one reads."""
    return cut(_HIDE(redacted(text)))


def request_of(exchange: Exchange) -> str:
    """The request in a few words."""
    return hidden(f"{exchange.method} {exchange.target}")


def answer_of(exchange: Exchange) -> str:
    """The recorded answer in a few words."""
    if exchange.status is None:
        return "no answer"
    body = (exchange.answer or b"").decode("utf-8", "replace")
    return hidden(" ".join(filter(None, [str(exchange.status), exchange.media_type, body])))


def what_a_fake_says(answer: Answer | None) -> str:
    """A fake's answer in a few words; what is in a successful one is made up, so that its kind alone is told."""
    if answer is None:
        return "no answer"
    if answer.status == 200:
        return "200"
    return hidden(f"{answer.status} {answer.body.decode('utf-8', 'replace')}".strip())
