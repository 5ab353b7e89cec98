"""What was learnt of a server, and the profile file that says it."""

from dataclasses import dataclass, field
from typing import Any

from ..contract.profile import CHOICES


@dataclass(slots=True)
class Learnt:
    """What was learnt of a server: a choice, or None, with the evidence or the reason, for every assumption.

    `revoked` are the tokens that were revoked for it, `left_behind` says which tokens of sign-ins may be alive.
    """

    url: str
    choices: dict[str, str | None] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
    revoked: list[dict[str, str]] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)

    @property
    def unknown(self) -> list[str]:
        """The assumptions that could not be answered."""
        return [id for id, choice in self.choices.items() if choice is None]

    @property
    def known(self) -> dict[str, str]:
        """The choices that were learnt."""
        return {id: choice for id, choice in self.choices.items() if choice is not None}

    def as_profile(self) -> dict[str, Any]:
        """The content of a profile file.

        What was not found out is `unknown`; where that is the name of a choice it is null instead, so that nobody takes
        it for the choice. Both mean the default.
        """
        return {
            "profile": {
                id: choice if choice is not None else None if "unknown" in CHOICES[id] else "unknown"
                for id, choice in self.choices.items()
            },
            "evidence": dict(self.evidence),
        }

    def yaml(self) -> str:
        """The profile file as text; it begins with what a reader must know of it."""
        import yaml  # noqa: PLC0415

        known = len(self.choices) - len(self.unknown)
        said = [f"Learnt from {self.url}: {known} of {len(self.choices)} assumptions, with the evidence."]
        if self.unknown:
            said.append(
                "Where it says unknown or null it was not found out: the default counts, and evidence says why."
            )
            named = ", ".join(id for id in self.choices if "unknown" in CHOICES[id])
            said.append(f"But in {named}, unknown is a choice that was learnt; not found out is null there.")
        written = yaml.safe_dump(self.as_profile(), sort_keys=False, allow_unicode=True, width=120)
        return "".join(f"# {line}\n" for line in said) + str(written)
