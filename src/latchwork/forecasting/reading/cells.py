"""One cell that holds a date, taken apart: its shape, its numbers, its word for a month, its clock, its zone.

Nothing is decided here that a single cell cannot decide. `03/04/2021` is a shape, `n/n/y`, and three numbers; what they
mean is decided over the whole column (`dates.py`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from latchwork.forecasting.reading.words import (
    FILLERS,
    FISCAL,
    HALVES,
    MONTH_LETTERS,
    QUARTERS,
    ROMAN,
    WEEKDAYS,
    WEEKS,
    folded,
    is_month,
)

CACHED = 200_000  # distinct dates; a day of a century is 36,525


class Clock(NamedTuple):
    """A time of day: seconds since midnight (a fraction included), and seconds east of UTC, None where not said."""

    seconds: float
    zone: int | None


class Parts(NamedTuple):
    """A date taken apart.

    shape: which numbers it has and what is known of them, a key of `dates.SHAPES`. a, b, c: its numbers as they stand.
    word: its word for a month. clock: the time of day, None where there is none.
    """

    shape: str
    a: int = 0
    b: int = 0
    c: int = 0
    word: str = ""
    clock: Clock | None = None


_ZONE = r"(?P<zone>Z|[A-Z]{3,4}|UTC[+-]\d{1,2}|GMT[+-]\d{1,2}|[+-]\d{2}:?\d{2}|[+-]\d{2})"
_CLOCK = re.compile(
    rf"(?P<h>\d{{1,2}})(?:[:h](?P<m>\d{{2}})(?:[:m](?P<s>\d{{2}})(?:[.,:](?P<f>\d{{1,9}}))?s?)?)?"
    rf"\s*(?P<half>[AaPp]\.?\s?[Mm]\.?)?\s*(?:{_ZONE})?(?:\[[\w/]+\])?(?:\s*Uhr)?"
)
_CLOCK_AT_END = re.compile(
    r"(?:[T\s,]|(?<=\d{4}):|(?<=[Tt]))\s*(\d{1,2}[:h]\d{2}(?:[:m]\d{2}(?:[.,:]\d{1,9})?s?)?\s*(?:[AaPp]\.?\s?[Mm]\.?)?"
    r"\s*(?:Z|[A-Z]{3,4}|[+-]\d{2}:?\d{2}|[+-]\d{2}|(?:UTC|GMT)[+-]\d{1,2})?(?:\[[\w/]+\])?(?:\s*Uhr)?"
    r"|\d{1,2}\s*(?:[AaPp]\.?\s?[Mm]\.?|h|Uhr)|(?<=T)\d{2})$"
)
_HOUR_AFTER_DAY = re.compile(r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})[\sT](\d{1,2})$")
ZONES = {
    name: int(hours * 3600)
    for name, hours in (
        ("Z", 0), ("UTC", 0), ("GMT", 0), ("WET", 0), ("WEST", 1), ("BST", 1), ("CET", 1), ("CEST", 2), ("MEZ", 1),
        ("MESZ", 2), ("EET", 2), ("EEST", 3), ("MSK", 3), ("IST", 5.5), ("JST", 9), ("AEST", 10), ("AEDT", 11),
        ("EST", -5), ("EDT", -4), ("CST", -6), ("CDT", -5), ("MST", -7), ("MDT", -6), ("PST", -8), ("PDT", -7),
    )
}  # fmt: skip

_FOOTNOTE = re.compile(r"\s*(?:\([a-z]{1,2}\)|[*†‡]+)$")
_TRIPLE = re.compile(r"(\d{1,4})\s*([-/.\s]|\. )\s*(\d{1,2})\s*([-/.\s]|\. )\s*(\d{1,4})\.?")
_PAIR = re.compile(r"(\d{1,4})\s*([-/.\s])\s*(\d{1,4})")
_TOKENS = re.compile(r"\d+|[^\W\d_]+")
_RANGE = re.compile(r"(\S.*?\d)\s*(?:/|\s[-–—]\s|\sto\s|\sbis\s|–)\s*(\S.*\d\S*)")


@lru_cache(CACHED)
def take_apart(cell: str) -> Parts | None:
    """The parts of a cell, None where it is no date.

    Example: take_apart("03/04/2021 14:30").shape == "n/n/y"
    """
    text = cell.strip()
    if not text or len(text) > 60 or not any(c.isdigit() for c in text):
        return None
    begin, dash, end = text.partition(" - ")
    if dash and ":" in begin:  # an hour as its beginning and its end: it is named by the first
        first, last = take_apart(begin), take_apart(end)
        return first if first and last and first.shape == last.shape else None
    date, clock = _split(_FOOTNOTE.sub("", text))
    parts = take_date_apart(date)
    if parts is None or (clock is not None and parts.shape not in DAYS):
        return None
    return parts if clock is None else parts._replace(clock=clock)


def read_clock(text: str) -> Clock | None:
    """A time of day: "9:30", "14:05:00.250", "2 pm", "14h30", with its zone; None where it is none.

    Example: read_clock("2:30 PM") == Clock(52200.0, None)
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None or not (match["m"] or match["half"]):
        return None
    hours, minutes, seconds = int(match["h"]), int(match["m"] or 0), float(f"{match['s'] or 0}.{match['f'] or 0}")
    if match["half"]:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if match["half"][0] in "pP" else 0)
    if hours > 24 or minutes > 59 or seconds >= 61 or (hours == 24 and (minutes or seconds)):
        return None
    zone = _zone(match["zone"])
    return None if zone == "unknown" else Clock(hours * 3600 + minutes * 60 + seconds, zone)  # pyright: ignore


def _zone(text: str | None) -> int | str | None:
    if not text:
        return None
    if text in ZONES:
        return ZONES[text]
    match = re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?", text)
    if match is None:
        return "unknown"
    seconds = int(match[2]) * 3600 + int(match[3] or 0) * 60
    return -seconds if match[1] == "-" else seconds


def _split(text: str) -> tuple[str, Clock | None]:
    """The date and the clock of a cell."""
    if ":" in text or text[-1] in "hrMmZ":
        match = _CLOCK_AT_END.search(text)
        if match:
            clock = read_clock(match[1])
            if clock is not None:
                return text[: match.start()].rstrip(" ,T"), clock
    match = _HOUR_AFTER_DAY.fullmatch(text)
    if match and int(match[2]) <= 24:
        return match[1], Clock(int(match[2]) * 3600.0, None)
    return text, None


@lru_cache(CACHED)
def take_date_apart(text: str) -> Parts | None:
    """The parts of a date without a clock."""
    if text.isdigit():
        return _compact(text)
    found = _numeric(text)
    if found is None and any(c.isalpha() for c in text):
        found = _worded(text)
    if found is None:
        span = _RANGE.fullmatch(text)
        if span and len(span[1]) > 5:  # a week or month as its first and last day: it is named by the first
            first, last = take_date_apart(span[1].strip()), take_date_apart(span[2].strip())
            return first if first and last and first.shape == last.shape and first.shape in DAYS else None
    return found


def _numeric(text: str) -> Parts | None:
    match = _TRIPLE.fullmatch(text)
    if match:
        a, c = match[1], match[5]
        if len(a) == 3 or len(c) == 3 or len(a) == len(c) == 4:
            return None
        shape = "y-n-n" if len(a) == 4 else "n/n/y" if len(c) == 4 else "n/n/n"
        return Parts(shape, int(a), int(match[3]), int(c))
    match = _PAIR.fullmatch(text)
    if not match or (match[2] == "." and len(match[1]) < 4 and len(match[3]) < 4):
        return None
    a, b = match[1], match[3]
    sizes = (len(a), len(b))
    if sizes in {(4, 2), (4, 1)}:
        return Parts("y-n", int(a), int(b))
    if sizes in {(2, 4), (1, 4)}:
        return Parts("n/y", int(b), int(a))
    if sizes == (4, 4):
        return Parts("fiscal", int(a)) if int(b) == int(a) + 1 and _is_year(int(a)) else None
    return Parts("n/n", int(a), int(b)) if max(sizes) == 2 else None


def _compact(text: str) -> Parts | None:
    """Digits alone: a year, or a year, month, day, hour ... without marks between."""
    size, number = len(text), int(text)
    if size == 4 and _is_year(number):
        return Parts("year", number)
    if size == 6:
        return Parts("nnnnnn", int(text[:2]), int(text[2:4]), int(text[4:]))
    if size == 8:
        return Parts("nnnnnnnn", int(text[:4]), int(text[4:6]), int(text[6:]), text)
    if size in {10, 12, 14} and 1700 <= int(text[:4]) <= 2200 and 1 <= int(text[4:6]) <= 12:
        hour, minute, second = int(text[8:10]), int(text[10:12] or 0), int(text[12:14] or 0)
        if hour <= 24 and minute < 60 and second < 60:
            clock = Clock(hour * 3600.0 + minute * 60 + second, None)
            return Parts("y-n-n", int(text[:4]), int(text[4:6]), int(text[6:8]), clock=clock)
    return None


def _is_year(number: int) -> bool:
    return 1500 <= number <= 2200


DAYS = frozenset({"y-n-n", "n/n/y", "n/n/n", "nnnnnnnn", "d mon y"})  # shapes that name a day


def _worded(text: str) -> Parts | None:
    """A date with words in it."""
    tokens = _TOKENS.findall(text)
    words = [folded(t) for t in tokens if not t[0].isdigit()]
    digits = [t for t in tokens if t[0].isdigit()]
    months = [t for t in tokens if not t[0].isdigit() and is_month(t)]
    if len(months) > 1 and folded(months[0]) in WEEKDAYS:  # "mar. 3 mars": a Tuesday
        months = months[1:]
    if len(months) == 1:
        rest = [w for w in words if w != folded(months[0]) and w not in FILLERS and w not in WEEKDAYS]
        return None if rest else _with_month(months[0], digits, tokens)
    words = [w for w in words if w not in FILLERS or w in QUARTERS | HALVES | WEEKS]
    return _with_period(words, digits)


def _with_month(word: str, digits: list[str], tokens: list[str]) -> Parts | None:
    place = tokens.index(word)
    if len(digits) == 2:
        first, second = digits
        if len(first) == 4:
            return Parts("d mon y", int(first), 0, int(second), word) if len(second) <= 2 else None
        if len(second) == 4:
            return Parts("d mon y", int(second), 0, int(first), word) if len(first) <= 2 else None
        if len(first) <= 2 and len(second) == 2 and place > 0 and tokens[place - 1] == first:
            return Parts("n mon n", int(first), 0, int(second), word)
        return None
    if len(digits) == 1:
        number = digits[0]
        if len(number) == 4 and _is_year(int(number)):
            return Parts("mon y", int(number), word=word)
        if len(number) <= 2:
            return Parts("mon n" if place < tokens.index(number) else "n mon", int(number), len(number), word=word)
    return None


def _with_period(words: list[str], digits: list[str]) -> Parts | None:
    """Quarters, halves, weeks, fiscal years in words and numbers."""
    roman = [ROMAN[w] for w in words if w in ROMAN]
    words = [w for w in words if w not in ROMAN]
    kind = set(words)
    if (
        roman
        and len(roman) == 1
        and len(digits) == 1
        and len(digits[0]) == 4
        and (not kind or kind <= QUARTERS | HALVES)
    ):
        return Parts("half" if kind and kind <= HALVES - QUARTERS else "quarter", int(digits[0]), roman[0])
    if not kind or not digits:
        return None
    if kind <= FISCAL and len(digits) <= 2:
        year = _full_year(digits[0]) if len(digits[0]) in {2, 4} else 0
        if len(digits) == 2 and int(digits[1]) % 100 != (year + 1) % 100:
            return None
        return Parts("fiscal" if len(digits) == 2 else "year", year) if _is_year(year) else None
    if len(digits) == 3 and kind == {"w"} and len(digits[0]) == 4:  # 2020-W05-3
        return Parts("week", int(digits[0]), int(digits[1]), int(digits[2]))
    if len(digits) != 2:
        return None
    (year,) = [d for d in digits if len(d) == 4][:1] or [""]
    number = next((d for d in digits if d != year or not year), "")
    if not year:  # 1Q13, Q1/13
        number, short = digits if len(digits[0]) == 1 else digits[::-1]
        year = str(_full_year(short)) if len(short) == 2 and len(number) == 1 and kind <= QUARTERS else ""
    if not year or not _is_year(int(year)) or len(number) > 2:
        return None
    if kind <= QUARTERS and 1 <= int(number) <= 4:
        return Parts("quarter", int(year), int(number))
    if kind <= HALVES and 1 <= int(number) <= 2:
        return Parts("half", int(year), int(number))
    if kind <= MONTH_LETTERS:
        return Parts("month", int(year), int(number))
    return Parts("week", int(year), int(number), 1) if kind <= WEEKS | {"no"} else None


def _full_year(text: str) -> int:
    """Two digits as a year of 1970 to 2069."""
    year = int(text)
    return year if len(text) > 2 else year + (1900 if year >= 70 else 2000)
