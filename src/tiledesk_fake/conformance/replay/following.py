"""What an exchange adds to what is known: what all worlds agree on in which it is right."""

from typing import Any

from .exchange import Exchange
from .judge import Found, Judgement, credentials_in
from .known import SLACK_MS, Knowledge, Known, Shown, shown
from .survey import records_in


def follow(known: Knowledge, exchange: Exchange, judgement: Judgement) -> None:
    """Take into account what an exchange shows, right or not: the state follows the traffic."""
    operation = judgement.operation
    if operation is None or exchange.status is None:
        return
    if operation.id == "signIn":
        _follow_sign_in(known, exchange)
        return
    _follow_caller(known, exchange, judgement.found)
    if exchange.status != 200:
        return
    if operation.id == "listTokens":
        _follow_list(known, exchange, judgement.found)
    elif exchange.method == "DELETE":
        _follow_revocation(known, exchange, judgement)


def _follow_caller(known: Knowledge, exchange: Exchange, found: list[Found]) -> None:
    """Whether the token that calls is revoked, if all agree."""
    said = {(each.caller.jti, each.caller.revoked) for each in found if each.caller.jti and each.caller.is_let_in}
    if len(said) != 1 or any(not each.caller.is_let_in for each in found):
        return
    ((jti, revoked),) = said
    if exchange.status == 401 and not revoked:
        return
    token = known.by_jti.get(jti or "")
    if token is None:
        known.revoked_jti[jti or ""] = revoked
    elif token.revoked is None and not token.seen:
        token.revoked, token.updated_ms = revoked, token.first.updated_ms if revoked == token.first.revoked else None


def _follow_list(known: Knowledge, exchange: Exchange, found: list[Found]) -> None:
    records = [record for record in map(shown, records_in(exchange.json)) if record and record.owner]
    for record in records:
        _see(known, exchange, record)
    listed = next((each.listed for each in found if each.listed), None)
    if listed is None:
        return
    owners = {each.caller.user_id for each in found if each.caller.is_let_in}
    owner = records[0].owner if records else next(iter(owners)) if len(owners) == 1 else None
    if owner and listed.page.told is not None:
        known.counted[owner] = listed.page.told
    known.before.update(listed.tied)


def _see(known: Knowledge, exchange: Exchange, record: Shown) -> None:
    token = known.meet(record, exchange.number)
    token.seen, token.revoked, token.updated_ms, token.about_ms = True, record.revoked, record.updated_ms, None
    token.seen_at_ms = exchange.at_ms


def _follow_revocation(known: Knowledge, exchange: Exchange, judgement: Judgement) -> None:
    record = shown(exchange.json)
    if record is not None and record.revoked:
        if record.owner:
            _see(known, exchange, record)
        elif record.jti:
            known.revoked_jti[record.jti] = True
        return
    if judgement.key is None:
        return
    key = judgement.key
    token = known.by_jti.get(key.text) if key.by == "jti" else known.by_id.get(key.id or -1)
    # What no world explains may have done anything.
    after = {_revoked_after(each, token) for each in judgement.found} or {None}
    if token is not None:
        _settle(exchange, token, after, judgement.found)
    elif key.by == "jti":
        known.revoked_jti[key.text] = next(iter(after)) if len(after) == 1 else None
    else:
        # It may have been any token whose record was never shown.
        known.revoked_jti = {jti: revoked or None for jti, revoked in known.revoked_jti.items()}


def _revoked_after(found: Found, token: Known | None) -> bool | None:
    """Whether the token is revoked in this world once the fake has answered."""
    if token is not None:
        record = found.said.after.get(token.first.id)
        return record.revoked if record else None
    if found.about is None or found.about.record is None:
        # A phantom, or nothing.
        return any(record.is_phantom for record in found.said.after.values()) or None
    return found.said.after[found.about.record.id].revoked


def _settle(exchange: Exchange, token: Known, after: set[bool | None], found: list[Found]) -> None:
    if after == {True}:
        moved = {
            each.said.after[token.first.id].updated_ms != each.about.record.updated_ms
            or each.about.record.revoked_ms is None
            for each in found
            if each.about and each.about.record
        }
        if moved == {False} and token.revoked:
            return
        token.revoked, token.updated_ms = True, None
        token.about_ms = (
            (exchange.at_ms - exchange.took_ms - SLACK_MS, exchange.at_ms + SLACK_MS) if moved == {True} else None
        )
    elif after != {False}:
        token.revoked, token.updated_ms, token.about_ms = None, None, None


def _follow_sign_in(known: Knowledge, exchange: Exchange) -> None:
    body: Any = exchange.json
    given = credentials_in(exchange)
    if exchange.status != 200 or not isinstance(body, dict):
        return
    if given is not None and not given[1].startswith("<password "):
        known.password_of.setdefault(*given)
