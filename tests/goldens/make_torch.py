"""Make torch.npz: outputs, final states and gradients of PyTorch's recurrent layers, in float64.

Run it where PyTorch is installed: `python tests/goldens/make_torch.py`. The tests read the file and need no PyTorch.
Each case is `CELL/CASE/NAME`: weights in latchwork's layout, what PyTorch computed, and the gradient of
`sum(outputs * output_weight) + sum(final * final_weight)`. Ragged cases are packed sequences; reverse cases are the
backward half of a bidirectional layer on packed sequences.
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

BATCH, TIME, FEATURES, HIDDEN = 3, 6, 2, 4
LENGTHS = [4, 6, 1]
LAYERS = {"SimpleRNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}


def ours(cell: str, arrays: dict[str, torch.Tensor], suffix: str) -> dict[str, np.ndarray]:
    """PyTorch's weights, or their gradients, by latchwork's names.

    Both orders of gates are the same; PyTorch's matrices are transposed. Where PyTorch adds two biases, its second
    one is zero here and the gradient of each is that of their sum.
    """
    result = {
        "input_weight": arrays[f"weight_ih_l0{suffix}"].T,
        "hidden_weight": arrays[f"weight_hh_l0{suffix}"].T,
    }
    if cell == "GRU":
        result |= {"input_bias": arrays[f"bias_ih_l0{suffix}"], "hidden_bias": arrays[f"bias_hh_l0{suffix}"]}
    else:
        result |= {"bias": arrays[f"bias_ih_l0{suffix}"]}
    return {name: array.detach().numpy() for name, array in result.items()}


def golden(cell: str, case: str) -> dict[str, np.ndarray]:
    torch.manual_seed(0)
    reverse = case == "reverse"
    layer = LAYERS[cell](FEATURES, HIDDEN, batch_first=True, bidirectional=reverse, dtype=torch.float64)
    suffix = "_reverse" if reverse else ""
    if cell != "GRU":
        for name, bias in layer.named_parameters():
            if name.startswith("bias_hh"):
                torch.nn.init.zeros_(bias)
    inputs = torch.randn(BATCH, TIME, FEATURES, dtype=torch.float64, requires_grad=True)
    parts = ("hidden", "cell") if cell == "LSTM" else ("hidden",)
    directions = 2 if reverse else 1
    initial = [torch.randn(directions, BATCH, HIDDEN, dtype=torch.float64, requires_grad=True) for _ in parts]

    lengths = None if case == "full" else torch.tensor(LENGTHS)
    fed = inputs if lengths is None else pack_padded_sequence(inputs, lengths, True, enforce_sorted=False)
    outputs, final = layer(fed, tuple(initial) if cell == "LSTM" else initial[0])
    if lengths is not None:
        outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=TIME)
    outputs = outputs[..., -HIDDEN:]
    finals = [part[-1] for part in (final if cell == "LSTM" else (final,))]

    output_weight = torch.randn_like(outputs)
    final_weights = [torch.randn_like(part) for part in finals]
    total = (outputs * output_weight).sum()
    for part, weight in zip(finals, final_weights, strict=True):
        total = total + (part * weight).sum()
    total.backward()

    result = {"inputs": inputs, "outputs": outputs, "output_weight": output_weight, "gradient.inputs": inputs.grad}
    for part, before, after, weight in zip(parts, initial, finals, final_weights, strict=True):
        result |= {
            f"initial.{part}": before[-1],
            f"final.{part}": after,
            f"final_weight.{part}": weight,
            f"gradient.initial.{part}": before.grad[-1],
        }
    if lengths is not None:
        result["lengths"] = lengths.int()
    arrays = {name: array.detach().numpy() for name, array in result.items()}
    weights = dict(layer.named_parameters())
    gradients = {name: weight.grad for name, weight in weights.items()}
    arrays |= {f"parameter.{name}": array for name, array in ours(cell, weights, suffix).items()}
    arrays |= {f"gradient.parameter.{name}": array for name, array in ours(cell, gradients, suffix).items()}
    return {f"{cell}/{case}/{name}": array for name, array in arrays.items()}


if __name__ == "__main__":
    goldens: dict[str, np.ndarray] = {}
    for cell in LAYERS:
        for case in ("full", "ragged", "reverse"):
            goldens |= golden(cell, case)
    np.savez_compressed(Path(__file__).with_name("torch.npz"), **goldens)
    print(f"PyTorch {torch.__version__}: {len(goldens)} arrays")
