"""Findings that another choice of an assumption explains: the server may be right, and the profile wrong."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from ..contract.places import place
from .examination import Examination
from .learning import answers
from .outcome import Broken, CannotCheck, Finding, Forbidden, LeftOut, NotApplicable
from .questions import QUESTIONS, READING
from .rules import Rule
from .rules.rule import assumption

Choices = Mapping[str, str]


def explained(
    exam: Examination, findings: list[Finding], asked: Mapping[str, Rule], *, may_revoke: bool
) -> list[Finding]:
    """The same findings, each with the choices under which the server would keep its rule, where there are such.

    `asked` has the rule that was asked when a finding was made, by the id of the broken one. If that rule only reads,
    or sign-ins make tokens to revoke, it is asked again under the other choices. For all other findings, those of
    generated requests too, the server's answer to the question behind the assumption counts.

    From then on the examination judges by what explains findings.
    """
    judged_by = exam.contract.choices
    found = findings
    try:
        others = _others(exam, findings, judged_by, may_revoke=may_revoke)
        again = may_revoke and exam.tokens.can_be_made
        found = [
            replace(each, explained_by=_explanation(exam, each, asked, judged_by, others, may_revoke=again))
            for each in findings
        ]
    except CannotCheck:
        # The server is gone: nothing is explained then.
        pass
    exam.judge_by({**judged_by, **{id: choice for each in found for id, choice in each.explained_by.items()}})
    return found


def _others(exam: Examination, findings: list[Finding], judged_by: Choices, *, may_revoke: bool) -> dict[str, str]:
    """The choices that the server makes, and that are others than those it was judged by."""
    at_stake = {id for id in QUESTIONS if id in READING or (may_revoke and _is_at(findings, id))}
    if may_revoke:
        # The last step has used up the token that called.
        with suppress(Broken):
            exam.tokens.call_by_token()
    learnt = answers(exam, {id: question for id, question in QUESTIONS.items() if id in at_stake})
    return {id: choice for id, (choice, _) in learnt.items() if choice is not None and choice != judged_by[id]}


def _is_at(findings: list[Finding], id: str) -> bool:
    return any(finding.place == place(assumption(id)) for finding in findings)


def _explanation(
    exam: Examination,
    finding: Finding,
    asked: Mapping[str, Rule],
    judged_by: Choices,
    others: dict[str, str],
    *,
    may_revoke: bool,
) -> dict[str, str]:
    rule = asked.get(finding.rule)
    if rule is None or rule.looks_back or (rule.revokes and not may_revoke):
        return {id: choice for id, choice in others.items() if finding.place == place(assumption(id))}
    return next((choices for choices in _sets(others) if _keeps(exam, rule, {**judged_by, **choices})), {})


def _sets(others: dict[str, str]) -> Iterator[dict[str, str]]:
    """Each choice alone, then all of them."""
    for id, choice in others.items():
        yield {id: choice}
    if len(others) > 1:
        yield others


def _keeps(exam: Examination, rule: Rule, choices: Choices) -> bool:
    exam.judge_by(choices)
    try:
        rule.check(exam)
    except (Broken, LeftOut, Forbidden) as outcome:
        return isinstance(outcome, NotApplicable)
    return True
