"""Make keras.npz: outputs, final states and gradients of Keras's recurrent layers, in float64.

Run it where Keras and TensorFlow are installed: `python tests/goldens/make_keras.py`. The tests read the file and
need neither. Names and the function whose gradient is taken are those of make_torch.py. Ragged cases are masked;
Keras repeats the last output where a step is masked, so those cases have no outputs, only final states.
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

BATCH, TIME, FEATURES, HIDDEN = 3, 6, 2, 4
LENGTHS = np.array([4, 6, 1], np.int32)
LAYERS = {"SimpleRNN": keras.layers.SimpleRNN, "GRU": keras.layers.GRU, "LSTM": keras.layers.LSTM}


def ours(cell: str, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> dict[str, np.ndarray]:
    """Keras's weights, or their gradients, by latchwork's names: the GRU's gates are z, r, n in Keras, r, z, n here."""
    if cell != "GRU":
        return {"input_weight": kernel, "hidden_weight": recurrent, "bias": bias}

    def reordered(array: np.ndarray) -> np.ndarray:
        z, r, n = np.split(array, 3, axis=-1)
        return np.concatenate([r, z, n], axis=-1)

    return {
        "input_weight": reordered(kernel),
        "hidden_weight": reordered(recurrent),
        "input_bias": reordered(bias[0]),
        "hidden_bias": reordered(bias[1]),
    }


def golden(cell: str, case: str) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    layer = LAYERS[cell](
        HIDDEN, return_sequences=True, return_state=True, go_backwards=case == "reverse", dtype="float64", seed=0
    )
    layer.build((BATCH, TIME, FEATURES))
    layer.set_weights([generator.normal(0, 0.5, weight.shape) for weight in layer.weights])
    inputs = tf.Variable(generator.normal(size=(BATCH, TIME, FEATURES)))
    parts = ("hidden", "cell") if cell == "LSTM" else ("hidden",)
    initial = [tf.Variable(generator.normal(size=(BATCH, HIDDEN))) for _ in parts]
    output_weight = generator.normal(size=(BATCH, TIME, HIDDEN)) * (case != "ragged")
    final_weights = [generator.normal(size=(BATCH, HIDDEN)) for _ in parts]
    mask = tf.constant(np.arange(TIME) < LENGTHS[:, None]) if case == "ragged" else None

    weights = [weight.value for weight in layer.trainable_weights]
    with tf.GradientTape() as tape:
        outputs, *finals = layer(inputs, initial_state=initial, mask=mask)
        if case == "reverse":  # Keras gives the outputs in the order in which they were computed
            outputs = tf.reverse(outputs, [1])
        total = tf.reduce_sum(outputs * output_weight)
        for part, weight in zip(finals, final_weights, strict=True):
            total += tf.reduce_sum(part * weight)
    by_inputs, by_initial, by_weights = tape.gradient(total, (inputs, initial, weights))

    arrays = {"inputs": inputs.numpy(), "gradient.inputs": tf.convert_to_tensor(by_inputs).numpy()}
    if case == "ragged":
        arrays |= {"lengths": LENGTHS}
    else:
        arrays |= {"outputs": outputs.numpy(), "output_weight": output_weight}
    for part, before, after, weight, gradient in zip(parts, initial, finals, final_weights, by_initial, strict=True):
        arrays |= {
            f"initial.{part}": before.numpy(),
            f"final.{part}": after.numpy(),
            f"final_weight.{part}": weight,
            f"gradient.initial.{part}": gradient.numpy(),
        }
    own = ours(cell, *layer.get_weights())
    gradients = ours(cell, *(tf.convert_to_tensor(gradient).numpy() for gradient in by_weights))
    arrays |= {f"parameter.{name}": array for name, array in own.items()}
    arrays |= {f"gradient.parameter.{name}": array for name, array in gradients.items()}
    return {f"{cell}/{case}/{name}": array for name, array in arrays.items()}


if __name__ == "__main__":
    goldens: dict[str, np.ndarray] = {}
    for cell in LAYERS:
        for case in ("full", "ragged", "reverse"):
            goldens |= golden(cell, case)
    np.savez_compressed(Path(__file__).with_name("keras.npz"), **goldens)
    print(f"Keras {keras.__version__} on TensorFlow {tf.__version__}: {len(goldens)} arrays")
