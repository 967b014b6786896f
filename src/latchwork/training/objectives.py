"""What `fit` minimises, as plain data: the engines know how.

Most jobs need `Supervised`. A job with another shape of work writes an objective of its own as a function that JAX can
trace (`engines.jax.objectives.CompiledObjective`), and gets blocks, checkpoints, schedules and progress with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.engines.steps import Penalty
from latchwork.training.losses import Loss
from latchwork.transforms.augmentation import Augmentation, DrawnChange


class Objective(Protocol):
    """`Supervised`, `SideBySide`, or a function of the user's own."""

    @property
    def names(self) -> tuple[str, ...]:
        """What is reported; the first is the loss."""
        ...


@dataclass(frozen=True)
class Supervised:
    """Inputs to targets through a network's layers, one loss for each row.

    Args:
        loss: what is minimised: the weighted sum over a batch's rows divided by the number of its rows, as in Keras.
        metrics: further ones to be reported, each with its name.
        augmentation: changes the inputs of each training batch anew; what is evaluated stays as it is.
        mean: `rows`, or `values`: over all observed targets of a batch, whichever row they are in.
        penalties: what the size of learned arrays adds to the loss, reported with it as in Keras; one for each array.
        carried: recurrent layers begin each batch with the states that the one before has ended with, row by row, and
            each epoch with zeros; gradients stop there (truncated back-propagation through time, Williams & Peng
            1990). For long sequences cut into windows: the data must not be shuffled.

    Example:
        >>> from latchwork.training import MeanSquaredError
        >>> Supervised(MeanSquaredError(), penalties=(Penalty("layers.0.input_weight", l2=1e-4),)).names
        ('loss',)
    """

    loss: Loss
    metrics: tuple[tuple[str, Loss], ...] = ()
    augmentation: Augmentation | DrawnChange | None = None
    mean: Literal["rows", "values"] = "rows"
    penalties: tuple[Penalty, ...] = ()
    carried: bool = False

    def __post_init__(self) -> None:
        """Refuse unknown means, and penalties that mean nothing."""
        if self.mean not in ("rows", "values"):
            raise InputError(f"mean must be rows or values, got {self.mean!r}")
        object.__setattr__(self, "penalties", tuple(self.penalties))
        names = [penalty.name for penalty in self.penalties]
        if twice := {name for name in names if names.count(name) > 1}:
            raise InputError(f"there are two penalties of {min(twice)}: one holds l1 and l2 together")
        for penalty in self.penalties:
            if not all(0 <= share < np.inf for share in (penalty.l1, penalty.l2)):
                raise InputError(f"l1 and l2 are numbers of at least 0, got {penalty!r}")

    @property
    def names(self) -> tuple[str, ...]:
        """The loss, then the metrics."""
        return ("loss", *(name for name, _ in self.metrics))


@dataclass(frozen=True, eq=False)
class Member:
    """What one of several networks side by side has of its own.

    Args:
        rows: those of the data that it is trained on; all where None. An epoch is a pass over the largest member's
            rows; a member with fewer begins its next pass.
        validation: those of the validation data that it is evaluated on; all where None. One may be there twice.
        rate: what the optimiser's rate is multiplied by.
        clip: largest norm of its gradients, in place of the optimiser's.
        seed: of its order of rows and of what it drops: those of a network by itself with that seed. Where None, the
            order is the run's, and what it drops is drawn apart from the others'.
        group: members of a group stop together.
    """

    rows: NDArray[np.intp] | None = None
    validation: NDArray[np.intp] | None = None
    rate: float = 1.0
    clip: float | None = None
    seed: int | None = None
    group: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if not 0 < self.rate < np.inf:
            raise InputError(f"a member's rate is a factor above 0, got {self.rate!r}")
        if self.clip is not None and not self.clip > 0:
            raise InputError(f"clip must be above 0, got {self.clip!r}")
        if self.seed is not None and not 0 <= self.seed < 2**32:
            raise InputError(f"seed must be a whole number from 0 to {2**32 - 1}, got {self.seed}")
        for name in ("rows", "validation"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, np.asarray(getattr(self, name), np.intp))
                if not len(getattr(self, name)):
                    raise InputError(f"a member has no {name}")


@dataclass(frozen=True)
class SideBySide:
    """Independent networks trained side by side: an ensemble, or a network for each of many series.

    The model is a `NetworkData` of members. An array of the data holds one example in each row that all share, or, with
    one axis more, an example for each member (`[rows, members, ...]`); inputs and targets may differ in that. None
    knows of the others; each keeps its own best parameters, and the figures are their mean (`History.members` has each
    one's).

    Args:
        inner: what each network is trained for.
        members: what each has of its own; where empty, nothing.
        quorum: a group has gained from an epoch where more than this share of its members reached a new best. After
            `patience` epochs without, the group stops.

    Example:
        The forecaster trains three members on each of four folds: rows up to the fold's origin, drawn with replacement,
        patience of each fold by itself. Its rate falls as a cosine, and a network that never beats its start keeps it:

            members = [Member(fold.train, fold.valid, seed=3 * at + draw, group=at)
                       for at, fold in enumerate(folds) for draw in range(3)]
            inner = Supervised(SmoothAbsoluteError(), mean="values")
            fit(NetworkData.stacked(networks), SideBySide(inner, tuple(members), quorum=0.25),
                Data(arrays, draw_steps=20), validation=Data(arrays), validate_first=True, epochs=12, patience=3,
                optimizer=Optimizer("adamw", 3e-3, schedule="cosine", weight_decay=1e-3, clip=1.0))

        The memory experiment gives each network a rate, a clip and sequences of its own seed, made as they are needed:

            each = tuple(Member(rate=setting.rate, clip=setting.clip, seed=seed) for setting, seed in tried)
            fit(NetworkData.stacked(networks), SideBySide(Supervised(SoftmaxCrossEntropy()), each),
                Generated(1500 * 32, 10 * 32, make), optimizer=Optimizer("adam", 1.0, schedule="cosine", last=0.1),
                epochs=1, batch_size=32)
    """

    inner: Supervised
    members: tuple[Member, ...] = ()
    quorum: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a share that means nothing."""
        if not 0 <= self.quorum < 1:
            raise InputError(f"quorum is a share, 0 <= quorum < 1, got {self.quorum!r}")

    @property
    def names(self) -> tuple[str, ...]:
        """The inner objective's."""
        return self.inner.names


def check_penalties(objective: Objective, model: Any) -> None:
    """Raise `InputError` where a penalty names no learned array of the network."""
    inner = objective.inner if isinstance(objective, SideBySide) else objective
    if not isinstance(inner, Supervised) or not inner.penalties:
        return
    network = model.spec if isinstance(model, NetworkData) else getattr(model, "spec", None)
    if network is None:
        raise InputError(f"penalties name a network's arrays, and a {type(model).__name__} has no names for its own")
    known = network.parameter_shapes()
    for penalty in inner.penalties:
        if penalty.name not in known:
            raise InputError(f"the network learns no {penalty.name!r}: it has {', '.join(known)}")
