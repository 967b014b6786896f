"""Make onnx.npz: outputs and final states of ONNX Runtime's LSTM with peepholes, and with coupled gates, in float32.

Run it where onnx and onnxruntime are installed: `python tests/goldens/make_onnx.py`. The tests read the file and need
neither. PyTorch and Keras have no such cells. Names are those of make_torch.py; there are no gradients.
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

BATCH, TIME, FEATURES, HIDDEN = 3, 6, 2, 4
LENGTHS = np.array([4, 6, 1], np.int32)


def theirs(*gates: np.ndarray) -> np.ndarray:
    """[1, 4 * hidden, ...] in ONNX's order i, o, f, c from our gates i, f, g, o in columns."""
    i, f, g, o = gates
    return np.concatenate([i, o, f, g], axis=-1).T[None]


def run(feeds: dict[str, np.ndarray], coupled: bool, reverse: bool) -> list[np.ndarray]:
    node = helper.make_node(
        "LSTM",
        ["X", "W", "R", "B", "lengths", "h", "c", "P" if "P" in feeds else ""],
        ["Y", "Y_h", "Y_c"],
        hidden_size=HIDDEN,
        input_forget=int(coupled),
        direction="reverse" if reverse else "forward",
    )
    kinds = {"f": TensorProto.FLOAT, "i": TensorProto.INT32}
    graph = helper.make_graph(
        [node],
        "golden",
        [helper.make_tensor_value_info(name, kinds[a.dtype.kind], a.shape) for name, a in feeds.items()],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * rank)
            for name, rank in zip(node.output, (4, 3, 3), strict=True)
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, feeds)


def golden(cell: str, case: str) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    gates = 4 if cell == "PeepholeLSTM" else 3
    draw = lambda *shape: generator.normal(0, 0.5, shape).astype("float32")  # noqa: E731
    parameters = {
        "input_weight": draw(FEATURES, gates * HIDDEN),
        "hidden_weight": draw(HIDDEN, gates * HIDDEN),
        "bias": draw(gates * HIDDEN),
    }
    inputs, hidden, memory = draw(BATCH, TIME, FEATURES), draw(BATCH, HIDDEN), draw(BATCH, HIDDEN)
    lengths = np.full(BATCH, TIME, np.int32) if case == "full" else LENGTHS
    split = {name: np.split(array, gates, axis=-1) for name, array in parameters.items()}
    if cell == "CoupledLSTM":  # sigmoid(-x) = 1 - sigmoid(x): right whichever of the two gates ONNX derives
        split = {name: [-f, f, g, o] for name, (f, g, o) in split.items()}
    feeds = {
        "X": inputs.swapaxes(0, 1),
        "W": theirs(*split["input_weight"]),
        "R": theirs(*split["hidden_weight"]),
        "B": np.concatenate([theirs(*split["bias"]), np.zeros((1, 4 * HIDDEN), "float32")], axis=1),
        "lengths": lengths,
        "h": hidden[None],
        "c": memory[None],
    }
    if cell == "PeepholeLSTM":
        peepholes = {f"{gate}_peephole": draw(HIDDEN) for gate in ("input", "forget", "output")}
        parameters |= peepholes
        order = ("input", "output", "forget")
        feeds["P"] = np.concatenate([peepholes[f"{gate}_peephole"] for gate in order])[None]
    outputs, final_hidden, final_cell = run(feeds, cell == "CoupledLSTM", case == "reverse")
    arrays = {
        "inputs": inputs,
        "lengths": lengths,
        "initial.hidden": hidden,
        "initial.cell": memory,
        "outputs": outputs[:, 0].swapaxes(0, 1),
        "final.hidden": final_hidden[0],
        "final.cell": final_cell[0],
        **{f"parameter.{name}": array for name, array in parameters.items()},
    }
    return {f"{cell}/{case}/{name}": array for name, array in arrays.items()}


if __name__ == "__main__":
    goldens: dict[str, np.ndarray] = {}
    for cell in ("PeepholeLSTM", "CoupledLSTM"):
        for case in ("full", "ragged", "reverse"):
            goldens |= golden(cell, case)
    np.savez_compressed(Path(__file__).with_name("onnx.npz"), **goldens)
    print(f"ONNX Runtime {onnxruntime.__version__}: {len(goldens)} arrays")
