"""`SequenceClassifier`: from sequences to class labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.storage import Latch
from latchwork.estimators.augmentation import Augmentation
from latchwork.estimators.metrics import figures
from latchwork.estimators.sequence import SequenceEstimator
from latchwork.training import Accuracy, Objective, SoftmaxCrossEntropy, Supervised
from latchwork.transforms.labels import Label, Labels, fit_labels, saved_labels

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
    augmentation: Augmentation | None = None

    labels_: Labels = dataclasses.field(init=False)
    """The classes, and their numbers."""

    JOB: ClassVar[str] = "classification"
    SCORE: ClassVar[str] = "accuracy"
    _estimator_type: ClassVar[str] = "classifier"

    @property
    def classes_(self) -> NDArray[Any]:
        """The class labels, sorted; the columns of `predict_proba`."""
        return np.array(self.labels_.classes)

    def predict(self, X: Any, lengths: Any = None) -> NDArray[Any]:
        """The likeliest label of each sequence."""
        outputs = self._outputs(X, lengths)
        return self.labels_.decode(outputs.argmax(axis=1))

    def predict_proba(self, X: Any, lengths: Any = None) -> NDArray[np.float32]:
        """The probability of each class, `[batch, classes]`."""
        return _softmax(self._outputs(X, lengths))

    def evaluate(self, X: Any, y: Any, lengths: Any = None) -> dict[str, float]:
        """`accuracy`, `loss` (cross-entropy in nats) and `n` over labelled sequences."""
        return figures(self.labels_, self.predict_proba(X, lengths), y)

    def to_latch(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The shared part, and the classes."""
        document, tensors = super().to_latch()
        document["fitted"]["classes"] = list(self.labels_.classes)
        return document, tensors

    @classmethod
    def from_latch(cls, latch: Latch) -> Self:
        """The fitted classifier in a file."""
        loaded = super().from_latch(latch)
        outputs = loaded.network_.spec.output_shape()[-1]
        loaded.labels_ = saved_labels(latch.document["fitted"]["classes"], outputs)
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
                raise InputError(f"class_weight names {unknown}, which is no class of the data")
            weights = np.array([self.class_weight.get(label, 1.0) for label in self.labels_.classes])
        else:
            raise InputError(f"class_weight must be 'balanced' or a dictionary by label, got {self.class_weight!r}")
        return weights[targets].astype(np.float32)


def _softmax(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
