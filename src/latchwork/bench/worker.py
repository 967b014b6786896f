"""The process of one contestant: reads one job, then measures a round whenever it is told to.

Each contestant has a process of its own, since Keras takes one backend a process and thread pools must not meet. Lines
of JSON go in and out; whatever a framework prints goes to stderr.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from latchwork.bench.cases import Case
from latchwork.bench.peers import Contestant, contestant
from latchwork.bench.work import make_work, mean_loss

Round = Callable[[], dict[str, Any]]


def main() -> None:
    """Serve until the pipe is closed."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    case, one = Case.from_dict(job["case"]), contestant(job["contestant"])
    one.load()
    round_of, ready = _prepare(case, one)
    answers.write(json.dumps(ready) + "\n")
    for _ in sys.stdin:
        answers.write(json.dumps(round_of() | {"peak_mb": _status("VmHWM")}) + "\n")


def _prepare(case: Case, one: Contestant) -> tuple[Round, dict[str, Any]]:
    works = [make_work(case, member) for member in range(case.members)]
    _forget_peak()
    ready: dict[str, Any] = {"before_mb": _status("VmRSS")}
    if case.kind != "train":
        answer = one.answerer(case, works[0])
        ready["check"] = float(answer().sum())
        return lambda: _answers(answer, case.steps), ready
    trainer = one.trainer(case, works)
    if not case.fresh:
        ready["check"] = mean_loss(case, trainer.first_outputs()[0], works[0].targets[0], works[0].first_lengths())

    def round_of() -> dict[str, Any]:
        began = time.perf_counter()
        loss = trainer.round()
        return {
            "seconds": time.perf_counter() - began,
            "loss": loss,
            "first_step_seconds": trainer.first_step_seconds,
        }

    return round_of, ready


def _answers(answer: Callable[[], Any], count: int) -> dict[str, Any]:
    began = time.perf_counter()
    for _ in range(count):
        answer()
    return {"seconds": (time.perf_counter() - began) / count}


def _forget_peak() -> None:
    """Let the highest memory count from here, so that reading the data does not count; on Linux alone."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _status(name: str) -> float | None:
    """A line of Linux's account of this process, in MB; None on other systems."""
    try:
        with Path("/proc/self/status").open(encoding="ascii") as lines:
            return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))
    except (OSError, StopIteration):
        return None


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        traceback.print_exc()
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())}")  # the last words, which the parent tells
