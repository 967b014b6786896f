"""A fitted model that answers in the user's terms: labels, numbers in their own units, probabilities."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec, storage
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.storage import Latch
from latchwork.runtime.answers import Steps, Targets, answers, probabilities, several_figures, step_figures
from latchwork.runtime.checked import check_finite, finite_outputs, not_quick, refuse_padding, saved_names
from latchwork.runtime.fitted import fitted_parts
from latchwork.runtime.metrics import classification_figures, regression_figures
from latchwork.runtime.numpy_network import NumpyNetwork
from latchwork.runtime.server import Array, Lengths, Server, State, make_server
from latchwork.transforms.frames import unframed
from latchwork.transforms.labels import Labels, saved_labels
from latchwork.transforms.scaling import Scaler, real_steps, release, saved_scaler
from latchwork.transforms.sequences import as_lengths, as_sequences, real_of

ROWS = 512  # sequences of one call, so that memory does not grow with their number


@dataclass(frozen=True, eq=False)
class Model:
    """A network and what was fitted beside it: what a fitted estimator holds, and what a saved file opens as.

    It changes nothing in itself: any number of threads may use one. The arrays are packed for the engine once, when
    it is made.

    Attributes:
        job: `classification`, `regression`, or another job, whose answers are the network's plain outputs.
        data: the layers and their arrays.
        scaler: what inputs go through first, or None.
        labels: the classes of a classifier, or None.
        target_scaler: what a regressor's answers go through, backwards, or None.
        vector: whether a regressor's answers are one number each, without an axis of their own.
        features: the names of the features, where the training data had them: frames are put in this order.
        padding: the value whose steps are none: they are passed over where no lengths are given, wherever they stand
            (Keras's `mask_zero` and `Masking`); None where every value is one.
        targets: of a classifier: one label a `sequence`, one at every of its `steps`, or several `labels`.
        document: all that the file says in words: the training record, the data's fingerprint.
        tensors: all arrays of the file by name.

    Raises:
        InputError: the engine that `LATCHWORK_ENGINE` asks for is not there.
    """

    job: str
    data: NetworkData
    scaler: Scaler | None = None
    labels: Labels | None = None
    target_scaler: Scaler | None = None
    vector: bool = False
    features: tuple[str, ...] | None = None
    padding: float | None = None
    targets: Targets = "sequence"
    document: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    tensors: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]], repr=False)
    _server: Server = field(init=False, repr=False)
    _quick_step: Callable[..., Any] = field(init=False, repr=False)
    _features: int | None = field(init=False, repr=False)
    _far_scaler: Scaler | None = field(init=False, repr=False)  # the scaler, where float32 would lose its inputs
    _is_quick: bool = field(init=False, repr=False)  # whether dense inputs go to the engine as they are

    def __post_init__(self) -> None:
        """Pack the network."""
        object.__setattr__(self, "_features", self.data.spec.shapes()[0][-1])
        far = self.scaler is not None and self.scaler.needs_double()
        scores = self.labels is not None and self.targets != "labels"
        server = make_server(self.data, None if far else self.scaler, scores=scores)
        object.__setattr__(self, "_server", server)
        object.__setattr__(self, "_far_scaler", self.scaler if far else None)
        object.__setattr__(self, "_quick_step", not_quick if far else server.quick_step)
        object.__setattr__(self, "_is_quick", not far and self.padding is None and not self._is_ragged)

    @classmethod
    def fitted(
        cls,
        job: str,
        data: NetworkData,
        *,
        scaler: Scaler | None = None,
        labels: Labels | None = None,
        target_scaler: Scaler | None = None,
        vector: bool = False,
        features: tuple[str, ...] | None = None,
        padding: float | None = None,
        targets: Targets = "sequence",
        scaling: str | None = None,
        residuals: NDArray[np.float64] | None = None,
        training: Mapping[str, Any],
        trained_on: Mapping[str, Any],
    ) -> Model:
        """A model out of what was fitted, its document and tensors as its file will have them.

        Args:
            job, data, scaler, labels, target_scaler, vector, features, padding, targets: as the attributes.
            scaling: the scaler's name.
            residuals: a regressor's errors on held-out rows, as of `intervals.half_width`.
            training: the record of the training, plain JSON.
            trained_on: what it was trained on, plain JSON.
        """
        tensors: dict[str, NDArray[Any]] = {f"network.{name}": array for name, array in data.parameters.items()}
        fitted, kept = fitted_parts(scaler, target_scaler, labels, features, residuals, vector=vector)
        tensors |= kept
        fitted = {"scaling": scaling if scaler is not None else None} | fitted
        if padding is not None:
            fitted["padding"] = padding
        if targets != "sequence":
            fitted["targets"] = targets
        document = {
            "job": job, "network": data.spec.to_dict(), "fitted": fitted, "training": dict(training),
            "data": dict(trained_on),
        }  # fmt: skip
        return cls(job, data, scaler, labels, target_scaler, vector, features, padding, targets, document, tensors)

    @classmethod
    def from_latch(cls, latch: Latch) -> Model:
        """The model in an opened file; raises `InputError`, or what Python says of a document that is none."""
        document, tensors = latch
        if document["network"] is None:
            raise InputError(f"a {document['job']} model without a network")
        arrays = {
            name.removeprefix("network."): array
            for name, array in tensors.items()
            if name.startswith("network.layers.")
        }
        data = NetworkData(spec.Sequential.from_dict(document["network"]), arrays)
        fitted = document["fitted"]
        check_finite(arrays)
        inputs, outputs = data.spec.shapes()[0][-1], data.spec.output_shape()[-1]
        return cls(
            job=str(document["job"]),
            data=data,
            scaler=saved_scaler(tensors, "fitted.scaler.", inputs),
            labels=saved_labels(fitted["classes"], outputs) if "classes" in fitted else None,
            target_scaler=saved_scaler(tensors, "fitted.target_scaler.", outputs),
            vector=bool(fitted.get("vector", False)),
            features=saved_names(fitted.get("features"), inputs),
            padding=None if fitted.get("padding") is None else float(fitted["padding"]),
            targets=_targets(fitted.get("targets", "sequence")),
            document=document,
            tensors=tensors,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a `.latch` file, which `latchwork.load` and the runtime read."""
        storage.save(path, self.document, self.tensors)

    @cached_property
    def network(self) -> NumpyNetwork:
        """The layers alone, without the scaler before them and the labels behind."""
        return NumpyNetwork(self.data.spec, self.data.parameters)

    def predict(self, inputs: Any, lengths: Any = None) -> NDArray[Any]:
        """The answer for each sequence.

        Args:
            inputs: `[batch, time, features]`, a list of `[time, features]`, or token numbers `[batch, time]` where the
                network starts with an embedding.
            lengths: the real steps of each row of an array whose sequences differ in length.

        Returns:
            A classifier's labels `[batch]`, a regressor's numbers, else the network's outputs. Where there is a label
            at every step `[batch, time]`, or a list where lengths differ; of several labels 0 and 1 of each.

        Raises:
            InputError: inputs of another shape, missing values, lengths that do not fit.
        """
        outputs = finite_outputs(self.outputs(inputs, lengths))
        if self.labels is None:
            return self._answers(outputs)
        steps = self._steps(inputs, lengths, outputs)[0] if self.targets == "steps" else None
        return answers(outputs, self.labels, self.targets, steps)

    def predict_proba(self, inputs: Any, lengths: Any = None) -> NDArray[np.floating]:
        """The probability of each class, `[batch, classes]`, in the order of `labels.classes`.

        Raises:
            InputError: as `predict`; or the model is no classifier.
        """
        if self.labels is None:
            raise InputError(f"this model's job is {self.job}: only a classifier has probabilities")
        return probabilities(finite_outputs(self.outputs(inputs, lengths)), self.targets)

    def evaluate(self, inputs: Any, truth: Any, lengths: Any = None, *, sample_weight: Any = None) -> dict[str, float]:
        """Figures over sequences with known answers.

        Args:
            inputs, lengths: as in `predict`.
            truth: what is right, one for each sequence.
            sample_weight: how much each sequence counts.

        Returns:
            A classifier's `accuracy`, `loss` (cross-entropy in nats) and `n`; a regressor's `rmse`, `mae`, `r2`, `n`.

        Raises:
            InputError: as `predict`; or answers that are too many, too few or of another kind.
        """
        if self.labels is not None and self.targets != "sequence":
            return self._step_or_label_figures(inputs, truth, lengths, sample_weight)
        if self.labels is not None:
            return classification_figures(self.labels, self.predict_proba(inputs, lengths), truth, sample_weight)
        return regression_figures(self.predict(inputs, lengths), truth, sample_weight)

    def outputs(self, inputs: Any, lengths: Any = None) -> Array:
        """The network's own outputs, before they become answers; arguments as of `predict`."""
        if (
            self._is_quick
            and lengths is None
            and isinstance(inputs, np.ndarray)
            and inputs.ndim
            and len(inputs) <= ROWS
        ):
            outputs = self._server.quick_run(inputs)
            if outputs is not None:  # else in need of conversion, or wrong
                return outputs
        if self.padding is not None and lengths is None:
            return self._outputs_of_real_steps(inputs)
        batch, lengths = self._checked(inputs, lengths)
        parts = [
            self._run(batch[first : first + ROWS], None if lengths is None else lengths[first : first + ROWS])
            for first in range(0, len(batch), ROWS)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _outputs_of_real_steps(self, inputs: Any) -> Array:
        """The outputs without the steps that hold the padding's value alone; zero at those steps."""
        batch, lengths = self._checked(inputs, None)
        if lengths is not None:  # a list of sequences: nothing is padding
            return self.outputs(batch, lengths)
        real = real_of(batch, self.padding)
        order = np.argsort(~real, axis=1, kind="stable")  # the real steps, in their order, then the others
        index = order if batch.ndim == 2 else order[..., None]
        outputs = self.outputs(np.take_along_axis(batch, index, axis=1), real.sum(axis=1))
        if len(self.data.spec.output_shape()) == 1 or outputs.shape[1] != batch.shape[1]:
            return outputs
        placed = np.empty_like(outputs)
        np.put_along_axis(placed, order[..., None], outputs, axis=1)
        return np.where(real[..., None], placed, np.float32(0))

    def initial_state(self, batch: int = 1) -> State:
        """The state before the first step of `batch` sequences; `InputError` where a layer reads backwards."""
        return self._server.initial_state(batch)

    def step(self, inputs: Any, state: State) -> tuple[NDArray[np.floating], State]:
        """One step of sequences that are still going on.

        Args:
            inputs: `[batch, features]`, or token numbers `[batch]`.
            state: from `initial_state`, or the step before.

        Returns:
            The answers were this the last step: a classifier's probabilities `[batch, classes]`, a regressor's numbers,
            else the network's outputs; and the state for the next step.

        Raises:
            InputError: inputs of another shape, or missing values.
        """
        done = self._quick_step(inputs, state) or self._server.step(self._checked_step(inputs), state)
        if self.targets == "labels":
            return probabilities(done[0], self.targets), done[1]
        return done if self.target_scaler is None else (self._answers(done[0]), done[1])

    def __getstate__(self) -> dict[str, Any]:
        """All but what is packed: another process packs it anew."""
        return {each.name: getattr(self, each.name) for each in dataclasses.fields(self) if each.init}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Bring back what `__getstate__` gave."""
        self.__init__(**state)

    @property
    def _takes_tokens(self) -> bool:
        return isinstance(self.data.spec.layers[0], spec.Embedding)

    def _checked(self, inputs: Any, lengths: Any) -> tuple[NDArray[Any], Lengths]:
        """A batch as `_run` takes it."""
        if self._takes_tokens:
            given = inputs
            if isinstance(inputs, list | tuple) and inputs and np.ndim(inputs[0]) == 1:  # ragged, or a plain list
                given, lengths = as_sequences(inputs, lengths, tokens=True)
            batch = self._tokens(given, 2)
            return batch, None if lengths is None else as_lengths(lengths, *batch.shape)
        given, lengths, _ = unframed(inputs, lengths, self.features)
        batch, found = as_sequences(given, lengths, features=self._features, exact=True)
        if found is None and self._is_ragged:
            refuse_padding(batch)
        return batch, found

    def _run(self, batch: NDArray[Any], lengths: Lengths) -> Array:
        """The outputs of some checked rows; far inputs are centred before they become float32."""
        if self._far_scaler is not None:
            return self._server.run(self._far_scaler.transform(batch, lengths), lengths)
        if batch.dtype.kind == "f":
            batch = batch.astype(np.float32, copy=False)
            if lengths is not None:  # what is past a length may be anything
                batch = np.where(real_steps(batch.shape[1], lengths)[..., None], batch, np.float32(0))
        outputs = self._server.run(batch, lengths)
        release(batch)
        return outputs

    @property
    def _is_ragged(self) -> bool:
        """Whether it was trained on sequences of different lengths."""
        return bool(self.document.get("data", {}).get("ragged", False))

    def _checked_step(self, inputs: Any) -> NDArray[Any]:
        """A step's inputs that are in need of conversion, or wrong."""
        if self._takes_tokens:
            return self._tokens(inputs, 1)
        now = np.asarray(inputs)
        if now.ndim != 2:
            raise InputError(f"got inputs of shape {now.shape}: a step is (batch, features)")
        far = self._far_scaler
        batch = as_sequences(now[:, None], features=self._features, exact=far is not None).inputs
        return (batch if far is None else far.transform(batch))[:, 0]

    def _step_or_label_figures(self, inputs: Any, truth: Any, lengths: Any, weight: Any) -> dict[str, float]:
        assert self.labels is not None
        given = self.predict_proba(inputs, lengths)
        if self.targets == "labels":
            return several_figures(given, truth, weight)
        if weight is not None:
            raise InputError("sample_weight goes with one answer a sequence")
        return step_figures(self.labels, given, truth, self._steps(inputs, lengths, given))

    def _steps(self, inputs: Any, lengths: Any, outputs: NDArray[Any]) -> Steps:
        """The lengths of the sequences that these outputs are of."""
        if lengths is None:
            lengths = getattr(inputs, "lengths", None)
        if lengths is None and isinstance(inputs, list | tuple):
            lengths = [len(sequence) for sequence in inputs]  # pyright: ignore[reportUnknownVariableType]
        return (None if lengths is None else np.asarray(lengths)), outputs.shape[1]

    def _answers(self, outputs: NDArray[np.floating]) -> NDArray[np.floating]:
        if self.target_scaler is None:
            return outputs
        answers = self.target_scaler.inverse(outputs)
        return answers[..., 0] if self.vector else answers

    def _tokens(self, inputs: Any, axes: int) -> NDArray[np.int64]:
        tokens = np.asarray(inputs)
        expected = "(batch, time)" if axes == 2 else "(batch,)"
        if tokens.ndim != axes or tokens.dtype.kind not in "iu" or 0 in tokens.shape:
            raise InputError(
                f"got inputs of shape {tokens.shape} and type {tokens.dtype}: expected token numbers {expected}"
            )
        layer = self.data.spec.layers[0]
        assert isinstance(layer, spec.Embedding)
        if tokens.min() < 0 or tokens.max() >= layer.tokens:
            raise InputError(f"token numbers go from 0 to {layer.tokens - 1}, got {tokens.min()} to {tokens.max()}")
        return tokens.astype(np.int64)


def _targets(name: Any) -> Targets:
    if name not in ("sequence", "steps", "labels"):
        raise InputError(f"its targets are {str(name)[:40]!r}: this version knows sequence, steps and labels")
    return name
