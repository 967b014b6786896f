"""A network as a module of PyTorch, which is imported here and nowhere else."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.interop.exporting.subject import Subject, subject_of


def to_torch(model: Any) -> Any:
    """A `torch.nn.Module` with the same answers within 1e-5.

    Its `forward(inputs, lengths=None)` takes sequences `[batch, time, features]` or token numbers `[batch, time]` as
    tensors, and gives what the model's network does: a classifier's probabilities, a regressor's numbers in their own
    units, or plain outputs. Its layers are PyTorch's own (`nn.LSTM`, `nn.Linear`), ready to be trained on.

    Args:
        model: a `.latch` file, a fitted estimator, what `runtime.load` or `import_model` gives, or a `NetworkData`.

    Raises:
        InputError: PyTorch is not installed, or a layer has none in PyTorch, by name.
    """
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        raise InputError("to_torch needs PyTorch: pip install torch") from None
    subject = subject_of(model)
    if subject.data.members is not None or subject.ending == "correction":
        raise InputError("a forecaster's networks correct a base that others give: export it as ONNX")
    return _module_class(torch)(torch, subject)


def _module_class(torch: Any) -> Any:
    """The module's class, which is made when PyTorch is there."""

    class LatchworkModule(torch.nn.Module):
        """Layers of PyTorch, one after the other."""

        def __init__(self, torch: Any, subject: Subject) -> None:
            super().__init__()
            self._spec, self._ending, self._vector = subject.data.spec, subject.ending, subject.vector
            self._padding = subject.padding
            self.layers = torch.nn.ModuleList()
            for index, layer in enumerate(subject.data.spec.layers):
                start = f"layers.{index}."
                own = {
                    name.removeprefix(start): torch.tensor(np.ascontiguousarray(array, np.float32))
                    for name, array in subject.data.parameters.items()
                    if name.startswith(start)
                }
                self.layers.append(_layer(torch, layer, own))
            for name, scaler in (("scaler", subject.scaler), ("target_scaler", subject.target_scaler)):
                for part in ("offset", "scale"):
                    value = None if scaler is None else torch.tensor(getattr(scaler, part), dtype=torch.float64)
                    self.register_buffer(f"{name}_{part}", value)
            self.eval()

        def forward(self, inputs: Any, lengths: Any = None) -> Any:
            """The model's answers."""
            if self._padding is not None and lengths is None:
                inputs, lengths = _real_first(torch, inputs, self._padding)
            value = inputs
            if self.scaler_offset is not None:
                value = ((value.double() - self.scaler_offset) / self.scaler_scale).float()
            for described, layer in zip(self._spec.layers, self.layers, strict=True):
                value = _apply(torch, described, layer, value, lengths)
            if self._ending == "probabilities":
                return torch.softmax(value, -1)
            if self._ending == "log_probabilities":
                return torch.log_softmax(value, -1)
            if self.target_scaler_offset is not None:
                value = value.double() * self.target_scaler_scale + self.target_scaler_offset
                value = value[..., 0] if self._vector else value
            return value

    return LatchworkModule


def _layer(torch: Any, layer: spec.Layer, arrays: Mapping[str, Any]) -> Any:
    """PyTorch's layer with our arrays; `Identity` for what has none."""
    nn = torch.nn
    match layer:
        case spec.Bidirectional():
            ways = [
                {name.removeprefix(f"{way}."): one for name, one in arrays.items() if name.startswith(f"{way}.")}
                for way in ("forward", "backward")
            ]
            return _recurrent(torch, layer.layer, ways)
        case spec.LSTM() | spec.GRU() | spec.SimpleRNN():
            return _recurrent(torch, layer, [arrays])
        case spec.Dense():
            made = nn.Linear(*arrays["weight"].shape)
            return _filled(torch, made, {"weight": arrays["weight"].T, "bias": arrays["bias"]})
        case spec.Embedding():
            return _filled(torch, nn.Embedding(layer.tokens, layer.units), arrays)
        case spec.LayerNorm():
            made = nn.LayerNorm(len(arrays["scale"]), eps=layer.epsilon)
            return _filled(torch, made, {"weight": arrays["scale"], "bias": arrays["offset"]})
        case spec.Dropout():
            return nn.Dropout(layer.rate)
        case spec.Pooling() | spec.Activation() | spec.RepeatVector() | spec.Flatten():
            return nn.Identity()
        case _:
            raise InputError(f"{layer!r} has no layer in PyTorch that computes the same: export it as ONNX")


def _recurrent(torch: Any, layer: spec.Recurrent, ways: Sequence[Mapping[str, Any]]) -> Any:
    kinds: dict[type[spec.Layer], Any] = {
        spec.LSTM: torch.nn.LSTM, spec.GRU: torch.nn.GRU, spec.SimpleRNN: torch.nn.RNN,
    }  # fmt: skip
    bent = isinstance(layer, spec.LSTM | spec.GRU) and layer.activation != "tanh"
    if type(layer) not in kinds or bent:
        raise InputError(f"{layer!r} has no layer in PyTorch that computes the same: export it as ONNX")
    more = {"nonlinearity": layer.activation} if isinstance(layer, spec.SimpleRNN) else {}
    features = ways[0]["input_weight"].shape[0]
    made = kinds[type(layer)](features, layer.units, batch_first=True, bidirectional=len(ways) == 2, **more)
    named: dict[str, Any] = {}
    for suffix, own in zip(("", "_reverse"), ways, strict=False):
        bias = own.get("input_bias", own.get("bias"))
        second = own["hidden_bias"] if "hidden_bias" in own else torch.zeros_like(own["bias"])
        named |= {
            f"weight_ih_l0{suffix}": own["input_weight"].T,
            f"weight_hh_l0{suffix}": own["hidden_weight"].T,
            f"bias_ih_l0{suffix}": bias,
            f"bias_hh_l0{suffix}": second,
        }
    return _filled(torch, made, named)


def _filled(torch: Any, module: Any, arrays: Mapping[str, Any]) -> Any:
    with torch.no_grad():
        for name, array in arrays.items():
            getattr(module, name).copy_(array)
    return module


def _apply(torch: Any, described: spec.Layer, layer: Any, value: Any, lengths: Any) -> Any:
    match described:
        case spec.Bidirectional():
            return _merged(described, _run(torch, described.layer, layer, value, lengths))
        case spec.Recurrent():
            if not described.reverse:
                return _run(torch, described, layer, value, lengths)
            turned = _run(torch, described, layer, _turned(torch, value, lengths), lengths)
            return _turned(torch, turned, lengths) if described.return_sequences else turned
        case spec.Dense():
            value = layer(value)
            return value if described.activation is None else getattr(torch, described.activation)(value)
        case spec.Activation():
            return _activated(torch, described.function, value)
        case spec.RepeatVector():
            return value[:, None].expand(-1, described.times, -1)
        case spec.Flatten():
            return value.reshape(len(value), -1)
        case spec.Pooling():
            return _pooled(torch, described, value, lengths)
        case _:
            return layer(value)


def _activated(torch: Any, function: str, value: Any) -> Any:
    named = {"exponential": torch.exp, "softmax": lambda value: torch.softmax(value, -1)}
    return (named.get(function) or getattr(torch.nn.functional, function))(value)


def _run(torch: Any, described: spec.Recurrent, layer: Any, value: Any, lengths: Any) -> Any:
    """Every step's outputs, zero past a length, or the state at the end."""
    time = value.shape[1]
    if lengths is not None:
        counts = torch.as_tensor(lengths).cpu().long()
        pack, unpack = torch.nn.utils.rnn.pack_padded_sequence, torch.nn.utils.rnn.pad_packed_sequence
        packed, states = layer(pack(value, counts, batch_first=True, enforce_sorted=False))
        outputs = unpack(packed, batch_first=True, total_length=time)[0] if described.return_sequences else None
    else:
        outputs, states = layer(value)
    if described.return_sequences:
        return outputs
    hidden = states[0] if isinstance(states, tuple) else states
    return torch.cat(list(hidden), dim=-1)


def _merged(described: spec.Bidirectional, value: Any) -> Any:
    """Both ways as one, number by number."""
    if described.merge == "concat":
        return value
    one, two = value.chunk(2, dim=-1)
    if described.merge == "mul":
        return one * two
    return (one + two) * (1 if described.merge == "sum" else 0.5)


def _turned(torch: Any, value: Any, lengths: Any) -> Any:
    """Each sequence's real steps in reverse order."""
    if lengths is None:
        return value.flip(1)
    steps = torch.arange(value.shape[1], device=value.device)
    counts = torch.as_tensor(lengths, device=value.device).long()[:, None]
    places = torch.where(steps < counts, counts - 1 - steps, steps)
    return value.gather(1, places[..., None].expand(value.shape))


def _pooled(torch: Any, described: spec.Pooling, value: Any, lengths: Any) -> Any:
    time = value.shape[1]
    counts = torch.full((len(value),), time) if lengths is None else torch.as_tensor(lengths).long()
    counts = counts.to(value.device)
    real = (torch.arange(time, device=value.device) < counts[:, None])[..., None]
    last = (counts - 1)[:, None, None].expand(-1, 1, value.shape[2])
    pooled = {
        "first": lambda: value[:, 0],
        "last": lambda: value.gather(1, last)[:, 0],
        "mean": lambda: torch.where(real, value, 0.0).sum(1) / counts[:, None],
        "max": lambda: torch.where(real, value, -torch.inf).amax(1),
    }
    return torch.cat([pooled[kind]() for kind in described.kinds], dim=-1)


def _real_first(torch: Any, inputs: Any, padding: float) -> tuple[Any, Any]:
    """The real steps of each sequence in their order, then the others; and how many they are."""
    real = inputs != padding if inputs.ndim == 2 else (inputs != padding).any(-1)
    order = torch.argsort((~real).long(), dim=1, stable=True)
    index = order if inputs.ndim == 2 else order[..., None].expand(inputs.shape)
    return inputs.gather(1, index), real.sum(1)
