"""What classification and regression share: a network trained on whole sequences, one answer each."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.storage import Latch
from latchwork.estimators.base import Estimator, network_in_jax
from latchwork.estimators.recipe import OPTIMIZER, Recipe, choose_recipe
from latchwork.runtime.model import Model
from latchwork.training import Data, History, Objective, Optimizer, fit
from latchwork.training.optimizers import OptaxOptimizer, as_optimizer
from latchwork.training.plan import Callback
from latchwork.training.progress import Progress, ProgressKind, tell
from latchwork.transforms.scaling import Scaler, minmax_scaler, standard_scaler
from latchwork.transforms.sequences import Sequences, as_sequences

if TYPE_CHECKING:
    from latchwork.engines.jax.network import Network

Rows = dict[str, NDArray[Any]]
"""`inputs`, `targets` and, where they apply, `lengths` and `weight`."""

SCALERS = {"standard": standard_scaler, "minmax": minmax_scaler}


@dataclass(eq=False, repr=False)
class SequenceEstimator(Estimator):
    """A network from whole sequences to one answer each; `SequenceClassifier` and `SequenceRegressor` are its kinds.

    Args:
        network: the layers; where None, a recipe is chosen on a validation part of the training rows.
        epochs, steps, minutes: how long to train (20 epochs where all are None and a network is given).
        batch_size: rows in a step (32 where None and a network is given).
        optimizer: a name, an `Optimizer` or an Optax transformation (where None, `adam`, or the recipe's).
        learning_rate: of a named optimizer (where None, 1e-3, or the recipe's).
        scaling: `standard`, `minmax` or None; fitted on the training rows alone.
        validation_share: share of the rows held out to be evaluated after each epoch.
        patience: stop after that many epochs without a better validation loss.
        keep_best: give back the network of the epoch with the best validation loss, not the last.
        callbacks: called after each epoch with an `EpochReport`.
        checkpoint: a folder from which a killed run goes on.
        checkpoint_seconds: the least time between two checkpoints.
        progress: `auto`, `bar`, `lines` or `none`.
        random_state: seed of all that is drawn.
    """

    network: spec.Sequential | None = None
    _: KW_ONLY
    epochs: int | None = None
    steps: int | None = None
    minutes: float | None = None
    batch_size: int | None = None
    optimizer: str | Optimizer | Any | None = None
    learning_rate: float | None = None
    scaling: str | None = "standard"
    validation_share: float = 0.0
    patience: int | None = None
    keep_best: bool = True
    callbacks: Sequence[Callback] = ()
    checkpoint: str | Path | None = None
    checkpoint_seconds: float = 20.0
    progress: ProgressKind | Progress = "auto"
    random_state: int = 0

    model_: Model = dataclasses.field(init=False)
    """What answers: the trained network and all that was fitted beside it, packed once. It needs no JAX."""
    history_: History = dataclasses.field(init=False)
    """The record of the run."""
    scaler_: Scaler | None = dataclasses.field(init=False)
    """What the inputs went through."""
    n_features_in_: int = dataclasses.field(init=False)
    """Features of the training sequences."""
    recipe_: Recipe = dataclasses.field(init=False)
    """How it was trained: as given, or as chosen."""
    data_: dict[str, Any] = dataclasses.field(init=False)
    """What it was trained on: rows and fingerprint."""

    @property
    def network_(self) -> Network:
        """The trained network in JAX, built anew at each call: for `network_.layers[0].cell` and the like.

        Raises:
            InputError: JAX is not installed, or nothing is fitted yet.
        """
        return network_in_jax(self._fitted().data)

    def predict(self, X: Any, lengths: Any = None) -> NDArray[Any]:
        """The answer for each sequence: its likeliest label, or its number or numbers as in training.

        Args:
            X: `[batch, time, features]`, or a list of `[time, features]`.
            lengths: real steps of each row of an array whose sequences differ in length.
        """
        return self._fitted().predict(X, lengths)

    def evaluate(self, X: Any, y: Any, lengths: Any = None) -> dict[str, float]:
        """Figures over sequences with known answers, and `n`, their number.

        A classifier's are `accuracy` and `loss` (cross-entropy in nats); a regressor's `rmse`, `mae` and `r2`.
        """
        return self._fitted().evaluate(X, y, lengths)

    def score(self, X: Any, y: Any, lengths: Any = None) -> float:
        """The figure that scikit-learn compares estimators by: accuracy, or R squared."""
        return self.evaluate(X, y, lengths)[self.SCORE]

    SCORE: ClassVar[str]
    _estimator_type: ClassVar[str]  # `classifier` or `regressor`

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn's tools ask an estimator; nothing else calls it, so it need not be installed."""
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        return Tags(
            estimator_type=self._estimator_type,
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags() if self._estimator_type == "classifier" else None,
            regressor_tags=RegressorTags() if self._estimator_type == "regressor" else None,
            input_tags=InputTags(two_d_array=False, three_d_array=True),
        )

    @abstractmethod
    def _objective(self) -> Objective:
        """What is minimised, and what is reported beside it."""

    def _softer_objective(self) -> Objective | None:
        """What a recipe may minimise in its place."""
        return None

    @abstractmethod
    def _learn_targets(self, y: Any) -> int:
        """Fit what turns answers into targets; gives how many outputs the network needs."""

    @abstractmethod
    def _targets(self, y: Any) -> NDArray[Any]:
        """The targets of answers, one row each."""

    @abstractmethod
    def _learned_of_targets(self) -> dict[str, Any]:
        """What `_learn_targets` fitted, by its name in a `Model`."""

    @abstractmethod
    def _row_weights(self, targets: NDArray[Any]) -> NDArray[np.float32] | None:
        """Weights that follow from the targets, such as those of classes."""

    def fit(
        self,
        X: Any,
        y: Any,
        lengths: Any = None,
        *,
        sample_weight: Any = None,
        validation_data: tuple[Any, ...] | None = None,
    ) -> Self:
        """Train on sequences and their answers.

        Args:
            X: `[batch, time, features]`, or a list of `[time, features]`.
            y: one answer for each sequence.
            lengths: real steps of each row of an array whose sequences differ in length.
            sample_weight: how much each row counts.
            validation_data: `(X, y)` or `(X, y, lengths)` to be evaluated after each epoch.

        Returns:
            Itself, with the learned attributes, whose names end in `_`.
        """
        self._check_parameters()
        if y is None:
            raise InputError("fit requires y to be passed, but the target y is None: give an answer for each sequence")
        sequences = as_sequences(X, lengths)
        outputs = self._learn_targets(y)
        targets = self._targets(y)
        _check_rows(sequences, targets, "answers in y")
        training, validation = self._parts(sequences, targets, sample_weight, validation_data)
        self.scaler_ = self._fit_scaler(training)
        training, validation = self._scaled(training), validation and self._scaled(validation)

        self.n_features_in_ = sequences.inputs.shape[2]
        time = None if sequences.lengths is not None else sequences.inputs.shape[1]
        self.recipe_ = self._recipe(training, outputs)
        network = NetworkData.build(self.recipe_.network, (time, self.n_features_in_), self.random_state)
        _check_output(network.spec, outputs)
        trained, self.history_ = fit(
            network,
            self.recipe_.objective,
            Data(training),
            validation=Data(validation) if validation else None,
            **self._training_options(),
        )
        self.data_ = {"rows": len(targets), "fingerprint": _fingerprint(sequences, targets)}
        self.model_ = Model.fitted(
            self.JOB,
            trained,
            scaler=self.scaler_,
            scaling=self.scaling,
            training={"parameters": self._plain_parameters(), "history": self.history_.to_dict()},
            trained_on=self.data_,
            **self._learned_of_targets(),
        )
        return self

    def to_latch(self) -> tuple[dict[str, Any], Rows]:
        """The network, the scaler, what was learned of the targets, and the training record."""
        model = self._fitted()
        return dict(model.document), dict(model.tensors)

    @classmethod
    def from_latch(cls, latch: Latch) -> Self:
        """The fitted estimator in a file; its network comes back, how it was trained stays a record."""
        model = Model.from_latch(latch)
        network = model.data.spec
        loaded = cls(spec.Sequential(network.layers), scaling=model.document["fitted"]["scaling"])
        loaded.model_, loaded.scaler_ = model, model.scaler
        loaded.history_ = History.from_dict(model.document["training"]["history"])
        loaded.data_ = model.document["data"]
        shape = network.input_shape or (None, 0)
        loaded.n_features_in_ = cast("int", shape[1]) if len(shape) > 1 else 1  # token numbers have none
        return loaded

    def _training_options(self) -> dict[str, Any]:
        """What `training.fit` is told beside the network and the rows."""
        own = ("steps", "minutes", "patience", "keep_best", "callbacks", "checkpoint", "checkpoint_seconds", "progress")
        return {
            "optimizer": self.recipe_.optimizer,
            "epochs": self.recipe_.epochs if self.steps is None and self.minutes is None else None,
            "batch_size": self.recipe_.batch_size,
            "seed": self.random_state,
        } | {name: getattr(self, name) for name in own}

    def _check_parameters(self) -> None:
        """What nothing below would refuse in the words of the parameters."""
        if not isinstance(self.network, spec.Sequential | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(f"network must be a Sequential, or None to have one chosen, got {self.network!r}")
        if not isinstance(self.random_state, Integral) or not 0 <= self.random_state < 2**32:
            raise InputError(f"random_state must be a whole number from 0 to {2**32 - 1}, got {self.random_state!r}")
        if sum(value is not None for value in (self.epochs, self.steps, self.minutes)) > 1:
            raise InputError("give one of epochs, steps and minutes")
        if self.batch_size is not None and self.batch_size < 1:
            raise InputError(f"batch_size must be above 0, got {self.batch_size}")
        if self.epochs is not None and self.epochs < 1:
            raise InputError(f"epochs must be above 0, got {self.epochs}")

    def _fitted(self) -> Model:
        if not hasattr(self, "model_"):
            raise _not_fitted()(f"this {type(self).__name__} is not fitted yet: call fit(X, y) first")
        return self.model_

    def _recipe(self, training: Rows, outputs: int) -> Recipe:
        """How to train: as the parameters say, and where no network is given, as validation says."""
        if self.network is None:
            return choose_recipe(
                training,
                outputs,
                self._objective(),
                self.random_state,
                partial(tell, self.progress),
                softer=self._softer_objective(),
                optimizer=self._optimizer(OPTIMIZER),
                epochs=self.epochs,
                batch_size=self.batch_size,
            )
        return Recipe(
            self.network, self._optimizer(Optimizer()), self._objective(), self.epochs or 20, self.batch_size or 32
        )

    def _optimizer(self, usual: Optimizer) -> Optimizer | OptaxOptimizer:
        optimizer = usual if self.optimizer is None else as_optimizer(self.optimizer)
        if self.learning_rate is None:
            return optimizer
        if isinstance(optimizer, OptaxOptimizer):
            raise InputError("learning_rate goes with a named optimizer: an Optax transformation brings its own")
        return dataclasses.replace(optimizer, learning_rate=self.learning_rate)

    def _fit_scaler(self, training: Mapping[str, NDArray[Any]]) -> Scaler | None:
        if self.scaling is None:
            return None
        if self.scaling not in SCALERS:
            raise InputError(f"unknown scaling {self.scaling!r}: expected standard, minmax or None")
        return SCALERS[self.scaling](training["inputs"], training.get("lengths"))

    def _scaled(self, rows: Rows) -> Rows:
        if self.scaler_ is None:
            return rows
        return rows | {"inputs": self.scaler_.transform(rows["inputs"], rows.get("lengths"))}

    def _parts(
        self, sequences: Sequences, targets: NDArray[Any], sample_weight: Any, validation_data: tuple[Any, ...] | None
    ) -> tuple[Rows, Rows | None]:
        """The rows to train on and, where there are any, those to be evaluated after each epoch."""
        rows = self._rows(sequences, targets, sample_weight)
        if validation_data is not None:
            held_out = as_sequences(validation_data[0], *validation_data[2:], features=sequences.inputs.shape[2])
            held_targets = self._targets(validation_data[1])
            _check_rows(held_out, held_targets, "answers in the validation's y")
            return rows, self._rows(held_out, held_targets, None)
        return _split(rows, self.validation_share, self.random_state) if self.validation_share else (rows, None)

    def _rows(self, sequences: Sequences, targets: NDArray[Any], sample_weight: Any) -> Rows:
        rows: Rows = {"inputs": sequences.inputs, "targets": targets}
        if sequences.lengths is not None:
            rows["lengths"] = sequences.lengths
        weight = self._row_weights(targets)
        if sample_weight is not None:
            given = np.asarray(sample_weight)
            if given.shape != (len(targets),) or given.dtype.kind not in "fiub" or not (given >= 0).all():
                raise InputError(f"sample_weight must be {len(targets)} numbers of at least 0")
            if not 0 < given.sum() < np.inf:
                raise InputError("sample_weight must have a finite sum above zero")
            weight = given.astype(np.float32) * (1 if weight is None else weight)
        return rows if weight is None else rows | {"weight": weight}

    def _plain_parameters(self) -> dict[str, Any]:
        """The parameters as far as JSON can hold them."""
        plain = (str, int, float, bool, type(None))
        return {name: value if isinstance(value, plain) else repr(value) for name, value in self.get_params().items()}


def _split(rows: Rows, share: float, seed: int) -> tuple[Rows, Rows]:
    """Training and validation rows, drawn at random."""
    if not 0 < share < 1:
        raise InputError(f"validation_share must lie in 0 < share < 1, got {share!r}")
    order = np.random.default_rng([seed, 1]).permutation(len(rows["targets"]))
    held = max(1, round(share * len(order)))
    if held == len(order):
        raise InputError(f"{len(order)} rows are too few to hold some out: set validation_share=0")
    take = lambda index: {name: array[np.sort(index)] for name, array in rows.items()}  # noqa: E731
    return take(order[held:]), take(order[:held])


def _check_rows(sequences: Sequences, targets: NDArray[Any], name: str) -> None:
    if len(sequences.inputs) != len(targets):
        raise InputError(f"got {len(sequences.inputs)} sequences and {len(targets)} {name}: one for each is needed")


def _check_output(network: spec.Sequential, outputs: int) -> None:
    shape = network.output_shape()
    if len(shape) > 1:
        raise InputError(f"{network!r} answers at every step: let its last recurrent layer give one output a sequence")
    given = cast("tuple[int]", shape)[0]
    if given != outputs:
        raise InputError(f"{network!r} gives {given} values, the data needs {outputs}: end it with Dense({outputs})")


def _fingerprint(sequences: Sequences, targets: NDArray[Any]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(sequences.inputs).data)
    for array in (sequences.lengths, targets):
        digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _not_fitted() -> type[InputError]:
    """The error of an estimator that is asked too early: scikit-learn's too, for those who use it and catch that."""
    theirs = getattr(sys.modules.get("sklearn.exceptions"), "NotFittedError", None)
    return InputError if theirs is None else type("NotFittedError", (InputError, theirs), {})
