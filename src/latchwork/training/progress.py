"""What a person sees while training: a bar on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Literal, Protocol

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

ProgressKind = Literal["auto", "bar", "lines", "none"]
LINE_SECONDS = 10.0  # the longest silence of plain lines


class Progress(Protocol):
    """Told after each block and at the end of each epoch."""

    def begin(self, done: int, total: int, epochs: int) -> None:
        """The run starts, or goes on, at step `done` of `total`."""
        ...

    def block(self, step: int, epoch: int, metrics: Mapping[str, float], per_second: float) -> None:
        """A block ended; metrics are the epoch's so far, the rate in sequences per second."""
        ...

    def epoch(self, row: Mapping[str, float]) -> None:
        """An epoch ended, with this row of the history."""
        ...

    def end(self) -> None:
        """The run is over."""
        ...


class NoProgress:
    """Says nothing."""

    def begin(self, done: int, total: int, epochs: int) -> None:
        """Say nothing."""

    def block(self, step: int, epoch: int, metrics: Mapping[str, float], per_second: float) -> None:
        """Say nothing."""

    def epoch(self, row: Mapping[str, float]) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""


class LineProgress:
    """A line at the end of an epoch, and every ten seconds in long ones."""

    def begin(self, done: int, total: int, epochs: int) -> None:
        """Remember the size of the run."""
        self.first, self.step, self.total, self.epochs, self.per_second = done, done, total, epochs, 0.0
        self.started = self.spoken = time.monotonic()

    def block(self, step: int, epoch: int, metrics: Mapping[str, float], per_second: float) -> None:
        """A line, if the last one is long ago."""
        now = time.monotonic()
        self.per_second, self.step = per_second, step
        if now - self.spoken >= LINE_SECONDS:
            self.spoken = now
            self._say(f"epoch {epoch}/{self.epochs}, step {step:,}/{self.total:,}", metrics)

    def epoch(self, row: Mapping[str, float]) -> None:
        """A line for the epoch, unless epochs are over faster than one can read."""
        now = time.monotonic()
        if now - self.spoken >= 1 or row["epoch"] in (1, self.epochs):
            self.spoken = now
            self._say(f"epoch {row['epoch']:.0f}/{self.epochs}", metrics_of(row))

    def end(self) -> None:
        """Nothing to close."""

    def _say(self, where: str, metrics: Mapping[str, float]) -> None:
        done = max(self.step - self.first, 1)
        left = (time.monotonic() - self.started) / done * (self.total - self.step)
        line = f"{where}  {_figures(metrics)}  {self.per_second:,.0f} sequences/s  {clock(left)} left"
        print(line, file=sys.stderr, flush=True)


class BarProgress:
    """A bar with the epoch's figures, the rate and the time left; finished epochs of long runs stay as lines above."""

    def begin(self, done: int, total: int, epochs: int) -> None:
        """Draw the bar."""
        self.epochs, self.spoken = epochs, time.monotonic()
        columns = (
            TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn(),
            TextColumn("{task.fields[figures]}"), TimeRemainingColumn(compact=True),
        )  # fmt: skip
        self.bar = RichProgress(*columns, console=Console(stderr=True))
        self.task = self.bar.add_task(f"Epoch 1/{epochs}", total=total, completed=done, figures="compiling ...")
        self.bar.start()

    def block(self, step: int, epoch: int, metrics: Mapping[str, float], per_second: float) -> None:
        """Move the bar."""
        figures = f"{_figures(metrics)}  [dim]{per_second:,.0f} sequences/s[/dim]"
        self.bar.update(self.task, completed=step, description=f"Epoch {epoch}/{self.epochs}", figures=figures)

    def epoch(self, row: Mapping[str, float]) -> None:
        """Leave a line above the bar, unless epochs are over faster than one can read."""
        now = time.monotonic()
        if now - self.spoken >= 1 or row["epoch"] == self.epochs:
            self.spoken = now
            self.bar.console.print(f"Epoch {row['epoch']:.0f}/{self.epochs}  {_figures(metrics_of(row))}")

    def end(self) -> None:
        """Take the bar away."""
        self.bar.update(self.task, visible=False)
        self.bar.stop()


def make_progress(kind: ProgressKind) -> Progress:
    """`auto` is a bar on a terminal and lines elsewhere."""
    if kind == "auto":
        kind = "bar" if sys.stderr.isatty() else "lines"
    return {"bar": BarProgress, "lines": LineProgress, "none": NoProgress}[kind]()


def tell(kind: ProgressKind | Progress, line: str) -> None:
    """A line about what comes before training, unless nothing is to be said or somebody else says it."""
    if isinstance(kind, str) and kind != "none":
        print(line, file=sys.stderr, flush=True)


def metrics_of(row: Mapping[str, float]) -> dict[str, float]:
    """A history row without its bookkeeping."""
    return {name: value for name, value in row.items() if name not in ("epoch", "step", "seconds")}


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _figures(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())
