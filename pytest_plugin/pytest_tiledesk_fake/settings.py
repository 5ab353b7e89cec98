"""The settings of a test, from marker, command line, environment and ini file; the first of these counts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tiledesk_fake.contract.profile import (
    CHOICES,
    check,
    choices_meant,
    is_shipped,
    nearest_shipped,
    parse_assumptions,
    read_profile,
    to_choose,
)
from tiledesk_fake.core.clock import milliseconds
from tiledesk_fake.errors import MisuseError, ProfileError, nearest
from tiledesk_fake.violations.verdict import RULES

from .failing import fail_in
from .urls import SettingError, origins_in, server_in, words

OF_OWN_FAKE = {"profile", "scenario", "now"}
"""What a marker says about `fake_tiledesk`, and about no other fake."""

_MARKER = "tiledesk"
_TRUTH = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}


class _NoFile(SettingError):
    """A setting names a file that is not there."""


class Settings(NamedTuple):
    """How a test's fake starts, and which breaches of which rules fail the test."""

    profile: Mapping[str, str] = {}
    scenario: Path | Mapping[str, Any] | None = None
    now: datetime | None = None
    allow: frozenset[str] = frozenset()
    strict: bool = True
    # What --tiledesk-assume-each may vary, True for all; and what the marker's own profile fixes.
    assume_each: frozenset[str] | bool = True
    fixed: frozenset[str] = frozenset()
    intercept: tuple[str, ...] = ()

    @property
    def forbidden(self) -> frozenset[str]:
        """The rules whose breach fails the test."""
        return frozenset(RULES) - self.allow if self.strict else frozenset()


_KEYS = tuple(key for key in Settings._fields if key != "fixed")


class SettingsOfTests:
    """The settings of each test, which are read once."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._of_run: Settings | None = None
        self._of_test: tuple[str, Settings] | None = None

    def of(self, item: pytest.Item) -> Settings:
        """The settings of a test; fail the test if they cannot work."""
        if self._of_test is None or self._of_test[0] != item.nodeid:
            try:
                if self._of_run is None:
                    self._of_run = settings_of_run(self._config)
                self._of_test = item.nodeid, settings_of(item, self._of_run)
            except SettingError as problem:
                fail_in(item, str(problem))
        return self._of_test[1]

    def forget(self) -> None:
        """Read the settings of the next test again, even if it is a rerun of the same test."""
        self._of_test = None


def settings_of_run(config: pytest.Config) -> Settings:
    """The settings of tests without a marker. Raises SettingError, naming the source."""
    strict, strict_source = configured(config, "strict")
    allow, allow_source = configured(config, "allow")
    return Settings(
        default_profile(config),
        allow=_allowed(allow, allow_source),
        strict=_strict(strict, strict_source),
        intercept=intercepted(config),
    )


def settings_of(item: pytest.Item, run: Settings) -> Settings:
    """The settings of a test: those of the run, but for what its markers say. Raises SettingError, naming the test."""
    marked: dict[str, Any] = {}
    source = f"@pytest.mark.{_MARKER} of {item.nodeid}"
    for mark in item.iter_markers(_MARKER):
        if mark.args:
            raise SettingError(f"{source}: expected keywords ({', '.join(_KEYS)}), got {mark.args[0]!r}")
        for key, value in mark.kwargs.items():
            if key not in _KEYS:
                id = key.replace("_", "-")
                hint = f"; write profile={{{_quoted(id)}: {_quoted(value)}}}" if id in CHOICES else ""
                raise SettingError(f"{source}: there is no {key!r}{hint or nearest(key, _KEYS)}")
            # The closest marker comes first.
            marked.setdefault(key, value)
    if not marked:
        return run
    find = _from(item.path.parent, item.config.rootpath)
    read: Mapping[str, Callable[[Any], Any]] = {
        "profile": lambda value: _profile(value, source, find),
        "scenario": lambda value: _scenario(value, source, find),
        "now": lambda value: _now(value, source),
        "allow": lambda value: _allowed(value, source),
        "strict": lambda value: _strict(value, source),
        "assume_each": lambda value: _assume_each(value, source),
        "intercept": lambda value: origins_in(value, source),
    }
    settings = run._replace(**{key: read[key](value) for key, value in marked.items()})
    return settings._replace(fixed=frozenset(settings.profile if "profile" in marked else ()))


def configured(config: pytest.Config, name: str) -> tuple[Any, str]:
    """The value of a setting outside of tests, and its source; (None, "default") if there is none."""
    option = f"tiledesk_{name}"
    variable = f"TILEDESK_FAKE_{name.upper()}"
    if (value := config.getoption(option)) is not None:
        return value, f"--tiledesk-{name}"
    # The command line goes by TILEDESK_FAKE_URL; that tests go elsewhere must be said where tests are configured.
    if name != "url" and os.environ.get(variable):
        return os.environ[variable], variable
    source = f"{option} in {config.inipath.name if config.inipath else 'the configuration'}"
    try:
        value = config.getini(option)
    except (TypeError, ValueError, pytest.UsageError) as problem:
        raise SettingError(f"{source}: {problem}") from None
    return (None, "default") if value is None else (value, source)


def default_profile(config: pytest.Config) -> Mapping[str, str]:
    """The choices that are configured for all tests."""
    value, source = configured(config, "profile")
    return _profile(value, source, _from(config.rootpath, Path.cwd()))


def server_url(config: pytest.Config) -> str | None:
    """The URL of the server whose worlds are the fakes of this run; None where they are in this process."""
    return server_in(*configured(config, "url"))


def intercepted(config: pytest.Config) -> tuple[str, ...]:
    """The origins that are led to the fake of every test that has one."""
    return origins_in(*configured(config, "intercept"))


def check_configuration(config: pytest.Config) -> None:
    """Raise pytest.UsageError for a setting of command line, environment or ini file that cannot work."""
    try:
        header(config)
    except SettingError as problem:
        raise pytest.UsageError(str(problem)) from None


def header(config: pytest.Config) -> str | None:
    """One line with the settings that are not defaults; None if there are none."""
    folders = _from(config.rootpath, Path.cwd())
    differs: dict[str, Callable[[Any, str], object]] = {
        "profile": lambda value, source: _profile(value, source, folders),
        "strict": lambda value, source: not _strict(value, source),
        "allow": _allowed,
        "url": lambda value, source: value,
        "intercept": origins_in,
    }
    server_url(config)
    parts = []
    for name, is_different in differs.items():
        value, source = configured(config, name)
        if is_different(value, source):
            shown = ", ".join(value) if isinstance(value, list) else str(value).lower() if name == "strict" else value
            parts.append(f"{name} {shown} ({source})")
    return f"tiledesk-fake: {'; '.join(parts)}" if parts else None


def _from(*folders: Path) -> Callable[[str, str | Path], Path]:
    """Finds a file in the first of these folders that has it."""

    def find(source: str, name: str | Path) -> Path:
        candidates = [folder / name for folder in folders]
        for candidate in candidates:
            if candidate.exists() and not candidate.is_dir():
                return candidate
        places = " or in ".join(dict.fromkeys(map(str, folders)))
        raise _NoFile(f"{source}: there is no file {str(name)!r} in {places}")

    return find


def _profile(value: Any, source: str, find: Callable[[str, str | Path], Path]) -> Mapping[str, str]:
    try:
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return check(value, source=source)
        if isinstance(value, Path) or (isinstance(value, str) and "=" not in value):
            return read_profile(value if is_shipped(value) else find(source, value)).choices
        if isinstance(value, str):
            return parse_assumptions(words(value), source=source)
    except _NoFile as missing:
        raise SettingError(f"{missing}{_hint_for_choices(str(value), source) or nearest_shipped(value)}") from None
    except ProfileError as problem:
        text = str(problem)
        raise SettingError(text if text.startswith(source) else f"{source}: {text}") from None
    listed = isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    hint = _hint_for_choices(",".join(value), source) if listed else ""
    raise SettingError(f"{source}: expected the profile as a mapping or the name of a file, got {value!r}{hint}")


def _hint_for_choices(text: str, source: str) -> str:
    """A hint for a text that was meant as choices, as in `page-size:10`."""
    meant = choices_meant(text)
    if not meant:
        return ""
    pairs = ", ".join(f"{id}={choice}" for id, choice in meant.items())
    of = to_choose(meant)
    if not source.startswith("@"):
        return f"; write {pairs}{of}"
    mapping = ", ".join(f"{_quoted(id)}: {_quoted(choice)}" for id, choice in meant.items())
    return (
        f"; write profile={_quoted(pairs)}{of}" if of else f"; write profile={_quoted(pairs)}, or profile={{{mapping}}}"
    )


def _quoted(value: object) -> str:
    return f'"{value}"'


def _strict(value: Any, source: str) -> bool:
    if value is None or isinstance(value, bool):
        return value is not False
    if str(value).strip().lower() in _TRUTH:
        return _TRUTH[str(value).strip().lower()]
    raise SettingError(f"{source}: expected true or false, got {value!r}")


def _allowed(value: Any, source: str) -> frozenset[str]:
    if value is None:
        return frozenset()
    rules = words(value) if isinstance(value, str) else value
    if not isinstance(rules, Iterable):
        raise SettingError(f"{source}: expected a list of rules, got {value!r}")
    rules = [word for rule in rules for word in (words(rule) if isinstance(rule, str) else [rule])]
    for rule in rules:
        if rule not in RULES:
            raise SettingError(f"{source}: there is no rule {rule!r}{nearest(str(rule), RULES)}")
    return frozenset(rules)


def _assume_each(value: Any, source: str) -> frozenset[str] | bool:
    if not isinstance(value, bool | list | tuple | set | frozenset):
        hint = f"; write assume_each=[{_quoted(value)}]" if value in tuple(CHOICES) else ""
        raise SettingError(f"{source}: expected assume_each as False or a list of assumptions, got {value!r}{hint}")
    # A tuple, because what is no assumption may be what no mapping can look for.
    if wrong := [id for id in ([] if isinstance(value, bool) else value) if id not in tuple(CHOICES)]:
        raise SettingError(f"{source}: assume_each: no assumption is {wrong[0]!r}{nearest(str(wrong[0]), CHOICES)}")
    return value if isinstance(value, bool) else frozenset(value)


def _scenario(value: Any, source: str, find: Callable[[str, str | Path], Path]) -> Path | Mapping[str, Any] | None:
    if value is None or isinstance(value, Mapping):
        return value
    if isinstance(value, str | Path):
        return find(source, value)
    raise SettingError(f"{source}: expected the scenario as the name of a file or a mapping, got {value!r}")


def _now(value: Any, source: str) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise SettingError(f"{source}: expected now like 2026-01-01T00:00:00Z, got {value!r}") from None
    if value is None or (isinstance(value, datetime) and value.tzinfo is not None):
        _check_moment(value, source)
        return value
    raise SettingError(f"{source}: expected now as a time with its zone, like 2026-01-01T00:00:00Z, got {value!r}")


def _check_moment(value: datetime | None, source: str) -> None:
    try:
        if value is not None:
            milliseconds(value)
    except MisuseError as problem:
        raise SettingError(f"{source}: now: {problem}") from None
