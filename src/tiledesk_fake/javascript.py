"""JavaScript's conversions of text and values, where Python's differ.

A value is what JSON has: text, numbers, booleans, None, lists and dicts.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring
from typing import Any
from urllib.parse import unquote_to_bytes

_MALFORMED_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPES = re.compile(r"((?:%[0-9A-Fa-f]{2})+)")
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_LAST_INDEX = 2**32 - 2
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SAFE_INTEGER = 2**53
BLANKS = "\t\n\v\f\r \xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000\ufeff"
"""The white space that JavaScript trims; Python's strip() takes more, and not the last one."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_RADIX = {"0x": 16, "0o": 8, "0b": 2}
_INFINITE = {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}


class NoText(ValueError):
    """An object with a `toString` of its own, which is no function: JavaScript throws."""


def parse_json(text: str) -> Any:
    """What JSON.parse makes of a text: of a key that is written twice the last, every number a double.

    Raises ValueError for what is no JSON.

    >>> parse_json('{"a": 1, "a": 1e400}')
    {'a': inf}
    """
    return _DECODER.decode(text)


def stringify(value: Any) -> str:
    r"""What JSON.stringify makes of a value: keys that are indices come first, and no half of a pair of surrogates.

    >>> stringify({"b": 1.0, "2": 1e21, "1": "\ud800"})
    '{"1":"\\ud800","2":1e+21,"b":1}'
    """
    if isinstance(value, dict):
        return f"{{{','.join(f'{_quoted(key)}:{stringify(value[key])}' for key in keys(value))}}}"
    if isinstance(value, list):
        return f"[{','.join(map(stringify, value))}]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "null"
    return "null" if value is None else _scalar(value)


def to_text(value: Any) -> str:
    """What String() makes of a value. Raises NoText where it raises.

    >>> to_text([1.5, None, ["a"], {}])
    '1.5,,a,[object Object]'
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join("" if leaf is None else to_text(leaf) for leaf in _leaves(value))
    if isinstance(value, dict):
        if "toString" in value:
            raise NoText("an object with a toString that is no function has no text")
        return "[object Object]"
    return "null" if value is None else _scalar(value)


def _leaves(values: list[Any]) -> Iterator[Any]:
    # Not by recursion: nobody knows how deep the calls are already, and lists may be nested a hundred deep.
    waiting = [iter(values or [None])]
    while waiting:
        for value in waiting[-1]:
            if isinstance(value, list):
                waiting.append(iter(value or [None]))
                break
            yield value
        else:
            waiting.pop()


def to_number(text: str) -> float:
    """What Number() makes of a text; nan if it is no number.

    >>> to_number(" 1 "), to_number("0x10"), to_number("1e1"), to_number(""), to_number("1_0")
    (1, 16.0, 10.0, 0, nan)
    """
    text = text.strip(BLANKS)
    if text in _INFINITE:
        return _INFINITE[text]
    if not text:
        return 0
    if _NUMBER.fullmatch(text):
        return int(text) if text.isdigit() and len(text) < 16 else float(text)
    try:
        radix = _RADIX[text[:2].lower()]
        digits = text[2:]
        # int() would also take a sign, blanks and underscores.
        return float(int(digits, radix)) if digits.isalnum() and digits.isascii() else math.nan
    except OverflowError:
        return math.inf
    except (LookupError, ValueError):
        return math.nan


def is_false(value: Any) -> bool:
    """Whether a value counts as false, which lists and objects never do.

    >>> is_false(0.0), is_false("0"), is_false([])
    (True, False, False)
    """
    return value is None or (isinstance(value, str | int | float) and not value)


def keys(value: dict[str, Any]) -> Iterable[str]:
    """The keys of an object in JavaScript's order: first those that are indices, by their number.

    >>> list(keys({"b": 0, "10": 0, "9": 0, "09": 0}))
    ['9', '10', 'b', '09']
    """
    indices = sorted((key for key in value if is_index(key)), key=int)
    return [*indices, *(key for key in value if not is_index(key))] if indices else value


def is_index(key: str) -> bool:
    """Whether a key is what JavaScript counts as the index of an array."""
    return _INDEX.fullmatch(key) is not None and int(key) <= _LAST_INDEX


def decode_uri_component(text: str) -> str:
    """What decodeURIComponent makes of a text. Raises ValueError where it raises.

    >>> decode_uri_component("%C3%A9+")
    'é+'
    """
    if "%" not in text:
        return text
    if _MALFORMED_ESCAPE.search(text):
        raise ValueError("a malformed percent-escape")
    parts = _ESCAPES.split(text)
    return "".join(unquote_to_bytes(part).decode() if part.startswith("%") else part for part in parts)


def code_units(text: str) -> str:
    """The text with two characters, a pair of surrogates, where JavaScript counts two.

    >>> len(code_units("🔑"))
    2
    """
    if text.isascii():
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(low | high << 8) for low, high in zip(units[::2], units[1::2], strict=True))


def _quoted(text: str) -> str:
    return _LONE_SURROGATE.sub(lambda match: rf"\u{ord(match[0]):04x}", encode_basestring(text))


def _scalar(value: float) -> str:
    """What String() makes of a number or a boolean."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) < _SAFE_INTEGER:
        return str(value)
    value = float(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    # The digits are the fewest that name the number, in both languages.
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    places = len(digits) - len(fraction) + int(exponent or 0)
    digits = digits.rstrip("0")
    if len(digits) <= places <= 21:
        return f"{sign}{digits}{'0' * (places - len(digits))}"
    if 0 < places <= 21:
        return f"{sign}{digits[:places]}.{digits[places:]}"
    if -6 < places <= 0:
        return f"{sign}0.{'0' * -places}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{places - 1:+d}"


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _integer(digits: str) -> float:
    # Python refuses to read thousands of digits, and keeps what a double loses.
    number = float(digits)
    return int(number) if abs(number) < _SAFE_INTEGER else number


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_int=_integer)
