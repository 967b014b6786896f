"""The look of every picture: one palette, quiet axes, direct labels. Matplotlib is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from latchwork.core.writing import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, GRID = "#1f2430", "#6b7280", "#e5e7eb"
BLUE, ORANGE, GREEN, RED, PURPLE = "#2563eb", "#ea7317", "#0f9d76", "#d6336c", "#7c3aed"

STYLE: Mapping[str, Any] = {
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "lines.linewidth": 1.8,
}


def new_figure(
    width: float = 8.0, height: float = 4.0, *, columns: int = 1, widths: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """A figure in inches with panels side by side, styled; apart from pyplot, so that nothing is kept or shown."""
    import matplotlib as mpl

    with mpl.rc_context(cast("Any", STYLE)):
        figure = Figure(figsize=(width, height), layout="constrained")
        grid = figure.add_gridspec(1, columns, width_ratios=widths)
        axes = [figure.add_subplot(grid[0, column]) for column in range(columns)]
    cast("Any", figure.get_layout_engine()).set(w_pad=0.12, h_pad=0.12)  # inches of air at the edges
    for panel in axes:
        panel.grid(axis="y", color=GRID, linewidth=0.8)
        panel.set_axisbelow(True)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(length=0)
    return figure, axes


def title(panel: Axes, text: str) -> None:
    """A panel's title, bold and to the left."""
    panel.set_title(text, loc="left", fontsize=11, fontweight="bold", color=INK)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG of twice the usual sharpness."""
    with replacing(path) as beside:
        figure.savefig(beside, dpi=160, facecolor="white")


def draw_epochs(rows: Sequence[Mapping[str, float]]) -> Figure:
    """Loss and metrics over the epochs, one panel each, training beside validation.

    Args:
        rows: one for each epoch: `epoch`, `step`, `seconds`, each figure, the validation's with `val_` before the name.
    """
    names = [name for name in rows[0] if name not in ("epoch", "step", "seconds") and name[:4] != "val_"]
    figure, axes = new_figure(5.0 * len(names), 3.6, columns=len(names))
    for name, panel in zip(names, axes, strict=True):
        for column, label, colour in ((name, "training", BLUE), (f"val_{name}", "validation", ORANGE)):
            points = [(row["epoch"], row[column]) for row in rows if column in row]
            if points:
                marker = "o" if len(points) <= 30 else ""
                panel.plot(*zip(*points, strict=True), color=colour, marker=marker, ms=4, label=label)
        title(panel, name.replace("_", " "))
        panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        if f"val_{name}" in rows[-1]:
            panel.legend(frameon=False)
    return figure
