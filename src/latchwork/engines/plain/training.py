"""Training steps in NumPy, by the tape: what trains a network that the kernels have no part for, and says so.

The equations are those of `core.cells` and `core.layers`, the losses those that were given, the update rules those of
the kernels (csrc/network/updates.h). It is some hundred times slower than they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.layers import merged
from latchwork.core.network import NetworkData
from latchwork.core.table import cell_row, layer_row, under
from latchwork.engines.plain.tape import FUNCTIONS, Recorded, pull_back, value_of
from latchwork.engines.steps import Batches, Penalty, Rows, Rule, Sums, Update

Array = NDArray[Any]
Arrays = Mapping[str, Any]
Loss = Callable[[Any, Any], Any]


class PlainState(NamedTuple):
    """What a step changes: as the kernels' trainer has it, `[1, parameters]` and `[1, slots, parameters]`."""

    parameters: NDArray[np.float32]
    slots: NDArray[np.float32]


@dataclass(frozen=True)
class PlainProgram:
    """A network with what it is trained for.

    Args:
        network: the layers, and the arrays that it begins with.
        losses: what is minimised, then the metrics: of outputs and targets a value for each row.
        rows: what it is trained on.
        update: what a step does with a gradient.
        by_values: whether rows count by their observed targets.
        penalties: what the size of learned arrays adds to the loss.
        seed: of what is dropped.
    """

    network: NetworkData
    losses: tuple[Loss, ...]
    rows: Rows
    update: Update
    by_values: bool = False
    penalties: tuple[Penalty, ...] = ()
    seed: int = 0

    def joined(self, parameters: Arrays) -> NDArray[np.float32]:
        """The arrays as one vector, `[1, parameters]`, in the order of the spec."""
        arrays = [np.asarray(parameters[name], np.float32).ravel() for name in self.network.spec.parameter_shapes()]
        return np.concatenate(arrays)[None]

    def parted(self, joined: Array) -> dict[str, Array]:
        """The arrays by name out of such a vector."""
        shapes = self.network.spec.parameter_shapes()
        ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
        parts = np.split(joined[0], ends[:-1])
        return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


class PlainSteps:
    """Steps of one network; see `engines.steps.Steps`. Figures are means over rows, whatever these weigh."""

    def __init__(self, program: PlainProgram) -> None:
        """Nothing is done yet."""
        self.program = program

    def initial_state(self) -> PlainState:
        """The parameters joined, and slots as the optimiser begins."""
        joined, rule = self.program.joined(self.program.network.parameters), self.program.update.rule
        return PlainState(joined, np.full((1, slots_of(rule), joined.shape[1]), rule.start, np.float32))

    def parameters(self, state: PlainState) -> dict[str, Array]:
        """By the spec's names."""
        return self.program.parted(state.parameters.copy())

    def train(self, state: PlainState, chunk: range, batches: Batches) -> tuple[PlainState, Sums]:
        """One step after the other."""
        arrays, program = self.program.rows.read(chunk), self.program
        parameters, slots = program.parted(state.parameters.copy()), state.slots.copy()
        sums = np.zeros((1, len(batches.order), len(program.losses) + 1))
        for at, order in enumerate(batches.order):
            step = batches.first + at
            batch = {name: np.asarray(array)[order[order >= 0]] for name, array in arrays.items()}
            sums[0, at], gradients = self._gradients(parameters, batch, step)
            gradients = limited(gradients, program.update)
            joined = program.joined(gradients)[0].astype(np.float64)
            before = program.joined(parameters)[0].astype(np.float64)
            after = moved(program.update, joined, before, slots[0], float(batches.scales[0, at]), step, self._decayed())
            parameters = program.parted(after.astype(np.float32)[None])
        return PlainState(program.joined(parameters), slots), sums

    def _decayed(self) -> NDArray[np.float64]:
        """1 for each number that weight decay is taken off, else 0."""
        update, shapes = self.program.update, self.program.network.spec.parameter_shapes()
        chosen = {
            name: (len(size) > 1 or update.decays_vectors) and name not in update.frozen
            for name, size in shapes.items()
        }
        return np.concatenate([np.full(math.prod(size), float(chosen[name])) for name, size in shapes.items()])

    def _gradients(self, parameters: Arrays, batch: Arrays, step: int) -> tuple[Array, dict[str, Array]]:
        """The step's sums, and the gradient of its loss by every array."""
        program = self.program
        recorded = {name: Recorded(np.asarray(array, np.float64)) for name, array in parameters.items()}
        lengths = batch.get("lengths")
        inputs = batch["inputs"] if batch["inputs"].dtype.kind in "iu" else batch["inputs"].astype(np.float64)
        outputs = forward(program.network.spec, recorded, inputs, lengths, np.random.default_rng([program.seed, step]))
        targets, counts = self._targets(batch, value_of(outputs), lengths)
        weights = counts * batch.get("weight", np.ones(1))
        values = [loss(outputs, targets) for loss in program.losses]
        costs = [penalty_of(recorded[one.name], one) for one in program.penalties]
        total = (values[0] * (weights / max(counts.sum(), 1.0))).sum(axis=0)
        for cost in costs:
            total = total + cost
        by = pull_back([total], [np.ones(())], list(recorded.values()))
        plain = [value_of(each) for each in values]
        paid = float(sum(float(value_of(cost)) for cost in costs))
        sums = [(plain[0] * weights).sum() + paid * counts.sum(), *((each * counts).sum() for each in plain[1:])]
        return np.array([*sums, counts.sum()]), dict(zip(recorded, by, strict=True))

    def _targets(self, batch: Arrays, outputs: Array, lengths: Array | None) -> tuple[Array, Array]:
        """Targets without those past a sequence's end, and what each row counts for."""
        targets = batch["targets"]
        if lengths is None or outputs.ndim < 3:
            return targets, np.ones(len(targets))
        past = np.arange(outputs.shape[1]) >= lengths[:, None]
        if targets.dtype.kind in "iu":
            targets = np.where(past, -1, targets)
        else:
            targets = np.where(past.reshape(*past.shape, *(1,) * (targets.ndim - 2)), np.nan, targets)
        each = math.prod(targets.shape[2:])
        return targets, lengths.astype(np.float64) * each if self.program.by_values else np.ones(len(targets))


def forward(
    network: spec.Sequential, arrays: Arrays, inputs: Any, lengths: Array | None, draw: np.random.Generator
) -> Any:
    """A network's outputs as in training: some of what flows is dropped.

    Args:
        network: its input shape filled in.
        arrays: every array by its name, recorded or not.
        inputs: `[batch, time, features]`, or token numbers `[batch, time]`.
        lengths: how many steps of each row are real.
        draw: what is dropped.
    """
    flow = inputs
    for index, layer in enumerate(network.layers):
        own = under(f"layers.{index}.", arrays)
        match layer:
            case spec.Recurrent():
                flow = unrolled(layer, own, flow, lengths, draw, reverse=layer.reverse)
            case spec.Bidirectional():
                ways = (("forward.", False), ("backward.", True))
                both = [unrolled(layer.layer, under(way, own), flow, lengths, draw, reverse=back) for way, back in ways]
                flow = merged(layer.merge, *both)
            case spec.Dropout():
                flow = flow * kept(draw, layer.rate, value_of(flow).shape)
            case _:
                row = layer_row(layer)
                flow = row.apply(layer, own, flow, *((lengths,) if row.takes_lengths else ()))
        lengths = lengths if value_of(flow).ndim > 2 else None
    return flow


def unrolled(
    layer: spec.Recurrent,
    arrays: Arrays,
    inputs: Any,
    lengths: Array | None,
    draw: np.random.Generator,
    *,
    reverse: bool,
) -> Any:
    """A cell over time: every output `[batch, time, units]`, zero past a length, or the last one `[batch, units]`."""
    cell = cell_row(layer).build(layer, arrays)
    batch, time, features = value_of(inputs).shape
    if layer.dropout:
        inputs = inputs * kept(draw, layer.dropout, (batch, 1, features))
    mask = kept(draw, layer.recurrent_dropout, (batch, layer.units)) if layer.recurrent_dropout else None
    projected, state = cell.project(inputs), cell.initial_state((batch,))
    outputs: list[Any] = [None] * time
    for at in reversed(range(time)) if reverse else range(time):
        output, new = cell.step(projected[:, at], state, mask)
        if lengths is not None:
            real = (at < lengths)[:, None]
            new = type(new)(*(FUNCTIONS.where(real, one, two) for one, two in zip(new, state, strict=True)))
            output = FUNCTIONS.where(real, output, np.zeros_like(value_of(output)))
        state, outputs[at] = new, output[:, None]
    return FUNCTIONS.concatenate(outputs, axis=1) if layer.return_sequences else state[0]


def kept(draw: np.random.Generator, rate: float, shape: tuple[int, ...]) -> Array:
    """Zero with probability `rate`, else 1 / (1 - rate)."""
    return np.where(draw.random(shape) < 1 - rate, 1 / (1 - rate), 0.0)


def penalty_of(array: Any, penalty: Penalty) -> Any:
    """What an array's size adds to the loss."""
    flat = array.reshape(-1)
    return (flat * np.sign(value_of(flat)) * penalty.l1 + flat * flat * penalty.l2).sum(axis=0)


def limited(gradients: dict[str, Array], update: Update) -> dict[str, Array]:
    """Gradients as the optimiser sees them: frozen ones zero, none beyond the limits."""
    found = {name: np.zeros_like(by) if name in update.frozen else by for name, by in gradients.items()}
    if update.clip_value is not None:
        found = {name: np.clip(by, -update.clip_value, update.clip_value) for name, by in found.items()}
    if update.clip_each is not None:
        found = {name: shortened(by, float(np.linalg.norm(by)), update.clip_each) for name, by in found.items()}
    if update.clips[0] is not None:
        norm = math.sqrt(sum(float(np.square(by).sum()) for by in found.values()))
        found = {name: shortened(by, norm, update.clips[0]) for name, by in found.items()}
    return found


def shortened(gradient: Array, norm: float, most: float) -> Array:
    """Scaled down where the norm is beyond the most."""
    return gradient * (most / norm) if norm > most else gradient


def slots_of(rule: Rule) -> int:
    """How many numbers an optimiser keeps for each parameter."""
    return {"sgd": 0, "adam": 2, "adadelta": 2, "adamax": 2}.get(rule.direction, 1)


def moved(
    update: Update, gradient: Array, parameters: Array, slots: Array, scale: float, step: int, decayed: Array
) -> Array:
    """The parameters after a step; `slots` change in place.

    Args:
        update: the rule and the weight decay.
        gradient: by all parameters, one vector.
        parameters: before the step.
        slots: `[slots, parameters]`.
        scale: minus the rate.
        step: its number, counted from 0.
        decayed: what weight decay is taken off.
    """
    rule = update.rule
    shrunk = parameters + scale * update.weight_decay * decayed * parameters
    first, second = 1 - rule.decay ** (step + 1), 1 - rule.decay_of_squares ** (step + 1)

    def mean(slot: int, of: Array, decay: float) -> Array:
        slots[slot] = decay * slots[slot] + (1 - decay) * of
        return slots[slot].astype(np.float64)

    def way() -> Array:
        match rule.direction:
            case "sgd":
                return gradient
            case "momentum":
                slots[0] = gradient + rule.decay * slots[0]
                return slots[0].astype(np.float64)
            case "rmsprop":
                return gradient / np.sqrt(mean(0, gradient**2, rule.decay) + rule.epsilon)
            case "adagrad":
                slots[0] = slots[0] + gradient**2
                return gradient / np.sqrt(slots[0] + rule.epsilon)
            case "adadelta":
                squares, moves = mean(0, gradient**2, rule.decay), slots[1].astype(np.float64)
                move = np.sqrt(moves + rule.epsilon) * gradient / np.sqrt(squares + rule.epsilon)
                mean(1, move**2, rule.decay)
                return move
            case "adamax":
                top = mean(0, gradient, rule.decay)
                slots[1] = np.maximum(rule.decay_of_squares * slots[1], np.abs(gradient))
                return top / first / (slots[1] + rule.epsilon)
            case _:
                epsilon = rule.epsilon / math.sqrt(second) if rule.epsilon_beside_raw else rule.epsilon
                top, squares = mean(0, gradient, rule.decay), mean(1, gradient**2, rule.decay_of_squares)
                return top / first / (np.sqrt(squares / second) + epsilon)

    if rule.direction not in ("velocity", "nesterov"):
        return shrunk + scale * way()
    slots[0] = rule.decay * slots[0] + scale * gradient
    velocity = slots[0].astype(np.float64)
    return shrunk + (rule.decay * velocity + scale * gradient if rule.direction == "nesterov" else velocity)


def why_not(rows: Sequence[str]) -> str | None:
    """Why it cannot train on rows of these arrays; None where it can."""
    unknown = set(rows) - {"inputs", "targets", "lengths", "weight"}
    return f"it knows no rows of {min(unknown)}" if unknown else None
