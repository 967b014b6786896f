"""The two ways to train, behind one door.

`native` is one call of our own C++ for a whole block: gathering, forward, loss, backward, optimiser, sums. It knows the
layers, losses and optimisers by name, in float32 on a CPU, and compiles nothing. `xla` compiles whatever JAX can trace,
and needs JAX. Both give the same results to rounding. `LATCHWORK_BLOCK=xla|native|auto` chooses (default `auto`: native
where it can); a forced way that cannot run a case says why.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

from latchwork.core import settings
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.engines.native import fitting
from latchwork.engines.native import training as native
from latchwork.engines.steps import Evaluation, Sampling, Steps, Term, Update
from latchwork.training.data import Source
from latchwork.training.losses import (
    Accuracy,
    BinaryAccuracy,
    BinaryCrossEntropy,
    Bits,
    ConnectionistTemporal,
    Huber,
    LogCosh,
    Loss,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Pinball,
    PoissonLoss,
    SampledCrossEntropy,
    SmoothAbsoluteError,
    SmoothSMAPE,
    SoftmaxCrossEntropy,
    ThresholdAccuracy,
    takes,
)
from latchwork.training.members import Members
from latchwork.training.objectives import Objective, SideBySide, Supervised, check_penalties
from latchwork.training.optimizers import RULES, OptaxOptimizer, Optimizer
from latchwork.transforms.augmentation import DrawnChange


@dataclass(frozen=True, eq=False)
class Job:
    """What is to be trained or evaluated.

    Args:
        model: a `NetworkData`, or a module of JAX.
        objective: what it is trained for.
        data: the rows.
        batch_size: rows of a step.
        members: the networks.
        optimizer: None where nothing is trained.
    """

    model: Any
    objective: Objective
    data: Source
    batch_size: int
    members: Members
    optimizer: Optimizer | OptaxOptimizer | None = None

    def update(self) -> Update | None:
        """What a step does with a gradient, where the optimiser is known by name."""
        if not isinstance(self.optimizer, Optimizer):
            return None
        clips = self.members.clips(self.optimizer.clip)
        return Update(RULES[self.optimizer.name], self.optimizer.weight_decay, clips)


class Engine(Protocol):
    """A way to train."""

    name: str

    def why_not(self, job: Job) -> str | None:
        """Why it cannot run a job; None where it can."""
        ...

    def steps(self, job: Job) -> Steps:
        """The steps of a training."""
        ...

    def evaluation(self, job: Job) -> Evaluation:
        """The sums of an objective over rows."""
        ...


class NativeEngine:
    """The kernels' own trainer."""

    name = "native"

    def why_not(self, job: Job) -> str | None:
        """What it does not know."""
        if not isinstance(job.model, NetworkData):
            return f"it knows a network's plain data, not a {type(job.model).__name__}"
        objective = job.objective.inner if isinstance(job.objective, SideBySide) else job.objective
        if type(objective) is not Supervised:
            return f"it knows the objective Supervised, not {type(objective).__name__}"
        if isinstance(job.optimizer, OptaxOptimizer):
            return "it knows optimisers by name, not an Optax transformation"
        changes = objective.augmentation
        if job.optimizer is not None and not isinstance(changes, DrawnChange | None):
            return f"it knows no {type(changes).__name__}"
        terms: list[Term] = []
        for loss in (objective.loss, *(metric for _, metric in objective.metrics)):
            term = kernels_term(loss)
            if term is None:
                return f"it knows no {type(loss).__name__}"
            terms.append(term)
        reason = fitting.why_not(job.model, terms, job.data.shapes(), carries=objective.carried)
        if reason is None and job.optimizer is not None and isinstance(objective.loss, SampledCrossEntropy):
            reason = fitting.why_not_sampled(job.model, Sampling(objective.loss.frequent, objective.loss.drawn), terms)
        return reason

    def steps(self, job: Job) -> Steps:
        """Blocks of steps in one call each."""
        steps_per_epoch = job.members.steps_per_epoch(job.data, job.batch_size)
        return native.NativeSteps(self._program(job), job.members.seeds(), steps_per_epoch)

    def evaluation(self, job: Job) -> Evaluation:
        """Without an update."""
        return native.NativeEvaluation(self._program(job))

    def _program(self, job: Job) -> native.Program:
        objective: Any = job.objective.inner if isinstance(job.objective, SideBySide) else job.objective
        terms = [kernels_term(loss) for loss in (objective.loss, *(metric for _, metric in objective.metrics))]
        known = tuple(term for term in terms if term is not None)
        changes = objective.augmentation if isinstance(objective.augmentation, DrawnChange) else None
        loss = objective.loss
        return native.Program(
            job.model,
            known,
            job.data,
            job.batch_size,
            job.update(),
            by_values=objective.mean == "values",
            changes=changes,
            penalties=objective.penalties,
            carries=objective.carried,
            sampling=Sampling(loss.frequent, loss.drawn) if isinstance(loss, SampledCrossEntropy) else None,
        )


class XlaEngine:
    """Whatever JAX can trace."""

    name = "xla"

    def why_not(self, job: Job) -> str | None:
        """Only where JAX is not there."""
        del job
        loaded: dict[str, Any] = dict(sys.modules)  # a module that is None there cannot be imported
        for name in ("jax", "equinox", "optax"):
            if loaded.get(name, name) is None or find_spec(name) is None:
                return "JAX is not installed"
        return None

    def steps(self, job: Job) -> Steps:
        """Compiled blocks."""
        from latchwork.engines.jax.steps import XlaSteps

        update = job.optimizer.given if isinstance(job.optimizer, OptaxOptimizer) else job.update()
        steps = job.members.steps_per_epoch(job.data, job.batch_size)
        return XlaSteps(self._program(job), update, job.members.seeds(), steps)

    def evaluation(self, job: Job) -> Evaluation:
        """A compiled pass."""
        from latchwork.engines.jax.steps import XlaEvaluation

        return XlaEvaluation(self._program(job))

    def _program(self, job: Job) -> Any:
        from latchwork.engines.jax.steps import Program

        members = len(job.members) if job.members.side_by_side else None
        return Program(job.model, self._function(job.objective), job.data, job.batch_size, members)

    def _function(self, objective: Any) -> Any:
        from latchwork.engines.jax.alignment import TemporalLoss
        from latchwork.engines.jax.objectives import SupervisedFunction

        def of_steps(loss: Loss) -> Any:
            return TemporalLoss(loss.per_label) if isinstance(loss, ConnectionistTemporal) else loss

        if isinstance(objective, SideBySide):
            objective = objective.inner
        if not isinstance(objective, Supervised):
            return objective
        by_values = objective.mean == "values"
        metrics = tuple((name, of_steps(metric)) for name, metric in objective.metrics)
        return SupervisedFunction(
            of_steps(objective.loss), metrics, objective.augmentation, by_values, objective.penalties,
            targets=takes(objective.loss), carried=objective.carried,
        )  # fmt: skip


NATIVE, XLA = NativeEngine(), XlaEngine()


def chosen_engine(job: Job) -> tuple[Engine, str]:
    """The way that runs a job, and why it is not native (empty where it is).

    Raises:
        InputError: `LATCHWORK_BLOCK` asks for what cannot be, or nothing that is installed can train this.
    """
    check_penalties(job.objective, job.model)
    wanted = settings.block()
    reason = "LATCHWORK_BLOCK=xla" if wanted == "xla" else NATIVE.why_not(job)
    if reason is None:
        return NATIVE, ""
    if wanted == "native":
        raise InputError(f"a native block cannot run this case: {reason}")
    if (missing := XLA.why_not(job)) is not None:
        raise InputError(
            f"the kernels cannot train this ({reason}), and {missing}: install it with pip install 'latchwork[jax]'"
        )
    return XLA, reason


def kernels_term(loss: Loss) -> Term | None:
    """A loss or metric as the kernels know it; None where they do not."""
    row = TERMS.get(type(loss))
    return None if row is None else row(loss)


TERMS: dict[type[Any], Callable[[Any], Term]] = {
    SoftmaxCrossEntropy: lambda of: Term("softmax_cross_entropy", (of.label_smoothing,)),
    SampledCrossEntropy: lambda _: Term("softmax_cross_entropy"),
    Bits: lambda _: Term("softmax_cross_entropy", factor=1 / math.log(2)),
    BinaryCrossEntropy: lambda of: Term("binary_cross_entropy", (of.label_smoothing,)),
    MeanSquaredError: lambda _: Term("squared_error"),
    MeanAbsoluteError: lambda _: Term("absolute_error"),
    Huber: lambda of: Term("huber", (of.delta,)),
    SmoothAbsoluteError: lambda of: Term("smooth_absolute_error", (of.smoothing,)),
    SmoothSMAPE: lambda of: Term("smooth_smape", (of.smoothing,)),
    Pinball: lambda of: Term("pinball", of.quantiles),
    Accuracy: lambda _: Term("accuracy"),
    BinaryAccuracy: lambda _: Term("binary_accuracy"),
    MeanAbsolutePercentageError: lambda of: Term("percentage_error", (of.least,)),
    MeanSquaredLogarithmicError: lambda of: Term("logarithmic_error", (of.least,)),
    LogCosh: lambda _: Term("log_cosh"),
    PoissonLoss: lambda of: Term("poisson", (of.least,)),
    ThresholdAccuracy: lambda of: Term("threshold_accuracy", (of.threshold,)),
    ConnectionistTemporal: lambda of: Term("connectionist_temporal", (float(of.per_label),)),
}
"""Each loss and metric that the kernels know, by its name in `csrc/network/learning.h`."""


def as_plain(model: Any, objective: Objective) -> Any:
    """A `Network` of JAX as plain data, where the objective needs no more than that; all else as it is."""
    network = sys.modules.get("latchwork.engines.jax.network")  # who has one has loaded it
    if network is None or not isinstance(model, network.Network) or not isinstance(objective, Supervised | SideBySide):
        return model
    from latchwork.engines.jax.models import network_data

    return network_data(model) or model


def as_given(model: Any, given: Any) -> Any:
    """A trained model as the one that was given: plain data again as a `Network`, where that was given."""
    if not isinstance(model, NetworkData) or isinstance(given, NetworkData):
        return model
    from latchwork.engines.jax.models import as_module

    return as_module(model)
