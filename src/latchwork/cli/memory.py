"""`latchwork memory`: how far back each cell remembers, as one picture."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latchwork.cli.common import JsonOption, Output, QuietOption, SeedOption
from latchwork.cli.outputs import check_files
from latchwork.core.errors import InputError

if TYPE_CHECKING:
    from latchwork.explain.memory import CellMemory, Plan


def memory(
    task: Annotated[str, typer.Option("--task", help="recall, adding or copy.")] = "recall",
    cells: Annotated[str | None, typer.Option("--cells", help="Cells to compare, such as LSTM,GRU.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Three distances, three cells, one network of each.")] = False,
    out: Annotated[Path, typer.Option("--out", help="Folder for the picture.")] = Path("latchwork-out"),
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="Folder that keeps what is trained, to go on from there.")
    ] = None,
    as_json: JsonOption = False,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Train every cell, each as suits it best, to remember something many steps back; measure how far each one can."""
    from latchwork.explain.memory import QUICK, Plan, measure_memory
    from latchwork.explain.memory_picture import draw_memory
    from latchwork.explain.memory_tasks import TASKS
    from latchwork.show.pictures import save_figure

    if task not in TASKS:
        raise InputError(f"got --task {task}: expected one of {', '.join(TASKS)}")
    chosen = _chosen(cells, quick)
    picture = out / f"memory-{task}.png"
    check_files(out, [picture.name])
    if checkpoint is not None:
        check_files(checkpoint, [])
    output = Output(as_json=as_json, quiet=quiet)
    plan = QUICK if quick else Plan()
    start = time.perf_counter()
    measured = {
        cell: measure_memory(
            TASKS[task], cell, plan, seed, output.note, progress=output.progress, checkpoint=checkpoint
        )
        for cell in chosen
    }
    seconds = time.perf_counter() - start

    out.mkdir(parents=True, exist_ok=True)
    save_figure(draw_memory(measured, plan, TASKS[task]), picture)
    _show_table(output, measured, plan)
    holds = ", ".join(f"{cell} {found.horizon(plan.distances)}" for cell, found in measured.items())
    figures = {cell: _figures(task, cell, found, plan) for cell, found in measured.items()}
    output.result(
        f"Steps remembered with 90 % right or more: {holds}. Picture: {picture}",
        {"task": task, "distances": plan.distances, "chance": TASKS[task].chance, "cells": figures, "seconds": seconds},
    )


def _chosen(cells: str | None, quick: bool) -> list[str]:
    """The cells that are compared; raises `InputError` on a name that is none."""
    from latchwork.explain.memory import QUICK_CELLS
    from latchwork.explain.memory_training import cells as known

    chosen = [cell.strip() for cell in cells.split(",")] if cells else list(QUICK_CELLS if quick else known())
    if unknown := [cell for cell in chosen if cell not in known()]:
        raise InputError(f"got --cells {unknown[0]}: expected some of {', '.join(known())}")
    return chosen


def _show_table(output: Output, measured: dict[str, CellMemory], plan: Plan) -> None:
    rows = [
        [cell, *(f"{median:.0%}" for median in found.medians()), str(found.horizon(plan.distances))]
        for cell, found in measured.items()
    ]
    output.table("Right answers", ["cell", *(f"{each} back" for each in plan.distances), "holds"], rows)


def _figures(task: str, cell: str, found: CellMemory, plan: Plan) -> dict[str, Any]:
    """What `--json` says of a cell."""
    from latchwork.explain.memory_settings import TUNED_DISTANCES, setting_of

    return {
        "accuracy": found.accuracy,
        "reach": found.reach,
        "holds": found.horizon(plan.distances),
        "settings": [asdict(setting_of(task, cell, distance)) for distance in TUNED_DISTANCES],
    }
