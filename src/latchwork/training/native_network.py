"""A network, its objective and its optimiser as the kernels' own trainer takes them, or why it cannot."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import jax
import numpy as np

from latchwork.core import settings, spec
from latchwork.engines import native
from latchwork.engines.jax.layers import (
    BidirectionalLayer,
    BuiltLayer,
    Constant,
    DescribedLayer,
    DropoutLayer,
    RecurrentLayer,
    embedding_of,
)
from latchwork.engines.jax.network import Network, split_parameters
from latchwork.engines.jax.unroll import kernel_of
from latchwork.training.data import Data
from latchwork.training.losses import (
    Accuracy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)
from latchwork.training.objective import Objective, SideBySide, Supervised
from latchwork.training.optimizers import RULES, OptaxOptimizer, Optimizer

KNOWN = (BidirectionalLayer, RecurrentLayer, DescribedLayer, DropoutLayer)


class Measured(NamedTuple):
    """A loss or a metric, by its name in csrc/network/learning.h."""

    name: str
    setting: float
    takes_classes: bool


def measured(loss: Loss) -> Measured | None:
    """The kernels' own; None where they have none."""
    match loss:
        case SoftmaxCrossEntropy():
            return Measured("softmax_cross_entropy", loss.label_smoothing, takes_classes=True)
        case MeanSquaredError():
            return Measured("squared_error", 0.0, takes_classes=False)
        case MeanAbsoluteError():
            return Measured("absolute_error", 0.0, takes_classes=False)
        case Huber():
            return Measured("huber", loss.delta, takes_classes=False)
        case Accuracy():
            return Measured("accuracy", 0.0, takes_classes=True)
        case _:
            return None


Known = Supervised | SideBySide


def each_one(objective: Known) -> Supervised:
    """What one network is trained for."""
    return objective.inner if isinstance(objective, SideBySide) else objective


def measures(objective: Supervised) -> list[tuple[str, Measured | None]]:
    """The loss and the metrics, each with its name."""
    losses = [objective.loss, *(metric for _, metric in objective.metrics)]
    return [(type(loss).__name__, measured(loss)) for loss in losses]


def why_not_native(
    model: Any, objective: Objective, optimizer: Optimizer | OptaxOptimizer | None, data: Data
) -> str | None:
    """Why the kernels' own trainer cannot run a case; None where it can."""
    if settings.engine() == "plain" or not native.available():
        return "LATCHWORK_ENGINE=scan" if native.available() else native.engine_info().reason
    if type(model) is not Network:
        return f"it knows a Network, not a {type(model).__name__}"
    if type(objective) not in (Supervised, SideBySide):
        return f"it knows the objective Supervised, not {type(objective).__name__}"
    objective = cast("Known", objective)
    if isinstance(optimizer, OptaxOptimizer):
        return "it knows optimisers by name, not an Optax transformation"
    if isinstance(objective, SideBySide) and optimizer is not None and optimizer.clip is not None:
        return "clip limits the gradients of all members together"
    return (
        _why_not_layers(model, objective)
        or _why_not_measures(each_one(objective))
        or _why_not_data(model, objective, data)
        or _why_not_here()
    )


def _why_not_layers(model: Network, objective: Known) -> str | None:
    for layer in model.layers:
        inner = (layer.forward, layer.backward) if isinstance(layer, BidirectionalLayer) else (layer,)
        described = layer.description if isinstance(layer, DescribedLayer) else None
        if not isinstance(layer, KNOWN) or isinstance(described, spec.Ahead):
            return f"it knows no {type(layer).__name__}"
        for one in inner:
            if isinstance(one, RecurrentLayer) and kernel_of(one.cell) is None:
                return f"it knows no {type(one.cell).__name__}"
            if isinstance(one, RecurrentLayer) and one.recompute_every:
                return "it keeps all that a gradient needs, and recompute_every asks for less"
    leaves = jax.tree.leaves(split_parameters(model)[0])
    members = leaves[0].shape[:1] if isinstance(objective, SideBySide) else ()
    if [leaf.shape for leaf in leaves] != [members + shape for shape in model.spec.parameter_shapes().values()]:
        return "the network's arrays are not those of its spec"
    kinds = {str(leaf.dtype) for leaf in leaves} - {"float32"}
    return f"it computes in float32, the network is {kinds.pop()}" if kinds else None


def _why_not_measures(objective: Supervised) -> str | None:
    known = measures(objective)
    for name, found in known:
        if found is None:
            return f"it knows no {name}"
    loss, *metrics = [cast("Measured", found) for _, found in known]
    if isinstance(objective.loss, Accuracy):
        return "the accuracy has no derivative"
    if any(metric.takes_classes != loss.takes_classes for metric in metrics):
        return "the loss and the metrics take different targets"
    return None


def _why_not_data(model: Network, objective: Known, data: Data) -> str | None:
    if unknown := data.arrays.keys() - {"inputs", "targets", "lengths", "weight"}:
        return f"it knows no rows of {min(unknown)}"
    inputs, targets = data.arrays["inputs"], data.arrays["targets"]
    members: tuple[int, ...] = ()
    if isinstance(objective, SideBySide):
        members = jax.tree.leaves(model)[0].shape[:1]
        if inputs.shape[1:2] != members:
            return f"there are {members[0]} networks, the rows have examples for {inputs.shape[1:2]}"
    if takes_tokens(model) and inputs.dtype.kind not in "iu":
        return f"its tokens are whole numbers, the inputs are {inputs.dtype}"
    shapes = model.spec.with_input(inputs.shape[1 + len(members) :]).shapes()
    expected = shapes[-1]
    if cast("Measured", measured(each_one(objective).loss)).takes_classes:
        expected = expected[:-1]
        if targets.dtype.kind not in "iu":
            return f"its classes are whole numbers, the targets are {targets.dtype}"
    expected = members + expected
    if targets.shape[1:] != expected:
        return f"its targets have the outputs' shape {expected}, those given have {targets.shape[1:]}"
    return None


def _why_not_here() -> str | None:
    platform = jax.default_backend()
    return None if platform == "cpu" else f"it runs on a CPU, the computation runs on {platform}"


def takes_tokens(model: Network) -> bool:
    """Whether its inputs are symbols, not numbers."""
    return embedding_of(model.layers[0]) is not None


def make_trainers(
    model: Network, objective: Known, optimizer: Optimizer | None, data: Data, batch_size: int
) -> list[Any]:
    """The kernels' trainer of each network for batches of these rows; without an optimiser they only measure."""
    if not isinstance(objective, SideBySide):
        shape = data.arrays["inputs"].shape[1:]
        threads = native.engine_info().threads
        return [_planned(model, objective, optimizer, data, shape, batch_size, threads).make()]
    members, *shape = data.arrays["inputs"].shape[1:]
    one = cast("Network", jax.tree.map(lambda leaf: np.asarray(leaf)[0], model))
    plan = _planned(one, objective.inner, optimizer, data, shape, batch_size, 1)
    return [plan.make() for _ in range(members)]


class _Plan(NamedTuple):
    """What makes a trainer of the kernels: its own arguments, then calls of its methods in order."""

    arguments: tuple[Any, ...]
    calls: list[tuple[str, tuple[Any, ...]]]

    def make(self) -> Any:
        made = native.module().Trainer(*self.arguments)
        for name, arguments in self.calls:
            getattr(made, name)(*arguments)
        return made


def _planned(
    model: Network,
    objective: Supervised,
    optimizer: Optimizer | None,
    data: Data,
    shape: Sequence[int],
    batch_size: int,
    threads: int,
) -> _Plan:
    leaves = jax.tree.leaves(split_parameters(model)[0])
    tokens = takes_tokens(model)
    has_time = tokens or len(shape) == 2
    arguments = (
        batch_size, shape[0] if has_time else 1, 0 if tokens else shape[-1], has_time, "lengths" in data.arrays,
        sum(leaf.size for leaf in leaves), optimizer is not None, threads,
    )  # fmt: skip
    calls = [_added(layer) for layer in model.layers]
    for _, found in measures(objective):
        name, setting, _ = cast("Measured", found)
        calls.append(("add_measure", (name, setting)))
    if optimizer is not None:
        rule = RULES[optimizer.name]
        limit = math.inf if optimizer.clip is None else optimizer.clip
        calls.append(("set_rule", (
            rule.direction, rule.decay, rule.decay_of_squares, rule.epsilon, optimizer.weight_decay, limit,
            list(_matrices(leaves)),
        )))  # fmt: skip
    return _Plan(arguments, calls)


def _added(layer: BuiltLayer) -> tuple[str, tuple[Any, ...]]:
    match layer:
        case RecurrentLayer():
            return _added_recurrent(layer, both_ways=False)
        case BidirectionalLayer():
            return _added_recurrent(layer.forward, both_ways=True)
        case DropoutLayer():
            return "add_dropout", (_rate(layer.rate),)
        case DescribedLayer():
            return _added_described(layer.description)
        case _:
            raise AssertionError(f"why_not_native let {layer!r} through")


def _added_described(layer: spec.Layer) -> tuple[str, tuple[Any, ...]]:
    match layer:
        case spec.Dense():
            return "add_dense", (layer.units, layer.activation or "none")
        case spec.Embedding():
            return "add_embedding", (layer.tokens, layer.units)
        case spec.LayerNorm():
            return "add_norm", (layer.EPSILON,)
        case spec.Pooling():
            return "add_pooling", (list(layer.kinds),)
        case _:
            raise AssertionError(f"why_not_native let {layer!r} through")


def _added_recurrent(layer: RecurrentLayer[Any], *, both_ways: bool) -> tuple[str, tuple[Any, ...]]:
    cell: Any = layer.cell
    return "add_recurrent", (
        kernel_of(cell), cell.hidden_size, layer.reverse, not layer.return_sequences, both_ways,
        _rate(layer.dropout), _rate(layer.recurrent_dropout),
    )  # fmt: skip


def _rate(rate: Constant | None) -> float:
    return 0.0 if rate is None else float(np.asarray(rate.value))


def _matrices(leaves: list[Any]) -> Iterator[tuple[int, int]]:
    """Where the matrices lie among all parameters: what weight decay is taken off."""
    at = 0
    for leaf in leaves:
        if leaf.ndim > 1:
            yield at, at + leaf.size
        at += leaf.size
