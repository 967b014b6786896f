"""A column of text into numbers: its decimal mark decided by the whole column, and all else that people write in cells.

Currencies, percentages, units, brackets and trailing minus signs for what is negative, thousands by dots, commas,
blanks or apostrophes, "1.2k", flags and footnotes of statistical offices, "<1", words and codes for what is missing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

MISSING = frozenset(
    [
        "na",
        "n/a",
        "nan",
        "null",
        "none",
        "nil",
        "-",
        "--",
        "---",
        ".",
        "..",
        "...",
        "…",
        "?",
        "??",
        "#n/a",
        "#na",
        "missing",
        "***",
        "**",
        "*",
        ":",
        "n/k",
        "k.a.",
        "k.",
        "n.a.",
        "n.d.",
        "s.d.",
        "nd",
        "x",
        "(na)",
        "#value!",
        "#div/0!",
        "#ref!",
        "#name?",
        "#num!",
        "#null!",
        "—",
        "–",
        "−",
        "unknown",
        "tbd",
        "pending",
        "\\n",
        "<na>",
        "nat",
        "n.v.",
        "?-?",
        "#wert!",
        "#bezug!",
        "ø",
        "/",
        "//",
        "m",
        ".m.",
        "(x)",
        "(d)",
        "(s)",
        "n.e.",
        "inf",
        "-inf",
        "infinity",
    ]
) | {"", "k. a.", "n. a.", "not available", "nicht verfügbar", "no data", "keine angabe", "non disponible"}
TRUTHS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "t": 1.0, "f": 0.0, "ja": 1.0, "nein": 0.0, "oui": 1.0}
CURRENCIES = (
    "USD|EUR|GBP|CHF|JPY|PLN|SEK|NOK|DKK|CZK|HUF|RON|BGN|TRY|CNY|INR|AUD|CAD|NZD|BRL|MXN|ZAR"
    "|Rs\\.?|kr\\.?|Fr\\.?|R\\$|US\\$|zł|Kč|Ft|lei|лв"
)
_CELL = re.compile(
    rf"(?P<bound>[<>≤≥~≈]=?|)\s*(?P<open>\(?)\s*(?P<sign>[-+−–]?)\s*(?:{CURRENCIES}|[$€£¥₹₽₺฿₩])?\s*(?P<sign2>[-+−]?)\s*"
    r"(?P<digits>\d[\d.,'’\u00a0\u202f_ ]*|[.,]\d+)(?P<power>[eE][-+]?\d+)?(?P<minus>-?)"
    r"(?P<after>[^\d]*(?:\[\d+\]|\(\d\))?)"
)
_FACTORS = {"k": 1e3, "K": 1e3, "M": 1e6, "Mio": 1e6, "mn": 1e6, "B": 1e9, "bn": 1e9, "Bn": 1e9, "Mrd": 1e9, "Tsd": 1e3}
_FLAG = re.compile(r"\s*(?:[a-z]{1,3}|\([a-z]{1,3}\)|[*†‡#^]{1,3}|\[\d+\]|\(\d\)|[A-Z])\s*")
_UNIT = re.compile(r"[%°*†‡]\s?[A-Z]?|[a-zA-Zµ°€$]{1,4}[23²³]?|\([a-z]\)|\[\d+\]")
_EITHER = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")  # 1.234: a thousand and more, or one and less
SENTINELS = (-99.0, -99.9, -99.99, -999.0, -999.9, -999.99, -9999.0, -9999.9, -99999.0, -32768.0, 1e20, 9.96921e36)
SAMPLE = 20_000
SMOOTHER = 3.0  # logs that one reading must save on the way from number to number, to be the right one
ENOUGH_NUMBERS = 0.6  # share of the cells that say something, for a column of numbers


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return cell.strip().lower() in MISSING


def is_number(cell: str) -> bool:
    """Whether a cell by itself is a number, with whatever people write beside numbers; words for truth are none."""
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        mark = "," if cell.rfind(",") > cell.rfind(".") and not _EITHER.fullmatch(cell) else "."
        found = _read_cell(cell, mark)
        return bool(np.isfinite(found.value)) and (
            not found.after.strip() or bool(_UNIT.fullmatch(found.after.strip()))
        )


@dataclass(frozen=True)
class Mark:
    """A column's decimal mark. certain: no other reading makes sense. seen: the column itself shows it."""

    decimal: str
    certain: bool
    seen: bool = False


@dataclass(frozen=True)
class Numbers:
    """A column as numbers.

    values: NaN where missing or unreadable. said: cells that are not missing. texts: those of them that are no numbers.
    bounds: cells such as "<1". flags: marks of the kind "p" or "*" after a number, and how often. mark: the decimal
    mark, and whether it is certain. unit: what stands beside every number. codes: numbers that stand for "missing".
    """

    values: NDArray[np.float64]
    said: int
    texts: tuple[str, ...] = ()
    bounds: int = 0
    flags: dict[str, int] = field(default_factory=dict[str, int])
    mark: Mark = Mark(".", True)
    unit: str = ""
    codes: dict[float, int] = field(default_factory=dict[float, int])

    @property
    def are_numbers(self) -> bool:
        """Whether enough of the cells are numbers for the column to be one of numbers."""
        return self.said == 0 or len(self.texts) <= (1 - ENOUGH_NUMBERS) * self.said


def clearly_text(cells: Sequence[str]) -> bool:
    """Whether so few of a sample of cells are numbers that the column need not be read as such."""
    sample = [cell for cell in cells[:: max(1, len(cells) // 500)] if not is_missing(cell)]
    if len(sample) < 100:
        return False
    numeric = sum(_CELL.fullmatch(cell) is not None or cell.lower() in TRUTHS for cell in sample)
    return numeric < 0.3 * len(sample)


def parse_numbers(cells: Sequence[str]) -> tuple[NDArray[np.float64], int]:
    """Values, NaN where missing or unreadable, and how many cells were unreadable."""
    found = read_numbers(cells)
    return found.values, len(found.texts)


def decimal_mark(cells: Sequence[str]) -> str:
    """The decimal mark of a column: "," or "."."""
    return find_mark(cells).decimal


def find_mark(cells: Sequence[str], usual: str | None = None) -> Mark:
    """The decimal mark, from the whole column.

    usual: the mark of the file's other columns, where those are certain. A mark with one to three digits before and
    three after may be either: then it counts whether numbers without the mark are there, and in which reading the
    column goes on more smoothly from row to row.
    """
    votes: Counter[str] = Counter()
    order: list[str] = []  # what could be either, and whole numbers, as they follow each other
    for cell in _sampled(cells):
        match = _CELL.fullmatch(cell.strip())
        if match is None:
            continue
        inner = re.sub(r"['’\u00a0\u202f_ ]", "", match["digits"])
        dots, commas = inner.count("."), inner.count(",")
        if dots and commas:
            votes["." if inner.rfind(".") > inner.rfind(",") else ","] += 10
        elif dots > 1 or commas > 1:
            votes["," if dots > 1 else "."] += 10
        elif _EITHER.fullmatch(inner) or inner.isdigit():
            order.append(inner)
        elif dots or commas:
            votes["." if dots else ","] += 1
    if votes:
        return Mark(max(votes, key=lambda mark: votes[mark]), True, True)
    either = [text for text in order if not text.isdigit()]
    if not either:
        return Mark(usual or ".", True)
    mark = "." if "." in either[0] else ","
    other = "," if mark == "." else "."
    plain = [text for text in order if text.isdigit()]
    if any(len(text) > 3 and text[0] != "0" for text in plain):  # thousands are written without a mark here
        return Mark(mark, True, True)
    if plain and any(text.endswith("0") for text in either):  # three decimals would have given 12.000
        return Mark(other, True, True)
    if plain:
        saved = _roughness(order, mark, 1e-3) - _roughness(order, mark, 1.0)
        if abs(saved) > SMOOTHER:
            return Mark(other if saved > 0 else mark, True, True)
    if usual is not None:
        return Mark(usual, True)
    return Mark("." if mark == "." else other, False)


def _sampled(cells: Sequence[str]) -> Sequence[str]:
    return cells if len(cells) <= SAMPLE else cells[:: len(cells) // SAMPLE]


def _roughness(order: list[str], mark: str, unit: float) -> float:
    """The sum of steps in logs from each number to the next, where a mark's groups count in `unit`s."""
    sizes = [float(text) if text.isdigit() else unit * float(text.replace(mark, "")) for text in order]
    return float(np.abs(np.diff(np.log(np.maximum(sizes, 1e-3)))).sum())


def read_numbers(cells: Sequence[str], decimal: str | None = None, usual: str | None = None) -> Numbers:
    """Read a column. decimal: the mark where the user says it; usual: that of the file's other columns.

    Example: read_numbers(["987", "1.012", "1.608"]).values.tolist() == [987.0, 1012.0, 1608.0]
    """
    quick = _quick(cells, decimal)
    if quick is not None:
        return _without_codes(quick)
    said = [cell for cell in cells if not is_missing(cell)]
    if said and all(cell.strip().lower() in TRUTHS for cell in said):
        return Numbers(np.array([TRUTHS.get(cell.strip().lower(), np.nan) for cell in cells]), len(said))
    mark = Mark(decimal, True) if decimal else find_mark(cells, usual)
    read = {cell: _read_cell(cell, mark.decimal) for cell in dict.fromkeys(cells)}
    units = Counter(read[cell].after for cell in said if read[cell].after)
    unit = next((u for u, n in units.items() if n >= 0.9 * len(said)), "")
    flags = {u: n for u, n in units.items() if u != unit and _FLAG.fullmatch(u)}
    if len(flags) > 1 and sum(units.values()) > 0.9 * len(said):
        flags = {}  # "12 kg" and "500 g" are no flags
    good = {"", unit, *flags}
    readable = {cell: found.value if found.after in good else np.nan for cell, found in read.items()}
    values = np.array([readable[cell] for cell in cells], dtype=np.float64)
    texts = tuple(cell for cell in said if np.isnan(readable[cell]))
    bounds = sum(read[cell].bound for cell in said)
    return _without_codes(Numbers(values, len(said), texts, bounds, flags, mark, unit.strip()))


def _quick(cells: Sequence[str], decimal: str | None) -> Numbers | None:
    """The common case, at NumPy's speed; None where a mark could mean thousands."""
    if decimal == ",":
        return None
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        return None
    if decimal is None:
        marked = [cell for cell in _sampled(cells) if "." in cell]
        if marked and all(_EITHER.fullmatch(cell.strip().lstrip("+-")) for cell in marked[:2000]):
            return None
    values[~np.isfinite(values)] = np.nan
    return Numbers(values, int(np.isfinite(values).sum()))


@dataclass(frozen=True)
class _Cell:
    """A cell's number, NaN where it has none; what stands after it; whether it is a bound such as "<1"."""

    value: float
    after: str = ""
    bound: bool = False


def _read_cell(cell: str, decimal: str) -> _Cell:
    text = cell.strip()
    match = _CELL.fullmatch(text)
    if match is None or is_missing(text):
        return _Cell(np.nan)
    inner = re.sub(r"['’\u00a0\u202f_ ]", "", match["digits"])
    if decimal == ",":
        grouped, inner = re.fullmatch(r"\d{1,3}(\.\d{3})+(,\d*)?", inner), inner.replace(",", "|", 1)
        if "." in inner and not grouped:
            return _Cell(np.nan)  # 12.5 in a column of decimal commas
        inner = inner.replace(".", "").replace("|", ".")
    else:
        if "," in inner and not re.fullmatch(r"\d{1,3}(,\d{2,3})+(\.\d*)?", inner):
            return _Cell(np.nan)
        inner = inner.replace(",", "")
    try:
        value = float(inner + (match["power"] or ""))
    except ValueError:
        return _Cell(np.nan)
    after = match["after"]
    if match["open"]:
        if ")" not in after:
            return _Cell(np.nan)
        after = after.replace(")", "", 1)
    after = re.sub(rf"^\s*(?:{CURRENCIES}|[$€£¥₹₽₺฿₩])\.?\s*$", "", after)
    word = after.strip().rstrip(".")
    if word in _FACTORS and not after.startswith("  "):
        value, after = value * _FACTORS[word], ""
    elif word.upper() in {"CR", "DR"}:
        value, after = -value if word.upper() == "DR" else value, ""
    negative = bool(match["open"] or match["minus"] or "-−–".find(match["sign"] or "+") >= 0)
    negative = negative or (match["sign2"] or "+") in "-−"
    bound = match["bound"][:1] in {"<", "≤"}
    value = value / 2 if bound else value
    return _Cell(-value if negative else value, after if after.strip() else "", bool(match["bound"]))


def _without_codes(found: Numbers) -> Numbers:
    """The column without numbers that stand for "missing": -999 where all else is far from it."""
    values = found.values
    if values.size == 0:
        return found
    met = [code for code in SENTINELS if bool((values == code).any())]
    for code in met:
        others = values[np.isfinite(values) & ~np.isin(values, met)]
        far = others.size > 3 and (others.min() > 0.5 * code if code < 0 else others.max() < 1e-3 * code)
        if far and (code > 0 or others.min() > -abs(code) / 4):
            hit = values == code
            codes = {**found.codes, code: int(hit.sum())}
            values = np.where(hit, np.nan, values)
            found = Numbers(
                values,
                found.said - int(hit.sum()),
                found.texts,
                found.bounds,
                found.flags,
                found.mark,
                found.unit,
                codes,
            )
    return found
