"""A model without a network: a simple method that won, served as any other model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Never

import numpy as np
from numpy.typing import NDArray

from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.core.probabilities import softmax
from latchwork.core.storage import Latch
from latchwork.runtime.checked import finite_outputs, refuse_padding, saved_names
from latchwork.runtime.fitted import fitted_parts
from latchwork.runtime.methods import Method, method_in_file, method_to_file
from latchwork.runtime.metrics import classification_figures, regression_figures
from latchwork.transforms.frames import unframed
from latchwork.transforms.labels import Labels, saved_labels
from latchwork.transforms.scaling import Scaler, saved_scaler
from latchwork.transforms.sequences import as_sequences

ROWS = 512  # sequences of one call


@dataclass(frozen=True, eq=False)
class SimpleModel:
    """A simple method and what was fitted beside it, with a `Model`'s way of answering.

    Attributes:
        job: `classification` or `regression`.
        name: the method's, in words.
        method: what answers.
        scaler: what inputs go through first.
        labels: the classes of a classifier, or None.
        target_scaler, vector: as of a `Model`.
        features: the names of the features, where the training data had them.
        document, tensors: as of a `Model`.
    """

    job: str
    name: str
    method: Method
    scaler: Scaler
    labels: Labels | None = None
    target_scaler: Scaler | None = None
    vector: bool = False
    features: tuple[str, ...] | None = None
    document: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    tensors: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]], repr=False)

    @classmethod
    def fitted(
        cls,
        job: str,
        name: str,
        method: Method,
        scaler: Scaler,
        *,
        labels: Labels | None = None,
        target_scaler: Scaler | None = None,
        vector: bool = False,
        features: tuple[str, ...] | None = None,
        residuals: NDArray[np.float64] | None = None,
        training: Mapping[str, Any],
        trained_on: Mapping[str, Any],
    ) -> SimpleModel:
        """A model out of what was fitted; arguments as of `Model.fitted`."""
        own, tensors = method_to_file(method)
        fitted, kept = fitted_parts(scaler, target_scaler, labels, features, residuals, vector=vector)
        tensors |= kept
        fitted = {"scaling": "standard", "method": own | {"name": name}} | fitted
        document = {"job": job, "network": None, "fitted": fitted, "training": dict(training), "data": dict(trained_on)}
        return cls(job, name, method, scaler, labels, target_scaler, vector, features, document, tensors)

    @classmethod
    def from_latch(cls, latch: Latch) -> SimpleModel:
        """The model in an opened file; raises `InputError`, or what Python says of a document that is none."""
        document, tensors = latch
        fitted = document["fitted"]
        features = len(tensors["fitted.scaler.offset"])
        scaler = saved_scaler(tensors, "fitted.scaler.", features)
        assert scaler is not None
        targets = tensors.get("fitted.target_scaler.offset")
        return cls(
            job=str(document["job"]),
            name=str(fitted["method"]["name"]),
            method=method_in_file(fitted["method"], tensors),
            scaler=scaler,
            labels=saved_labels(fitted["classes"], len(fitted["classes"])) if "classes" in fitted else None,
            target_scaler=None if targets is None else saved_scaler(tensors, "fitted.target_scaler.", len(targets)),
            vector=bool(fitted.get("vector", False)),
            features=saved_names(fitted.get("features"), features),
            document=document,
            tensors=tensors,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a `.latch` file, which `latchwork.load` and the runtime read."""
        storage.save(path, self.document, self.tensors)

    def predict(self, inputs: Any, lengths: Any = None) -> NDArray[Any]:
        """The answer for each sequence; arguments and errors as of `Model.predict`."""
        outputs = finite_outputs(self.outputs(inputs, lengths))
        if self.labels is not None:
            return self.labels.decode(outputs.argmax(axis=-1))
        answers = outputs if self.target_scaler is None else self.target_scaler.inverse(outputs)
        return answers[..., 0] if self.vector else answers

    def predict_proba(self, inputs: Any, lengths: Any = None) -> NDArray[np.floating]:
        """The probability of each class, `[batch, classes]`, in the order of `labels.classes`."""
        if self.labels is None:
            raise InputError(f"this model's job is {self.job}: only a classifier has probabilities")
        return softmax(finite_outputs(self.outputs(inputs, lengths)))

    def evaluate(
        self, inputs: Any, answers: Any, lengths: Any = None, *, sample_weight: Any = None
    ) -> dict[str, float]:
        """Figures over sequences with known answers, as of `Model.evaluate`."""
        if self.labels is not None:
            return classification_figures(self.labels, self.predict_proba(inputs, lengths), answers, sample_weight)
        return regression_figures(self.predict(inputs, lengths), answers, sample_weight)

    def outputs(self, inputs: Any, lengths: Any = None) -> NDArray[np.float32]:
        """What the method gives, before it becomes answers."""
        given, lengths, _ = unframed(inputs, lengths, self.features)
        batch, steps = as_sequences(given, lengths, features=len(self.scaler.offset), exact=True)
        if steps is None and self.document.get("data", {}).get("ragged", False):
            refuse_padding(batch)
            steps = np.full(len(batch), batch.shape[1], np.int32)
        parts = [
            self._outputs(batch[first : first + ROWS], None if steps is None else steps[first : first + ROWS])
            for first in range(0, len(batch), ROWS)
        ]
        return np.concatenate(parts)

    def _outputs(self, batch: NDArray[Any], lengths: NDArray[np.int32] | None) -> NDArray[np.float32]:
        return self.method.outputs(self.scaler.transform(batch, lengths), lengths)

    def initial_state(self, batch: int = 1) -> Never:
        """There is none: raises `InputError`."""
        del batch
        raise InputError(f"this model is no network but {self.name}: it answers whole sequences, not step by step")

    def step(self, inputs: Any, state: Any) -> Never:
        """There is none: raises `InputError`."""
        del inputs
        self.initial_state(state)

    @property
    def data(self) -> Never:
        """There is no network: raises `InputError`."""
        raise InputError(f"this model is no network but {self.name}: there is nothing of one to look into")
