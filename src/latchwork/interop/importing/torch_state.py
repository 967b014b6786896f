"""A state dict as a network: modules by the names of their arrays, and their order by what fits together.

A state dict has arrays and no program. What it does not say is asked for where the answer matters, and where PyTorch's
default is taken the notes say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.interop.importing.imported import Chain, Imported
from latchwork.interop.importing.torch_file import State, read_state

__all__ = ["network_of_state", "read_state"]

Array = NDArray[Any]
READS = ("final", "last", "first", "mean", "max", "every")
ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid")
MAX_MODULES = 64
_KINDS: dict[int, type[spec.Recurrent]] = {1: spec.SimpleRNN, 3: spec.GRU, 4: spec.LSTM}


@dataclass(frozen=True)
class Module:
    """One module of a state dict: its name, its arrays, and how many features it takes (None: tokens) and gives."""

    kind: str
    name: str
    arrays: dict[str, Array]
    takes: int | None
    gives: int


def network_of_state(state: State, *, reads: str | None = None, activation: str | None = None) -> Imported:
    """The network of a state dict; arguments as of `import_model`.

    Raises:
        InputError: a module by its name that is not read, modules that do not fit together, or an open question.
    """
    between, rnn = _given(activation)
    if reads is not None and reads not in READS:
        raise InputError(f"reads must be one of {', '.join(READS)}, got {reads!r}")
    modules = _ordered(list(_modules(state)))
    last = max((at for at, each in enumerate(modules) if each.kind == "recurrent"), default=None)
    if last is None:
        raise InputError("it has no nn.LSTM, nn.GRU or nn.RNN (no key like lstm.weight_ih_l0)")
    head = modules[last + 1 :]
    reads = reads or _default(modules[last], head)
    chain = Chain()
    notes = [f"read as {' -> '.join(_described(modules, last, reads))}"]
    for at, module in enumerate(modules):
        match module.kind:
            case "embedding":
                chain.add(
                    spec.Embedding(*module.arrays["weight"].shape), {"weight": module.arrays["weight"]}, module.name
                )
            case "recurrent":
                _add_recurrent(chain, module, rnn, None if at < last else reads)
            case "linear":
                if at < len(modules) - 1 and between is None:
                    raise InputError(f"a state dict does not say what stands between {module.name!r} and "
                                     f"{modules[at + 1].name!r}: give activation, such as relu or linear")  # fmt: skip
                own = None if between == "linear" or at == len(modules) - 1 else between
                _add_linear(chain, module, own)
            case "layer_norm":
                chain.add(
                    spec.LayerNorm(), {"scale": module.arrays["weight"], "offset": module.arrays["bias"]}, module.name
                )
                notes.append(f"{module.name} is read as nn.LayerNorm with eps 1e-5, PyTorch's default")
            case _:
                _add_batch_norm(chain, module)
                notes.append(f"{module.name} is read as nn.BatchNorm1d with eps 1e-5, PyTorch's default")
    if any(module.kind == "recurrent" and _gates(module) == 1 for module in modules) and rnn == "tanh":
        notes.append("nn.RNN is read with tanh, PyTorch's default (activation=rnn-relu for relu)")
    tokens = modules[0].kind == "embedding"
    shape = (None,) if tokens else (None, cast("int", modules[0].takes))
    return Imported(chain.data(shape), tuple(chain.names), notes=tuple(notes))


def _given(activation: str | None) -> tuple[str | None, str]:
    """What stands between linear layers (None: not said), and nn.RNN's nonlinearity."""
    between, rnn = None, "tanh"
    for part in (activation or "").replace(" ", "").split(","):
        if part in ("rnn-relu", "rnn-tanh"):
            rnn = part.removeprefix("rnn-")
        elif part in ACTIVATIONS:
            between = part
        elif part:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, rnn-relu, got {part!r}")
    return between, rnn


def _modules(state: State) -> Iterator[Module]:
    """Every module, in the order of the file; raises `InputError` for one that is not read, by name."""
    grouped: dict[str, dict[str, Array]] = {}
    for key, array in state.items():
        prefix, _, name = key.rpartition(".")
        grouped.setdefault(prefix, {})[name] = array
    if len(grouped) > MAX_MODULES:
        raise InputError(f"it has {len(grouped)} modules: models of a few recurrent and linear layers are read")
    for prefix, own in grouped.items():
        name = prefix or "the module"
        shapes = {key: array.shape for key, array in own.items()}
        ndim = len(shapes.get("weight", ()))
        if "weight_ih_l0" in own:
            yield _recurrent(name, own)
        elif "weight_ih" in own:
            raise InputError(f"{name!r} is an nn.LSTMCell, GRUCell or RNNCell: what the loop around it does is not in "
                             "the file; import models of nn.LSTM, nn.GRU or nn.RNN")  # fmt: skip
        elif "running_mean" in own and set(own) >= {"running_var"}:
            yield Module("batch_norm", name, own, len(own["running_mean"]), len(own["running_mean"]))
        elif ndim == 1 and set(own) == {"weight", "bias"} and shapes["weight"] == shapes["bias"]:
            yield Module("layer_norm", name, own, *shapes["weight"], *shapes["weight"])
        elif ndim == 2 and set(own) == {"weight", "bias"} and shapes["bias"] == shapes["weight"][:1]:
            yield Module("linear", name, own, shapes["weight"][1], shapes["weight"][0])
        elif ndim == 2 and set(own) == {"weight"}:
            yield Module("table", name, own, *reversed(shapes["weight"]))  # an embedding, or a linear without bias
        else:
            hint = _hint(own)
            raise InputError(f"{name!r} ({', '.join(sorted(own)[:4])}) is {hint}: nn.LSTM, nn.GRU, nn.RNN, nn.Linear, "
                             "nn.Embedding and norms are read")  # fmt: skip


def _hint(own: dict[str, Array]) -> str:
    if "weight" in own and own["weight"].ndim >= 3:
        return f"a convolution of weights {own['weight'].shape}"
    if any(name.startswith("in_proj") for name in own):
        return "attention"
    if any(name.endswith(("_g", "_v")) or "original" in name for name in own):
        return "a module with weight normalisation or another parametrisation (remove it before saving)"
    return "of no kind that is read"


def _recurrent(name: str, own: dict[str, Array]) -> Module:
    if any(key.startswith("weight_hr") for key in own):
        raise InputError(f"{name!r} is an nn.LSTM with proj_size, which no layer here has: train it without")
    rows, units = (
        own.get("weight_hh_l0", np.zeros((0, 0))).shape if own.get("weight_hh_l0", np.zeros(0)).ndim == 2 else (0, 0)
    )
    if not units or rows % units or rows // units not in _KINDS or own["weight_ih_l0"].ndim != 2:
        raise InputError(f"damaged: the recurrent weights of {name!r} are no LSTM's, GRU's or RNN's")
    ways, layers = _extent(own)
    parts = ["weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if "bias_ih_l0" in own else ())]
    expected = {f"{part}_l{at}{way}" for part in parts for at in range(layers) for way in ways}
    if odd := expected ^ own.keys():
        raise InputError(f"damaged: {name!r} has arrays that are missing or strange ({min(odd)[:60]})")
    return Module("recurrent", name, own, own["weight_ih_l0"].shape[1], units * len(ways))


def _extent(own: dict[str, Array]) -> tuple[tuple[str, ...], int]:
    """The suffixes of its directions, and how many layers it stacks."""
    ways = ("", "_reverse") if "weight_ih_l0_reverse" in own else ("",)
    numbers = [int(found[1]) for key in own if (found := re.fullmatch(r"weight_ih_l(\d{1,4})", key))]
    return ways, max(numbers) + 1


def _gates(module: Module) -> int:
    rows, units = module.arrays["weight_hh_l0"].shape
    return rows // units


def _ordered(modules: list[Module]) -> list[Module]:
    """Modules in an order in which each takes what the one before gives: that of the file where it is one."""
    for chosen in _readings(modules):
        if all(_fits(a, b) for a, b in pairwise(chosen)):
            return chosen
    found = [order for chosen in _readings(modules) for order in _orders(chosen)]
    if not found:
        listed = ", ".join(f"{each.name} {each.takes or 'tokens'} to {each.gives}" for each in modules[:8])
        raise InputError(
            f"its modules do not fit together one after the other: {listed}; models without branches are read"
        )
    return found[0]


def _readings(modules: list[Module]) -> Iterator[list[Module]]:
    """A matrix without bias is an embedding, or a linear layer without one: by its name, then the other way."""
    tables = [each for each in modules if each.kind == "table"]
    if not tables:
        yield modules
        return
    by_name = [each for each in tables if re.search("emb|tok|encoder|wte", each.name.lower())]
    for embedding in [*by_name, *(each for each in tables if each not in by_name), None]:
        yield [_as_kind(each, each is embedding) if each.kind == "table" else each for each in modules]


def _as_kind(table: Module, embedding: bool) -> Module:
    weight = table.arrays["weight"]
    if embedding:
        return Module("embedding", table.name, table.arrays, None, weight.shape[1])
    return Module("linear", table.name, table.arrays, weight.shape[1], weight.shape[0])


def _fits(before: Module, after: Module) -> bool:
    return after.takes == before.gives


def _orders(modules: Sequence[Module]) -> Iterator[list[Module]]:
    """The first order in which all fit, modules tried in the order of their names' numbers; embeddings stand first."""
    budget = [20_000]

    def go_on(order: list[Module], left: list[Module]) -> Iterator[list[Module]]:
        budget[0] -= 1
        if budget[0] < 0:
            return
        if not left:
            yield order
        for each in left:
            if order and not _fits(order[-1], each):
                continue
            yield from go_on([*order, each], [other for other in left if other is not each])

    embeddings = [each for each in modules if each.kind == "embedding"]
    rest = sorted((each for each in modules if each not in embeddings), key=_rank)
    if len(embeddings) <= 1:
        yield from go_on(embeddings, rest)


def _rank(module: Module) -> tuple[Any, ...]:
    """Recurrent layers first, then by the numbers in the names (fc2 before fc10)."""
    parts = re.split(r"(\d+)", module.name)
    return (module.kind != "recurrent", [(int(part), "") if part.isdecimal() else (0, part) for part in parts])


def _default(recurrent: Module, head: list[Module]) -> str:
    """What the head is given where nobody says: the hidden state at the end."""
    if not head:
        return "every"
    if "weight_ih_l0_reverse" in recurrent.arrays:
        raise InputError(f"a state dict does not say what {head[0].name!r} is given of {recurrent.name!r}, which reads "
                         "both ways: give reads, 'final' (torch.cat of h_n[-2] and h_n[-1]), 'last' (outputs[:, -1]), "
                         "'mean', 'max', 'first' or 'every'")  # fmt: skip
    return "final"


def _described(modules: list[Module], last: int, reads: str) -> Iterator[str]:
    for at, module in enumerate(modules):
        kind = _KINDS[_gates(module)].__name__ if module.kind == "recurrent" else module.kind.replace("_", " ")
        yield f"{module.name} ({kind})"
        if at == last:
            yield {"final": "its final hidden state", "every": "every step"}.get(reads, f"its {reads} outputs")


def _add_recurrent(chain: Chain, module: Module, rnn: str, reads: str | None) -> None:
    """A stack as one layer each; `reads` is None where another recurrent layer follows."""
    ways, layers = _extent(module.arrays)
    kind, units = _KINDS[_gates(module)], module.arrays["weight_hh_l0"].shape[1]
    for at in range(layers):
        whole = reads != "final" or at < layers - 1
        settings: dict[str, Any] = {"activation": rnn} if kind is spec.SimpleRNN else {}
        layer = kind(units, return_sequences=whole, **settings)
        parts = [_way(module.arrays, f"_l{at}{way}", kind) for way in ways]
        name = module.name if layers == 1 else f"{module.name}, layer {at}"
        if len(ways) == 1:
            chain.add(layer, parts[0], name)
            continue
        named = {f"{way}.{key}": array for way, part in zip(("forward", "backward"), parts, strict=True)
                 for key, array in part.items()}  # fmt: skip
        chain.add(spec.Bidirectional(layer), named, name)
    if reads not in (None, "final", "every"):
        chain.add(spec.Pooling((reads,)), {}, f"{module.name}, {reads}")


def _way(arrays: dict[str, Array], suffix: str, kind: type[spec.Recurrent]) -> dict[str, Array]:
    """One direction of one layer; PyTorch's gate orders are ours."""
    weights = {"input_weight": arrays[f"weight_ih{suffix}"].T, "hidden_weight": arrays[f"weight_hh{suffix}"].T}
    width = len(arrays[f"weight_hh{suffix}"])
    zeros = np.zeros(width, np.float32)
    one, two = (arrays.get(f"{name}{suffix}", zeros) for name in ("bias_ih", "bias_hh"))
    return weights | ({"input_bias": one, "hidden_bias": two} if kind is spec.GRU else {"bias": one + two})


def _add_linear(chain: Chain, module: Module, activation: str | None) -> None:
    weight = module.arrays["weight"]
    bias = module.arrays.get("bias", np.zeros(len(weight), np.float32))
    chain.add(
        spec.Dense(len(weight), activation=cast("Any", activation)), {"weight": weight.T, "bias": bias}, module.name
    )


def _add_batch_norm(chain: Chain, module: Module) -> None:
    """After the training it multiplies and adds: a Dense with a diagonal."""
    own = module.arrays
    factor = own.get("weight", np.float32(1)) / np.sqrt(own["running_var"].astype(np.float64) + 1e-5)
    offset = own.get("bias", np.float32(0)) - own["running_mean"] * factor
    if np.shape(factor) != (module.gives,) or np.shape(offset) != (module.gives,):
        raise InputError(f"damaged: the arrays of {module.name!r} are of different sizes")
    chain.add(spec.Dense(module.gives), {"weight": np.diag(factor), "bias": offset}, module.name)
