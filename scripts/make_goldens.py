"""Write tests/goldens/{pytorch,keras,xlstm,ctc}.npz: what three other packages give for small layers, in float64.

    python scripts/make_goldens.py [pytorch] [keras] [xlstm] [ctc]

Needs torch, keras with TensorFlow, and xlstm (its authors' own package); the tests that read the files need none. Each
case holds a layer's description (`spec`, JSON), its arrays under latchwork's names and in its gate order, inputs,
lengths and first states, and what the framework made of them: outputs (zero past a length), final states, and the
gradient of sum(outputs * by_outputs) + sum(final states * by_states) by every array, the inputs and the first states.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "goldens"
BATCH, TIME, FEATURES, UNITS = 3, 6, 4, 5
LENGTHS = np.array([4, 6, 1], np.int32)
STATES = {"SimpleRNN": 1, "GRU": 1, "LSTM": 2}  # parts of a state


def spec_of(kind, **options):
    return {"kind": kind, "units": UNITS, "return_sequences": True, **options}


def both_ways(kind):
    return {"kind": "Bidirectional", "layer": spec_of(kind)}


def drawn(name, kind, ways):
    """Inputs, first states and what the loss weighs outputs and final states with, drawn from the case's name."""
    rng = np.random.default_rng(list(name.encode()))
    case = {"inputs": rng.normal(size=(BATCH, TIME, FEATURES))}
    case["by_outputs"] = rng.normal(size=(BATCH, TIME, UNITS * ways))
    for part in range(STATES[kind]):
        case[f"state.{part}"] = rng.normal(size=(ways, BATCH, UNITS))
        case[f"by_state.{part}"] = rng.normal(size=(ways, BATCH, UNITS))
    return case


# PyTorch: [gates * units, features], gates i f g o, r z n; two biases everywhere.


def from_torch(kind, module, way, read):
    """One direction's arrays, or with `read` their gradients, in latchwork's layout."""
    suffix = "l0" + ("_reverse" if way else "")
    w, u, b, c = (
        read(getattr(module, f"{name}_{suffix}")) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    arrays = {"input_weight": w.T, "hidden_weight": u.T}
    return arrays | ({"input_bias": b, "hidden_bias": c} if kind == "GRU" else {"bias": (b, c)})


def torch_case(name, kind, *, ways=1, lengths=None, activation="tanh"):
    torch.manual_seed(len(name))
    case = drawn(name, kind, ways)
    options = {"nonlinearity": activation} if kind == "SimpleRNN" else {}
    make = {"SimpleRNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}[kind]
    module = make(FEATURES, UNITS, batch_first=True, bidirectional=ways == 2, dtype=torch.float64, **options)
    inputs = torch.tensor(case["inputs"], requires_grad=True)
    states = [torch.tensor(case[f"state.{part}"], requires_grad=True) for part in range(STATES[kind])]
    given = inputs
    if lengths is not None:
        given = torch.nn.utils.rnn.pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    outputs, final = module(given, tuple(states) if kind == "LSTM" else states[0])
    if lengths is not None:
        outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True, total_length=TIME)
        case["lengths"] = lengths
    final = final if kind == "LSTM" else (final,)
    loss = (outputs * torch.tensor(case["by_outputs"])).sum()
    for part, state in enumerate(final):
        loss = loss + (state * torch.tensor(case[f"by_state.{part}"])).sum()
        case[f"final.{part}"] = state.detach().numpy()
    loss.backward()
    case |= {"outputs": outputs.detach().numpy(), "grad.inputs": inputs.grad.numpy()}
    case |= {f"grad.state.{part}": state.grad.numpy() for part, state in enumerate(states)}
    for way in range(ways):
        prefix = "" if ways == 1 else ("forward.", "backward.")[way]
        arrays = from_torch(kind, module, way, lambda array: array.detach().numpy())
        gradients = from_torch(kind, module, way, lambda array: array.grad.numpy())
        if "bias" in arrays:  # one bias here is the sum of theirs, whose gradients are alike
            arrays["bias"], gradients["bias"] = sum(arrays["bias"]), gradients["bias"][0]
        case |= {f"array.{prefix}{key}": value for key, value in arrays.items()}
        case |= {f"grad.{prefix}{key}": value for key, value in gradients.items()}
    layer = spec_of(kind, **({"activation": activation} if kind == "SimpleRNN" else {}))
    case["spec"] = json.dumps(layer if ways == 1 else both_ways(kind))
    return case


def torch_layer(name, module, layer, inputs, names):
    """A layer without time: outputs and gradients."""
    rng = np.random.default_rng(list(name.encode()))
    whole = inputs.dtype == np.int64
    given = torch.tensor(inputs, requires_grad=not whole)
    outputs = module(given)
    by_outputs = rng.normal(size=tuple(outputs.shape))
    (outputs * torch.tensor(by_outputs)).sum().backward()
    case = {"inputs": inputs, "outputs": outputs.detach().numpy(), "by_outputs": by_outputs, "spec": json.dumps(layer)}
    for ours, (theirs, turned) in names.items():
        array = getattr(module, theirs)
        case[f"array.{ours}"] = array.detach().numpy().T if turned else array.detach().numpy()
        case[f"grad.{ours}"] = array.grad.numpy().T if turned else array.grad.numpy()
    return case if whole else case | {"grad.inputs": given.grad.numpy()}


def torch_cases():
    yield "simple_rnn", torch_case("simple_rnn", "SimpleRNN")
    yield "simple_rnn_relu", torch_case("simple_rnn_relu", "SimpleRNN", activation="relu")
    for kind in ("GRU", "LSTM"):
        yield kind.lower(), torch_case(kind.lower(), kind)
    for kind in STATES:
        yield f"{kind.lower()}_ragged", torch_case(f"{kind.lower()}_ragged", kind, lengths=LENGTHS)
        yield f"{kind.lower()}_both_ways", torch_case(f"{kind.lower()}_both_ways", kind, ways=2)
        name = f"{kind.lower()}_both_ways_ragged"
        yield name, torch_case(name, kind, ways=2, lengths=LENGTHS)
    rng, double = np.random.default_rng(0), {"dtype": torch.float64}
    inputs = rng.normal(size=(BATCH, TIME, FEATURES))
    norm = torch.nn.LayerNorm(FEATURES, **double)
    with torch.no_grad():
        norm.weight.normal_(), norm.bias.normal_()
    names = {"scale": ("weight", False), "offset": ("bias", False)}
    yield "layer_norm", torch_layer("layer_norm", norm, {"kind": "LayerNorm"}, inputs, names)
    tokens = rng.integers(0, 7, (BATCH, TIME))
    embedding, described = torch.nn.Embedding(7, UNITS, **double), {"kind": "Embedding", "tokens": 7, "units": UNITS}
    yield "embedding", torch_layer("embedding", embedding, described, tokens, {"weight": ("weight", False)})
    names = {"weight": ("weight", True), "bias": ("bias", False)}
    dense, described = torch.nn.Linear(FEATURES, UNITS, **double), {"kind": "Dense", "units": UNITS, "activation": None}
    yield "dense", torch_layer("dense", dense, described, inputs, names)


# Keras: [features, gates * units], gates i f c o, z r h; the GRU's two biases are rows of one array.


def from_keras(kind, kernel, recurrent, bias):
    def reset_first(array):
        z, r, n = np.split(array, 3, axis=-1)
        return np.concatenate([r, z, n], axis=-1)

    if kind != "GRU":
        return {"input_weight": kernel, "hidden_weight": recurrent, "bias": bias}
    input_bias, hidden_bias = reset_first(bias)
    return {
        "input_weight": reset_first(kernel),
        "hidden_weight": reset_first(recurrent),
        "input_bias": input_bias,
        "hidden_bias": hidden_bias,
    }


def keras_case(name, kind, *, lengths=None, reverse=False):
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(len(name))
    case = drawn(name, kind, 1)
    make = {"SimpleRNN": keras.layers.SimpleRNN, "GRU": keras.layers.GRU, "LSTM": keras.layers.LSTM}[kind]
    layer = make(
        UNITS, return_sequences=True, return_state=True, go_backwards=reverse, bias_initializer="random_normal",
        zero_output_for_mask=True, dtype="float64",
    )  # fmt: skip
    inputs = tf.Variable(case["inputs"])
    states = [tf.Variable(case[f"state.{part}"][0]) for part in range(STATES[kind])]
    mask = None if lengths is None else tf.constant(np.arange(TIME) < lengths[:, None])
    with tf.GradientTape() as tape:
        outputs, *final = layer(inputs, initial_state=states, mask=mask)
        if reverse:
            outputs = tf.reverse(outputs, axis=[1])  # Keras gives them in the order in which it read
        loss = tf.reduce_sum(outputs * case["by_outputs"])
        for part, state in enumerate(final):
            loss += tf.reduce_sum(state * case[f"by_state.{part}"][0])
            case[f"final.{part}"] = state.numpy()[None]
    weights = layer.trainable_weights
    by_inputs, by_states, by_weights = tape.gradient(loss, [inputs, states, [weight.value for weight in weights]])
    case |= {"outputs": outputs.numpy(), "grad.inputs": by_inputs.numpy()}
    case |= {f"grad.state.{part}": by.numpy()[None] for part, by in enumerate(by_states)}
    arrays = from_keras(kind, *(weight.numpy() for weight in weights))
    gradients = from_keras(kind, *(by.numpy() for by in by_weights))
    case |= {f"array.{key}": value for key, value in arrays.items()}
    case |= {f"grad.{key}": value for key, value in gradients.items()}
    case["spec"] = json.dumps(spec_of(kind, reverse=reverse))
    return case if lengths is None else case | {"lengths": lengths}


def keras_cases():
    for kind in STATES:
        yield kind.lower(), keras_case(kind.lower(), kind)
        yield f"{kind.lower()}_reverse", keras_case(f"{kind.lower()}_reverse", kind, reverse=True)
        yield f"{kind.lower()}_ragged", keras_case(f"{kind.lower()}_ragged", kind, lengths=LENGTHS)


# xlstm: one step on its own, its authors' reference; gates i f z o, heads side by side.


def xlstm_case(name, *, heads=1, forget_gate="sigmoid", lengths=None, reverse=False):
    from xlstm.blocks.slstm.src.vanilla import slstm

    logsigmoid = slstm.logsigmoid
    if forget_gate == "exponential":
        slstm.logsigmoid = lambda total: total
    rng, units = np.random.default_rng(list(name.encode())), 6
    size = units // heads
    draw = lambda *shape: torch.tensor(rng.normal(size=shape), requires_grad=True)  # noqa: E731
    arrays = {
        "input_weight": draw(FEATURES, 4 * units), "hidden_weight": draw(units, 4 * size), "bias": draw(4 * units),
    }  # fmt: skip
    inputs = draw(BATCH, TIME, FEATURES)
    first = [draw(BATCH, units) for _ in range(4)]
    with torch.no_grad():
        first[2].abs_()  # a normaliser is a sum of exponentials
    by_outputs, by_states = rng.normal(size=(BATCH, TIME, units)), rng.normal(size=(4, BATCH, units))
    blocks = arrays["hidden_weight"].reshape(heads, size, 4, size)
    state, outputs = torch.stack(first), torch.zeros(BATCH, TIME, units, dtype=torch.float64)
    for at in reversed(range(TIME)) if reverse else range(TIME):
        mixed = torch.einsum("bhi,higj->bghj", state[0].reshape(BATCH, heads, size), blocks).reshape(BATCH, 4 * units)
        after, _ = slstm.slstm_forward_pointwise(
            inputs[:, at] @ arrays["input_weight"], mixed, arrays["bias"][None], state, {}
        )
        real = torch.ones(BATCH, 1, dtype=torch.bool) if lengths is None else torch.tensor(at < lengths)[:, None]
        state = torch.where(real, after, state)
        outputs = outputs.clone()
        outputs[:, at] = torch.where(real, after[0], 0.0)
    slstm.logsigmoid = logsigmoid
    ((outputs * torch.tensor(by_outputs)).sum() + (state * torch.tensor(by_states)).sum()).backward()
    case = {"inputs": inputs.detach().numpy(), "outputs": outputs.detach().numpy(), "by_outputs": by_outputs}
    case |= {"grad.inputs": inputs.grad.numpy()} | ({} if lengths is None else {"lengths": lengths})
    for part in range(4):
        case |= {f"state.{part}": first[part].detach().numpy()[None], f"by_state.{part}": by_states[part][None]}
        case |= {f"final.{part}": state[part].detach().numpy()[None]}
        case |= {f"grad.state.{part}": first[part].grad.numpy()[None]}
    for key, array in arrays.items():
        case |= {f"array.{key}": array.detach().numpy(), f"grad.{key}": array.grad.numpy()}
    described = spec_of("SLSTM", heads=heads, forget_gate=forget_gate, reverse=reverse) | {"units": units}
    return case | {"spec": json.dumps(described)}


def xlstm_cases():
    yield "slstm", xlstm_case("slstm")
    yield "slstm_exponential", xlstm_case("slstm_exponential", forget_gate="exponential")
    for forget_gate in ("sigmoid", "exponential"):
        name = f"slstm_{forget_gate}_heads_ragged"
        yield name, xlstm_case(name, heads=3, forget_gate=forget_gate, lengths=LENGTHS)
    yield "slstm_heads_reverse", xlstm_case("slstm_heads_reverse", heads=2, reverse=True)


# Labels aligned with steps: `outputs [batch, time, classes]` float32, the loss of each row and its gradient in float64.


def ctc_case(name, time, classes, counts, *, scale=2.0, repeated=False):
    rng = np.random.default_rng(list(name.encode()))
    batch = len(counts)
    outputs = (scale * rng.normal(size=(batch, time, classes))).astype(np.float32)
    labels = np.full((batch, max(*counts, 1) + 1), -1, np.int32)
    for row, count in enumerate(counts):
        labels[row, :count] = 1 if repeated else rng.integers(1, classes, count)
    lengths = np.array([time - 3 * row for row in range(batch)], np.int32)
    logits = torch.tensor(outputs, dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.ctc_loss(
        logits.log_softmax(dim=2).transpose(0, 1), torch.tensor(np.maximum(labels, 0)).long(), torch.tensor(lengths),
        torch.tensor(counts), blank=0, reduction="none",
    )  # fmt: skip
    assert torch.isfinite(loss).all()
    loss.sum().backward()
    gradient = logits.grad.numpy()
    return {
        "outputs": outputs,
        "labels": labels,
        "lengths": lengths,
        "loss": loss.detach().numpy(),
        "gradient": gradient,
    }


def ctc_cases():
    yield "digits", ctc_case("digits", 30, 11, (1, 4, 2))
    yield "characters", ctc_case("characters", 60, 29, (17, 25))
    yield "empty", ctc_case("empty", 8, 4, (0, 0, 1))
    yield "repeated", ctc_case("repeated", 21, 3, (11, 9, 3), repeated=True)  # the first fills its steps
    yield "sure", ctc_case("sure", 25, 6, (5, 4, 3), scale=40.0)
    yield "wide", ctc_case("wide", 12, 120, (3, 4))
    yield "long", ctc_case("long", 200, 7, (90, 20))


def main():
    FOLDER.mkdir(exist_ok=True)
    makers = {"pytorch": torch_cases, "keras": keras_cases, "xlstm": xlstm_cases, "ctc": ctc_cases}
    for framework in sys.argv[1:] or makers:
        cases = makers[framework]()
        arrays = {f"{name}/{key}": value for name, case in cases for key, value in case.items()}
        np.savez_compressed(FOLDER / f"{framework}.npz", **arrays)
        print(f"{framework}: {len({name.partition('/')[0] for name in arrays})} cases")


if __name__ == "__main__":
    main()
