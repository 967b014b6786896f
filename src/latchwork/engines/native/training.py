"""Training steps and evaluation in the kernels' own trainer: one call for a block, no compilation, no JAX.

A network's parameters are one vector in the order of `spec.Sequential.parameter_shapes`, `[members, parameters]`; what
the optimiser keeps is `[members, slots, parameters]`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.engines import native
from latchwork.engines.native import program
from latchwork.engines.native.fitting import ARRAYS, OF_CLASSES, OF_LABELS, takes_tokens
from latchwork.engines.steps import (
    Arrays,
    Batches,
    Order,
    Penalty,
    Rows,
    Sampling,
    Seeds,
    Sums,
    Term,
    Update,
    per_member,
    picked,
)
from latchwork.transforms.augmentation import AffineImages, DrawnChange, SpectrogramMasks


@dataclass(frozen=True)
class Program:
    """A network, its loss and metrics, and its rows, laid out for batches of one size.

    Args:
        network: the spec, and arrays whose shapes alone matter here.
        terms: the loss, then the metrics.
        rows: what it is trained on, or evaluated over.
        batch_size: rows of a step.
        update: what a step does; None where nothing is trained.
        by_values: whether rows count by their observed targets, so that a loss is a mean of values, not of rows.
        changes: what the inputs of training are changed by.
        penalties: what the size of learned arrays adds to the loss.
        plain_counts: whether figures are means over rows whatever these weigh, as in Keras: the loss's sum alone knows
            weights.
        carries: whether each batch begins with the states that the one before has ended with.
        sampling: of the last layer's outputs while it trains.
    """

    network: NetworkData
    terms: tuple[Term, ...]
    rows: Rows
    batch_size: int
    update: Update | None = None
    by_values: bool = False
    changes: DrawnChange | None = None
    penalties: tuple[Penalty, ...] = ()
    plain_counts: bool = False
    carries: bool = False
    sampling: Sampling | None = None

    @property
    def members(self) -> int:
        """How many networks there are."""
        return self.network.members or 1

    @cached_property
    def per_member(self) -> frozenset[str]:
        """The arrays whose rows hold an example for each member."""
        return frozenset() if self.network.members is None else per_member(self.network.spec, self.rows.shapes())

    @cached_property
    def criteria(self) -> tuple[tuple[str, tuple[float, ...]], ...]:
        """What the kernels compute: each term once, however often it is reported."""
        return tuple(dict.fromkeys((term.name, term.settings) for term in self.terms))

    def figures(self, sums: Sums) -> Sums:
        """The terms' sums out of those of the criteria, `[..., criteria + 1]`: the last is that of the weights."""
        places = [self.criteria.index((term.name, term.settings)) for term in self.terms]
        return sums[..., [*places, -1]] * np.array([*(term.factor for term in self.terms), 1.0])

    def new_sums(self, steps: int) -> Sums:
        """Zeros for the kernels to fill, `[members, steps, criteria + 1]`."""
        return np.zeros((self.members, steps, len(self.criteria) + 1))

    def no_states(self) -> NDArray[np.float32]:
        """What is carried into a first batch: zeros, `[members, carried]`."""
        return np.zeros((self.members, self.trainer.carried), np.float32)

    @cached_property
    def trainer(self) -> Any:
        """The kernels' trainer of all members; many networks have a thread each, one has them all."""
        described = self.network.spec
        shapes = {
            name: row.shape[1:] if name in self.per_member else row.shape for name, row in self.rows.shapes().items()
        }
        tokens = takes_tokens(self.network)
        has_time = tokens or len(shapes["inputs"]) == 2
        update, changes = self.update, self.changes
        rule = None if update is None else update.rule
        places = _places(described)
        frozen = update.frozen if update else frozenset[str]()
        return native.module().Trainer(
            layers=program.native_layers(described),
            features=0 if tokens else shapes["inputs"][-1],
            has_time=has_time,
            time=shapes["inputs"][0] if has_time else 1,
            horizon=shapes["ahead"][0] if "ahead" in shapes else 0,
            labels=shapes["targets"][0] if self.terms[0].name == OF_LABELS else 0,
            ragged="lengths" in shapes,
            carries=self.carries,
            batch=self.batch_size,
            members=self.members,
            threads=native.engine_info().threads,
            terms=[(name, list(settings)) for name, settings in self.criteria],
            by_values=self.by_values,
            penalties=list(_penalised(described, self.penalties)),
            rule=None if rule is None else (rule.direction, *rule[1:4], rule.epsilon_beside_raw),
            weight_decay=update.weight_decay if update else 0.0,
            decayed=[places[name] for name in _decayed(described, update)],
            frozen=[place for name, place in places.items() if name in frozen],
            variables=list(places.values()),
            clip_each=_limit(update and update.clip_each),
            clip_value=_limit(update and update.clip_value),
            plain_counts=self.plain_counts,
            images=astuple(changes) if isinstance(changes, AffineImages) else None,
            masks=astuple(changes) if isinstance(changes, SpectrogramMasks) else None,
            sampling=None if self.sampling is None else tuple(self.sampling),
        )

    def joined(self, parameters: Arrays) -> NDArray[np.float32]:
        """The arrays of each member as one vector, `[members, parameters]`."""
        arrays = [np.asarray(parameters[name], np.float32) for name in self.network.spec.parameter_shapes()]
        return np.concatenate([array.reshape(self.members, -1) for array in arrays], axis=1)

    def parted(self, joined: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The arrays by name out of such vectors."""
        shapes = self.network.spec.parameter_shapes()
        ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
        axis = () if self.network.members is None else (self.members,)
        parts = np.split(joined, ends[:-1], axis=1)
        return {name: part.reshape(*axis, *shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def _decayed(network: spec.Sequential, update: Update | None) -> list[str]:
    """The parameters that weight decay is taken off: matrices, or all."""
    if update is None:
        return []
    shapes = network.parameter_shapes().items()
    return [name for name, size in shapes if (len(size) > 1 or update.decays_vectors) and name not in update.frozen]


def _limit(most: float | None) -> float:
    return math.inf if most is None else most


def _penalised(network: spec.Sequential, penalties: Sequence[Penalty]) -> Iterator[tuple[int, int, float, float]]:
    """Where the penalised arrays lie, in order, and what they cost."""
    places = _places(network)
    return ((*places[one.name], one.l1, one.l2) for one in sorted(penalties, key=lambda one: places[one.name]))


def _places(network: spec.Sequential) -> dict[str, tuple[int, int]]:
    """Where each array begins and ends among all parameters."""
    shapes = network.parameter_shapes()
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()]).tolist()
    return dict(zip(shapes, pairwise([0, *ends]), strict=True))


class NativeState(NamedTuple):
    """What a step changes."""

    parameters: NDArray[np.float32]
    slots: NDArray[np.float32]
    carried: NDArray[np.float32]  # states of the recurrent layers, from batch to batch


class NativeSteps:
    """Blocks of steps of a network, or of several side by side."""

    most_steps = 1 << 16
    compiles = False

    def __init__(self, program: Program, seeds: Seeds, steps_per_epoch: int = 0) -> None:
        """Lay the network out for its batches.

        Args:
            program: what is trained; it has an update.
            seeds: of what each member draws.
            steps_per_epoch: after so many, what is carried from batch to batch begins anew; never where 0.
        """
        self.program, self.seeds, self.steps_per_epoch = program, seeds, steps_per_epoch
        self.chunk = _Chunk(program)

    @property
    def threads(self) -> int:
        """Of a whole call."""
        return self.program.trainer.useful_threads

    def initial_state(self) -> NativeState:
        """The parameters joined, and slots as the optimiser begins."""
        joined = self.program.joined(self.program.network.parameters)
        assert self.program.update is not None
        start = self.program.update.rule.start
        return NativeState(joined, np.full(self._slots(joined), start, np.float32), self.program.no_states())

    def _slots(self, joined: NDArray[np.float32]) -> tuple[int, int, int]:
        return len(joined), self.program.trainer.slots, joined.shape[1]

    def train(self, state: NativeState, chunk: range, batches: Batches) -> tuple[NativeState, Sums]:
        """One call for all steps of all members."""
        assert self.program.update is not None
        state = NativeState(*(array.copy() for array in state))
        sums = self.program.new_sums(batches.order.shape[-2])
        self.program.trainer.train(
            *state, *self.chunk.arguments(chunk),
            order=np.ascontiguousarray(batches.order, np.int32),
            scales=np.ascontiguousarray(batches.scales, np.float32),
            clips=[math.inf if clip is None else clip for clip in self.program.update.clips],
            active=batches.active.tolist(), first=batches.first,
            begin_every=self.steps_per_epoch if self.program.carries else 0,
            seeds=list(self.seeds), sums=sums,
        )  # fmt: skip
        return state, self.program.figures(sums)

    def arrays(self, state: NativeState) -> dict[str, NDArray[Any]]:
        """Parameters, slots and, where there are any, the states that are carried."""
        carried = {"carried": state.carried} if self.program.carries else {}
        return {"parameters": state.parameters, "slots": state.slots} | carried

    def restored(self, arrays: Arrays) -> NativeState:
        """From `arrays`."""
        start = self.program.joined(self.program.network.parameters)
        float32 = np.dtype(np.float32)
        shapes = {"parameters": (start.shape, float32), "slots": (self._slots(start), float32)}
        carried = self.program.no_states()
        if self.program.carries:
            shapes["carried"] = (carried.shape, float32)
        return NativeState(**{"carried": carried} | picked(arrays, shapes))

    def parameters(self, state: NativeState) -> dict[str, NDArray[Any]]:
        """By the spec's names."""
        return self.program.parted(state.parameters.copy())

    def model(self, parameters: Arrays) -> NetworkData:
        """The network around them."""
        return NetworkData(self.program.network.spec, parameters, self.program.network.members)


class NativeEvaluation:
    """The sums of a network's loss and metrics over rows."""

    def __init__(self, program: Program) -> None:
        """Lay the network out; the program has no update."""
        self.program = program
        self.chunk = _Chunk(program)
        self._carried = program.no_states()

    def sums(self, model: NetworkData, chunk: range, order: Order) -> Sums:
        """Added up batch by batch; what is carried begins anew with the first chunk."""
        parameters = self.program.joined(model.parameters)
        sums = self.program.new_sums(order.shape[-2])
        order = np.ascontiguousarray(order, np.int32)
        if chunk.start == 0:
            self._carried = self.program.no_states()
        self.program.trainer.evaluate(parameters, self._carried, *self.chunk.arguments(chunk), order=order, sums=sums)
        return self.program.figures(sums).sum(axis=1)


class _Chunk:
    """The rows of a chunk as the trainer takes them: dense arrays of its types."""

    def __init__(self, program: Program) -> None:
        """Nothing is loaded yet."""
        self.program = program
        self._chunk: range | None = None
        self._arguments: tuple[Any, ...] = ()

    def arguments(self, chunk: range) -> tuple[Any, ...]:
        """The arrays by their places, None for what is not there; and the names of those that differ by member."""
        if chunk != self._chunk:
            self._arguments = ()  # let the old chunk go before the new one comes
            arrays = self._read(chunk)
            self._arguments = (*(arrays.get(name) for name in ARRAYS), sorted(self.program.per_member))
            self._chunk = chunk
        return self._arguments

    def _read(self, chunk: range) -> dict[str, NDArray[Any]]:
        arrays = dict(self.program.rows.read(chunk))
        if self.program.rows.chunk_rows is not None:  # read once and in order, where rows would be fetched one by one
            arrays = {name: np.array(array) for name, array in arrays.items()}
        integers = {
            "inputs": takes_tokens(self.program.network),
            "targets": self.program.terms[0].name in (*OF_CLASSES, OF_LABELS),
            "lengths": True,
        }
        if self.program.terms[0].name == OF_LABELS:
            _check_labels(arrays["targets"], self.program.network.spec.output_shape()[-1] or 0)
        return {
            name: np.ascontiguousarray(array, np.int32 if integers.get(name) else np.float32)
            for name, array in arrays.items()
        }


def _check_labels(labels: NDArray[Any], classes: int) -> None:
    """Raise `InputError` where a label is the blank, or no class of the outputs."""
    wrong = (labels == 0) | (labels >= classes)
    if wrong.any():
        given = int(labels[wrong][0])
        raise InputError(
            f"got the label {given}: with {classes} outputs labels are 1 to {classes - 1}; 0 is the blank, and numbers "
            "below 0 stand behind a row's last label"
        )
