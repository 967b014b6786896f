"""What is measured: a table of cases, each plain data, so that a new case is a new row."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from latchwork.core.errors import InputError
from latchwork.core.spec import (
    GRU,
    LSTM,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Layer,
    Recurrent,
    Sequential,
    SimpleRNN,
)
from latchwork.core.tying import untied_layer

Kind = Literal["train", "sequence", "step", "start"]


@dataclass(frozen=True)
class Case:
    """One piece of work that every contestant does.

    Attributes:
        name: what `--case` takes.
        title: what the table says.
        kind: `train` (optimiser steps), `sequence` and `step` (one answer from Python), `start` (a process from its
            start to its first answer, beyond `import numpy`).
        network: the layers, with the shape of their inputs.
        batch: sequences in a step.
        steps: training steps, or answers, in a round.
        quick_steps: the same under `--quick`; 0 leaves the case out.
        epochs: passes over those steps in a round.
        members: independent networks that are trained side by side.
        shortest: where above 0, lengths are drawn from there to the time axis' length.
        labels: where above 0, a row has so many at most, aligned with its steps (CTC).
        data: `random`, or the real set that inputs come from; `words` are drawn as often as words are (Zipf's law).
        scale: inputs are multiplied by this, for values that hurt.
        learning_rate: of the optimiser.
        clip: the largest norm of all gradients together.
        carried: whether each step begins with the states that the one before has ended with (ours alone).
        sampled: the frequent outputs, and how many others are drawn, that our softmax is estimated from in training.
        fresh: whether each round is the first of a process of its own, compilation included.
        target, aim: the least and the hoped-for ratio to the fastest peer, where there is one.
        target_seconds, aim_seconds: the same where what counts is the time itself.
    """

    name: str
    title: str
    network: Sequential
    kind: Kind = "train"
    batch: int = 1
    steps: int = 1
    quick_steps: int = 0
    epochs: int = 1
    members: int = 1
    shortest: int = 0
    labels: int = 0
    data: Literal["random", "words", "mnist", "airline"] = "random"
    scale: float = 1.0
    optimizer: Literal["rmsprop", "adam", "sgd"] = "adam"
    learning_rate: float = 1e-3
    clip: float | None = None
    carried: bool = False
    sampled: tuple[int, int] | None = None
    fresh: bool = False
    target: float | None = None
    aim: float | None = None
    target_seconds: float | None = None
    aim_seconds: float | None = None

    def quick(self) -> Case:
        """The same work, less of it."""
        return replace(self, steps=self.quick_steps)

    @property
    def time(self) -> int:
        """Steps of a sequence."""
        time = self.network.shapes()[0][0]
        assert time is not None
        return time

    @property
    def loss(self) -> Literal["cross-entropy", "squared error", "labels"]:
        """What training makes small: classes where there are several outputs, values where there is one."""
        if self.labels:
            return "labels"
        return "squared error" if self.network.output_shape()[-1] == 1 else "cross-entropy"

    def flops_a_step(self, *, sampled: bool = False) -> int:
        """Floating-point operations in the matrix products of one real time step of one sequence, trained.

        Forward 2 for each weight; backward the same again for the weights' gradient and for the inputs' gradient,
        which the first layer does not need. A last layer that sees one step of a sequence counts once a sequence,
        which is left out here: it is below 2 % in these cases. Where outputs are `sampled`, those alone count.
        """
        total = 0
        for index, (layer, before) in enumerate(zip(self.network.layers, self.network.shapes(), strict=False)):
            shapes = untied_layer(layer).parameter_shapes(before)
            every_step = isinstance(layer, Recurrent | Bidirectional) or len(before) == 2
            if isinstance(layer, Embedding) or not every_step:
                continue
            last = index + 1 == len(self.network.layers)
            for name, shape in shapes.items():
                if len(shape) == 2:
                    columns = sum(self.sampled) if self.sampled and sampled and last else shape[1]
                    total += (4 if index == 0 and name.endswith("input_weight") else 6) * shape[0] * columns
        return total

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data for a worker process."""
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"network": self.network.to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Case:
        """The case that `to_dict` described."""
        arguments: dict[str, Any] = data | {"network": Sequential.from_dict(data["network"])}
        if data["sampled"] is not None:
            arguments["sampled"] = tuple(data["sampled"])
        return cls(**arguments)


def _digits(layer: Layer) -> Sequential:
    return Sequential([layer, Dense(10)], input_shape=(28, 28))


def _characters(units: int, layers: int, time: int) -> Sequential:
    stack = [LSTM(units, return_sequences=True) for _ in range(layers)]
    return Sequential([Embedding(65, 64), *stack, Dense(65)], input_shape=(time,))


def _text(tokens: int, width: int, *end: Layer, time: int) -> Sequential:
    """What `latchwork text train` chooses for a text of some size and ten minutes."""
    lstm = LSTM(512, return_sequences=True, dropout=0.1, recurrent_dropout=0.2)
    return Sequential([Embedding(tokens, width), lstm, Dropout(0.3), *end], input_shape=(time,))


_MNIST: dict[str, Any] = {"batch": 128, "steps": 468, "data": "mnist", "optimizer": "rmsprop"}

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        Case("mnist", "MNIST epoch, LSTM(30)", _digits(LSTM(30)), quick_steps=60, target=3, aim=5, **_MNIST),
        Case("mnist-gru", "MNIST epoch, GRU(30)", _digits(GRU(30)), **_MNIST),
        Case("mnist-rnn", "MNIST epoch, SimpleRNN(30)", _digits(SimpleRNN(30)), **_MNIST),
        Case(
            "airline", "airline fit in a fresh process, with compilation",
            Sequential([LSTM(4), Dense(1)], input_shape=(1, 1)),
            steps=94, quick_steps=94, epochs=100, data="airline", fresh=True, target=10, aim=30,
        ),
        Case(
            "bilstm", "BiLSTM(128), 28x28", _digits(Bidirectional(LSTM(128))),
            batch=128, steps=60, data="mnist", target=1.6, aim=2.5,
        ),
        Case("char-1x128", "characters, 1x128", _characters(128, 1, 50), batch=50, steps=40),
        Case(
            "char-2x128", "characters, 2x128", _characters(128, 2, 50),
            batch=50, steps=20, quick_steps=4, target=1.3, aim=1.9,
        ),
        Case("char-2x512", "characters, 2x512", _characters(512, 2, 64), batch=50, steps=3, target=1.1, aim=1.4),
        Case(
            "text", "a text of characters, 1x512 with dropout (PyTorch without)", _text(65, 64, Dense(65), time=128),
            batch=32, steps=4, clip=1.0, carried=True, target=1.4, aim=1.8,
        ),
        Case(
            "keyboard", "a keyboard of 12,000 words (PyTorch sums over all, without dropout)",
            _text(12_000, 256, Dense(256), Dense(12_000, tied=True), time=32),
            batch=64, steps=4, data="words", clip=1.0, carried=True, sampled=(1000, 1000), target=2, aim=4,
        ),
        Case(
            "members", "16 x LSTM(32) side by side", Sequential([LSTM(32), Dense(1)], input_shape=(24, 8)),
            batch=32, steps=60, quick_steps=10, members=16, target=5, aim=10,
        ),
        Case(
            "ragged", "lengths 10 to 400, LSTM(64)", Sequential([LSTM(64), Dense(10)], input_shape=(400, 12)),
            batch=64, steps=12, quick_steps=2, shortest=10, target=4, aim=8,
        ),
        Case(
            "ctc", "characters from recordings, BiLSTM(96) x 2, CTC",
            Sequential(
                [*(Bidirectional(LSTM(96, return_sequences=True)) for _ in range(2)), Dense(29)], input_shape=(120, 80)
            ),
            batch=32, steps=12, quick_steps=2, shortest=60, labels=24, target=1.5, aim=2.5,
        ),
        Case(
            "long", "one sequence of 10,000 steps, LSTM(64)",
            Sequential([LSTM(64, return_sequences=True), Dense(1)], input_shape=(10_000, 8)), steps=4,
        ),
        Case(
            "sequence", "one answer: 28 steps, LSTM(30)", _digits(LSTM(30)), "sequence",
            steps=2000, quick_steps=500, target=3, aim=5,
        ),
        Case(
            "step", "one answer: a single step, LSTM(30)", _digits(LSTM(30)), "step",
            steps=5000, quick_steps=1000, target=8, aim=15,
        ),
        Case(
            "start", "process to first answer, beyond import numpy", _digits(LSTM(30)), "start",
            quick_steps=1, target_seconds=0.10, aim_seconds=0.05,
        ),
        Case(
            "denormals", "MNIST steps, denormal inputs", _digits(LSTM(30)), batch=128, steps=60, data="mnist",
            scale=1e-40, optimizer="sgd", learning_rate=1e-30,
        ),
        Case(
            "large", "MNIST steps, inputs of 1e30", _digits(LSTM(30)), batch=128, steps=60, data="mnist",
            scale=1e30, optimizer="sgd", learning_rate=1e-30,
        ),
        Case(
            "nan", "MNIST steps, one input NaN", _digits(LSTM(30)), batch=128, steps=1, data="mnist",
            scale=float("nan"), optimizer="sgd", learning_rate=1e-30,
        ),
    )
}  # fmt: skip


def chosen_cases(names: list[str], *, quick: bool) -> list[Case]:
    """The cases of those names, or all; under `quick` each with less work, and only those that have a quick form."""
    if unknown := [name for name in names if name not in CASES]:
        raise InputError(f"unknown case {unknown[0]!r}: expected one of {', '.join(CASES)}")
    cases = [CASES[name] for name in names] if names else list(CASES.values())
    return [case.quick() for case in cases if case.quick_steps] if quick else cases
