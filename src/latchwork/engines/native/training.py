"""Training steps and evaluation in the kernels' own trainer: one call for a block, no compilation, no JAX.

A network's parameters are one vector in the order of `spec.Sequential.parameter_shapes`, `[members, parameters]`; what
the optimiser keeps is `[members, slots, parameters]`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core import settings, spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.table import cell_row
from latchwork.engines import native
from latchwork.engines.steps import (
    Arrays,
    Batches,
    Order,
    Rows,
    RowShape,
    Seeds,
    Sums,
    Term,
    Update,
    per_member,
    picked,
)

# By their numbers in csrc/.
TERMS = {"softmax_cross_entropy": 0, "squared_error": 1, "absolute_error": 2, "huber": 3, "accuracy": 4}
OF_CLASSES = frozenset({"softmax_cross_entropy", "accuracy"})
DIRECTIONS = {"sgd": 0, "momentum": 1, "rmsprop": 2, "adam": 3, "adagrad": 4}
ACTIVATIONS = {None: 0, "tanh": 1, "relu": 2, "sigmoid": 3}
POOLS = {"first": 0, "last": 1, "mean": 2, "max": 3}
KNOWN = (spec.Dense, spec.Dropout, spec.Embedding, spec.LayerNorm, spec.Pooling)
ARRAYS = ("inputs", "targets", "lengths", "weight")


def why_not(network: NetworkData, terms: Sequence[Term], rows: Mapping[str, RowShape]) -> str | None:
    """Why the kernels cannot train this network for these terms on such rows; None where they can."""
    if settings.engine() == "plain":
        return "LATCHWORK_ENGINE=plain"
    if not native.available():
        return native.engine_info().reason
    return _why_not_layers(network) or _why_not_terms(terms) or _why_not_rows(network, terms[0], rows)


def _why_not_layers(network: NetworkData) -> str | None:
    for layer in network.spec.layers:
        one = layer.layer if isinstance(layer, spec.Bidirectional) else layer
        if (_kind(one) is None) if isinstance(one, spec.Recurrent) else (type(one) not in KNOWN):
            return f"it knows no {type(one).__name__}"
        if isinstance(one, spec.Recurrent) and one.recompute_every:
            return "it keeps all that a gradient needs, and recompute_every asks for less"
    kinds = {str(array.dtype) for array in network.parameters.values()} - {"float32"}
    return f"it computes in float32, the network is {kinds.pop()}" if kinds else None


def _why_not_terms(terms: Sequence[Term]) -> str | None:
    for term in terms:
        if term.name not in TERMS:
            return f"it knows no {term.name}"
    if terms[0].name == "accuracy":
        return "the accuracy has no derivative"
    if len({term.name in OF_CLASSES for term in terms}) > 1:
        return "the loss and the metrics take different targets"
    return None


def _why_not_rows(network: NetworkData, loss: Term, rows: Mapping[str, RowShape]) -> str | None:
    if unknown := rows.keys() - set(ARRAYS):
        return f"it knows no rows of {min(unknown)}"
    if missing := {"inputs", "targets"} - rows.keys():
        return f"its rows have {min(missing)}"
    many = frozenset[str]() if network.members is None else per_member(network.spec, rows)
    for name in sorted(many):
        if rows[name].shape[0] != network.members:
            return f"there are {network.members} networks, the rows have {name} of shape {rows[name].shape}"
    shapes = {name: row.shape[1:] if name in many else row.shape for name, row in rows.items()}
    if takes_tokens(network) and rows["inputs"].dtype.kind not in "iu":
        return f"its tokens are whole numbers, the inputs are {rows['inputs'].dtype}"
    try:
        expected: tuple[int | None, ...] = network.spec.with_input(shapes["inputs"]).output_shape()
    except InputError as error:
        return str(error)
    if loss.name in OF_CLASSES:
        expected = expected[:-1]
        if rows["targets"].dtype.kind not in "iu":
            return f"its classes are whole numbers, the targets are {rows['targets'].dtype}"
    if shapes["targets"] != expected:
        return f"its targets have the outputs' shape {expected}, those given have {shapes['targets']}"
    return None


def takes_tokens(network: NetworkData) -> bool:
    """Whether its inputs are symbols, not numbers."""
    return isinstance(network.spec.layers[0], spec.Embedding)


@dataclass(frozen=True)
class Program:
    """A network, its loss and metrics, and its rows, laid out for batches of one size.

    Args:
        network: the spec, and arrays whose shapes alone matter here.
        terms: the loss, then the metrics.
        rows: what it is trained on, or evaluated over.
        batch_size: rows of a step.
        update: what a step does; None where nothing is trained.
    """

    network: NetworkData
    terms: tuple[Term, ...]
    rows: Rows
    batch_size: int
    update: Update | None = None

    @property
    def members(self) -> int:
        """How many networks there are."""
        return self.network.members or 1

    @cached_property
    def per_member(self) -> frozenset[str]:
        """The arrays whose rows hold an example for each member."""
        return frozenset() if self.network.members is None else per_member(self.network.spec, self.rows.shapes())

    @cached_property
    def trainers(self) -> list[Any]:
        """The kernels' trainer of each member; many networks have a thread each, one has them all."""
        threads = 1 if self.network.members is not None else native.engine_info().threads
        return [self._trainer(index, threads) for index in range(self.members)]

    def _trainer(self, index: int, threads: int) -> Any:
        described = self.network.spec
        shapes = self.rows.shapes()
        shape = shapes["inputs"].shape[1:] if "inputs" in self.per_member else shapes["inputs"].shape
        tokens = takes_tokens(self.network)
        has_time = tokens or len(shape) == 2
        trainer = native.module().Trainer(
            self.batch_size, shape[0] if has_time else 1, 0 if tokens else shape[-1], has_time,
            "lengths" in shapes, described.parameter_count(), self.update is not None, threads,
        )  # fmt: skip
        for layer in described.layers:
            _add(trainer, layer)
        for term in self.terms:
            trainer.add_measure(TERMS[term.name], term.setting)
        if self.update is not None:
            rule, clip = self.update.rule, self.update.clips[index]
            trainer.set_rule(
                DIRECTIONS[rule.direction], rule.decay, rule.decay_of_squares, rule.epsilon, self.update.weight_decay,
                math.inf if clip is None else clip, list(_matrices(described)),
            )  # fmt: skip
        return trainer

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


def _add(trainer: Any, layer: spec.Layer) -> None:
    match layer:
        case spec.Recurrent():
            _add_recurrent(trainer, layer, both_ways=False)
        case spec.Bidirectional():
            _add_recurrent(trainer, layer.layer, both_ways=True)
        case spec.Dense():
            trainer.add_dense(layer.units, ACTIVATIONS[layer.activation])
        case spec.Dropout():
            trainer.add_dropout(layer.rate)
        case spec.Embedding():
            trainer.add_embedding(layer.tokens, layer.units)
        case spec.LayerNorm():
            trainer.add_norm(spec.LayerNorm.EPSILON)
        case spec.Pooling():
            trainer.add_pooling([POOLS[kind] for kind in layer.kinds])
        case _:
            raise AssertionError(f"why_not let {layer!r} through")


def _add_recurrent(trainer: Any, layer: spec.Recurrent, *, both_ways: bool) -> None:
    kind = _kind(layer)
    assert kind is not None
    last_only = not layer.return_sequences
    trainer.add_recurrent(
        kind, layer.units, layer.reverse, last_only, both_ways, layer.dropout, layer.recurrent_dropout
    )


def _kind(layer: spec.Recurrent) -> int | None:
    """The kernels' number of a cell; None where they have none."""
    kernel = cell_row(layer).kernel
    if kernel is None:
        return None
    activation = getattr(layer, "activation", "tanh")
    return native.KINDS.get((kernel(layer).removesuffix(f"_{activation}"), activation))  # pyright: ignore[reportArgumentType, reportCallIssue]


def _matrices(network: spec.Sequential) -> Iterator[tuple[int, int]]:
    """Where the matrices lie among all parameters: what weight decay is taken off."""
    at = 0
    for shape in network.parameter_shapes().values():
        size = math.prod(shape)
        if len(shape) > 1:
            yield at, at + size
        at += size


class NativeState(NamedTuple):
    """What a step changes."""

    parameters: NDArray[np.float32]
    slots: NDArray[np.float32]


class NativeSteps:
    """Blocks of steps of a network, or of several side by side."""

    most_steps = 1 << 16
    compiles = False

    def __init__(self, program: Program, seeds: Seeds) -> None:
        """Lay the network out for its batches.

        Args:
            program: what is trained; it has an update.
            seeds: of what each member draws.
        """
        self.program, self.seeds = program, seeds
        self.chunk = _Chunk(program)

    def initial_state(self) -> NativeState:
        """The parameters joined, and slots as the optimiser begins."""
        joined = self.program.joined(self.program.network.parameters)
        assert self.program.update is not None
        start = self.program.update.rule.start
        return NativeState(joined, np.full(self._slots(joined), start, np.float32))

    def _slots(self, joined: NDArray[np.float32]) -> tuple[int, int, int]:
        return len(joined), self.program.trainers[0].slots, joined.shape[1]

    def train(self, state: NativeState, chunk: range, batches: Batches) -> tuple[NativeState, Sums]:
        """One call where the members share order and rates, else one for each."""
        self.chunk.load(chunk)
        parameters, slots = state.parameters.copy(), state.slots.copy()
        count = batches.order.shape[-2]
        sums = np.zeros((self.program.members, count, len(self.program.terms) + 1))
        if self._is_joint(batches):
            native.module().train(
                self.program.trainers, parameters, slots, *self.chunk.arguments(),
                np.ascontiguousarray(batches.order), np.ascontiguousarray(batches.scales[0]), batches.first,
                self.seeds[0], sums,
            )  # fmt: skip
            return NativeState(parameters, slots), sums

        def one(member: int) -> None:
            order = batches.order if batches.order.ndim == 2 else batches.order[member]
            native.module().train(
                [self.program.trainers[member]], parameters[member], slots[member],
                *self.chunk.arguments(member), np.ascontiguousarray(order),
                np.ascontiguousarray(batches.scales[member]), batches.first, self.seeds[member], sums[member],
            )  # fmt: skip

        _for_each(one, np.flatnonzero(batches.active))
        return NativeState(parameters, slots), sums

    def _is_joint(self, batches: Batches) -> bool:
        """Whether one call can do it: it gives member `i` the seed `seed + (i << 32)`."""
        if self.program.members == 1:
            return batches.order.ndim == 2
        seeds = [self.seeds[0] + (member << 32) for member in range(self.program.members)]
        return (
            batches.order.ndim == 2
            and bool(batches.active.all())
            and bool((batches.scales == batches.scales[0]).all())
            and list(self.seeds) == seeds
            and self.chunk.is_joint
        )

    def arrays(self, state: NativeState) -> dict[str, NDArray[Any]]:
        """Parameters and slots."""
        return {"parameters": state.parameters, "slots": state.slots}

    def restored(self, arrays: Arrays) -> NativeState:
        """From `arrays`."""
        start = self.program.joined(self.program.network.parameters)
        float32 = np.dtype(np.float32)
        shapes = {"parameters": (start.shape, float32), "slots": (self._slots(start), float32)}
        return NativeState(**picked(arrays, shapes))

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

    def sums(self, model: NetworkData, chunk: range, order: Order) -> Sums:
        """Added up batch by batch."""
        self.chunk.load(chunk)
        parameters = self.program.joined(model.parameters)
        sums = np.empty((self.program.members, order.shape[-2], len(self.program.terms) + 1))
        if order.ndim == 2 and (self.program.members == 1 or self.chunk.is_joint):
            arguments = self.chunk.arguments()
            native.module().evaluate(self.program.trainers, parameters, *arguments, np.ascontiguousarray(order), sums)
            return sums.sum(axis=1)

        def one(member: int) -> None:
            own = np.ascontiguousarray(order if order.ndim == 2 else order[member])
            arguments = self.chunk.arguments(member)
            native.module().evaluate([self.program.trainers[member]], parameters[member], *arguments, own, sums[member])

        _for_each(one, range(self.program.members))
        return sums.sum(axis=1)


class _Chunk:
    """The rows of a chunk as the trainer takes them: dense arrays of its types."""

    def __init__(self, program: Program) -> None:
        """Nothing is loaded yet."""
        self.program = program
        self._chunk: range | None = None
        self._arrays: dict[str, NDArray[Any]] = {}
        self._arguments: dict[int | None, tuple[Any, ...]] = {}

    @property
    def is_joint(self) -> bool:
        """Whether one call takes the rows of all members: it wants examples of each, but lengths and weights of all."""
        return self.program.per_member == {"inputs", "targets"}

    def load(self, chunk: range) -> None:
        """Read a chunk, where it is not the last one."""
        if chunk != self._chunk:
            self._arrays, self._arguments = {}, {}  # let the old chunk go before the new one comes
            self._arrays, self._chunk = self._read(chunk), chunk

    def arguments(self, member: int | None = None) -> tuple[Any, ...]:
        """Inputs, tokens, targets as values, targets as classes, lengths, weight; None for what is not there."""
        if member not in self._arguments:
            self._arguments[member] = self._as_arguments(self._of(member))
        return self._arguments[member]

    def _read(self, chunk: range) -> dict[str, NDArray[Any]]:
        arrays = dict(self.program.rows.read(chunk))
        if self.program.rows.chunk_rows is not None:  # read once and in order, where rows would be fetched one by one
            arrays = {name: np.array(array) for name, array in arrays.items()}
        integers = {
            "inputs": takes_tokens(self.program.network),
            "targets": self.program.terms[0].name in OF_CLASSES,
            "lengths": True,
            "weight": False,
        }
        return {
            name: np.ascontiguousarray(array, np.int32 if integers[name] else np.float32)
            for name, array in arrays.items()
        }

    def _of(self, member: int | None) -> dict[str, NDArray[Any]]:
        """The arrays of all, or of one member."""
        if member is None:
            return self._arrays
        return {
            name: np.ascontiguousarray(array[:, member]) if name in self.program.per_member else array
            for name, array in self._arrays.items()
        }

    def _as_arguments(self, arrays: Arrays) -> tuple[Any, ...]:
        inputs, targets = arrays["inputs"], arrays["targets"]
        tokens, classes = takes_tokens(self.program.network), self.program.terms[0].name in OF_CLASSES
        return (
            None if tokens else inputs, inputs if tokens else None, None if classes else targets,
            targets if classes else None, arrays.get("lengths"), arrays.get("weight"),
        )  # fmt: skip


def _for_each(call: Any, members: Any) -> None:
    """Calls that let go of the interpreter's lock, on as many threads as the kernels may use."""
    if len(members) < 2:
        for member in members:
            call(int(member))
        return
    with ThreadPoolExecutor(min(len(members), native.engine_info().threads)) as pool:
        list(pool.map(lambda member: call(int(member)), members))
