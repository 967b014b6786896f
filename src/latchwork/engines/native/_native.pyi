"""Fused recurrent kernels. latchwork.engines.native is the door."""

from collections.abc import Sequence
from typing import Annotated

import numpy
from numpy.typing import NDArray
from typing_extensions import CapsuleType

class Kind:
    @property
    def name(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def columns(self) -> int: ...
    @property
    def gates(self) -> tuple[str, ...]: ...
    @property
    def states(self) -> tuple[str, ...]: ...
    @property
    def has_hidden_bias(self) -> bool: ...
    @property
    def has_peepholes(self) -> bool: ...

def builds() -> list[str]:
    """The builds that this processor can run, the best first."""

def use(build: str | None, threads: int | None) -> None:
    """
    Choose the build, for good, and how many threads a call may use; None for the best, and for all processors.
    """

def build() -> str: ...
def register_width() -> int: ...
def threads() -> int: ...
def fma_peak(threads: int) -> float: ...
def kinds() -> list[Kind]: ...
def saved_floats(kind: str, batch: int, time: int, features: int, hidden: int) -> int: ...
def forward_target() -> CapsuleType: ...
def backward_target() -> CapsuleType: ...

class Weights:
    def __init__(
        self,
        kind: str,
        input_weight: Annotated[
            NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)
        ],
        hidden_weight: Annotated[
            NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)
        ],
        bias: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        hidden_bias: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)]
        | None,
        input_peephole: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)]
        | None,
        forget_peephole: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)]
        | None,
        output_peephole: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)]
        | None,
    ) -> None: ...
    def run(
        self,
        inputs: Annotated[
            NDArray[numpy.float32], dict(shape=(None, None, None), order="C", device="cpu", writable=False)
        ],
        state: Sequence[
            Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)]
        ]
        | None,
        lengths: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)] | None,
        reverse: bool,
        outputs: Annotated[NDArray[numpy.float32], dict(shape=(None, None, None), order="C", device="cpu")],
        final_state: Sequence[Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu")]],
    ) -> None: ...
    def step(
        self,
        inputs: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)],
        state: Sequence[
            Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu", writable=False)]
        ],
        new_state: Sequence[Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu")]],
    ) -> None: ...

def layers() -> list[str]: ...

class ServerState:
    @property
    def batch(self) -> int: ...

class Server:
    def __init__(
        self,
        layers: object,
        features: int,
        has_time: bool,
        parameters: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        offset: Sequence[float],
        scale: Sequence[float],
        scores: bool,
    ) -> None: ...
    @property
    def goes_step_by_step(self) -> bool: ...
    def initial_state(self, arg: int, /) -> ServerState: ...
    def run(self, arg0: object, arg1: object | None = None, arg2: object | None = None, /) -> object: ...
    def step(self, arg0: object, arg1: ServerState, /) -> object: ...
    def advance(self, arg0: object, arg1: ServerState, /) -> object: ...

def trace(
    layers: object,
    features: int,
    has_time: bool,
    parameters: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    inputs: object,
    lengths: object | None,
    ahead: object | None,
) -> object: ...
def gradient(
    layers: object,
    features: int,
    has_time: bool,
    parameters: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    inputs: object,
    by_outputs: object,
    lengths: object | None,
    ahead: object | None,
) -> object: ...

class Trainer:
    def __init__(
        self,
        layers: object,
        features: int,
        has_time: bool,
        time: int,
        horizon: int,
        labels: int,
        ragged: bool,
        carries: bool,
        batch: int,
        members: int,
        threads: int,
        terms: Sequence[tuple[str, Sequence[float]]],
        by_values: bool,
        penalties: Sequence[tuple[int, int, float, float]],
        rule: tuple[str, float, float, float, bool] | None,
        weight_decay: float,
        decayed: Sequence[tuple[int, int]],
        frozen: Sequence[tuple[int, int]],
        variables: Sequence[tuple[int, int]],
        clip_each: float,
        clip_value: float,
        plain_counts: bool,
        images: tuple[float, float, float, float] | None,
        masks: tuple[int, int, int] | None,
        sampling: tuple[int, int] | None,
    ) -> None: ...
    @property
    def slots(self) -> int: ...
    @property
    def carried(self) -> int: ...
    @property
    def useful_threads(self) -> int: ...
    def train(
        self,
        parameters: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu")],
        slots: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu")],
        carried: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu")],
        inputs: Annotated[NDArray, dict(order="C", device="cpu", writable=False)] | None,
        targets: Annotated[NDArray, dict(order="C", device="cpu", writable=False)] | None,
        lengths: Annotated[NDArray, dict(order="C", device="cpu", writable=False)] | None,
        weight: Annotated[NDArray, dict(order="C", device="cpu", writable=False)] | None,
        ahead: Annotated[NDArray, dict(order="C", device="cpu", writable=False)] | None,
        per_member: Sequence[str],
        order: Annotated[NDArray[numpy.int32], dict(order="C", device="cpu", writable=False)],
        scales: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu", writable=False)],
        clips: Sequence[float],
        active: Sequence[bool],
        first: int,
        begin_every: int,
        seeds: Sequence[int],
        sums: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
    ) -> None: ...
    def evaluate(
        self,
        parameters: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu")],
        carried: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu")],
        inputs: Annotated[NDArray, dict(order="C", device="cpu", writable=False)] | None,
        targets: Annotated[NDArray, dict(order="C", device="cpu", writable=False)] | None,
        lengths: Annotated[NDArray, dict(order="C", device="cpu", writable=False)] | None,
        weight: Annotated[NDArray, dict(order="C", device="cpu", writable=False)] | None,
        ahead: Annotated[NDArray, dict(order="C", device="cpu", writable=False)] | None,
        per_member: Sequence[str],
        order: Annotated[NDArray[numpy.int32], dict(order="C", device="cpu", writable=False)],
        sums: Annotated[NDArray[numpy.float64], dict(order="C", device="cpu")],
    ) -> None: ...

def mask_spectrograms(
    inputs: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu", writable=False)],
    lengths: Annotated[NDArray[numpy.int32], dict(order="C", device="cpu", writable=False)],
    draws: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu", writable=False)],
    time_mask: int,
    band_mask: int,
    bands: int,
    changed: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu")],
) -> None: ...
def criteria() -> list[str]: ...
def warp_images(
    images: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu", writable=False)],
    draws: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu", writable=False)],
    rotation: float,
    scale: float,
    shear: float,
    shift: float,
    changed: Annotated[NDArray[numpy.float32], dict(order="C", device="cpu")],
) -> None: ...
