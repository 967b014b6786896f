"""What `compile` settles: the loss, the metrics and the optimiser, in the kernels' words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.interop.keras import losses, metrics, optimizers
from latchwork.training.losses import Loss

CLASSES = ("classes", "one_hot")


@dataclass(frozen=True)
class Measured:
    """A metric as it is trained and shown.

    Attributes:
        name: as `fit` reports it.
        metric: Keras's.
        trained: what is computed of each row.
    """

    name: str
    metric: metrics.Metric
    trained: Loss


@dataclass(frozen=True)
class Compiled:
    """A loss and an optimiser, and the metrics as they were asked for.

    Attributes:
        loss: what is minimised.
        optimizer: how.
        asked: the metrics.
    """

    loss: losses.Loss
    optimizer: optimizers.Optimizer
    asked: tuple[Any, ...]

    @classmethod
    def of(cls, optimizer: Any, loss: Any, asked: Any) -> Compiled:
        """Out of `compile`'s arguments; raises `InputError` on names that are not known."""
        if isinstance(loss, list | tuple) and len(loss) == 1:
            loss = loss[0]
        if isinstance(loss, list | tuple | dict):
            raise InputError("compile takes one loss: networks here have one output")
        if isinstance(asked, dict):
            raise InputError("compile takes a list of metrics: networks here have one output")
        names = [] if asked is None else list(asked) if isinstance(asked, list | tuple) else [asked]
        if len(names) == 1 and isinstance(names[0], list):
            names = names[0]
        return cls(losses.get(loss), optimizers.get(optimizer), tuple(metrics.get(name) for name in names))

    def trained(self, network: spec.Sequential) -> spec.Sequential:
        """The network whose outputs the loss takes: without the softmax or sigmoid that it has inside.

        Raises:
            InputError: a loss of probabilities after a layer that gives none.
        """
        *before, last = network.layers
        kind = self.loss.name
        if self.loss.targets == "numbers":
            return network
        is_softmax = self.loss.targets in CLASSES
        function = "softmax" if is_softmax else "sigmoid"
        ends = last == spec.Activation(function) or (isinstance(last, spec.Dense) and last.activation == function)
        if self.loss.from_logits:
            if ends:
                raise InputError(f"{kind} with from_logits=True takes scores: leave out activation={function!r}")
            return network
        if not ends:
            raise InputError(
                f"{kind} takes probabilities and the network ends in {last!r}: write Dense(..., "
                f"activation={function!r}), or give the loss from_logits=True"
            )
        if isinstance(last, spec.Dense):
            before = [*before, spec.Dense(last.units)]
        if not before:
            raise InputError(f"a network of {last!r} alone learns nothing: put a layer before it")
        return spec.Sequential(before, input_shape=network.input_shape)

    def measured(self, network: spec.Sequential) -> tuple[Measured, ...]:
        """Each metric as the kernels compute it of this network.

        Raises:
            InputError: a metric that is of other targets than the loss.
        """
        inside = self.loss.targets != "numbers" and not self.loss.from_logits
        return tuple(self._measured(metric, network, inside) for metric in self.asked)

    def _measured(self, metric: metrics.Metric, network: spec.Sequential, inside: bool) -> Measured:
        name, width = metric.name, network.output_shape()[-1]
        if metric.family == "both":
            if self.loss.targets in CLASSES:
                metric = metrics.CategoricalAccuracy()
            elif width == 1:
                metric = metrics.BinaryAccuracy()
            else:
                instead = "'binary_accuracy'" if self.loss.targets == "labels" else "'mae'"
                raise InputError(
                    f"accuracy with {self.loss.name} and {width} outputs would look for the largest: use {instead}, "
                    "or categorical_crossentropy for classes"
                )
        family = "classes" if self.loss.targets in CLASSES else "numbers"
        if metric.family != family:
            raise InputError(f"the metric {name} is of {metric.family}, and {self.loss.name} is not")
        of_scores = isinstance(metric, metrics.BinaryAccuracy | metrics.BinaryCrossentropy)
        if inside and family == "numbers" and not of_scores:
            raise InputError(f"the metric {name} with {self.loss.name}: use 'accuracy' or 'binary_crossentropy'")
        return Measured(name, metric, metric.trained(inside))
