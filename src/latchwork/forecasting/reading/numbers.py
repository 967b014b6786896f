"""Text into numbers: decimal commas, thousands, currencies, percentages, brackets, words for missing."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MISSING = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "nil", "-", "--", ".", "..", "...", "?", "#n/a", "missing"}
)
TRUTHS = {"true": "1", "false": "0", "yes": "1", "no": "0"}
_AROUND = re.compile(r"[\s\u00a0\u202f'’_$€£¥%]|USD|EUR|GBP")
_THOUSANDS = {",": re.compile(r"[-+]?\d{1,3}(,\d{3})+"), ".": re.compile(r"[-+]?\d{1,3}(\.\d{3}){2,}")}
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return cell.strip().lower() in MISSING


def parse_numbers(cells: Sequence[str]) -> tuple[NDArray[np.float64], int]:
    """Read a column: its values, NaN where missing or unreadable, and how many cells were unreadable."""
    try:
        return np.array(cells, dtype=np.float64), 0  # the common case, at NumPy's speed
    except ValueError:
        pass
    decimal = decimal_mark(cells)
    values = np.full(len(cells), np.nan)
    unreadable = 0
    for row, cell in enumerate(cells):
        if is_missing(cell):
            continue
        plain = _plain(cell, decimal)
        if plain is None:
            unreadable += 1
        else:
            values[row] = float(plain)
    values[~np.isfinite(values)] = np.nan
    return values, unreadable


def decimal_mark(cells: Sequence[str]) -> str:
    """The decimal mark of a column: "," or "."."""
    votes = {",": 0, ".": 0}
    for cell in cells[:10_000]:
        text = _AROUND.sub("", cell)
        if "," in text and "." in text:
            votes["," if text.rfind(",") > text.rfind(".") else "."] += 10
        elif "," in text:
            votes["." if _THOUSANDS[","].fullmatch(text) else ","] += 1
        elif "." in text:
            votes["," if _THOUSANDS["."].fullmatch(text) else "."] += 1
    return "," if votes[","] > votes["."] else "."


def _plain(cell: str, decimal: str) -> str | None:
    text = _AROUND.sub("", cell)
    lowered = text.lower()
    if lowered in TRUTHS:
        return TRUTHS[lowered]
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1]
    text = text.replace("\u2212", "-")
    text = text.replace(".", "").replace(",", ".") if decimal == "," else text.replace(",", "")
    return text if _NUMBER.fullmatch(text) else None
