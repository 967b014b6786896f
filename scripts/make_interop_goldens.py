"""Makes tests/goldens/interop_*.zip: files of Keras and PyTorch, and what the original answers.

    python scripts/make_interop_goldens.py keras    (needs Keras 3)
    python scripts/make_interop_goldens.py torch    (needs PyTorch, safetensors, onnx and onnxscript)

Each archive has files by a case's name, and `answers.npz` with `NAME.x` and `NAME.y`. The tests need neither library.
"""
# ruff: noqa: E501 - a case is a row

from __future__ import annotations

import io
import logging
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

GOLDENS = Path(__file__).resolve().parents[1] / "tests" / "goldens"
DATE = (2026, 1, 1, 0, 0, 0)
TOKENS = 11


def write(name: str, files: dict[str, bytes], answers: dict[str, np.ndarray]) -> None:
    packed = io.BytesIO()
    np.savez(packed, **answers)
    with zipfile.ZipFile(GOLDENS / name, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for member, content in {**files, "answers.npz": packed.getvalue()}.items():
            info = zipfile.ZipInfo(member, DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    print(f"{name}: {len(files)} files, {(GOLDENS / name).stat().st_size:,} bytes")


def keras_cases(keras: Any) -> Iterator[tuple[str, Any, np.ndarray]]:
    """Name, model, inputs."""
    L = keras.layers
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(3, 6, 4)).astype(np.float32)
    padded = numbers.copy()
    padded[0, 4:] = padded[1, :2] = padded[2, 3] = 0  # to the right, to the left, and a hole
    tokens = rng.integers(1, TOKENS, (3, 6))
    holes = tokens.copy()
    holes[0, 4:] = holes[1, :2] = holes[2, 3] = 0

    def sequential(*layers: Any, shape: Any = (None, 4)) -> Any:
        return keras.Sequential([L.Input(shape), *layers])

    for kind in (L.LSTM, L.GRU, L.SimpleRNN):
        name = kind.__name__.lower()
        yield f"{name}_last", sequential(kind(5)), numbers
        yield f"{name}_steps", sequential(kind(5, return_sequences=True), L.Dense(2)), numbers
        yield f"{name}_backwards", sequential(kind(5, go_backwards=True), L.Dense(2)), numbers
        yield f"{name}_no_bias", sequential(kind(5, use_bias=False), L.Dense(2, use_bias=False)), numbers
        yield f"{name}_relu", sequential(kind(5, activation="relu"), L.Dense(2)), numbers
        yield f"{name}_masked", sequential(L.Masking(), kind(5), L.Dense(2)), padded
        yield (
            f"{name}_stacked",
            sequential(kind(5, return_sequences=True), L.Dropout(0.2), kind(3), L.Dense(2)),
            numbers,
        )
        yield f"{name}_stateful_options", sequential(kind(5, dropout=0.1, recurrent_dropout=0.1), L.Dense(1)), numbers
        for merge in ("concat", "sum", "mul", "ave"):
            for steps in (False, True):
                both = L.Bidirectional(kind(5, return_sequences=steps), merge_mode=merge)
                yield f"{name}_both_{merge}_{'steps' if steps else 'last'}", sequential(both, L.Dense(2)), numbers
        both = L.Bidirectional(kind(5, return_sequences=True))
        yield f"{name}_both_masked", sequential(L.Embedding(TOKENS, 3, mask_zero=True), both, kind(4), L.Dense(3, "softmax"),
                                                shape=(None,)), holes  # fmt: skip
    yield "embedding", sequential(L.Embedding(TOKENS, 3), L.GRU(4), L.Dense(1, "sigmoid"), shape=(None,)), tokens
    yield (
        "softmax_each_step",
        sequential(L.LSTM(5, return_sequences=True), L.TimeDistributed(L.Dense(3, "softmax"))),
        numbers,
    )
    yield "softmax_activation", sequential(L.LSTM(5), L.Dense(3), L.Activation("softmax")), numbers
    yield "encoder_decoder", sequential(L.LSTM(5), L.RepeatVector(3), L.LSTM(4, return_sequences=True),
                                        L.TimeDistributed(L.Dense(2))), numbers  # fmt: skip
    yield "norms", sequential(L.LSTM(5, return_sequences=True), L.LayerNormalization(), L.GRU(4), L.BatchNormalization(),
                              L.Dense(2)), numbers  # fmt: skip
    yield "activations", sequential(L.LSTM(5), L.Activation("relu"), L.Dense(4, "relu"), L.Dense(3, "tanh"), L.Dense(2),
                                    L.Activation("sigmoid")), numbers  # fmt: skip
    yield "pooled_mean", sequential(L.LSTM(5, return_sequences=True), L.GlobalAveragePooling1D(), L.Dense(2)), numbers
    yield "pooled_max", sequential(L.GRU(5, return_sequences=True), L.GlobalMaxPooling1D(), L.Dense(2)), numbers
    yield "flattened", sequential(L.GRU(5, return_sequences=True), L.Flatten(), L.Dense(2), shape=(6, 4)), numbers
    yield "rescaled", sequential(L.Rescaling(0.5, 0.25), L.LSTM(5), L.Dense(2)), numbers
    normalization = L.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 4.0, 0.5, 2.0])
    yield "normalized", sequential(normalization, L.LSTM(5), L.Dense(2)), numbers
    given = L.Input((None, 4))
    value = L.Masking()(given)
    value = L.LSTM(5, return_sequences=True)(value)
    yield "functional", keras.Model(given, L.Dense(3, "softmax")(L.GRU(4)(value))), padded


def make_keras() -> None:
    import keras

    files, answers = {}, {}
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        for name, model, inputs in keras_cases(keras):
            arrays = [rng.normal(0, 0.5, weight.shape) for weight in model.weights]
            model.set_weights([a**2 if "variance" in w.path else a for a, w in zip(arrays, model.weights, strict=True)
                               ] if name != "normalized" else model.get_weights())  # fmt: skip
            endings = (
                (".keras", ".h5")
                if name.endswith(("_stacked", "_last", "norms", "_masked", "functional"))
                else (".keras",)
            )
            for ending in endings:
                path = Path(folder) / f"{name}{ending}"
                model.save(path)
                files[path.name] = path.read_bytes()
            answers |= {f"{name}.x": inputs, f"{name}.y": model.predict(inputs, verbose=0)}
    write("interop_keras.zip", files, answers)


def make_torch() -> None:
    import torch
    from safetensors.torch import save
    from torch import nn

    torch.manual_seed(0)
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)

    class Net(nn.Module):
        """What people write: an embedding or not, a recurrent stack, a head on some of its outputs."""

        def __init__(self, kind: Any, both: bool, layers: int, reads: str, tokens: bool = False, **more: Any) -> None:
            super().__init__()
            self.reads = reads
            self.emb = nn.Embedding(TOKENS, 4) if tokens else None
            self.rnn = kind(4, 5, layers, batch_first=True, bidirectional=both, **more)
            width = 5 * (1 + both)
            self.norm = nn.LayerNorm(width) if reads == "mean" else None
            self.fc1, self.fc2 = nn.Linear(width, 6), nn.Linear(6, 3)

        def forward(self, x: Any) -> Any:
            outputs, states = self.rnn(x if self.emb is None else self.emb(x))
            hidden = states[0] if isinstance(states, tuple) else states
            value = {
                "final": lambda: torch.cat([hidden[-2], hidden[-1]], 1) if self.rnn.bidirectional else hidden[-1],
                "last": lambda: outputs[:, -1],
                "mean": lambda: outputs.mean(1),
                "max": lambda: outputs.max(1)[0],
                "every": lambda: outputs,
            }[self.reads]()
            value = value if self.norm is None else self.norm(value)
            return self.fc2(torch.relu(self.fc1(value)))

    files: dict[str, bytes] = {}
    answers: dict[str, np.ndarray] = {}
    numbers, tokens = torch.randn(3, 7, 4), torch.randint(0, TOKENS, (3, 7))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"

        def states(name: str, model: Any, number: int) -> None:
            if number % 3 == 2:
                files[f"{name}.safetensors"] = save(model.state_dict())
                return
            torch.save(model.state_dict(), path, _use_new_zipfile_serialization=number % 3 == 0)
            files[f"{name}.pt"] = path.read_bytes()

        def graph(name: str, model: Any, inputs: Any, how: str) -> None:
            if how == "old":
                torch.onnx.export(
                    model, (inputs,), path, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "b", 1: "t"}}
                )
            else:
                torch._dynamo.reset()
                sizes = {"x": {0: torch.export.Dim("b", min=2), 1: torch.export.Dim("t", min=3)}}
                shapes = sizes if how == "new" else None
                torch.onnx.export(
                    model, (inputs,), path, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False
                )
            files[f"{name}.{how}.onnx"] = path.read_bytes()

        number = 0
        for kind in (nn.LSTM, nn.GRU, nn.RNN):
            for both in (False, True):
                for layers in (1, 2):
                    for reads in ("final", "last", "mean", "max", "every"):
                        name = f"{kind.__name__.lower()}{layers}_{'both_' if both else ''}{reads}"
                        model = Net(kind, both, layers, reads, tokens=reads == "last", bias=reads != "max").eval()
                        inputs = tokens if reads == "last" else numbers
                        states(name, model, number)
                        answers |= {f"{name}.x": inputs.numpy(), f"{name}.y": model(inputs).detach().numpy()}
                        if number % 2 == 0:
                            graph(name, model, inputs, "old")
                        elif kind is not nn.RNN:  # the newer exporter unrolls an nn.RNN
                            try:
                                graph(name, model, inputs, "new")
                            except Exception as error:
                                print(f"{name}: no dynamic export: {str(error).splitlines()[0][:80]}")
                                graph(name, model, inputs, "static")
                        number += 1
    write("interop_torch.zip", files, answers)


if __name__ == "__main__":
    {"keras": make_keras, "torch": make_torch}[sys.argv[1]]()
