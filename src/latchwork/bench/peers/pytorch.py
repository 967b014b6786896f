"""PyTorch: its own layers, a plain training loop over batches that are tensors already."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.bench.cases import Case
from latchwork.bench.peers import Answer
from latchwork.bench.work import Work
from latchwork.core import spec

torch: Any = importlib.import_module("torch")  # an extra: no types where it is not installed


class Trainer:
    """One network in this process, or the members spread over a process a core."""

    first_step_seconds: float | None = None

    def __init__(self, case: Case, works: list[Work]) -> None:
        """Build the networks around the given weights."""
        if case.members == 1:
            torch.set_num_threads(_fastest_threads(case, works[0]))
            self._here = [_Loop(case, works[0])]
            self._others: list[Any] = []
            return
        # Many small networks: a process a core, each with one thread, beats one process with all threads.
        torch.set_num_threads(1)
        cores = os.cpu_count() or 1
        shares = [works[first::cores] for first in range(cores)]
        self._others = [_start(case, share) for share in shares[1:]]
        self._here = [_Loop(case, work) for work in shares[0]]

    def first_outputs(self) -> NDArray[Any]:
        """In eager mode; of the members in this process, the first."""
        return np.stack([self._here[0].first_outputs()])

    def round(self) -> float:
        """Train everything once."""
        for other in self._others:
            other.send(None)
        losses = [loop.round() for loop in self._here]
        for other in self._others:
            losses += other.recv()
        return float(np.mean(losses))


class _Loop:
    def __init__(self, case: Case, work: Work) -> None:
        self.case, self.network = case, _Network(case.network, work.parameters)
        self.inputs = torch.from_numpy(work.inputs)
        whole = case.loss != "squared error"
        self.targets = torch.from_numpy(work.targets.astype(np.int64) if whole else work.targets)
        self.lengths = None if work.lengths is None else torch.from_numpy(work.lengths.astype(np.int64))
        self.learned = learned = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = {
            "rmsprop": lambda: _RMSprop(learned, case.learning_rate),
            "adam": lambda: torch.optim.Adam(learned, lr=case.learning_rate, eps=1e-7, fused=True),
            "sgd": lambda: torch.optim.SGD(learned, lr=case.learning_rate, fused=True),
        }[case.optimizer]()

    def first_outputs(self) -> NDArray[Any]:
        with torch.inference_mode():
            return self.network(self.inputs[0], None if self.lengths is None else self.lengths[0]).numpy()

    def round(self) -> float:
        return self.train(self.case.steps, self.case.epochs)

    def train(self, steps: int, epochs: int) -> float:
        losses: list[Any] = []
        for _ in range(epochs):
            for step in range(steps):
                outputs = self.network(self.inputs[step], None if self.lengths is None else self.lengths[step])
                if self.case.loss == "squared error":
                    loss = torch.nn.functional.mse_loss(outputs, self.targets[step])
                elif self.case.loss == "labels":
                    loss = self.of_labels(outputs, step)
                else:
                    loss = torch.nn.functional.cross_entropy(outputs.flatten(0, -2), self.targets[step].flatten())
                self.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                if self.case.clip is not None:
                    torch.nn.utils.clip_grad_norm_(self.learned, self.case.clip)
                self.optimizer.step()
                losses.append(loss.detach())
        return float(torch.stack(losses).mean())

    def of_labels(self, outputs: Any, step: int) -> Any:
        logs = torch.nn.functional.log_softmax(outputs, dim=-1).transpose(0, 1)
        assert self.lengths is not None
        labels = self.targets[step]
        return torch.nn.functional.ctc_loss(logs, labels.clamp(min=0), self.lengths[step], (labels >= 0).sum(dim=1))


class _RMSprop:
    """With epsilon inside the root, as everybody else has it; otherwise `torch.optim.RMSprop(foreach=True)`."""

    def __init__(self, parameters: list[Any], learning_rate: float) -> None:
        self.parameters, self.learning_rate = parameters, learning_rate
        self.squares = [torch.zeros_like(parameter) for parameter in parameters]

    def zero_grad(self, *, set_to_none: bool) -> None:
        assert set_to_none
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        gradients = [parameter.grad for parameter in self.parameters]
        torch._foreach_mul_(self.squares, 0.9)
        torch._foreach_addcmul_(self.squares, gradients, gradients, 0.1)
        roots = torch._foreach_add(self.squares, 1e-7)
        torch._foreach_sqrt_(roots)
        torch._foreach_addcdiv_(self.parameters, gradients, roots, -self.learning_rate)


def _fastest_threads(case: Case, work: Work) -> int:
    """All cores or one: small layers are faster on one. Some steps of each are timed, in turns."""
    steps = min(case.steps, 10)
    epochs = min(case.epochs, 3 if steps < 10 else 1)
    counts = {os.cpu_count() or 1, 1}
    seconds = dict.fromkeys(counts, float("inf"))
    for _ in range(3):
        for count in counts:
            torch.set_num_threads(count)
            loop = _Loop(case, work)
            loop.train(1, 1)
            began = time.perf_counter()
            loop.train(steps, epochs)
            seconds[count] = min(seconds[count], time.perf_counter() - began)
    return min(seconds, key=seconds.__getitem__)


class _Network(torch.nn.Module):
    def __init__(self, network: spec.Sequential, parameters: dict[str, NDArray[np.float32]]) -> None:
        super().__init__()
        self.described = network.layers
        built: list[Any] = []
        for index, (layer, shape) in enumerate(zip(network.layers, network.shapes(), strict=False)):
            prefix = f"layers.{index}."
            own = {name.removeprefix(prefix): array for name, array in parameters.items() if name.startswith(prefix)}
            tied = isinstance(layer, spec.Dense) and layer.tied
            if tied:
                own["weight"] = parameters["layers.0.weight"].T
            built.append(_layer(layer, shape[-1] or 0, own))
            if tied:
                built[-1].weight = built[0].weight
        self.built = torch.nn.ModuleList(built)

    def forward(self, values: Any, lengths: Any = None) -> Any:
        time = values.shape[1]
        for layer, module in zip(self.described, self.built, strict=True):
            packed = isinstance(values, torch.nn.utils.rnn.PackedSequence)
            if not isinstance(layer, spec.Recurrent | spec.Bidirectional):
                if packed:
                    values, _ = torch.nn.utils.rnn.pad_packed_sequence(values, batch_first=True, total_length=time)
                values = module(values)
                continue
            if lengths is not None and not packed:
                values = torch.nn.utils.rnn.pack_padded_sequence(
                    values, lengths, batch_first=True, enforce_sorted=False
                )
            outputs, state = module(values)
            hidden = state[0] if isinstance(state, tuple) else state
            inner = layer.layer if isinstance(layer, spec.Bidirectional) else layer
            if inner.return_sequences:
                values = outputs
            else:
                values = hidden[0] if len(hidden) == 1 else torch.cat([hidden[0], hidden[1]], dim=-1)
        return values


def _layer(layer: spec.Layer, features: int, own: dict[str, NDArray[np.float32]]) -> Any:
    match layer:
        case spec.Embedding():
            module = torch.nn.Embedding(layer.tokens, layer.units)
            given = {"weight": own["weight"]}
        case spec.Dense():
            module = torch.nn.Linear(features, layer.units)
            given = {"weight": own["weight"].T, "bias": own["bias"]}
        case spec.Bidirectional():
            module = _recurrent(layer.layer)(features, layer.layer.units, batch_first=True, bidirectional=True)
            ways = (("forward.", "_l0"), ("backward.", "_l0_reverse"))
            given = {name: array for way, end in ways for name, array in _weights(own, way, end).items()}
        case spec.Dropout():  # none is asked of it
            module, given = torch.nn.Identity(), {}
        case spec.Recurrent():
            module = _recurrent(layer)(features, layer.units, batch_first=True)
            given = _weights(own, "", "_l0")
        case _:
            raise TypeError(f"no peer of {layer!r}")
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name in given:
                parameter.copy_(torch.from_numpy(np.array(given[name])))
            else:  # the second bias, which the others do not have: zero, and not learned
                parameter.zero_()
                parameter.requires_grad = False
    return module


def _recurrent(layer: spec.Recurrent) -> Any:
    names = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}
    return getattr(torch.nn, names[type(layer).__name__])


def _weights(own: dict[str, NDArray[np.float32]], way: str, end: str) -> dict[str, NDArray[np.float32]]:
    given = {
        f"weight_ih{end}": own[f"{way}input_weight"].T,
        f"weight_hh{end}": own[f"{way}hidden_weight"].T,
    }
    if f"{way}bias" in own:
        return given | {f"bias_ih{end}": own[f"{way}bias"]}
    return given | {f"bias_ih{end}": own[f"{way}input_bias"], f"bias_hh{end}": own[f"{way}hidden_bias"]}


def answerer(case: Case, work: Work) -> Answer:
    """Eager layers without gradients; one thread, which is faster than two at batch 1."""
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    network = _Network(case.network, work.parameters).eval()
    inputs = work.inputs[0]
    if case.kind == "sequence":
        return lambda: network(torch.from_numpy(inputs)).numpy()
    lstm, dense = network.built
    cell = torch.nn.LSTMCell(lstm.input_size, lstm.hidden_size)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in lstm.state_dict().items()})
    state = (torch.zeros(case.batch, lstm.hidden_size),) * 2
    return lambda: dense(cell(torch.from_numpy(inputs[:, 0]), state)[0]).numpy()


def _start(case: Case, works: list[Work]) -> Any:
    """A process that trains its share whenever it is told to; gives the pipe to it."""
    here, there = multiprocessing.Pipe()
    multiprocessing.get_context("fork").Process(target=_serve, args=(there, case, works), daemon=True).start()
    return here


def _serve(pipe: Any, case: Case, works: list[Work]) -> None:
    loops = [_Loop(case, work) for work in works]
    while True:
        pipe.recv()
        pipe.send([loop.round() for loop in loops])
