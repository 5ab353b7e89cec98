"""The command `tiledesk-fake diff`: what one profile chooses otherwise than another one, in plain words."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from .. import contract
from ..contract.profile import read_profile


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
def diff(*, old: str, new: str) -> None:
    """What changed from the profile OLD to the profile NEW, each a name or a YAML file?

    It says of each assumption what is meant before and after, how that was found out, and which tests to look at: those
    that touch the assumption. Exit 0 if nothing changed, 1 if something did, 2 if a profile cannot be read.
    """
    before, after = read_profile(old), read_profile(new)
    choices = [contract.load(dict(each.choices)).choices for each in (before, after)]
    changed = [id for id in choices[0] if choices[0][id] != choices[1][id]]
    assumptions = {each["id"]: each for each in contract.load().document["x-assumptions"]}
    for id in changed:
        click.echo(_told(assumptions[id], choices[0][id], choices[1][id], after.evidence.get(id)))
        click.echo()
    for id in (id for id in before.choices if id not in after.choices and id not in changed):
        click.echo(f"{id}: {old} says how it is, {new} does not; the default is the same.")
    if not changed:
        click.echo(f"{new} makes the same {len(choices[0])} choices as {old}.")
        return
    click.echo(
        f"{len(changed)} of {len(choices[0])} assumptions changed. The tests that they touch: "
        f"pytest --tiledesk-assume-each={','.join(changed)}"
    )
    sys.exit(1)


def _told(assumption: Mapping[str, Any], old: str, new: str, evidence: str | None) -> str:
    id = assumption["id"]
    lines = [
        f"{id}: {assumption['question']}",
        f"  before  {old}: {_meaning(assumption, old)}",
        f"  now     {new}: {_meaning(assumption, new)}",
    ]
    if evidence:
        lines.append(f"  shown   {' '.join(evidence.split())}")
    lines.append(f"  tests   {_tests(assumption, old, new)}")
    return "\n".join(lines)


def _tests(assumption: Mapping[str, Any], old: str, new: str) -> str:
    id = assumption["id"]
    if new == assumption["default"] or new in assumption["alternatives"]:
        return f"those that end in [{id}={new}] under --tiledesk-assume-each={id}, run under {old}"
    # No test is run again under each of a thousand numbers.
    return f"those that touch it, which --tiledesk-assume-each={id} names; run them by --tiledesk-profile {id}={new}"


def _meaning(assumption: Mapping[str, Any], choice: str) -> str:
    if choice == assumption["default"]:
        return str(assumption["meaning"])
    named = assumption["alternatives"].get(choice) or assumption["numbers"]
    return str(named["meaning"])
