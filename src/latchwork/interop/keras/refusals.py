"""What is not here fails at once, by name, and says what to use instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from latchwork.core.errors import InputError

_GRAPH = "networks here are chains of layers, without branches"
_IMAGES = "latchwork is about sequences: read an image row by row with an LSTM, as the MNIST tutorials do"
_TRAIN = "compile and fit do it; for a step of your own, train_on_batch"

MISSING: Mapping[str, str] = {
    "Concatenate": _GRAPH, "concatenate": _GRAPH, "Add": _GRAPH, "add": _GRAPH, "Multiply": _GRAPH, "multiply": _GRAPH,
    "Average": _GRAPH, "average": _GRAPH, "Subtract": _GRAPH, "Maximum": _GRAPH, "Minimum": _GRAPH, "Dot": _GRAPH,
    "Merge": _GRAPH, "merge": _GRAPH, "Attention": _GRAPH, "MultiHeadAttention": _GRAPH, "AdditiveAttention": _GRAPH,
    "Conv1D": _IMAGES, "Conv2D": _IMAGES, "Conv3D": _IMAGES, "ConvLSTM2D": _IMAGES, "MaxPooling1D": _IMAGES,
    "MaxPooling2D": _IMAGES, "AveragePooling1D": _IMAGES, "UpSampling1D": _IMAGES, "Convolution1D": _IMAGES,
    "Conv1DTranspose": _IMAGES, "SeparableConv1D": _IMAGES,
    "Lambda": "code in a layer cannot be saved as data: change the inputs with NumPy before fit and predict",
    "BatchNormalization": "between the steps of a sequence use LayerNormalization",
    "SpatialDropout1D": "use Dropout, or the recurrent layer's dropout=..., the same at all steps",
    "GaussianNoise": "add noise to the inputs with NumPy, or use Dropout",
    "GaussianDropout": "use Dropout",
    "AlphaDropout": "use Dropout",
    "ActivityRegularization": "use kernel_regularizer",
    "CuDNNLSTM": "write LSTM: it is fast as it is",
    "CuDNNGRU": "write GRU: it is fast as it is",
    "RNN": "write SimpleRNN, LSTM or GRU; a cell of your own is a row of latchwork.core.table",
    "LSTMCell": "write LSTM", "GRUCell": "write GRU", "SimpleRNNCell": "write SimpleRNN",
    "StackedRNNCells": "add the layers one after the other, all but the last with return_sequences=True",
    "TextVectorization": "use preprocessing.text.Tokenizer",
    "StringLookup": "use preprocessing.text.Tokenizer",
    "Normalization": "scale with NumPy or scikit-learn before fit and predict",
    "Reshape": "reshape the inputs with NumPy; a sequence becomes one vector by Flatten",
    "Permute": "transpose the inputs with NumPy",
    "PReLU": "use Activation('relu') or Activation('elu')",
    "LeakyReLU": "use Activation('relu') or Activation('elu')",
    "TFSMLayer": "nothing from a file is ever run",
    "Nadam": "use Adam", "Ftrl": "use Adagrad", "Lion": "use AdamW", "Lamb": "use AdamW", "Adafactor": "use AdamW",
    "Muon": "use AdamW", "LossScaleOptimizer": "numbers are float32: nothing needs scaling",
    "TensorBoard": "use CSVLogger, and the history that fit returns",
    "BackupAndRestore": "use ModelCheckpoint, and fit(initial_epoch=...)",
    "RemoteMonitor": "use LambdaCallback",
    "ProgbarLogger": "fit(verbose=1) shows it",
    "ReduceLROnPlateu": "it is spelled ReduceLROnPlateau",
    "GradientTape": _TRAIN, "custom_gradient": _TRAIN,
    "plot_model": "model.summary() prints the layers",
    "get_file": "download the file yourself",
    "AUC": "use scikit-learn's roc_auc_score on model.predict's answers",
    "Precision": "use scikit-learn's precision_score on model.predict's answers",
    "Recall": "use scikit-learn's recall_score on model.predict's answers",
    "F1Score": "use scikit-learn's f1_score on model.predict's answers",
    "imdb": "the reviews do not ship with latchwork: load them yourself (lists of word numbers) and use pad_sequences",
    "reuters": "the texts do not ship with latchwork: load them yourself and use pad_sequences",
    "fashion_mnist": "only mnist ships with latchwork", "cifar10": _IMAGES, "cifar100": _IMAGES,
    "boston_housing": "only mnist ships with latchwork",
    "applications": _IMAGES, "ImageDataGenerator": _IMAGES,
    "ops": "use NumPy", "distribution": "a network of this size needs one machine",
}  # fmt: skip


def refuse(name: str, instead: str = "") -> NoReturn:
    """Raise `InputError` on something of Keras's that is not here."""
    hint = instead or MISSING.get(name, "the page 'Coming from Keras' lists what is there")
    raise InputError(f"latchwork.keras has no {name}: {hint}")


def missing(name: str) -> NoReturn:
    """A module's `__getattr__`: what Keras has says what to use instead, anything else is no attribute."""
    if name in MISSING:
        refuse(name)
    raise AttributeError(f"latchwork.keras has no {name!r} here: the page 'Coming from Keras' lists what is there")


OLD_NAMES: Mapping[str, str] = {
    "output_dim": "units", "init": "kernel_initializer", "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation", "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer", "b_regularizer": "bias_regularizer", "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout", "p": "rate", "bias": "use_bias", "batch_shape": "batch_input_shape",
}  # fmt: skip
"""Keras 1's names, and those that are two names of one thing."""

HOW_IT_IS_COMPUTED = frozenset({"unroll", "implementation", "consume_less", "use_cudnn", "time_major"})
"""These change Keras's speed and no result. `time_major` is refused where it is True."""

_CONSTRAINT = "constraints are not here: use kernel_regularizer, or clipnorm of the optimizer"
REFUSED: Mapping[str, str] = {
    "kernel_constraint": _CONSTRAINT, "recurrent_constraint": _CONSTRAINT, "bias_constraint": _CONSTRAINT,
    "gamma_constraint": _CONSTRAINT, "beta_constraint": _CONSTRAINT, "embeddings_constraint": _CONSTRAINT,
    "activity_regularizer": "outputs are not penalised: use kernel_regularizer",
    "lora_rank": "train all weights, or freeze layers with trainable=False",
    "quantization_config": "weights are float32",
    "seed_generator": "use keras.utils.set_random_seed",
}  # fmt: skip


def arguments(kind: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """A call's keywords by their present names, with defaults for what is not given.

    Args:
        kind: the class that takes them.
        given: as they were written, old names among them.
        known: each name with its default.

    Raises:
        InputError: a keyword that is not known, or whose job is not done here.
    """
    found = dict(known)
    for name, value in given.items():
        name = OLD_NAMES.get(name, name) if name not in known else name  # noqa: PLW2901
        if name in known:
            found[name] = value
        elif name in REFUSED:
            if value is not None:
                raise InputError(f"{kind}: no {name}: {REFUSED[name]}")
        elif name in HOW_IT_IS_COMPUTED:
            if name == "time_major" and value:
                raise InputError(f"{kind}: time_major: arrays are (batch, time, features)")
        else:
            raise InputError(f"{kind} takes no {name!r}: it takes {', '.join(known)}")
    return found
