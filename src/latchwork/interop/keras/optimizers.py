"""Optimisers by Keras's names, with its update rules and constants, in the kernels' trainer."""

from __future__ import annotations

from typing import Any, ClassVar

from latchwork.core.errors import InputError
from latchwork.engines.steps import Rule, Update
from latchwork.interop.keras.refusals import arguments, missing

COMMON: dict[str, Any] = {
    "name": None, "weight_decay": None, "clipnorm": None, "clipvalue": None, "global_clipnorm": None,
    "use_ema": False, "ema_momentum": 0.99, "ema_overwrite_frequency": None, "loss_scale_factor": None,
    "gradient_accumulation_steps": None, "lr": None, "decay": 0.0,
}  # fmt: skip


class Rate(float):
    """A learning rate that can also be read and set as a variable is."""

    optimizer: Optimizer

    def numpy(self) -> float:
        """The number."""
        return float(self)

    def assign(self, value: float) -> None:
        """Put another rate in its place."""
        self.optimizer.learning_rate = value


class Optimizer:
    """What all share: a rate, or a schedule of it, and what becomes of gradients first.

    Attributes:
        iterations: steps done so far.
        given: the arguments.
    """

    options: ClassVar[dict[str, Any]] = {}
    rate: ClassVar[float] = 0.001

    def __init__(self, learning_rate: Any = None, **given: Any) -> None:
        """Check the arguments."""
        kind = type(self).__name__
        self.given = arguments(kind, given, self.options | COMMON)
        if self.given["lr"] is not None:
            learning_rate = self.given["lr"]
        for name in ("use_ema", "loss_scale_factor", "gradient_accumulation_steps"):
            if self.given[name]:
                raise InputError(f"{kind}: no {name}: leave it out")
        if sum(self.given[name] is not None for name in ("clipnorm", "clipvalue", "global_clipnorm")) > 1:
            raise InputError(f"{kind}: give one of clipnorm, clipvalue and global_clipnorm")
        self.iterations = 0
        self.learning_rate = self.rate if learning_rate is None else learning_rate
        self.setup()

    def setup(self) -> None:
        """Check what is the optimiser's own."""

    @property
    def learning_rate(self) -> Rate:
        """The rate of the next step; a number, or a schedule, can be put in its place."""
        rate = Rate(self.rate_of(self.iterations))
        rate.optimizer = self
        return rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if callable(value):
            self.schedule: Any = value
            return
        number = float(value)
        if not 0 <= number < float("inf"):
            raise InputError(f"{type(self).__name__}: learning_rate must be a number of at least 0, got {value!r}")
        self.schedule = number

    @property
    def lr(self) -> Rate:
        """As `learning_rate`."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        self.learning_rate = value

    def rate_of(self, step: int) -> float:
        """The rate of a step, counted from 0; Keras 2's `decay` divides it by 1 + decay * step."""
        rate: Any = self.schedule(step) if callable(self.schedule) else self.schedule
        return float(rate) / (1 + float(self.given["decay"] or 0) * step)

    def rule(self) -> Rule:
        """The direction and its constants."""
        raise NotImplementedError

    def update(self, frozen: frozenset[str]) -> Update:
        """What a step does with a gradient, as the trainer takes it."""
        given = self.given
        return Update(
            self.rule(), float(given["weight_decay"] or 0.0), (_number(given["global_clipnorm"]),), decays_vectors=True,
            frozen=frozen, clip_each=_number(given["clipnorm"]), clip_value=_number(given["clipvalue"]),
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        """Its arguments."""
        return {"name": type(self).__name__, "learning_rate": float(self.learning_rate)} | {
            name: self.given[name] for name in self.options
        }


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


class SGD(Optimizer):
    """w -= rate * gradient; with momentum v = momentum * v - rate * gradient, w += v (or what v will be: nesterov)."""

    options: ClassVar[dict[str, Any]] = {"momentum": 0.0, "nesterov": False}
    rate: ClassVar[float] = 0.01

    def setup(self) -> None:
        """Refuse momenta that mean nothing."""
        if not 0 <= self.given["momentum"] <= 1:
            raise InputError(f"SGD: momentum must lie in 0 <= momentum <= 1, got {self.given['momentum']!r}")

    def rule(self) -> Rule:
        """See `Optimizer`."""
        momentum = float(self.given["momentum"])
        if not momentum:
            return Rule("sgd")
        return Rule("nesterov" if self.given["nesterov"] else "velocity", decay=momentum)


class RMSprop(Optimizer):
    """w -= rate * gradient / sqrt(mean square + epsilon)."""

    options: ClassVar[dict[str, Any]] = {"rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False}

    def setup(self) -> None:
        """Refuse the variants."""
        for name in ("momentum", "centered"):
            if self.given[name]:
                raise InputError(f"RMSprop: no {name}: leave it out, or use Adam")

    def rule(self) -> Rule:
        """See `Optimizer`."""
        return Rule("rmsprop", decay=float(self.given["rho"]), epsilon=_epsilon(self.given))


class Adam(Optimizer):
    """w -= rate * mean / (root of the mean square + epsilon), both corrected for their beginning."""

    options: ClassVar[dict[str, Any]] = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False}

    def setup(self) -> None:
        """Refuse the variant."""
        if self.given["amsgrad"]:
            raise InputError("Adam: no amsgrad: leave it out")

    def rule(self) -> Rule:
        """See `Optimizer`."""
        betas = float(self.given["beta_1"]), float(self.given["beta_2"])
        return Rule("adam", *betas, epsilon=_epsilon(self.given), epsilon_beside_raw=True)


class AdamW(Adam):
    """Adam, and a share of every weight, times the rate, taken off at each step."""

    options: ClassVar[dict[str, Any]] = Adam.options | {"weight_decay": 0.004}


class Adagrad(Optimizer):
    """w -= rate * gradient / sqrt(sum of squares + epsilon)."""

    options: ClassVar[dict[str, Any]] = {"initial_accumulator_value": 0.1, "epsilon": 1e-7}

    def rule(self) -> Rule:
        """See `Optimizer`."""
        return Rule("adagrad", epsilon=_epsilon(self.given), start=float(self.given["initial_accumulator_value"]))


class Adadelta(Optimizer):
    """w -= rate * gradient * root of the mean squared move / root of the mean square."""

    options: ClassVar[dict[str, Any]] = {"rho": 0.95, "epsilon": 1e-7}

    def rule(self) -> Rule:
        """See `Optimizer`."""
        return Rule("adadelta", decay=float(self.given["rho"]), epsilon=_epsilon(self.given))


class Adamax(Optimizer):
    """Adam with the largest gradient in place of the mean square."""

    options: ClassVar[dict[str, Any]] = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

    def rule(self) -> Rule:
        """See `Optimizer`."""
        return Rule("adamax", float(self.given["beta_1"]), float(self.given["beta_2"]), _epsilon(self.given))


def _epsilon(given: dict[str, Any]) -> float:
    return 1e-7 if given["epsilon"] is None else float(given["epsilon"])


KNOWN: dict[str, type[Optimizer]] = {
    kind.__name__.lower(): kind for kind in (SGD, RMSprop, Adam, AdamW, Adagrad, Adadelta, Adamax)
}


def get(identifier: Any) -> Optimizer:
    """An optimiser from a name or itself."""
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str) and identifier.lower() in KNOWN:
        return KNOWN[identifier.lower()]()
    name = identifier.capitalize() if isinstance(identifier, str) else repr(identifier)
    hint = f"there are {', '.join(kind.__name__ for kind in KNOWN.values())}"
    raise InputError(f"latchwork.keras has no optimizer {name}: {hint}")


def __getattr__(name: str) -> Any:
    missing(name)
