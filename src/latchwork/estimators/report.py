"""`report.html` of a classifier or regressor: the verdict, what was compared, where it is wrong, how to do it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.writing import write_text
from latchwork.estimators.baselines import READABLE
from latchwork.estimators.comparison import Comparison
from latchwork.show.pictures import BLUE, MUTED, ORANGE, new_figure, title
from latchwork.show.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WINDOWS = 12  # of a sequence, hidden one at a time
LEANED_ROWS = 100  # sequences that this is averaged over
FEATURES_SHOWN = 4


def write_report(
    path: Path,
    model: Any,
    comparison: Comparison,
    inputs: NDArray[Any],
    lengths: NDArray[Any] | None,
    *,
    used: str,
    source: str,
    command: str,
    notes: Sequence[str] = (),
) -> None:
    """Write the page.

    Args:
        path: where.
        model: what answers: its `outputs` are asked with parts of sequences hidden.
        comparison: what was found.
        inputs, lengths: the training sequences.
        used: the name of the method that answers.
        source: what the data are, in words.
        command: how to make all this again.
        notes: how the network was chosen.
    """
    classes = None if model.labels is None else [str(label) for label in model.labels.classes]
    page = Report("Sequences to classes" if classes else "Sequences to numbers", source)
    page.paragraph(comparison.verdict)
    page.paragraph(f"What answers is {READABLE.get(used, used)}.")
    page.table(*scores(comparison))
    if classes is not None:
        _mistakes(page, comparison, classes, inputs, lengths)
    leaned = steps_leaned_on(model, inputs, lengths)
    page.heading("Which steps it leaned on")
    page.paragraph(
        "How far the answers move, on average over some sequences, when a part of each sequence is replaced by the "
        "mean: parts that move them most are those it goes by."
    )
    page.picture(_bars(leaned), "The change of the outputs when a part of the sequence is hidden")
    page.heading("How to reproduce")
    page.code(command)
    for note in notes:
        page.paragraph(note)
    page.paragraph(
        "The network's design was chosen on the same held-out rows, among a few: its figure is a little kind to it. "
        "Rows that nobody has used yet say more: latchwork classify test, or regress test."
    )
    write_text(path, page.to_html())


def steps_leaned_on(model: Any, inputs: NDArray[Any], lengths: NDArray[Any] | None) -> NDArray[np.float64]:
    """How far outputs move when each twelfth of the sequences is replaced by its feature's mean, `[parts]`."""
    rows = np.linspace(0, len(inputs) - 1, min(LEANED_ROWS, len(inputs))).astype(int)
    some = np.array(inputs[rows], np.float64)
    steps = np.full(len(rows), some.shape[1]) if lengths is None else np.asarray(lengths)[rows]
    given = None if lengths is None else steps
    real = np.arange(some.shape[1]) < steps[:, None]
    mean = some[real].mean(axis=0)
    whole = model.outputs(some.astype(inputs.dtype), given)
    parts = min(WINDOWS, some.shape[1])
    moved = np.zeros(parts)
    share = np.arange(some.shape[1]) / steps[:, None]
    for part in range(parts):
        hidden = (share >= part / parts) & (share < (part + 1) / parts) & real
        outputs = model.outputs(np.where(hidden[..., None], mean, some).astype(inputs.dtype), given)
        moved[part] = np.abs(outputs - whole).mean()
    return moved


def scores(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """The columns and rows of a table of all methods, the best one first."""
    names = [name for name in next(iter(comparison.figures.values())) if name != "seconds"]
    first = "accuracy" if "accuracy" in names else "rmse"
    sign = -1 if first == "accuracy" else 1
    order = sorted(comparison.figures, key=lambda name: sign * comparison.figures[name][first])
    rows = [
        [READABLE[name] + (" *" if name == comparison.winner else ""),
         *(f"{comparison.figures[name][figure]:.4g}" for figure in names),
         f"{comparison.figures[name]['seconds']:.1f}"]
        for name in order
    ]  # fmt: skip
    return ["method (* won)", *names, "seconds"], rows


def _mistakes(
    page: Report, comparison: Comparison, classes: list[str], inputs: NDArray[Any], lengths: NDArray[Any] | None
) -> None:
    page.heading("Where the network is wrong")
    columns = ["true \\ answered", *classes]
    page.table(columns, [[name, *map(str, row)] for name, row in zip(classes, comparison.confusion, strict=True)])
    page.heading("Whether its probabilities can be believed")
    page.table(
        ["held-out rows", "probability said", "share right"],
        [[str(round(row["n"])), f"{row['said']:.3f}", f"{row['right']:.3f}"] for row in comparison.calibration],
    )
    if comparison.surprises:
        page.heading("Sure and wrong")
        page.picture(_examples(comparison.surprises, classes, inputs, lengths),
                     "Held-out rows whose wrong class it was surest of")  # fmt: skip


def _examples(
    surprises: Sequence[Mapping[str, float]], classes: list[str], inputs: NDArray[Any], lengths: NDArray[Any] | None
) -> Figure:
    figure, panels = new_figure(10, 2.2, columns=min(4, len(surprises)))
    for panel, surprise in zip(panels, surprises, strict=False):
        row = int(surprise["row"])
        steps = inputs.shape[1] if lengths is None else int(lengths[row])
        panel.plot(np.asarray(inputs[row, :steps, :FEATURES_SHOWN], np.float64), linewidth=1.0)
        said, truth = classes[int(surprise["said"])], classes[int(surprise["truth"])]
        title(panel, f"row {row}: {said[:14]}")
        panel.set_xlabel(f"is {truth[:18]}; said {100 * surprise['probability']:.0f} %", color=MUTED)
    return figure


def _bars(leaned: NDArray[np.float64]) -> Figure:
    figure, (panel,) = new_figure(8, 2.6)
    colours = [ORANGE if value == leaned.max() else BLUE for value in leaned]
    panel.bar((np.arange(len(leaned)) + 0.5) / len(leaned), leaned, width=0.9 / len(leaned), color=colours)
    panel.set_xlabel("place in the sequence", color=MUTED)
    return figure
