"""The roommate's kitchens drawn as what they multiply, and the learned matrices beside the exact ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from latchwork.explain.diary import LearnedKitchen
from latchwork.explain.roommate import RAINY, Day, Kitchen, MergedKitchen, menu
from latchwork.explain.roommate_words import LARGEST_WRITTEN, day_in_words, labels_of
from latchwork.show.pictures import INK, MUTED

CELL = 0.4  # inches of a matrix's entry, where its numbers are written
LARGEST_SHEET = 9.0  # inches of the highest matrix of a longer menu
GAP = 0.9  # entries between a matrix and a sign
LABEL = 4.2  # entries that a row's name takes


class Sheet:
    """Matrices side by side with signs between them, all entries of one size, built from left to right."""

    def __init__(self, courses: int) -> None:
        """An empty sheet for matrices of a menu."""
        self.written = courses <= LARGEST_WRITTEN
        self.size = CELL if self.written else LARGEST_SHEET / (2 * courses)
        self.unit = 1.0 if self.written else CELL / self.size  # entries that stand for one of CELL
        self.x, self.y, self.width = 0.0, 0.0, 0.0
        self.figure = Figure()
        self.axes = self.figure.add_axes((0, 0, 1, 1))

    def heading(self, text: str, note: str = "") -> None:
        """A line of text at the left, and a fainter one below it."""
        self.x = 0.0
        self.axes.text(0, self.y, text, fontsize=12, fontweight="bold", color=INK, va="top")
        self.y += 0.9 * self.unit
        if note:
            self.axes.text(0, self.y, note, fontsize=9, color=MUTED, va="top")
            self.y += self.unit * 0.45 * (note.count("\n") + 1)
        self.y += 0.8 * self.unit

    def matrix(
        self, matrix: NDArray[np.float64], name: str, rows: Sequence[str] = (), columns: Sequence[str] = ()
    ) -> None:
        """A matrix, or a vector as one column, with the names of its rows and columns where they fit."""
        if self.written and rows:
            self.x += LABEL
            for at, row in enumerate(rows):
                self.axes.text(self.x - 0.2, self.y + at + 0.5, row, ha="right", va="center", fontsize=8, color=MUTED)
        values = matrix.reshape(len(matrix), -1)
        high, wide = values.shape
        self.axes.imshow(
            values, cmap="PuOr_r", vmin=-1.6, vmax=1.6, extent=(self.x, self.x + wide, self.y + high, self.y)
        )
        self.axes.text(
            self.x + wide / 2, self.y - 0.25 * self.unit, name, ha="center", va="bottom", fontsize=9, color=INK
        )
        if self.written:
            for (row, column), value in np.ndenumerate(values):
                self.axes.text(
                    self.x + column + 0.5, self.y + row + 0.5, f"{round(value, 2) + 0.0:g}", ha="center", va="center",
                    fontsize=7 if value % 1 else 9, color="white" if abs(value) > 0.9 else "0.35",
                )  # fmt: skip
            for at, column in enumerate(columns):
                self.axes.text(
                    self.x + at + 0.6, self.y + high + 0.15, column, ha="right", va="top", fontsize=8, rotation=35,
                    rotation_mode="anchor", color=MUTED,
                )  # fmt: skip
        self.x += wide
        self.width = max(self.width, self.x)

    def sign(self, text: str, high: int) -> None:
        """A sign at the middle of matrices of `high` rows."""
        self.axes.text(self.x + GAP * self.unit / 2, self.y + high / 2, text, ha="center", va="center", fontsize=14)
        self.x += GAP * self.unit

    def below(self, high: int, names: bool) -> None:
        """Go on below matrices of `high` rows, with room for their columns' names."""
        self.x = 0.0
        self.y += high + self.unit * (2.6 if names and self.written else 1.2)

    def finish(self) -> Figure:
        """The sheet, cut to what is on it."""
        margin = 0.5 * self.unit
        width, height = max(self.width, 15 * self.unit) + 2 * margin, self.y + 2 * margin
        self.axes.set_axis_off()
        self.axes.set_aspect("equal")
        self.axes.set_xlim(-margin, width - margin)
        self.axes.set_ylim(height - margin, -margin)
        self.figure.set_size_inches(width * self.size, height * self.size)
        return self.figure


def draw_kitchens(kitchens: Mapping[str, Kitchen], courses: int) -> Figure:
    """Every kitchen at work on one day: its matrices, what they are multiplied with, and the dish."""
    sheet, day, dishes = Sheet(courses), Day(min(1, courses - 1), RAINY), menu(courses)
    for name, kitchen in kitchens.items():
        matrices, steps = kitchen.matrices(), kitchen.steps(day)
        sheet.heading(f"He cooks {kitchen.title}", day_in_words(kitchen, day, courses))
        for at, (title, matrix) in enumerate(matrices.items()):
            rows, columns = labels_of(kitchen, title, courses)
            high = len(matrix)
            if "merge" not in matrices:
                sheet.matrix(matrix, title.replace("_", " "), rows, columns)
                sheet.sign("×", high)
                sheet.matrix(
                    steps["weather" if name == "plain" else "yesterday"], "today" if name == "plain" else "yesterday"
                )
                sheet.sign("=", high)
                sheet.matrix(steps["dish"], "dish", dishes)
                sheet.below(high, names=True)
            elif title != "merge":
                sheet.matrix(matrix, title, rows, columns)
                sheet.sign("×", high)
                sheet.matrix(
                    steps["yesterday" if title == "food" else "weather"], "yesterday" if title == "food" else "today"
                )
                sheet.sign("+" if at == 0 else "=", high)
            else:
                sheet.matrix(steps["total"], "sum", labels_of(kitchen, "food", courses)[0])
                sheet.below(2 * courses, names=True)
                sheet.matrix(matrix, "merge", rows, columns)
                sheet.sign("×", high)
                sheet.matrix(steps["chosen"], "the 2 alone, as a 1")
                sheet.sign("=", high)
                sheet.matrix(steps["dish"], "dish", dishes)
                sheet.below(2 * courses, names=False)
    return sheet.finish()


def draw_learned(learned: LearnedKitchen, courses: int) -> Figure:
    """The matrices of the rule above those found from the diary, on one scale."""
    kitchen, sheet = MergedKitchen(courses), Sheet(courses)
    sides = {
        "The rule": ("", kitchen.matrices()),
        "Learned from the diary": (learned.in_words(), learned.normalised()),
    }
    for title, (note, matrices) in sides.items():
        sheet.heading(title, note)
        for name, matrix in matrices.items():
            sheet.matrix(matrix, name, *labels_of(kitchen, name, courses))
            sheet.x += GAP * sheet.unit
        sheet.below(2 * courses, names=True)
    return sheet.finish()
