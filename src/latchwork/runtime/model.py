"""A saved model that answers in the user's terms: labels, numbers in their own units, probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.storage import Latch
from latchwork.runtime.chain import Chain, ChainState, chainable, make_chain
from latchwork.runtime.network import NetworkState, NumpyNetwork
from latchwork.transforms.labels import Labels, saved_labels
from latchwork.transforms.scaling import Scaler, saved_scaler
from latchwork.transforms.sequences import as_lengths, as_sequences

State = NetworkState | ChainState
"""What a model remembers between two steps. It is never changed: one may go on from it twice."""

_ROWS = 512  # sequences at a time, so that memory does not grow with their number


@dataclass(frozen=True)
class Model:
    """A network and what was fitted beside it. It changes nothing in itself: any number of threads may use one.

    Attributes:
        job: `classification`, `regression`, or another job, whose answers are the network's plain outputs.
        network: the layers and their arrays.
        scaler: what inputs go through first, or None.
        labels: the classes of a classifier, or None.
        target_scaler: what a regressor's answers go through, backwards, or None.
        vector: whether a regressor's answers are one number each, without an axis of their own.
        document: all that the file says in words: the training record, the data's fingerprint.
        tensors: all arrays of the file by name.
        chain: the network in one call of the kernels, where they know all its layers.
    """

    job: str
    network: NumpyNetwork
    scaler: Scaler | None
    labels: Labels | None
    target_scaler: Scaler | None
    vector: bool
    document: Mapping[str, Any]
    tensors: Mapping[str, NDArray[Any]]
    chain: Chain | None = field(default=None, repr=False)

    def predict(self, inputs: Any, lengths: Any = None) -> NDArray[Any]:
        """The answer for each sequence.

        Args:
            inputs: `[batch, time, features]`, a list of `[time, features]`, or token numbers `[batch, time]` where the
                network starts with an embedding.
            lengths: the real steps of each row of an array whose sequences differ in length.

        Returns:
            A classifier's labels `[batch]`, a regressor's numbers, else the network's outputs.

        Raises:
            InputError: inputs of another shape, missing values, lengths that do not fit.
        """
        answers = self._answers(self.outputs(inputs, lengths))
        return answers if self.labels is None else self.labels.decode(answers.argmax(axis=-1))

    def predict_proba(self, inputs: Any, lengths: Any = None) -> NDArray[np.floating]:
        """The probability of each class, `[batch, classes]`, in the order of `labels.classes`.

        Raises:
            InputError: as `predict`; or the model is no classifier.
        """
        if self.labels is None:
            raise InputError(f"this model's job is {self.job}: only a classifier has probabilities")
        return self._answers(self.outputs(inputs, lengths))

    def outputs(self, inputs: Any, lengths: Any = None) -> NDArray[np.float32]:
        """The network's own outputs, before they become answers; arguments as of `predict`."""
        if self.chain is not None and lengths is None:
            outputs = self.chain.run(inputs, None)
            if outputs is not None:  # else in need of conversion, too large, or wrong
                return outputs
        if isinstance(self.network.spec.layers[0], spec.Embedding):
            batch = self._tokens(inputs, 2)
            lengths = None if lengths is None else as_lengths(lengths, *batch.shape)
        else:
            batch, lengths = as_sequences(inputs, lengths, features=self.network.spec.shapes()[0][-1])
            if self.scaler is not None:
                batch = self.scaler.transform(batch, lengths)
        parts = [
            self.network(batch[first : first + _ROWS], None if lengths is None else lengths[first : first + _ROWS])
            for first in range(0, len(batch), _ROWS)
        ]
        return np.concatenate(parts)

    def initial_state(self, batch: int = 1) -> State:
        """The state before the first step of `batch` sequences; `InputError` where a layer reads backwards."""
        state = self.network.initial_state(batch)
        return state if self.chain is None else self.chain.initial_state(batch)

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
        if self.chain is not None:
            done = self.chain.step(inputs, state) or self._converted_step(self.chain, inputs, state)
            return done if self.target_scaler is None else (self._answers(done[0]), done[1])
        if isinstance(self.network.spec.layers[0], spec.Embedding):
            now: NDArray[Any] = self._tokens(inputs, 1)
        else:
            now = self._one_step(inputs)
            now = now if self.scaler is None else self.scaler.transform(now[:, None])[:, 0]
        outputs, after = self.network.step(now, state)
        return self._answers(outputs), after

    def _converted_step(self, chain: Chain, inputs: Any, state: ChainState) -> tuple[NDArray[np.floating], ChainState]:
        """A step from inputs that are in need of conversion, or wrong."""
        now = np.ascontiguousarray(self._one_step(inputs))
        if len(now) != state.batch:
            raise InputError(f"got inputs of {len(now)} sequences and a state of {state.batch}")
        done = chain.step(now, state)
        assert done is not None
        return done

    def _one_step(self, inputs: Any) -> NDArray[np.float32]:
        now = np.asarray(inputs)
        if now.ndim != 2:
            raise InputError(f"got inputs of shape {now.shape}: a step is (batch, features)")
        return as_sequences(now[:, None], features=self.network.spec.shapes()[0][-1]).inputs[:, 0]

    def _answers(self, outputs: NDArray[np.floating]) -> NDArray[np.floating]:
        if self.labels is not None:
            exponentials = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
            return exponentials / exponentials.sum(axis=-1, keepdims=True)
        if self.target_scaler is not None:
            answers = self.target_scaler.inverse(outputs)
            return answers[..., 0] if self.vector else answers
        return outputs

    def _tokens(self, inputs: Any, axes: int) -> NDArray[np.int64]:
        tokens = np.asarray(inputs)
        expected = "(batch, time)" if axes == 2 else "(batch,)"
        if tokens.ndim != axes or tokens.dtype.kind not in "iu" or 0 in tokens.shape:
            raise InputError(
                f"got inputs of shape {tokens.shape} and type {tokens.dtype}: expected token numbers {expected}"
            )
        layer = self.network.spec.layers[0]
        assert isinstance(layer, spec.Embedding)
        if tokens.min() < 0 or tokens.max() >= layer.tokens:
            raise InputError(f"token numbers go from 0 to {layer.tokens - 1}, got {tokens.min()} to {tokens.max()}")
        return tokens.astype(np.int64)


def model_of(latch: Latch) -> Model:
    """The model in an opened file; raises `InputError`, or what Python says of a document that is none."""
    document, tensors = latch
    if document["network"] is None:
        raise InputError(f"a {document['job']} model without a network")
    parameters = {
        name.removeprefix("network."): array for name, array in tensors.items() if name.startswith("network.layers.")
    }
    network = NumpyNetwork(spec.Sequential.from_dict(document["network"]), parameters)
    fitted = document["fitted"]
    inputs, outputs = network.spec.shapes()[0][-1], network.spec.output_shape()[-1]
    scaler = saved_scaler(tensors, "fitted.scaler.", inputs)
    labels = saved_labels(fitted["classes"], outputs) if "classes" in fitted else None
    return Model(
        job=str(document["job"]),
        network=network,
        scaler=scaler,
        labels=labels,
        target_scaler=saved_scaler(tensors, "fitted.target_scaler.", outputs),
        vector=bool(fitted.get("vector", False)),
        document=document,
        tensors=tensors,
        chain=make_chain(network, scaler, scores=labels is not None) if chainable(network) else None,
    )
