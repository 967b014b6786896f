"""A date that was taken apart, under one order of its numbers: its year, month and day."""

from __future__ import annotations

import numpy as np

from latchwork.forecasting.reading.cells import Parts

LEAST_YEAR, MOST_YEAR = 1500, 2200


def civil(parts: Parts, order: str, months: dict[str, int]) -> tuple[int, int, int]:
    """Year, month and day of a date under an order; zeros where it has none."""
    shape, a, b, c = parts[:4]
    nothing = (0, 0, 0)
    if shape == "y-n-n":
        return (a, c, b) if order == "year, day, month" else (a, b, c)
    if shape == "n/n/y":
        return (c, a, b) if order == "month first" else (c, b, a)
    if shape == "n/n/n":
        if order == "year first":
            return (_full(a), b, c)
        return (_full(c), a, b) if order == "month first" else (_full(c), b, a)
    if shape in {"d mon y", "n mon n"}:
        month = months.get(parts.word, 0)
        if shape == "d mon y":
            return a, month, c
        return (_full(a), month, c) if order == "year first" else (_full(c), month, a)
    if shape in {"mon y", "mon n", "n mon"}:
        return a if shape == "mon y" else _full(a), months.get(parts.word, 0), 1
    if shape == "y-n":
        if order == "fiscal years":
            return (a, 1, 1) if b == (a + 1) % 100 else nothing
        return a, b, 1
    if shape == "n/n":
        return (_full(a), b, 1) if order == "year first" else (_full(b), a, 1)
    if shape in {"n/y", "month"}:
        return a, b, 1
    if shape == "quarter":
        return a, 3 * b - 2, 1
    if shape == "half":
        return a, 6 * b - 5, 1
    if shape == "week":
        return _monday(a, b, c)
    if shape == "nnnnnnnn":
        text = parts.word
        if order in {"day first", "month first"}:
            first, second = int(text[:2]), int(text[2:4])
            return (int(text[4:]), second, first) if order == "day first" else (int(text[4:]), first, second)
        return a, b, c
    if shape == "nnnnnn":
        return _six_digits(a, b, c, order)
    return a, 1, 1  # a year


def _six_digits(a: int, b: int, c: int, order: str) -> tuple[int, int, int]:
    if order == "months":
        return a * 100 + b, c, 1
    if order == "weeks":
        return _monday(a * 100 + b, c, 1)
    if order == "year first":
        return _full(a), b, c
    return (_full(c), b, a) if order == "day first" else (_full(c), a, b)


def _monday(year: int, week: int, day: int) -> tuple[int, int, int]:
    """The day of an ISO week, counted on from the month of its year's fourth of January."""
    if not (LEAST_YEAR <= year <= MOST_YEAR and 1 <= week <= 53 and 1 <= day <= 7):
        return 0, 0, 0
    fourth = np.datetime64(f"{year}-01-04")  # always in week 1
    monday = fourth - np.timedelta64(int((fourth.astype(np.int64) + 3) % 7), "D")
    found = monday + np.timedelta64(7 * (week - 1) + day - 1, "D")
    month = found.astype("datetime64[M]")
    return (
        int(month.astype("datetime64[Y]").astype(np.int64)) + 1970,
        int(month.astype(np.int64) % 12) + 1,
        int((found - month.astype("datetime64[D]")).astype(np.int64)) + 1,
    )


def _full(year: int) -> int:
    return year if year > 99 else year + (1900 if year >= 70 else 2000)
