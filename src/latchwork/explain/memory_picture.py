"""The memory experiment as one picture that makes its point without a caption."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from latchwork.explain.memory import CellMemory, Plan
from latchwork.explain.memory_tasks import Task
from latchwork.explain.memory_training import cells
from latchwork.show.pictures import MUTED, new_figure, title

COLOURS = ("#c8374f", "#1f8a5f", "#6a4fb3", "#2a72ad", "#b8730f", "#0e7c86", "#8a6d1f")  # of the table's cells, in turn
SMALLEST = 1e-9  # of the gradients drawn: a line that leaves the picture has nothing left to say


def draw_memory(measured: Mapping[str, CellMemory], plan: Plan, task: Task) -> Figure:
    """On the left accuracy against distance, the median line and the spread over seeds; on the right the gradient."""
    figure, (left, right) = new_figure(11, 4.4, columns=2)
    places = np.arange(len(plan.distances))
    colours = dict(zip(cells(), cycle(COLOURS), strict=False))
    # Cells that hold everything would hide each other: those drawn first are wider.
    for wide, (cell, found) in zip(np.linspace(6, 2, len(measured)), measured.items(), strict=True):
        left.fill_between(
            places, found.accuracy.min(axis=0), found.accuracy.max(axis=0), color=colours[cell], alpha=0.12
        )
        left.plot(places, found.medians(), "o-", color=colours[cell], linewidth=wide, label=cell)
        distance = np.arange(1, len(found.reach) + 1)
        right.semilogy(distance, found.reach, color=colours[cell], label=cell)
    left.axhline(task.chance, color=MUTED, linestyle=":")
    left.text(0, task.chance + 0.015, f"a guess: {task.chance:.0%}", color=MUTED, fontsize=9)
    left.set_xticks(places, [str(distance) for distance in plan.distances])
    left.set_ylim(0, 1.04)
    left.yaxis.set_major_formatter(PercentFormatter(1))
    left.set_xlabel("steps back")
    title(left, "How often it is remembered")
    left.legend(frameon=False, loc="center left")
    right.set_ylim(bottom=max(SMALLEST, 0.5 * min(float(found.reach.min()) for found in measured.values())))
    right.set_xlabel("steps back")
    title(right, "How much gradient reaches back that far")
    return figure
