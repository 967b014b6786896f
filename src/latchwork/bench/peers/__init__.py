"""Who is measured: a table of contestants, each with the settings that a competent user would choose.

A contestant's module offers what it can do: `Trainer(case, works)`, whose `round` trains for the case's steps and
gives the mean loss, and whose `first_outputs` are the network's answers to the first batch; `answerer(case, work)`,
a function from Python that answers one sequence or one step.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from latchwork.bench.cases import Case, Kind
from latchwork.bench.work import Work


class Trainer(Protocol):
    """A network, its optimiser and the case's data, ready to train.

    Attributes:
        first_step_seconds: of the last round, from its call to the end of its first step, where the library tells.
    """

    first_step_seconds: float | None

    def first_outputs(self) -> NDArray[Any]:
        """The answers to the first batch with the weights as they are, `[members, batch, ...]`."""
        ...

    def round(self) -> float:
        """Train for the case's steps; gives the mean loss over all of them, so that nothing is left unfinished."""
        ...


Answer = Callable[[], NDArray[Any]]


@dataclass(frozen=True)
class Contestant:
    """One line of a table.

    Attributes:
        name: what the table says.
        module: of `latchwork.bench.peers`.
        packages: what must be installed.
        settings: how it is run, in words.
        kinds: the kinds of cases that it takes part in.
        environment: variables of its process.
        leaves_out: names of cases that it does not take part in.
        only: names of the only cases that it takes part in; all where empty.
        warm: whether its compilation cache is filled by a round that does not count.
        start: a program that answers once, for cases of the kind `start`; `{model}` stands for the saved model.
    """

    name: str
    module: str
    packages: tuple[str, ...]
    settings: str
    kinds: tuple[Kind, ...] = ("train",)
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    leaves_out: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    warm: bool = False
    start: str | None = None

    def missing(self) -> str | None:
        """A package that it needs and that is not installed."""
        return next((name for name in self.packages if importlib.util.find_spec(name) is None), None)

    def takes_part(self, case: Case) -> bool:
        """Whether it has anything to do with the case."""
        chosen = not self.only or case.name in self.only
        return chosen and case.kind in self.kinds and case.name not in self.leaves_out

    def trainer(self, case: Case, works: list[Work]) -> Trainer:
        """Its trainer."""
        return self._module().Trainer(case, works)

    def answerer(self, case: Case, work: Work) -> Answer:
        """Its function from Python."""
        return self._module().answerer(case, work)

    def load(self) -> None:
        """Import it, so that a later measurement does not."""
        self._module()

    def _module(self) -> Any:
        return importlib.import_module(f"latchwork.bench.peers.{self.module}")


OURS = "latchwork"
TEXT = ("text", "keyboard")  # dropout, a tied layer and clipping: PyTorch is who people train them with

_ANSWERS = "print(float({call}.sum()))"
_ZEROS = "import numpy as np; x = np.zeros((1, 28, 28), np.float32); "


def _keras(backend: str, packages: tuple[str, ...], steps: str, **more: Any) -> Contestant:
    return Contestant(
        f"Keras on {packages[-1]}", "keras_peer", ("keras", *packages),
        f"model.fit, jit_compile=auto, {steps}; oneDNN as shipped",
        environment={"KERAS_BACKEND": backend},
        leaves_out=("members", "ctc", *TEXT, *more.pop("leaves_out", ())), **more,
    )  # fmt: skip


CONTESTANTS: tuple[Contestant, ...] = (
    Contestant(
        OURS, "ours", (), "training.fit; runtime.load(...).outputs and .step; an empty compilation cache",
        kinds=("train", "sequence", "step", "start"),
        start=_ZEROS + "from latchwork import runtime; model = runtime.load({model!r}); "
        + _ANSWERS.format(call="model.outputs(x)"),
    ),
    Contestant(
        "latchwork through XLA", "ours", (),
        "training.fit with LATCHWORK_BLOCK=xla: the same kernels in compiled blocks, the cache filled by a run before",
        environment={"LATCHWORK_BLOCK": "xla"}, only=("airline", "mnist", "members"), warm=True,
    ),
    Contestant(
        "JAX scan", "plain_jax", ("jax", "optax"),
        "the whole epoch in one jitted lax.scan, input product hoisted, buffers donated; members by vmap",
        kinds=("train", "sequence", "step"), leaves_out=TEXT,
    ),
    Contestant(
        "PyTorch", "pytorch", ("torch",),
        "torch.nn layers, one thread or one a core, whichever is faster, oneDNN, batches sliced from tensors, fused or "
        "foreach optimiser, packed sequences where ragged; 16 members: a process a core, each with one thread",
        kinds=("train", "sequence", "step", "start"),
        start=_ZEROS + "import torch; lstm, dense = torch.nn.LSTM(28, 30, batch_first=True), torch.nn.Linear(30, 10); "
        "torch.set_grad_enabled(False); " + _ANSWERS.format(call="dense(lstm(torch.from_numpy(x))[1][0][0])"),
    ),
    _keras("tensorflow", ("tensorflow",), "steps_per_execution=1"),
    _keras("jax", ("jax",), "steps_per_execution=1"),
    # Step by step in eager mode, tens of times slower than the others: one case shows it.
    _keras("torch", ("torch",), "eager", only=("mnist",)),
    Contestant(
        "ONNX Runtime", "onnx_peer", ("onnx", "onnxruntime"),
        "one LSTM node and one Gemm, all graph optimisations, the faster of one thread and all",
        kinds=("sequence", "step", "start"),
        start=_ZEROS + "import onnxruntime as ort; session = ort.InferenceSession({onnx!r}); "
        + _ANSWERS.format(call="session.run(None, dict(x=x))[0]"),
    ),
)  # fmt: skip


def contestant(name: str) -> Contestant:
    """The contestant of that name."""
    return next(one for one in CONTESTANTS if one.name == name)
