"""Pictures over the steps of a sequence: heat maps, units beside their rules, bars of influence, how far back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from latchwork.show.pictures import BLUE, GREEN, MUTED, ORANGE, PURPLE, new_figure, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values = NDArray[Any]
SIGNED = {"candidate", "cell", "hidden"}  # and any other whose numbers leave 0 to 1
MOST_LABELS = 150  # steps whose letters can be told apart
LARGEST_MAP = (9.0, 2.4)  # inches of one heat map


def draw_heat_maps(
    arrays: Mapping[str, Values], order: NDArray[np.int64], name: str, tokens: Sequence[str] | None = None
) -> Figure:
    """A heat map `[units, time]` for each gate and state, units in the given order, gates in green, states signed."""
    steps, units = next(iter(arrays.values())).shape
    height = float(np.clip(units / 40, 0.8, LARGEST_MAP[1]))
    figure = Figure(figsize=(LARGEST_MAP[0], height * len(arrays) + 0.9), layout="constrained")
    panels = figure.subplots(len(arrays), 1, sharex=True, squeeze=False)[:, 0]
    for panel, (array, values) in zip(panels, arrays.items(), strict=True):
        signed = array in SIGNED or values.min() < 0 or values.max() > 1
        # A cell's numbers have no bounds; almost all of them decide the colours, so that one does not pale the rest.
        most = max(1.0, float(np.quantile(np.abs(values), 0.97))) if signed else 1.0
        look = {"vmin": -most, "vmax": most, "cmap": "PuOr_r"} if signed else {"vmin": 0, "cmap": "Greens"}
        # Steps finer than dots are averaged: leaving some out would show patterns that are not there.
        smooth = "auto" if steps > 600 else "nearest"
        picture = panel.imshow(values[:, order].T, aspect="auto", interpolation=smooth, **{"vmax": 1.0, **look})
        panel.set_ylabel(array, rotation=0, ha="right", va="center")
        panel.set_yticks([])
        panel.tick_params(length=0, colors=MUTED)
        for spine in panel.spines.values():
            spine.set_visible(False)
        bar = figure.colorbar(picture, ax=panel, pad=0.01, aspect=12)
        bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue, reportAttributeAccessIssue]
        bar.ax.tick_params(length=0, labelsize=8, colors=MUTED)
        bar.ax.yaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
    _name_steps(panels[-1], tokens, f" ({units} units from top to bottom, alike ones side by side)")
    title(panels[0], name)
    return figure


class Unit(NamedTuple):
    """A unit's panel: its heading, what it does at each step `[time]`, and what its rule says of that."""

    heading: str
    values: Values
    rule: Values


def draw_units(units: Sequence[Unit], tokens: Sequence[str] | None = None) -> Figure:
    """One panel each, the unit above the line of its rule."""
    figure = Figure(figsize=(9, 1.25 * len(units) + 0.5), layout="constrained")
    panels: list[Axes] = list(figure.subplots(len(units), 1, sharex=True, squeeze=False)[:, 0])
    for panel, unit in zip(panels, units, strict=True):
        panel.plot(unit.rule, color=ORANGE, linewidth=3, alpha=0.5, label="the rule")
        panel.plot(unit.values, color=BLUE, linewidth=1.2, label="the unit")
        title(panel, unit.heading)
        panel.spines[["top", "right", "left", "bottom"]].set_visible(False)
        panel.tick_params(length=0, labelsize=8, colors=MUTED)
        panel.yaxis.set_major_locator(MaxNLocator(2))
    panels[0].legend(frameon=False, fontsize=8, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    _name_steps(panels[-1], tokens)
    return figure


def draw_bars(steps: Values, heading: str, note: str, tokens: Sequence[str] | None = None) -> Figure:
    """A bar for each step `[time]`: up where it raised the answer."""
    figure, (panel,) = new_figure(9, 3)
    panel.bar(np.arange(len(steps)), steps, width=0.9, color=np.where(steps < 0, BLUE, ORANGE).tolist())
    panel.axhline(0, color=MUTED, linewidth=0.8)
    _name_steps(panel, tokens)
    title(panel, heading)
    panel.text(1, 1.02, note, transform=panel.transAxes, ha="right", va="bottom", fontsize=8, color=MUTED)
    return figure


class Reach(NamedTuple):
    """A curve over steps, shaded up to where it says enough."""

    heading: str
    steps: Values
    values: Values
    up_to: int


def draw_reaches(influence: Reach, change: Reach) -> Figure:
    """On the left the influence of each distance, on the right what the last steps alone change of the answer."""
    figure, (left, right) = new_figure(9, 3.2, columns=2)
    left.plot(influence.steps, influence.values, color=PURPLE)
    left.axvspan(-0.5, influence.up_to - 0.5, color=PURPLE, alpha=0.1, linewidth=0)
    left.set_xlabel("steps back")
    right.plot(change.steps, change.values, "o-", markersize=4, color=GREEN)
    right.axvspan(0, change.up_to, color=GREEN, alpha=0.1, linewidth=0)
    right.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    right.set_xlabel("last steps kept")
    for panel, reach in ((left, influence), (right, change)):
        title(panel, reach.heading)
        panel.set_ylim(bottom=0)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _name_steps(panel: Axes, tokens: Sequence[str] | None, more: str = "") -> None:
    if tokens is None or len(tokens) > MOST_LABELS:
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set_xlabel(f"step{more}", color=MUTED)
        return
    read = [token.replace("\n", "⏎").replace(" ", "␣") for token in tokens]
    panel.set_xticks(range(len(read)), read, fontsize=6, family="monospace", va="baseline")
    panel.tick_params(axis="x", pad=10)
    panel.set_xlabel(f"what it read{more}", color=MUTED)
