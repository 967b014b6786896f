"""`SequenceClassifier`: from sequences to class labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.storage import Latch
from latchwork.estimators.baselines import Task
from latchwork.estimators.sequence import SequenceEstimator
from latchwork.runtime.answers import Targets, fit_step_labels, several_targets, step_targets
from latchwork.runtime.model import Model
from latchwork.training import Accuracy, BinaryAccuracy, BinaryCrossEntropy, Objective, SoftmaxCrossEntropy, Supervised
from latchwork.transforms.augmentation import AffineImages, Augmentation
from latchwork.transforms.labels import Label, Labels, fit_labels

RECIPE_SMOOTHING = 0.1  # Szegedy et al. (2016), section 7


@dataclass(eq=False, repr=False)
class SequenceClassifier(SequenceEstimator):
    """A recurrent network that gives each sequence a class, with scikit-learn's conventions.

    All parameters of `SequenceEstimator`, and:

    Args:
        label_smoothing: share of each label's weight that is moved evenly onto all classes (where None, 0, or the
            recipe's).
        class_weight: how much each class counts: a dictionary by label, or `balanced` (all classes alike).
        augmentation: changes the training sequences anew for each batch, such as `AffineImages()`.
        targets: what y has: one label a `sequence` (where None); one at every of its `steps`, `[batch, time]` or a list
            with the labels of each sequence, an empty text or a number below 0 where there is none; or several
            `labels`, 0 and 1 of each, `[batch, labels]`.

    Example:
        >>> X = np.random.default_rng(0).normal(size=(60, 12, 1))
        >>> y = np.where(X[:, 0, 0] > 0, "up", "down")
        >>> model = SequenceClassifier(Sequential([LSTM(8), Dense(2)]), epochs=3, progress="none").fit(X, y)
        >>> model.predict(X[:2]).shape, model.classes_
        ((2,), array(['down', 'up'], dtype='<U4'))
    """

    label_smoothing: float | None = None
    class_weight: Mapping[Label, float] | str | None = None
    augmentation: Augmentation | AffineImages | None = None
    targets: Targets | None = None

    labels_: Labels = dataclasses.field(init=False)
    """The classes, and their numbers."""

    JOB: ClassVar[str] = "classification"
    SCORE: ClassVar[str] = "accuracy"
    _estimator_type: ClassVar[str] = "classifier"

    @property
    def classes_(self) -> NDArray[Any]:
        """The class labels, sorted; the columns of `predict_proba`."""
        return np.array(self.labels_.classes)

    def predict_proba(self, X: Any, lengths: Any = None) -> NDArray[np.floating]:
        """The probability of each class, `[batch, classes]`; arguments as of `predict`."""
        return self._fitted().predict_proba(X, lengths)

    @classmethod
    def from_latch(cls, latch: Latch) -> Self:
        """The fitted classifier in a file."""
        loaded = super().from_latch(latch)
        if loaded.model_.labels is None:
            raise InputError("this classifier names no classes")
        loaded.labels_ = loaded.model_.labels
        loaded.targets = getattr(loaded.model_, "targets", None)
        return loaded

    def _objective(self) -> Objective:
        return self._smoothed(self.label_smoothing or 0.0)

    def _softer_objective(self) -> Objective | None:
        return self._smoothed(RECIPE_SMOOTHING) if self.label_smoothing is None else None

    def _smoothed(self, smoothing: float) -> Objective:
        if self.targets == "labels":
            return Supervised(BinaryCrossEntropy(smoothing), (("accuracy", BinaryAccuracy()),), self.augmentation)
        return Supervised(SoftmaxCrossEntropy(smoothing), (("accuracy", Accuracy()),), self.augmentation)

    def _learn_targets(self, y: Any) -> int:
        if self.targets == "labels":
            self.labels_ = Labels(tuple(range(several_targets(y).shape[1])))
        else:
            self.labels_ = fit_step_labels(y) if self.targets == "steps" else fit_labels(y)
        return len(self.labels_.classes)

    def _answers_steps(self) -> bool:
        return self.targets == "steps"

    def _is_compared(self) -> bool:
        if self.targets in (None, "sequence"):
            return super()._is_compared()
        if self.best or self.compare:
            raise InputError(f"compare and best are for one label a sequence, not for targets={self.targets!r}")
        return False

    def _outputs(self) -> int:
        return len(self.labels_.classes)

    def _learned_before(self, before: Model) -> int:
        assert before.labels is not None
        self.labels_ = before.labels
        return self._outputs()

    def _task(self) -> Task:
        return Task(len(self.labels_.classes), self.seed_)

    def _classes_of(self, targets: NDArray[Any]) -> NDArray[Any] | None:
        return targets if targets.ndim == 1 else None

    def _learned_of_targets(self) -> dict[str, Any]:
        return {"labels": self.labels_} | ({} if self.targets is None else {"targets": self.targets})

    def _targets(self, y: Any) -> NDArray[Any]:
        if self.targets == "labels":
            return several_targets(y)
        return step_targets(y, self.labels_, self._steps_in) if self.targets == "steps" else self.labels_.encode(y)

    def _row_weights(self, targets: NDArray[np.int32]) -> NDArray[np.float32] | None:
        if self.class_weight is None:
            return None
        if targets.ndim > 1:
            raise InputError(f"class_weight is for one label a sequence, not for targets={self.targets!r}")
        counts = np.bincount(targets, minlength=len(self.labels_.classes))
        if self.class_weight == "balanced":
            weights = len(targets) / (len(counts) * np.maximum(counts, 1))
        elif isinstance(self.class_weight, Mapping):
            if unknown := set(self.class_weight) - set(self.labels_.classes):
                raise InputError(f"class_weight names {_listed(unknown)}, which is no class of the data")
            weights = _class_weights(self.class_weight, self.labels_.classes)
        else:
            raise InputError(f"class_weight must be 'balanced' or a dictionary by label, got {self.class_weight!r}")
        return weights[targets].astype(np.float32)


def _class_weights(given: Mapping[Label, float], classes: tuple[Label, ...]) -> NDArray[np.float64]:
    """A weight for each class, 1 where none is given."""
    for label, weight in given.items():
        if not isinstance(weight, Real) or not 0 <= weight < np.inf:
            raise InputError(f"class_weight of {label!r} must be a number of at least 0, got {weight!r}")
    weights = np.array([float(given.get(label, 1.0)) for label in classes])
    if not weights.any():
        raise InputError("class_weight is 0 for every class: nothing would be learned")
    return weights


def _listed(labels: set[Label]) -> str:
    return ", ".join(sorted(map(repr, labels)))
