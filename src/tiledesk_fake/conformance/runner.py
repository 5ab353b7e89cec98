"""Runs the rules and the generated requests against a target, in order, and makes a report."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from .examination import Examination
from .explaining import explained
from .outcome import Broken, CannotCheck, Finding, Forbidden, LeftOut, Omission
from .progress import Progress, silent
from .report import Report
from .rules import BY_ID, RULES, Brake, Rule, brake
from .target import Target

Step = tuple[str, Callable[[], None]]


def check(
    target: Target,
    *,
    rules: Sequence[Rule] = RULES,
    generated: bool = True,
    progress: Progress = silent,
) -> Report:
    """What an examination of the target finds.

    `rules` are the properties to ask, in their order; with `generated`, Schemathesis is driven over the contract as
    well. `progress` is told how many steps are done, of how many, and what is next.

    Raises CannotCheck if the server cannot be reached or refuses the credentials, or if it is gone before the end and
    nothing was found until then; the error has the report. So has every other exception that ends it, as `report`:
    an interrupt as well.
    """
    examination = Examination(target)
    try:
        return _check(examination, rules, generated, progress)
    finally:
        examination.close()


def _check(exam: Examination, rules: Sequence[Rule], generated: bool, progress: Progress) -> Report:
    report = Report(exam.redact(exam.client.url), exam.contract.choices, exam.target.seed, exam.target.may_revoke)
    early = [rule for rule in rules if not (rule.last or rule.looks_back)]
    late = sorted((rule for rule in rules if rule.last or rule.looks_back), key=lambda rule: rule.last)
    asked: dict[str, Rule] = {}
    steps: list[Step] = [(rule.id, partial(_ask, exam, rule, report, asked)) for rule in early]
    if generated:
        from .generated import passes  # noqa: PLC0415 - Schemathesis takes a second to import

        may_go_on = partial(_may_go_on, report)
        steps += [(name, partial(_generate, run, report)) for name, run in passes(exam, may_go_on)]
    steps += [(rule.id, partial(_ask, exam, rule, report, asked)) for rule in late]
    try:
        _take(exam, report, steps, progress)
        # A server that is gone would cost the timeout of each request.
        if not report.gone:
            if report.findings:
                may_revoke = report.may_revoke and brake(report.broken_rules) != Brake.ALL
                report.findings = explained(exam, report.findings, asked, may_revoke=may_revoke)
            exam.tokens.tidy(revoke=_may_go_on(report))
        report.revoked = exam.changes.perhaps_revoked if report.gone else exam.changes.revoked
    except BaseException as ended:
        report.stopped = "the check was interrupted" if isinstance(ended, KeyboardInterrupt) else "the check failed"
        report.left_out += [_no_longer_asked(name, report.stopped) for name, _ in steps]
        report.revoked = exam.changes.perhaps_revoked
        setattr(ended, "report", report)  # noqa: B010 - whichever exception it is
        raise
    finally:
        report.left_behind = exam.tokens.left_behind
        _settle(report)
    if report.gone and not report.broken:
        raise CannotCheck(report.verdict, report)
    return report


def _may_go_on(report: Report) -> bool:
    """Whether revocations that no rule watches are safe on this server, as far as has been seen."""
    unexplained = (finding.rule for finding in report.findings if not finding.explained_by)
    return brake(unexplained) == Brake.NONE


def _settle(report: Report) -> None:
    """Take back what a later rule disproved: a broken rule was neither kept nor left out."""
    report.kept = [rule for rule in report.kept if rule not in report.broken_rules]
    report.left_out = [each for each in report.left_out if each.rule not in report.broken_rules]


def _take(exam: Examination, report: Report, steps: list[Step], progress: Progress) -> None:
    """Take the steps, one after the other, until the server is gone; `steps` keeps those that were not taken."""
    total = len(steps)
    while steps:
        name, step = steps[0]
        progress(total - len(steps), total, name)
        known, findings = len(exam.unanswered), list(report.findings)
        step()
        del steps[0]
        if len(exam.unanswered) > known and not exam.is_reachable():
            # It is no finding: the network may have failed, or the server is being restarted.
            report.findings = [each for each in report.findings if each in findings or each.rule != "answers"]
            since = exam.unanswered[known]
            report.gone = exam.redact(f"{since.failure}, since {since.method} {since.target}")
            report.left_out += [_no_longer_asked(name, "the server no longer answers") for name, _ in steps]
            steps.clear()
    progress(total, total, "done")


def _no_longer_asked(name: str, reason: str) -> Omission:
    sentence = BY_ID[name].sentence if name in BY_ID else "Generated requests are answered as declared."
    return Omission(name.replace(" ", "-"), sentence, reason)


def _ask(exam: Examination, rule: Rule, report: Report, asked: dict[str, Rule]) -> None:
    if rule.revokes and brake(report.broken_rules) == Brake.ALL:
        harmful = sorted(id for id in report.broken_rules if brake([id]) == Brake.ALL)
        why = f"{' and '.join(harmful)} is broken, so another revocation would do more harm"
        report.left_out.append(Omission(rule.id, rule.sentence, why))
        return
    outcome = judge(exam, rule)
    if outcome is None:
        report.kept.append(rule.id)
    elif isinstance(outcome, Omission):
        report.left_out.append(outcome)
    else:
        _add(report, [outcome])
        asked.setdefault(outcome.rule, rule)
        if outcome.rule != rule.id:
            report.left_out.append(Omission(rule.id, rule.sentence, f"{outcome.rule} is broken"))


def _generate(run: Callable[[], tuple[list[Finding], list[Omission], list[str]]], report: Report) -> None:
    findings, omissions, kept = run()
    _add(report, findings)
    report.left_out += omissions
    report.kept += kept


def judge(examination: Examination, rule: Rule) -> Finding | Omission | None:
    """The outcome of one rule: None if the server keeps it, else a finding, or an omission with its reason.

    A finding may be about another rule: once that is broken, this one cannot be asked.
    """
    try:
        rule.check(examination)
    except (LeftOut, Forbidden) as reason:
        return Omission(rule.id, rule.sentence, examination.redact(str(reason)))
    except Broken as broken:
        about = BY_ID[broken.rule] if broken.rule else rule
        expected, got = examination.redact(broken.expected), examination.redact(broken.got)
        curl = examination.curl(broken.reply)
        return Finding(about.id, about.sentence, expected, got, about.place, curl)
    return None


def _add(report: Report, findings: Iterable[Finding]) -> None:
    # One defect often shows in many rules; the first finding of each rule is enough.
    for found in findings:
        if found.rule not in report.broken_rules:
            report.findings.append(found)
