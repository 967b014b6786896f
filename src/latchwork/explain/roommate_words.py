"""The roommate's kitchens in words: matrices as text, a day worked through, the learned beside the exact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from latchwork.explain.diary import LearnedKitchen
from latchwork.explain.roommate import WEATHER, Day, Kitchen, MergedKitchen, menu

LARGEST_WRITTEN = 6  # dishes; the numbers of longer menus would be seen by nobody


def labels_of(kitchen: Kitchen, name: str, courses: int) -> tuple[Sequence[str], Sequence[str]]:
    """What the rows and the columns of a kitchen's matrix stand for."""
    dishes = menu(courses)
    halves = [f"{dish}, {half}" for half in ("same", "next") for dish in dishes]
    rows_of_weather = halves if "merge" in kitchen.matrices() else dishes
    return {
        "weather": (rows_of_weather, WEATHER),
        "food": (halves, dishes),
        "merge": (dishes, halves),
        "next_day": (dishes, dishes),
    }[name]


def write_kitchen(kitchen: Kitchen, courses: int) -> str:
    """A kitchen's rule and its matrices as text."""
    parts = [f"He cooks {kitchen.title}."]
    for name, matrix in kitchen.matrices().items():
        rows, columns = labels_of(kitchen, name, courses)
        parts.append(f"\n{name} [{matrix.shape[0]} x {matrix.shape[1]}]\n{write_matrix(matrix, rows, columns)}")
    return "\n".join(parts)


def write_matrix(matrix: NDArray[np.float64], rows: Sequence[str], columns: Sequence[str]) -> str:
    """A matrix as text, one line a row, each with its name; columns are named above, numbered where many."""
    short = [column if len(columns) <= LARGEST_WRITTEN // 2 else str(at + 1) for at, column in enumerate(columns)]
    return _table(rows, {name: matrix[:, at] for at, name in enumerate(short)})


def write_day(kitchen: Kitchen, day: Day, courses: int) -> str:
    """One day of the merged kitchen, step by step: the two products, their sum, what is kept of it, the dish."""
    steps = kitchen.steps(day)
    columns = {
        "yesterday": steps["proposals"],
        "weather": steps["verdict"],
        "sum": steps["total"],
        "kept": steps["chosen"],
    }
    rows = labels_of(kitchen, "food", courses)[0]
    return f"{day_in_words(kitchen, day, courses)}\n\n{_table(rows, columns)}"


def day_in_words(kitchen: Kitchen, day: Day, courses: int) -> str:
    """A day's example in a sentence or two."""
    dishes, weather = menu(courses), WEATHER[day.weather]
    served = dishes[int(kitchen.steps(day)["dish"].argmax())]
    names = kitchen.matrices().keys()
    if "merge" in names:
        return (
            f"A {weather} day after {dishes[day.yesterday]}: yesterday proposes the same and the next dish,\n"
            f"the weather says which half holds. Added, the one that both agree on is a 2;\nit alone is kept: {served}."
        )
    if "weather" in names:
        return f"A {weather} day, whatever there was yesterday: {served}."
    return f"A day after {dishes[day.yesterday]}, whatever the weather: {served}."


def write_learned(learned: LearnedKitchen, courses: int) -> str:
    """Each matrix of the rule with the learned one to its right."""
    kitchen = MergedKitchen(courses)
    parts = [learned.in_words()]
    for name, matrix in learned.normalised().items():
        rows, columns = labels_of(kitchen, name, courses)
        wide = max(map(len, rows))
        exact = kitchen.matrices()[name]
        lines = [
            f"{row:<{wide}}  {' '.join(f'{value:g}' for value in ideal)}   {''.join(f'{each:7.2f}' for each in found)}"
            for row, ideal, found in zip(rows, exact, matrix, strict=True)
        ]
        rule = "rule".ljust(2 * len(columns) - 1)
        parts.append("\n".join([f"{name:<{wide}}  {rule}      learned", *lines]))
    return "\n\n".join(parts)


def _table(rows: Sequence[str], columns: dict[str, NDArray[np.float64]]) -> str:
    wide = max(map(len, rows))
    widths = [max(5, len(name)) for name in columns]
    head = " " * wide + "".join(f"  {name:>{width}}" for name, width in zip(columns, widths, strict=True))
    lines = [
        f"{name:<{wide}}" + "".join(f"  {value:>{width}g}" for value, width in zip(numbers, widths, strict=True))
        for name, numbers in zip(rows, np.stack(list(columns.values()), axis=1), strict=True)
    ]
    return "\n".join([head, *lines])
