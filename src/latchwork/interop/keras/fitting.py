"""Training a compiled model: blocks of steps in the kernels, and between them what a script's callbacks ask for."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.engines.native import fitting
from latchwork.engines.native import training as native
from latchwork.engines.plain import training as plain
from latchwork.engines.steps import FILL, Batches, Order, Penalty, RowShape
from latchwork.interop.keras.callbacks import Callback
from latchwork.interop.keras.compiled import Compiled, Measured
from latchwork.interop.keras.printing import Printer
from latchwork.interop.keras.stateful import States
from latchwork.training.data import Data, in_order
from latchwork.training.engines import kernels_term
from latchwork.training.losses import SoftmaxCrossEntropy

Arrays = Mapping[str, NDArray[Any]]
BLOCK_SECONDS = 0.5  # of steps done in one call: Ctrl-C and the bar wait no longer


@dataclass
class Memory:
    """What a model's optimiser keeps between calls of `fit`.

    Attributes:
        slots: what the optimiser keeps for each parameter; None before the first step.
        told: whether it was said that the model trains slowly.
        laid_out: steps for batches that come one by one, of each shape.
    """

    slots: NDArray[np.float32] | None = None
    told: bool = False
    laid_out: dict[Any, Steps] = field(default_factory=dict[Any, "Steps"])


@dataclass(eq=False)
class Program:
    """A network with its loss, metrics, penalties and frozen arrays, ready for rows.

    Attributes:
        network: what is trained: scores, where the loss has the softmax inside.
        compiled: the loss and the optimiser.
        measured: the metrics.
        penalties: of arrays that have a regularizer.
        frozen: arrays that are not trained.
        memory: what lives from call to call.
        states: where states go from batch to batch; None where each begins with zeros.
    """

    network: NetworkData
    compiled: Compiled
    measured: tuple[Measured, ...]
    penalties: tuple[Penalty, ...]
    frozen: frozenset[str]
    memory: Memory
    states: States | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What is reported."""
        return ("loss", *(one.name for one in self.measured))

    def step_on(self, arrays: Arrays, seed: int) -> tuple[Steps, Order]:
        """Laid out for one batch, kept for others of its shape; and the order that trains on all of it."""
        shapes = tuple((name, array.shape, array.dtype.char) for name, array in sorted(arrays.items()))
        key = (shapes, self.frozen, self.penalties)
        steps, rows = self.memory.laid_out.get(key), len(arrays["inputs"])
        if steps is None:
            steps = self.memory.laid_out[key] = self.steps(Batch(arrays), rows, seed)
        steps.begin(arrays, self.network.parameters)
        return steps, in_order(rows, rows)

    def steps(self, rows: Data | Batch, batch_size: int, seed: int) -> Steps:
        """Laid out for rows in batches of one size.

        Raises:
            InputError: the kernels cannot train it.
        """
        terms = [kernels_term(loss) for loss in (self.compiled.loss.trained(), *(one.trained for one in self.measured))]
        known = [term for term in terms if term is not None]
        reason = fitting.why_not(self.network, known, rows.shapes())
        if reason is not None:
            return self._slow_steps(rows, seed, reason)
        every_step = len(self.network.spec.output_shape()) == 2
        program = native.Program(
            self.network, tuple(known), rows, batch_size, self.compiled.optimizer.update(self.frozen),
            by_values=every_step and "lengths" in rows.shapes(), penalties=self.penalties, plain_counts=True,
            carries=self.states is not None,
        )  # fmt: skip
        return Steps(self, native.NativeSteps(program, (seed,), steps_per_epoch=0), rows)

    def _slow_steps(self, rows: Data | Batch, seed: int, reason: str) -> Steps:
        """In NumPy, for what the kernels have no part for; it is said once."""
        unknown = plain.why_not(list(rows.shapes())) if self.states is None else f"it is stateful, and {reason}"
        if unknown is not None:
            raise InputError(f"nothing here can train this model: {unknown}")
        if not self.memory.told:
            self.memory.told = True
            print(
                f"latchwork trains this model in NumPy, which is slow: the kernels cannot ({reason})", file=sys.stderr
            )
        losses = (self.compiled.loss.trained(), *(one.trained for one in self.measured))
        every_step = len(self.network.spec.output_shape()) == 2
        program = plain.PlainProgram(
            self.network, losses, rows, self.compiled.optimizer.update(self.frozen),
            by_values=every_step and "lengths" in rows.shapes(), penalties=self.penalties, seed=seed,
        )  # fmt: skip
        return Steps(self, plain.PlainSteps(program), rows)


class Batch:
    """One batch as rows, in whose place the next one comes: each is read as a chunk of its own number."""

    def __init__(self, arrays: Arrays) -> None:
        """The first."""
        self.arrays, self.rows, self.number = arrays, len(arrays["inputs"]), 0

    @property
    def chunk_rows(self) -> int | None:
        """None: what is read is dense already."""
        return None

    def shapes(self) -> dict[str, RowShape]:
        """Of every batch."""
        return {name: RowShape(array.shape[1:], array.dtype) for name, array in self.arrays.items()}

    def read(self, chunk: range) -> Arrays:
        """The batch that is there."""
        del chunk
        return self.arrays


class Steps:
    """Steps over one set of rows; parameters and what the optimiser keeps are carried on from call to call."""

    def __init__(self, program: Program, steps: native.NativeSteps | plain.PlainSteps, rows: Data | Batch) -> None:
        """Nothing is done yet."""
        self.program, self.rows = program, rows
        self.steps: Any = steps  # both take and give their own kind of state
        self.state = steps.initial_state()
        self.chunk = range(rows.rows)
        self.take_memory()

    def take_memory(self) -> None:
        """Go on from what the optimiser keeps and the layers' states."""
        slots, states = self.program.memory.slots, self.program.states
        if slots is not None and slots.shape == self.state.slots.shape:
            self.state = self.state._replace(slots=slots)
        if states is not None:
            self.state = self.state._replace(carried=states.joined())

    def begin(self, arrays: Arrays, parameters: Arrays) -> None:
        """Put another batch in the place of the last one, and go on from these parameters."""
        assert isinstance(self.rows, Batch)
        self.rows.arrays = arrays
        self.chunk = range(self.chunk.stop, self.chunk.stop + self.rows.rows)
        self.state = self.state._replace(parameters=self.steps.program.joined(parameters))
        self.take_memory()

    def train(self, order: Order) -> NDArray[np.float64]:
        """Do the steps of an order `[steps, batch]`; gives `[steps, figures + 1]`: each figure's sum, and the rows'."""
        optimizer = self.program.compiled.optimizer
        first, count = optimizer.iterations, len(order)
        rates = -np.array([[optimizer.rate_of(step) for step in range(first, first + count)]], np.float32)
        batches = Batches(order, rates, first, np.ones(1, np.bool_))
        self.state, sums = self.steps.train(self.state, self.chunk, batches)
        optimizer.iterations += count
        self.program.memory.slots = self.state.slots
        if self.program.states is not None:
            self.program.states.take(self.state.carried)
        return sums[0]

    def parameters(self) -> dict[str, NDArray[Any]]:
        """As they are now."""
        return self.steps.parameters(self.state)


@dataclass
class Running:
    """Figures of an epoch as it goes on: means of batches, each by its rows, as Keras reports them."""

    program: Program
    totals: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    rows: float = 0.0

    def add(self, sums: NDArray[np.float64], order: Order) -> None:
        """Book some steps."""
        rows = (order != FILL).sum(axis=1)
        means = sums[:, :-1] / np.maximum(sums[:, -1:], 1e-300)
        added = (means * rows[:, None]).sum(axis=0)
        self.totals = added if not self.rows else self.totals + added
        self.rows += float(rows.sum())

    def figures(self) -> dict[str, float]:
        """By their names."""
        if not self.rows:
            return {}
        means = self.totals / self.rows
        finished = [
            one.metric.finished(float(value)) for one, value in zip(self.program.measured, means[1:], strict=True)
        ]
        return dict(zip(self.program.names, [float(means[0]), *finished], strict=True))


class Run:
    """One call of `fit`."""

    def __init__(
        self, model: Any, program: Program, callbacks: Sequence[Callback], printer: Printer, epochs: range
    ) -> None:
        """Tell the callbacks what is trained."""
        self.model, self.program, self.callbacks, self.printer, self.epochs = model, program, callbacks, printer, epochs
        self.by_step = any(callback.watches_batches() for callback in callbacks)
        for callback in callbacks:
            callback.set_model(model)

    def tell(self, hook: str, *arguments: Any) -> None:
        """Call a hook of every callback."""
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)

    def on_arrays(self, steps: Steps, orders: Any, validate: Any) -> None:
        """Train on rows in memory, an order of batches for each epoch."""
        seconds_per_step: float | None = None
        for epoch in self._epochs():
            order: Order = orders(epoch)
            running, at = Running(self.program), 0
            self.printer.begin(epoch, len(order))
            while at < len(order):
                wanted = len(order) - at
                if self.by_step or seconds_per_step is None:
                    wanted = 1
                elif seconds_per_step:
                    wanted = min(wanted, max(1, int(BLOCK_SECONDS / seconds_per_step)))
                part = order[at : at + wanted]
                if self.by_step:
                    self.tell("on_train_batch_begin", at, {})
                    self._take_over(steps)
                began = time.perf_counter()
                running.add(steps.train(part), part)
                seconds_per_step = (time.perf_counter() - began) / len(part)
                at += len(part)
                self.printer.step(at, running)
                if self.by_step:
                    self.model.take_parameters(steps.parameters())
                    self.tell("on_train_batch_end", at - 1, running.figures())
                    if self.model.stop_training:
                        break
            self.model.take_parameters(steps.parameters())
            self._end(epoch, running, validate)
            self._take_over(steps)

    def on_batches(self, batches: Any, step: Any, count: int | None, validate: Any) -> None:
        """Train on batches that come one by one.

        Args:
            batches: of an epoch's number, one pass over them.
            step: trains on one and books its figures.
            count: how many there are, where that is known.
            validate: gives the validation's figures after an epoch; or None.
        """
        for epoch in self._epochs():
            running = Running(self.program)
            self.printer.begin(epoch, count)
            at = 0
            for arrays in batches(epoch):
                self.tell("on_train_batch_begin", at, {})
                step(self.model, arrays, running)
                at += 1
                self.printer.step(at, running)
                self.tell("on_train_batch_end", at - 1, running.figures())
                if self.model.stop_training:
                    break
            if not at:
                raise InputError("the generator gave no batch: give steps_per_epoch of one that never ends, or fill it")
            self._end(epoch, running, validate)

    def _take_over(self, steps: Steps) -> None:
        """A callback may have changed the weights, or put states back."""
        own = self.model.current_parameters()
        steps.state = steps.state._replace(parameters=steps.steps.program.joined(own))
        steps.take_memory()

    def _epochs(self) -> Iterator[int]:
        self.model.stop_training = False
        self.tell("on_train_begin", {})
        for epoch in self.epochs:
            self.tell("on_epoch_begin", epoch, {})
            yield epoch
            if self.model.stop_training:
                break
        self.tell("on_train_end", {})

    def _end(self, epoch: int, running: Running, validate: Any) -> None:
        figures = running.figures()
        if validate is not None:
            figures |= {f"val_{name}": value for name, value in validate(epoch).items()}
        self.printer.end(figures)
        self.tell("on_epoch_end", epoch, figures)


def evaluated(
    program: Program, outputs: NDArray[Any], arrays: Arrays, batch_size: int, penalty: float
) -> dict[str, float]:
    """The figures of rows, as Keras reports them: means of batches, each by its rows; the metrics know no weights.

    Args:
        program: the loss and the metrics.
        outputs: the network's.
        arrays: the rows' targets, lengths and weights.
        batch_size: rows of a batch.
        penalty: what the regularizers add.
    """
    targets, lengths = arrays["targets"], arrays.get("lengths")
    classes = isinstance(program.compiled.loss.trained(), SoftmaxCrossEntropy)
    counts = np.ones(len(outputs))
    if lengths is not None and outputs.ndim == 3:
        past = np.arange(outputs.shape[1]) >= lengths[:, None]
        targets = np.where(past, -1, targets) if classes else np.where(past[..., None], np.nan, targets)
        counts = lengths.astype(np.float64)
    starts = np.arange(0, len(outputs), batch_size)
    rows = np.diff(np.append(starts, len(outputs)))
    weights = arrays.get("weight", np.ones(1))
    losses = (program.compiled.loss.trained(), *(one.trained for one in program.measured))
    means: list[float] = []
    for place, loss in enumerate(losses):
        values = np.asarray(loss(outputs, targets), np.float64) * counts
        if place == 0:
            values = values * weights
        of_batches = np.add.reduceat(values, starts) / np.add.reduceat(counts, starts)
        means.append(float((of_batches * rows).sum() / rows.sum()))
    finished = [one.metric.finished(mean) for one, mean in zip(program.measured, means[1:], strict=True)]
    return dict(zip(program.names, [means[0] + penalty, *finished], strict=True))


def order_of(rows: Data, batch_size: int, shuffle: bool, seed: int, epoch: int) -> Order:
    """The batches of an epoch."""
    if not shuffle:
        return in_order(rows.rows, batch_size)
    return rows.order(range(rows.rows), epoch, seed, batch_size)
