"""What classification and regression share: a network trained on whole sequences, one answer each."""

from __future__ import annotations

import dataclasses
import sys
import time as clock
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.storage import Latch
from latchwork.estimators.base import Estimator, network_in_jax
from latchwork.estimators.checks import check_parameters, drawn_seed
from latchwork.estimators.compared import Compared
from latchwork.estimators.comparison import Comparison
from latchwork.estimators.recipe import OPTIMIZER, Recipe, choose_recipe
from latchwork.estimators.routing import Routed
from latchwork.estimators.rows import Rows, check_rows, fingerprint, parted, scaled, source_of
from latchwork.estimators.trials import with_copies
from latchwork.runtime.answers import Steps
from latchwork.runtime.metrics import checked_weight
from latchwork.runtime.model import Model
from latchwork.runtime.sequences import SequenceModel
from latchwork.runtime.simple import SimpleModel
from latchwork.training import Data, DivergedError, Fitted, History, Objective, Optimizer, fit
from latchwork.training.data import Source
from latchwork.training.optimizers import OptaxOptimizer, as_optimizer
from latchwork.training.plan import Callback
from latchwork.training.progress import Progress, ProgressKind, tell
from latchwork.transforms.frames import Names, unframed
from latchwork.transforms.scaling import Scaler, minmax_scaler, standard_scaler
from latchwork.transforms.sequences import Sequences, as_sequences

if TYPE_CHECKING:
    from latchwork.engines.jax.network import Network

SCALERS = {"standard": standard_scaler, "minmax": minmax_scaler}


@dataclass(eq=False, repr=False)
class SequenceEstimator(Compared, Routed, Estimator):
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
        random_state: seed of all that is drawn; None, or a generator of NumPy's, to have one drawn (`seed_`).
        one_way: choose among networks that read forwards alone, which can answer step by step as a stream comes in.
        warm_start: go on from the network of the last `fit`, or of the file that this was loaded from.
        compare: put simple methods beside the network, on the same held-out rows (`comparison_`); where None, if a
            recipe is chosen. With a network of your own it goes by the validation rows.
        best: answer by whatever won the comparison, however simple; a network that lost is not trained to its end.
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
    random_state: int | np.random.RandomState | np.random.Generator | None = 0
    one_way: bool = False
    warm_start: bool = False
    compare: bool | None = None
    best: bool = False

    model_: Model = dataclasses.field(init=False)
    """What answers: the trained network and all that was fitted beside it, packed once. It needs no JAX."""
    history_: History = dataclasses.field(init=False)
    """The record of the run."""
    scaler_: Scaler | None = dataclasses.field(init=False)
    """What the inputs went through."""
    n_features_in_: int = dataclasses.field(init=False)
    """Features of the training sequences."""
    seed_: int = dataclasses.field(init=False)
    """The seed of all that was drawn."""
    recipe_: Recipe = dataclasses.field(init=False)
    """How it was trained: as given, or as chosen."""
    comparison_: Comparison | None = dataclasses.field(init=False)
    """What the simple methods and the network scored on held-out rows; None where nothing was compared."""
    _steps_in: Steps = dataclasses.field(init=False)  # of the sequences at hand
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
            X: `[batch, time, features]`, a list of `[time, features]`, arrays or frames, a frame of sktime, what
                `datasets.read` gives, or token numbers `[batch, time]` where the network begins with an `Embedding`.
                Named features are put in the order that they had in training.
            lengths: real steps of each row of an array whose sequences differ in length.
        """
        return self._fitted().predict(X, lengths)

    def evaluate(self, X: Any, y: Any, lengths: Any = None, *, sample_weight: Any = None) -> dict[str, float]:
        """Figures over sequences with known answers, and `n`, their number.

        A classifier's are `accuracy` and `loss` (cross-entropy in nats); a regressor's `rmse`, `mae` and `r2`.
        """
        return self._fitted().evaluate(X, y, lengths, sample_weight=sample_weight)

    def score(self, X: Any, y: Any, lengths: Any = None, sample_weight: Any = None) -> float:
        """The figure that scikit-learn compares estimators by: accuracy, or R squared."""
        return self.evaluate(X, y, lengths, sample_weight=sample_weight)[self.SCORE]

    SCORE: ClassVar[str]
    _estimator_type: ClassVar[str]  # `classifier` or `regressor`

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
    def _outputs(self) -> int:
        """How many outputs the network needs, once targets are learned."""

    @abstractmethod
    def _learned_before(self, before: Model) -> int:
        """Take over what an earlier fit learned of its targets; gives the outputs of its network."""

    @abstractmethod
    def _learned_of_targets(self) -> dict[str, Any]:
        """What `_learn_targets` fitted, by its name in a `Model`."""

    def _answers_steps(self) -> bool:
        """Whether there is an answer at every step."""
        return False

    def _classes_of(self, targets: NDArray[Any]) -> NDArray[Any] | None:
        """What validation rows are drawn by: the class of each row, None where there are none."""
        del targets
        return None

    @abstractmethod
    def _row_weights(self, targets: NDArray[Any]) -> NDArray[np.float32] | None:
        """Weights that follow from the targets, such as those of classes."""

    def fit(
        self,
        X: Any,
        y: Any = None,
        lengths: Any = None,
        *,
        sample_weight: Any = None,
        validation_data: tuple[Any, ...] | None = None,
    ) -> Self:
        """Train on sequences and their answers.

        Args:
            X: as of `predict`.
            y: one answer for each sequence; not needed where X is what `datasets.read` gave.
            lengths: real steps of each row of an array whose sequences differ in length.
            sample_weight: how much each row counts.
            validation_data: `(X, y)` or `(X, y, lengths)` to be evaluated after each epoch.

        Returns:
            Itself, with the learned attributes, whose names end in `_`.

        Raises:
            InputError: data or parameters that cannot be used.
            DivergedError: loss or weights are not numbers any more; the weights of before are kept.
            KeyboardInterrupt: after Ctrl-C, which ends the running block of steps; what was learned so far is kept.
        """
        self._check_parameters()
        before = self.model_ if self.warm_start and hasattr(self, "model_") else None
        self.seed_ = drawn_seed(self.random_state)
        y = getattr(X, "labels", None) if y is None else y
        if y is None:
            raise InputError("fit requires y to be passed, but the target y is None: give an answer for each sequence")
        columns = getattr(X, "columns", None) if hasattr(X, "names_are_made_up") else None
        given, lengths, names = unframed(X, lengths, before and before.features)
        sequences = as_sequences(given, lengths, exact=True, tokens=self._reads_tokens(before))
        self._steps_in = sequences.lengths, sequences.inputs.shape[1]
        outputs = self._learn_targets(y) if before is None else self._learned_before(before)
        targets = self._targets(y)
        check_rows(sequences, targets, "answers in y")
        training, validation = self._parts(sequences, targets, names, sample_weight, validation_data)
        self.scaler_ = self._fit_scaler(training) if before is None else before.scaler
        self.n_features_in_ = sequences.inputs.shape[2] if sequences.inputs.ndim == 3 else 1
        self.data_ = {
            "rows": len(targets),
            "fingerprint": fingerprint(sequences, targets),
            "ragged": sequences.lengths is not None,
        } | ({"columns": columns.to_dict()} if columns is not None else {})
        self.recipe_ = self._recipe(training, outputs, before)
        self.comparison_ = self._compared_in_trials(training)
        if self._is_simple_better():
            return self._keep_simple(training, names)
        self.recipe_ = self.recipe_.within_deadline()
        began = clock.monotonic()
        try:
            trained = fit(
                self._begun(sequences, before),
                self.recipe_.objective,
                self._source(training),
                validation=Data(scaled(validation, self.scaler_)) if validation else None,
                **self._training_options(),
            )
        except DivergedError as error:
            if error.kept is not None:
                self._keep(error.kept, names)
            raise
        self._keep(trained, names)
        if self.history_.stopped == "interrupted":
            raise KeyboardInterrupt
        if validation and self._is_compared() and self.comparison_ is None:
            self.comparison_ = self._compared_on(training, validation, clock.monotonic() - began)
            if self._is_simple_better():
                return self._keep_simple(training, names)
            self._keep(trained, names)
        return self

    def _record(self) -> dict[str, Any]:
        """What a file keeps of how it was trained."""
        record: dict[str, Any] = {"parameters": self._plain_parameters(), "history": self.history_.to_dict()}
        if hasattr(self, "recipe_"):
            record["recipe"] = list(self.recipe_.notes)
        comparison = getattr(self, "comparison_", None)
        return record if comparison is None else record | {"comparison": comparison.to_dict()}

    def _begun(self, sequences: Sequences, before: Model | None) -> NetworkData:
        """The network before the first step."""
        if before is not None:
            return before.data
        time = None if sequences.lengths is not None else sequences.inputs.shape[1]
        shape = (time, *sequences.inputs.shape[2:])
        network = NetworkData.build(self.recipe_.network, shape, self.seed_)
        _check_output(network.spec, self._outputs(), at_every_step=self._answers_steps())
        return network

    def _keep(self, fitted: Fitted, names: Names | None) -> None:
        """What was learned becomes the model that answers."""
        trained, self.history_ = fitted
        self.model_ = Model.fitted(
            self.JOB,
            trained,
            scaler=self.scaler_,
            scaling=self.scaling,
            features=names,
            training=self._record(),
            trained_on=self.data_,
            **self._learned_of_targets(),
        )

    def to_latch(self) -> tuple[dict[str, Any], Rows]:
        """The network, the scaler, what was learned of the targets, and the training record."""
        model = self._fitted()
        return dict(model.document), dict(model.tensors)

    @classmethod
    def from_latch(cls, latch: Latch) -> Self:
        """The fitted estimator in a file; its network comes back, how it was trained stays a record."""
        model = SequenceModel.from_latch(latch)
        network = None if isinstance(model, SimpleModel) else model.data.spec
        loaded = cls(network and spec.Sequential(network.layers), scaling=model.document["fitted"]["scaling"])
        loaded.model_, loaded.scaler_ = model, model.scaler
        loaded.history_ = History.from_dict(model.document["training"]["history"])
        loaded.data_ = model.document["data"]
        kept = model.document["training"].get("comparison")
        loaded.comparison_ = None if kept is None else Comparison.from_dict(kept)
        simple = model.scaler if isinstance(model, SimpleModel) else None
        shape = (None, len(simple.offset)) if simple else model.data.spec.input_shape or ()
        loaded.n_features_in_ = cast("int", shape[1]) if len(shape) == 2 else 1  # one token at a step
        return loaded

    def _source(self, training: Rows) -> Source:
        if self.recipe_.copies:
            return Data(with_copies(scaled(training, self.scaler_), self.recipe_.copies, self.seed_))
        return source_of(training, self.scaler_)

    def _training_options(self) -> dict[str, Any]:
        """What `training.fit` is told beside the network and the rows."""
        own = ("patience", "keep_best", "callbacks", "checkpoint", "checkpoint_seconds", "progress")
        steps, minutes = self.steps, self.recipe_.minutes if self.recipe_.is_within_minutes else self.minutes
        return {
            "optimizer": self.recipe_.optimizer,
            "epochs": self.recipe_.epochs if steps is None and minutes is None else None,
            "steps": steps,
            "minutes": None if steps is not None else minutes,
            "batch_size": self.recipe_.batch_size,
            "seed": self.seed_,
        } | {name: getattr(self, name) for name in own}

    def _check_parameters(self) -> None:
        """What nothing below would refuse in the words of the parameters."""
        check_parameters(self.get_params())
        self._is_compared()  # raises where there is nothing to compare with
        if self.warm_start and self.network is not None and hasattr(self, "model_"):
            same = [layer.to_dict() for layer in self.network.layers]
            if same != self.model_.document["network"]["layers"]:
                raise InputError("warm_start goes on with the network that was trained: network is another one")

    def _reads_tokens(self, before: Model | None) -> bool:
        network = self.network if before is None else before.data.spec
        return network is not None and isinstance(network.layers[0], spec.Embedding)

    def _fitted(self) -> Model:
        if not hasattr(self, "model_"):
            raise _not_fitted()(f"this {type(self).__name__} is not fitted yet: call fit(X, y) first")
        return self.model_

    def _recipe(self, training: Rows, outputs: int, before: Model | None) -> Recipe:
        """How to train: as the parameters say, and where no network is given, as validation says."""
        network = self.network if before is None else spec.Sequential(before.data.spec.layers)
        if network is None:
            return choose_recipe(
                training,
                outputs,
                self._objective(),
                self.seed_,
                partial(tell, self.progress),
                scaler=self.scaler_,
                classes=self._classes_of(training["targets"]),
                one_way=self.one_way,
                at_every_step=self._answers_steps(),
                softer=self._softer_objective(),
                optimizer=self._optimizer(OPTIMIZER),
                epochs=self.epochs,
                batch_size=self.batch_size,
                minutes=self.minutes,
            )
        return Recipe(
            network, self._optimizer(Optimizer()), self._objective(), self.epochs or 20, self.batch_size or 32
        )

    def _optimizer(self, usual: Optimizer) -> Optimizer | OptaxOptimizer:
        optimizer = usual if self.optimizer is None else as_optimizer(self.optimizer)
        if self.learning_rate is None:
            return optimizer
        if isinstance(optimizer, OptaxOptimizer):
            raise InputError("learning_rate goes with a named optimizer: an Optax transformation brings its own")
        return dataclasses.replace(optimizer, learning_rate=self.learning_rate)

    def _fit_scaler(self, training: Mapping[str, NDArray[Any]]) -> Scaler | None:
        if self.scaling is None or training["inputs"].ndim == 2:
            return None
        if self.scaling not in SCALERS:
            raise InputError(f"unknown scaling {self.scaling!r}: expected standard, minmax or None")
        return SCALERS[self.scaling](training["inputs"], training.get("lengths"))

    def _parts(
        self,
        sequences: Sequences,
        targets: NDArray[Any],
        names: Names | None,
        sample_weight: Any,
        validation_data: tuple[Any, ...] | None,
    ) -> tuple[Rows, Rows | None]:
        """The rows to train on and, where there are any, those to be evaluated after each epoch."""
        rows = self._rows(sequences, targets, sample_weight)
        if validation_data is not None:
            X, lengths, _ = unframed(validation_data[0], *validation_data[2:], expected=names)
            features = sequences.inputs.shape[2] if sequences.inputs.ndim == 3 else None
            held_out = as_sequences(X, lengths, features=features, exact=True, tokens=features is None)
            self._steps_in = held_out.lengths, held_out.inputs.shape[1]
            held_targets = self._targets(validation_data[1])
            check_rows(held_out, held_targets, "answers in the validation's y")
            return rows, self._rows(held_out, held_targets, None)
        if not self.validation_share:
            return rows, None
        return parted(rows, self.validation_share, self.seed_, self._classes_of(targets))

    def _rows(self, sequences: Sequences, targets: NDArray[Any], sample_weight: Any) -> Rows:
        rows: Rows = {"inputs": sequences.inputs, "targets": targets}
        if sequences.lengths is not None:
            rows["lengths"] = sequences.lengths
        weight = self._row_weights(targets)
        given = checked_weight(sample_weight, len(targets))
        if given is not None:
            weight = given.astype(np.float32) * (1 if weight is None else weight)
        return rows if weight is None else rows | {"weight": weight}

    def _plain_parameters(self) -> dict[str, Any]:
        """The parameters as far as JSON can hold them."""
        plain = (str, int, float, bool, type(None))
        return {name: value if isinstance(value, plain) else repr(value) for name, value in self.get_params().items()}


def _check_output(network: spec.Sequential, outputs: int, *, at_every_step: bool) -> None:
    shape = network.output_shape()
    if len(shape) > 1 and not at_every_step:
        raise InputError(
            f"{network!r} answers at every step: let its last recurrent layer give one output a sequence, or say "
            "targets='steps' where there is a label at each"
        )
    if len(shape) == 1 and at_every_step:
        raise InputError(f"{network!r} answers once a sequence: let its recurrent layers have return_sequences=True")
    given = tuple(shape)[-1]
    if given != outputs:
        raise InputError(f"{network!r} gives {given} values, the data needs {outputs}: end it with Dense({outputs})")


def _not_fitted() -> type[InputError]:
    """The error of an estimator that is asked too early: scikit-learn's too, for those who use it and catch that."""
    theirs = getattr(sys.modules.get("sklearn.exceptions"), "NotFittedError", None)
    return InputError if theirs is None else type("NotFittedError", (InputError, theirs), {})
