"""What `fit`, `evaluate` and `summary` print, in Keras's form."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

BAR = 30  # characters
REDRAWN = 0.1  # seconds between two drawings of a bar


class Printer:
    """Prints epochs: nothing (0), a bar and its figures (1), or one line (2).

    Args:
        verbose: 0, 1 or 2.
        epochs: how many there are in all; None where there is but one pass (`evaluate`).
    """

    def __init__(self, verbose: int, epochs: int | None) -> None:
        """Nothing is printed yet."""
        self.verbose, self.epochs = verbose, epochs
        self.live = verbose == 1 and sys.stdout.isatty()

    def begin(self, epoch: int, steps: int | None) -> None:
        """An epoch begins."""
        self.steps, self.done = steps, 0
        self.started = self.drawn = time.perf_counter()
        if self.verbose and self.epochs is not None:
            print(f"Epoch {epoch + 1}/{self.epochs}")

    def step(self, done: int, running: Any) -> None:
        """So many steps are done."""
        self.done = done
        now = time.perf_counter()
        if self.live and now - self.drawn >= REDRAWN and done != self.steps:
            self.drawn = now
            print(f"\r{self._line(running.figures(), 1, now)}", end="", flush=True)

    def end(self, figures: Mapping[str, float]) -> None:
        """The epoch is over."""
        if self.verbose:
            lead = "\r" if self.live else ""
            print(lead + self._line(figures, self.verbose, time.perf_counter()), flush=self.live)

    def _line(self, figures: Mapping[str, float], verbose: int, now: float) -> str:
        seconds = now - self.started
        total = self.steps or self.done
        parts = [f"{name}: {figure_text(value)}" for name, value in figures.items()]
        if verbose == 2:
            return " - ".join([f"{total}/{total}", f"{seconds:.0f}s", *parts])
        filled = BAR * self.done // max(total, 1)
        arrow = "" if filled == BAR else ">"
        bar = ("=" * filled + arrow).ljust(BAR, ".")[:BAR]
        return " - ".join([f"{self.done}/{total} [{bar}]", f"{seconds:.0f}s {per_step(seconds, self.done)}", *parts])


def figure_text(value: float) -> str:
    """Four digits, and an exponent where they would be zeros."""
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def per_step(seconds: float, steps: int) -> str:
    """The time of a step, in a unit that leaves few digits."""
    each = seconds / max(steps, 1)
    if each >= 1 or not each:
        return f"{each:.0f}s/step"
    return f"{each * 1e3:.0f}ms/step" if each >= 1e-3 else f"{each * 1e6:.0f}us/step"


def summary_text(name: str, rows: list[tuple[str, str, int]], frozen: int, width: int = 65) -> str:
    """The table of `summary`: each layer with its kind, the outputs' shape and the number of its parameters."""
    columns = (29, 26)

    def line(one: str, two: str, three: str) -> str:
        return f" {one[: columns[0] - 2]:<{columns[0] - 1}}{two[: columns[1] - 1]:<{columns[1]}}{three:<10}"

    total = sum(count for _, _, count in rows)
    lines = [f'Model: "{name}"', "_" * width, line("Layer (type)", "Output Shape", "Param #"), "=" * width]
    for at, (layer, shape, count) in enumerate(rows):
        lines += [line(layer, shape, str(count)), "" if at + 1 < len(rows) else "=" * width]
    lines += [f"Total params: {total:,}", f"Trainable params: {total - frozen:,}", f"Non-trainable params: {frozen:,}"]
    return "\n".join([*lines, "_" * width])
