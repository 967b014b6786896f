"""Rounds in turn, A B C A B C, so that a slow minute of the machine meets every contestant alike."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latchwork.bench.cases import Case
from latchwork.bench.peers import Contestant
from latchwork.bench.work import make_work, save_model

Note = Callable[[str], None]


@dataclass
class Measured:
    """What one contestant did in one case.

    Attributes:
        name: the contestant's.
        settings: how it was run.
        first_seconds: its first round, compilation included; of a `fresh` case every round is a first one.
        seconds: of each round after it: a whole round of training, or one answer.
        check: its loss on the first batch, or the sum of its answers, before anything was learned.
        loss: the mean loss of its first round.
        first_step_seconds: from the call of a round to the end of its first step, where known; one a round.
        before_mb, peak_mb: memory of the process with the framework and the data, and at its highest.
        error: why it could not be measured.
    """

    name: str
    settings: str
    first_seconds: float | None = None
    seconds: list[float] = field(default_factory=list[float])
    check: float | None = None
    loss: float | None = None
    first_step_seconds: list[float] = field(default_factory=list[float])
    before_mb: float | None = None
    peak_mb: float | None = None
    error: str | None = None

    @property
    def median(self) -> float | None:
        """Of the rounds after the first."""
        return statistics.median(self.seconds) if self.seconds else None

    def book(self, reply: dict[str, Any], *, warm_up: bool) -> None:
        """Enter a round."""
        if warm_up:
            self.first_seconds = reply["seconds"]
        else:
            self.seconds.append(reply["seconds"])
        self.loss = reply.get("loss") if self.loss is None else self.loss
        if reply.get("first_step_seconds"):
            self.first_step_seconds.append(reply["first_step_seconds"])
        self.peak_mb = reply["peak_mb"]


class Worker:
    """A contestant's process at the other end of a pipe."""

    def __init__(self, case: Case, one: Contestant, cache: Path) -> None:
        """Start it; it loads and builds while others do the same."""
        environment = os.environ | one.environment | {"LATCHWORK_CACHE": str(cache), "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed in `close`, with the process that writes to it
        self.process = subprocess.Popen(
            [sys.executable, "-m", "latchwork.bench.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment,
        )  # fmt: skip
        self._send({"contestant": one.name, "case": case.to_dict()})

    def ready(self) -> dict[str, Any]:
        """Wait until it can be measured."""
        return self._receive()

    def round(self) -> dict[str, Any]:
        """Have it do a round; nothing else runs meanwhile."""
        self._send({})
        return self._receive()

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        self.errors.close()

    def _send(self, data: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(data) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(self._last_words()) from None

    def _receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        if line := self.process.stdout.readline():
            return json.loads(line)
        raise WorkerError(self._last_words())

    def _last_words(self) -> str:
        self.process.wait()
        self.errors.seek(0)
        lines = [line.strip() for line in self.errors if line.strip()]
        return lines[-1] if lines else f"its process ended with {self.process.returncode}"


class WorkerError(Exception):
    """A contestant's process ended; the message is the last line that it said."""


def measure(case: Case, contestants: Sequence[Contestant], rounds: int, patience: float, note: Note) -> list[Measured]:
    """Measure one case.

    Args:
        case: the work.
        contestants: who does it, in the order of a round.
        rounds: rounds that count; one more comes before them, for compilation.
        patience: a contestant whose rounds took more seconds than this takes part in no further one; if its first did,
            that one counts.
        note: told what is going on.

    Returns:
        What each contestant did, errors included.
    """
    if case.kind == "start":
        return _measure_starts(case, contestants, rounds)
    measured = [Measured(one.name, one.settings) for one in contestants]
    with tempfile.TemporaryDirectory() as folder:
        if case.fresh:
            _measure_fresh(case, contestants, measured, rounds, patience, Path(folder), note)
        else:
            _measure_warm(case, contestants, measured, rounds, patience, Path(folder), note)
    return measured


def _measure_warm(
    case: Case,
    contestants: Sequence[Contestant],
    measured: list[Measured],
    rounds: int,
    patience: float,
    folder: Path,
    note: Note,
) -> None:
    workers = [Worker(case, one, folder / f"cache{index}") for index, one in enumerate(contestants)]
    try:
        for worker, result in zip(workers, measured, strict=True):
            try:
                ready = worker.ready()
                result.check, result.before_mb = ready["check"], ready["before_mb"]
            except WorkerError as error:
                result.error = str(error)
        for number in range(rounds + 1):
            for worker, result in zip(workers, measured, strict=True):
                if result.error or sum(result.seconds) > patience:
                    continue
                try:
                    result.book(worker.round(), warm_up=number == 0)
                except WorkerError as error:
                    result.error = str(error)
                if result.first_seconds and result.first_seconds > patience and number == 0:
                    result.seconds.append(result.first_seconds)  # too slow for another: its only round counts
            note(f"  {case.name}: round {number} of {rounds}")
    finally:
        for worker in workers:
            worker.close()


def _measure_fresh(
    case: Case,
    contestants: Sequence[Contestant],
    measured: list[Measured],
    rounds: int,
    patience: float,
    folder: Path,
    note: Note,
) -> None:
    for number in range(rounds + 1):
        for index, (one, result) in enumerate(zip(contestants, measured, strict=True)):
            if number == 0 and not one.warm:  # a round that only fills the cache
                continue
            if result.error or sum(result.seconds) > patience:
                continue
            worker = Worker(case, one, folder / (f"warm{index}" if one.warm else f"cold{index}-{number}"))
            try:
                result.before_mb = worker.ready()["before_mb"]
                reply = worker.round()
                if number:
                    result.book(reply, warm_up=False)
            except WorkerError as error:
                result.error = str(error)
            finally:
                worker.close()
        note(f"  {case.name}: round {number} of {rounds}")


def _measure_starts(case: Case, contestants: Sequence[Contestant], rounds: int) -> list[Measured]:
    """From the start of a process to its first answer, less the median of the same with `import numpy` alone."""
    work = make_work(case)
    with tempfile.TemporaryDirectory() as folder:
        model = save_model(case.network, work.parameters, Path(folder) / "model.latch")
        programs = {"import numpy": "import numpy; print(0)"}
        for one in contestants:
            assert one.start is not None
            onnx = Path(folder) / "model.onnx"
            if "{onnx" in one.start:
                from latchwork.bench.peers import onnx_peer

                onnx.write_bytes(onnx_peer.make_model(work.parameters, time_steps=case.time))
            programs[one.name] = one.start.format(model=str(model), onnx=str(onnx))
        seconds: dict[str, list[float]] = {name: [] for name in programs}
        errors: dict[str, str] = {}
        for _ in range(rounds + 1):
            for name, program in programs.items():
                try:
                    seconds[name].append(_first_line_seconds(program))
                except WorkerError as error:
                    errors[name] = str(error)
    numpy_alone = statistics.median(seconds["import numpy"][1:])
    return [
        Measured(
            one.name, f"import numpy alone: {numpy_alone * 1000:.0f} ms",
            seconds=[value - numpy_alone for value in seconds[one.name][1:]], error=errors.get(one.name),
        )
        for one in contestants
    ]  # fmt: skip


def _first_line_seconds(program: str) -> float:
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - began
        words = process.stderr.read().strip().splitlines()
    if not line:
        raise WorkerError(words[-1] if words else "no answer")
    return seconds
