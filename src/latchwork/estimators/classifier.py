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
from latchwork.estimators.sequence import SequenceEstimator
from latchwork.runtime.model import Model
from latchwork.training import Accuracy, Objective, SoftmaxCrossEntropy, Supervised
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
        return loaded

    def _objective(self) -> Objective:
        return self._smoothed(self.label_smoothing or 0.0)

    def _softer_objective(self) -> Objective | None:
        return self._smoothed(RECIPE_SMOOTHING) if self.label_smoothing is None else None

    def _smoothed(self, smoothing: float) -> Objective:
        return Supervised(SoftmaxCrossEntropy(smoothing), (("accuracy", Accuracy()),), self.augmentation)

    def _learn_targets(self, y: Any) -> int:
        self.labels_ = fit_labels(y)
        return len(self.labels_.classes)

    def _outputs(self) -> int:
        return len(self.labels_.classes)

    def _learned_before(self, before: Model) -> int:
        assert before.labels is not None
        self.labels_ = before.labels
        return self._outputs()

    def _classes_of(self, targets: NDArray[Any]) -> NDArray[Any]:
        return targets

    def _learned_of_targets(self) -> dict[str, Any]:
        return {"labels": self.labels_}

    def _targets(self, y: Any) -> NDArray[np.int32]:
        return self.labels_.encode(y)

    def _row_weights(self, targets: NDArray[np.int32]) -> NDArray[np.float32] | None:
        if self.class_weight is None:
            return None
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
