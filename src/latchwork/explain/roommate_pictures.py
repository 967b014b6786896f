"""The roommate's kitchens on paper: matrices as text, and as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from latchwork.explain.diary import LearnedKitchen
from latchwork.explain.roommate import WEATHER, Kitchen, MergedKitchen, menu

LARGEST_WITH_NUMBERS = 6  # dishes; longer menus are drawn as colours alone

Matrices = Mapping[str, NDArray[np.float64]]


def labels(name: str, courses: int) -> tuple[Sequence[str], Sequence[str]]:
    """What the rows and the columns of a kitchen's matrix stand for."""
    dishes = menu(courses)
    halves = [f"{dish}, {half}" for half in ("same", "next") for dish in dishes]
    return {
        "weather": (halves, WEATHER),
        "food": (halves, dishes),
        "merge": (dishes, halves),
        "next_day": (dishes, dishes),
    }[name]


def write_matrix(matrix: NDArray[np.float64], rows: Sequence[str], columns: Sequence[str]) -> str:
    """A matrix as text, one line a row, each with its name; columns are named above, numbered where many."""
    wide = max(map(len, rows))
    short = [column if len(columns) <= LARGEST_WITH_NUMBERS // 2 else str(at + 1) for at, column in enumerate(columns)]
    head = " " * wide + "  " + "  ".join(f"{column:>5}" for column in short)
    cells = [
        "  ".join(
            f"{value:>{max(5, len(column))}g}" for value, column in zip(np.round(row, 2) + 0.0, short, strict=True)
        )
        for row in matrix
    ]
    return "\n".join([head, *(f"{name:<{wide}}  {row}" for name, row in zip(rows, cells, strict=True))])


def write_kitchen(kitchen: Kitchen, courses: int) -> str:
    """A kitchen's rule and its matrices as text."""
    parts = [f"He cooks {kitchen.title}."]
    for name, matrix in kitchen.matrices().items():
        rows, columns = _labels(kitchen, name, courses)
        parts.append(f"\n{name} [{matrix.shape[0]} x {matrix.shape[1]}]\n{write_matrix(matrix, rows, columns)}")
    return "\n".join(parts)


def draw_kitchens(kitchens: Mapping[str, Kitchen], courses: int) -> Figure:
    """Every kitchen's matrices, one row of pictures a kitchen."""
    figure = Figure(figsize=(11, 10.5), layout="constrained")
    parts = figure.subfigures(len(kitchens), 1, height_ratios=[1, 1, 1.6], squeeze=False)[:, 0]
    for part, kitchen in zip(parts, kitchens.values(), strict=True):
        matrices = kitchen.matrices()
        part.suptitle(f"He cooks {kitchen.title}", fontsize=12)
        for axes, (name, matrix) in zip(_row(part.subplots(1, len(matrices))), matrices.items(), strict=True):
            draw_matrix(axes, matrix, name.replace("_", " "), *_labels(kitchen, name, courses))
    return figure


def draw_learned(learned: LearnedKitchen, courses: int) -> Figure:
    """The matrices of the rule above those found from the diary, on one scale."""
    exact, found = MergedKitchen(courses).matrices(), learned.normalised()
    figure = Figure(figsize=(11, 8.5), layout="constrained")
    sides = {"The rule": exact, "Learned from the diary": found}
    parts = figure.subfigures(len(sides), 1, squeeze=False)[:, 0]
    for part, (title, matrices) in zip(parts, sides.items(), strict=True):
        part.suptitle(title, fontsize=12)
        for axes, (name, matrix) in zip(_row(part.subplots(1, len(matrices))), matrices.items(), strict=True):
            draw_matrix(axes, matrix, name, *labels(name, courses))
    return figure


def draw_matrix(
    axes: Axes, matrix: NDArray[np.float64], title: str, rows: Sequence[str], columns: Sequence[str]
) -> None:
    """One matrix as coloured squares, with its numbers where they fit."""
    axes.imshow(matrix, cmap="PuOr_r", vmin=-1.5, vmax=1.5)
    axes.set_title(title, fontsize=10)
    axes.tick_params(length=0, labelsize=8)
    if len(matrix) <= 2 * LARGEST_WITH_NUMBERS:
        axes.set_yticks(range(len(rows)), rows)
        axes.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
        for (row, column), value in np.ndenumerate(matrix):
            strong = abs(value) > 0.9
            axes.text(
                column, row, f"{round(value, 2) + 0.0:g}", ha="center", va="center", fontsize=8,
                color="white" if strong else "0.25",
            )  # fmt: skip
    else:
        axes.set_xlabel(f"{len(columns)} columns", fontsize=8)
        axes.set_ylabel(f"{len(rows)} rows", fontsize=8)


# In the plain kitchen the weather matrix gives dishes at once, not the halves of a proposal.
def _labels(kitchen: Kitchen, name: str, courses: int) -> tuple[Sequence[str], Sequence[str]]:
    return labels(name, courses) if "merge" in kitchen.matrices() or name != "weather" else (menu(courses), WEATHER)


def _row(axes: Axes | NDArray[np.object_]) -> list[Axes]:
    return list(np.atleast_1d(np.asarray(axes, dtype=object)))
