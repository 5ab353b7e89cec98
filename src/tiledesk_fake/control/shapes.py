"""How users, tokens, faults, exchanges and violations read in the JSON of the control API."""

import json
from base64 import b64encode
from typing import Any

from ..core.clock import iso
from ..core.faults import Planned
from ..core.journal import Exchange
from ..core.users import User
from ..errors import MisuseError
from ..handles import Token
from ..violations.violation import Violation


def user(of: User) -> dict[str, Any]:
    """A user, without the password."""
    authorization, why = None, None
    try:
        authorization = of.authorization
    except MisuseError as obstacle:
        why = str(obstacle)
    return {
        "_id": of.id,
        "email": of.email,
        "firstname": of.firstname,
        "lastname": of.lastname,
        "active": of.active,
        "authorization": authorization,
        "why_no_authorization": why,
    }


def token(of: Token) -> dict[str, Any]:
    """A token with its record, whatever the profile says of records."""
    return {
        "_id": of.id,
        "jti": of.jti,
        "id_user": of.user_id,
        "createdAt": iso(of.created_at),
        "updatedAt": iso(of.updated_at),
        "expiresAt": iso(of.expires_at) if of.expires_at else None,
        "revoked": of.revoked,
        "jwt": of.jwt,
        "authorization": of.authorization,
    }


def violation(of: Violation) -> dict[str, str]:
    """A violation, part by part."""
    return of._asdict()


def exchange(number: int, of: Exchange) -> dict[str, Any]:
    """An exchange with its number."""
    return {
        "number": number,
        "at": iso(of.at),
        "operation": of.operation,
        "method": of.method,
        "target": of.target,
        "path_params": dict(of.path_params),
        "query": dict(of.query),
        "headers": dict(of.headers),
        "user": {"_id": of.user.id, "email": of.user.email} if of.user else None,
        "status": of.status,
        "reason": of.reason,
        "fault": of.fault,
        "violations": [violation(each) for each in of.violations],
        "touched": sorted(of.touched),
        "text": str(of),
    }


def fault(planned: Planned) -> dict[str, Any]:
    """A planned fault, as it was given, and how many calls it waits for."""
    of = planned.fault
    body, body_base64 = None, None
    if of.body is not None:
        try:
            body = json.loads(of.body) if of.is_json else of.body.decode()
        except UnicodeDecodeError:
            body_base64 = b64encode(of.body).decode()
    return {
        "operation": of.operation,
        "status": of.status,
        "body": body,
        "body_base64": body_base64,
        "delay_s": of.delay_s,
        "drop": of.drop,
        "retry_after_s": of.retry_after_s,
        "when": dict(of.when),
        "headers": dict(of.headers),
        "chance": of.chance,
        "left": planned.left,
        "text": planned.text,
    }
