"""The engine of a fitted network, packed once: for whole batches, or one step at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from latchwork.core import settings, spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.probabilities import softmax
from latchwork.engines.native import program
from latchwork.transforms.scaling import Scaler

Array = NDArray[np.float32]
Lengths = NDArray[np.int32] | None
State = Any
"""What a network remembers between two steps, of `state.batch` sequences. It is never changed: one may go on from it
twice.
"""


@runtime_checkable
class Server(Protocol):
    """A network and the scaler before it. It changes nothing in itself: any number of threads may use one.

    Attributes:
        quick_run: `run`, by place alone and without a word: None where the inputs are not dense float32 (tokens: whole
            numbers) of the right shape, or not finite.
        quick_step: `step` likewise.
    """

    quick_run: Callable[..., Array | None]
    quick_step: Callable[[Any, State], tuple[Array, State] | None]

    def run(self, inputs: Any, lengths: Lengths = None, *, ahead: Any = None) -> Array:
        """The network's outputs for a batch; raises `InputError` on inputs that are not the network's."""
        ...

    def initial_state(self, batch: int = 1) -> State:
        """The state before the first step; raises `InputError` where a layer reads backwards."""
        ...

    def step(self, inputs: Any, state: State) -> tuple[Array, State]:
        """One step of `[batch, features]` or token numbers `[batch]`: the outputs, and the new state."""
        ...

    def advance(self, inputs: Any, state: State) -> tuple[Array, State]:
        """Many steps from a state on: every step's outputs `[batch, time, outputs]`, and the state after them."""
        ...


def make_server(data: NetworkData, scaler: Scaler | None = None, *, scores: bool = False) -> Server:
    """Pack a network for its answers: in the kernels where they know all its layers, else in plain NumPy.

    Args:
        data: the network.
        scaler: what the inputs go through first.
        scores: whether `step` turns its outputs into probabilities.

    Raises:
        InputError: `LATCHWORK_ENGINE=native`, and the kernels are not there or cannot run this network.
    """
    if not runs_natively(data.spec):
        return ScaledPlainServer(data, scaler, scores=scores)
    scales = {} if scaler is None else {"offset": scaler.offset, "scale": scaler.scale}
    return program.serve(data.spec, data.parameters, **scales, scores=scores)


def runs_natively(network: spec.Sequential) -> bool:
    """Whether the kernels run a network, which they do unless `LATCHWORK_ENGINE` says otherwise.

    Raises:
        InputError: `LATCHWORK_ENGINE=native`, and the kernels are not there or cannot run it.
    """
    wanted = settings.engine()
    if wanted == "plain":
        return False
    reason = program.why_not(network)
    if reason is not None and wanted == "native":
        raise InputError(f"LATCHWORK_ENGINE=native: {reason}")
    return reason is None


class PlainState(NamedTuple):
    """What each layer remembers of `batch` sequences."""

    batch: int
    layers: tuple[Any, ...]


class ScaledPlainServer:
    """`PlainServer` with what stands before and behind it; see `Server`."""

    def __init__(self, data: NetworkData, scaler: Scaler | None, *, scores: bool) -> None:
        """Build the layers."""
        from latchwork.engines.plain.server import PlainServer  # few need it: an answer must not wait for it

        self._network = PlainServer(data.spec, data.parameters)
        self._scaler, self._scores = scaler, scores
        first = data.spec.layers[0]
        self._tokens = first.tokens if isinstance(first, spec.Embedding) else None
        self._shape = data.spec.shapes()[0]
        self.quick_run, self.quick_step = self._run, self._step

    def run(self, inputs: Any, lengths: Lengths = None, *, ahead: Any = None) -> Array:
        """See `Server`."""
        return self._told(self._run(self._dense(inputs), lengths, ahead), inputs)

    def initial_state(self, batch: int = 1) -> PlainState:
        """See `Server`."""
        return PlainState(batch, self._network.initial_state(batch))

    def step(self, inputs: Any, state: PlainState) -> tuple[Array, PlainState]:
        """See `Server`."""
        if len(inputs) != state.batch:
            raise InputError(f"got inputs of {len(inputs)} sequences and a state of {state.batch}")
        return self._told(self._step(self._dense(inputs), state), inputs)

    def advance(self, inputs: Any, state: PlainState) -> tuple[Array, PlainState]:
        """See `Server`."""
        outputs: list[Array] = []
        for at in range(np.shape(inputs)[1]):
            one, layers = self._network.step(self._scaled(self._dense(inputs[:, at])), state.layers)
            outputs.append(one)
            state = PlainState(state.batch, layers)
        return np.stack(outputs, axis=1), state

    def _run(self, inputs: Any, lengths: Lengths = None, ahead: Any = None) -> Array | None:
        if not self._is_ready(inputs, 1 + len(self._shape)):
            return None
        return self._network.run(self._scaled(inputs), lengths, ahead=ahead)

    def _step(self, inputs: Any, state: PlainState) -> tuple[Array, PlainState] | None:
        if not self._is_ready(inputs, len(self._shape)) or len(inputs) != state.batch:
            return None
        outputs, after = self._network.step(self._scaled(inputs), state.layers)
        return softmax(outputs) if self._scores else outputs, PlainState(state.batch, after)

    def _is_ready(self, inputs: Any, axes: int) -> bool:
        if not isinstance(inputs, np.ndarray) or inputs.ndim != axes or not inputs.size:
            return False
        if self._tokens is not None:
            return inputs.dtype.kind in "iu" and inputs.min() >= 0 and int(inputs.max()) < self._tokens
        return inputs.dtype == np.float32 and inputs.shape[-1] == self._shape[-1] and bool(np.isfinite(inputs).all())

    def _dense(self, inputs: Any) -> NDArray[Any]:
        return np.asarray(inputs, None if self._tokens is not None else np.float32)

    def _scaled(self, inputs: NDArray[Any]) -> NDArray[Any]:
        return inputs if self._scaler is None else self._scaler.transform(inputs)

    def _told(self, answer: Any, inputs: Any) -> Any:
        if answer is None:
            raise InputError(
                f"inputs of shape {np.shape(inputs)} do not fit the network's {self._shape}, "
                "hold numbers that are missing or infinite, or tokens that it does not know"
            )
        return answer
