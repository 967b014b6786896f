"""`Sequential` and `Model`: layers in a chain, trained and run by the kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.engines.steps import Penalty
from latchwork.interop.keras import saving, working
from latchwork.interop.keras.answering import Answers
from latchwork.interop.keras.compiled import Compiled
from latchwork.interop.keras.data import Reader, batches_of, is_stream, length_of
from latchwork.interop.keras.fitting import Memory, Program
from latchwork.interop.keras.graph import Symbol, apply, chain
from latchwork.interop.keras.layers import Embedding, InputLayer, Layer, Masking
from latchwork.interop.keras.naming import unique_name
from latchwork.interop.keras.printing import summary_text
from latchwork.interop.keras.refusals import arguments, missing, refuse

Array = NDArray[Any]
COMPILE: dict[str, Any] = {
    "loss_weights": None, "weighted_metrics": None, "run_eagerly": False, "steps_per_execution": 1,
    "jit_compile": "auto", "auto_scale_loss": True, "sample_weight_mode": None, "class_mode": None,
}  # fmt: skip


class Model:
    """A chain of layers, from an `Input` to outputs.

    Args:
        inputs: what `Input` gave.
        outputs: what a layer gave; or a list of one layer's outputs and states, for `predict`.
        name: as `summary` has it.
    """

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None, **given: Any) -> None:
        """Follow the chain back."""
        arguments("Model", given, {"input": None, "output": None, "trainable": True})
        inputs, outputs = given.get("input", inputs), given.get("output", outputs)
        if inputs is None or outputs is None:
            refuse("Model without inputs and outputs", "subclasses of Model are not here: write Sequential([...])")
        layers, self._parts = chain(inputs, outputs)
        self._several = isinstance(outputs, list | tuple)
        self._begin(name or unique_name("functional"))
        self._layers: list[Layer] = layers
        if not isinstance(layers[0], InputLayer):  # from the middle of another model
            first = inputs[0] if isinstance(inputs, list | tuple) else inputs
            self._layers = [InputLayer(batch_input_shape=first.shape), *layers]
        self.build()

    def _begin(self, name: str) -> None:
        self.name = name
        self.optimizer: Any = None
        self.stop_training = False
        self.history: Any = None
        self._compiled: Compiled | None = None
        self._memory = Memory()
        self._answers: Answers | None = None
        self._network: spec.Sequential | None = None

    # Layers and shapes

    @property
    def layers(self) -> list[Layer]:
        """Its layers; a `Sequential` has its input's shape in the first one."""
        return list(self._layers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or its place."""
        if index is not None:
            return self.layers[index]
        for layer in self._layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in self._layers)
        raise InputError(f"the model has no layer {name!r}: it has {known}")

    def build(self, input_shape: Any = None) -> None:
        """Make the layers' arrays for inputs of a shape (with the batch); without one, for that of the first layer."""
        shape = self._layers[0].given_shape if input_shape is None else tuple(input_shape)[1:]
        if shape is None:
            raise InputError("the model's input shape is not known: give the first layer input_shape=(steps, features)")
        described: list[spec.Layer] = []
        start = shape
        for layer in self._layers:
            described += layer.described(shape)
            shape = layer.build(shape)
        if not described:
            raise InputError("the model has no layer that computes anything")
        self._network = spec.Sequential(described, input_shape=start)
        self._check_masking()

    def _check_masking(self) -> None:
        """A mask reaches all layers from the one that makes it on; what is before it must leave steps as they are."""
        masking = [at for at, layer in enumerate(self._layers) if isinstance(layer, Masking) or _masks_zero(layer)]
        before = [layer for at, layer in enumerate(self._layers) if masking and at < masking[-1]]
        if any(not isinstance(layer, InputLayer) for layer in before):
            raise InputError("Masking, or Embedding(mask_zero=True), has to be the first layer: it looks at the inputs")
        if masking and any(isinstance(layer, spec.Flatten) for layer in self.network.layers):
            raise InputError("Flatten after masking would mix what is masked with what is not: leave the masking out")
        if masking and spec.Pooling(("max",)) in self.network.layers:
            raise InputError("GlobalMaxPooling1D knows no mask in Keras: use GlobalAveragePooling1D, or leave it out")

    @property
    def network(self) -> spec.Sequential:
        """The layers of ours; raises `InputError` before the input's shape is known."""
        if self._network is None:
            self.build()
        assert self._network is not None
        return self._network

    @property
    def fixed_batch_size(self) -> int | None:
        """Rows of every batch, where the first layer says so."""
        return self._layers[0].batch_size if self._layers else None

    @property
    def stateful(self) -> bool:
        """Whether a layer goes on with each batch where the one before ended."""
        return any(layer.given.get("stateful") for layer in self._layers)

    @property
    def built(self) -> bool:
        """Whether the layers have their arrays."""
        return self._network is not None

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """With the batch."""
        return (self._layers[0].batch_size, *(self.network.input_shape or ()))

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """With the batch."""
        return (self._layers[0].batch_size, *self.network.output_shape())

    @property
    def input(self) -> Symbol:
        """Where a `Model` of some of its layers begins."""
        return self._symbols()[0]

    inputs = input

    @property
    def output(self) -> Symbol:
        """Where a further layer can go on."""
        return self._symbols()[-1]

    def _symbols(self) -> list[Symbol]:
        """One for each layer, made once."""
        if not hasattr(self, "_chain"):
            shape = self._layers[0].given_shape or self.network.input_shape or ()
            at = Symbol(self._layers[0], None, shape, batch_size=self._layers[0].batch_size)
            if not isinstance(self._layers[0], InputLayer):
                at = Symbol(InputLayer(batch_input_shape=at.shape), None, shape, batch_size=at.batch_size)
            self._chain = [at]
            for layer in self._layers:
                if not isinstance(layer, InputLayer):
                    at = Symbol(layer, at, layer.build(at.inner_shape), batch_size=at.batch_size)
                    self._chain.append(at)
                layer.output = at  # pyright: ignore[reportAttributeAccessIssue]
        return self._chain

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """The answer to an array, as `predict` gives it; of a symbol, all its layers go on from there."""
        if not isinstance(inputs, Symbol):
            return self.predict(inputs, verbose=0)
        for layer in self._layers:
            if not isinstance(layer, InputLayer):
                inputs = apply(layer, inputs, options)
        return inputs

    def summary(self, line_length: int = 65, **given: Any) -> None:
        """Print the layers, their outputs' shapes and the number of their parameters."""
        known = {"print_fn": print, "positions": None, "expand_nested": False, "show_trainable": False}
        rows: list[tuple[str, str, int]] = []
        shape = self.network.input_shape or ()
        batch = self._layers[0].batch_size
        for layer in self._layers:
            shape = layer.build(shape)
            rows.append((f"{layer.name} ({type(layer).__name__})", str((batch, *shape)), layer.count_params()))
        frozen = sum(layer.count_params() for layer in self._layers if not layer.trainable)
        arguments("summary", given, known).get("print_fn", print)(summary_text(self.name, rows, frozen, line_length))

    def count_params(self) -> int:
        """How many numbers all layers have."""
        return self.network.parameter_count() - sum(self._arrays()[name].size for name in self._never_there())

    # Arrays

    def _arrays(self) -> dict[str, Array]:
        """Every array by its name in the network."""
        self.network  # noqa: B018 - builds
        found: dict[str, Array] = {}
        for place, layer in self._places():
            found |= {f"layers.{place}.{name}": array for name, array in layer.arrays.items()}
        return found

    def _places(self) -> list[tuple[int, Layer]]:
        """The layers that have arrays, with the place in the network of what has them."""
        places: list[tuple[int, Layer]] = []
        at, shape = 0, self.network.input_shape or ()
        for layer in self._layers:
            if layer.arrays:
                places.append((at, layer))
            at += len(layer.described(shape))
            shape = layer.build(shape)
        return places

    def _never_there(self) -> set[str]:
        return {f"layers.{place}.{name}" for place, layer in self._places() for name in layer.frozen}

    def current_parameters(self) -> dict[str, Array]:
        """Every array by its name in the network."""
        return self._arrays()

    def take_parameters(self, parameters: Mapping[str, Array]) -> None:
        """Put trained arrays into the layers."""
        for place, layer in self._places():
            layer.change({name: parameters[f"layers.{place}.{name}"] for name in layer.arrays})

    def get_weights(self) -> list[Array]:
        """All arrays in Keras's order and layout."""
        self.network  # noqa: B018 - builds
        return [array for layer in self._layers for array in layer.get_weights()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take arrays in Keras's order and layout."""
        expected = self.get_weights()
        if len(weights) != len(expected):
            raise InputError(f"the model has {len(expected)} arrays, got {len(weights)}")
        at = 0
        for layer in self._layers:
            count = len(layer.slots)
            layer.set_weights(weights[at : at + count])
            at += count

    @property
    def weights(self) -> list[Array]:
        """As `get_weights`."""
        return self.get_weights()

    @property
    def trainable_weights(self) -> list[Array]:
        """Those of layers that are trained."""
        return [array for layer in self._layers if layer.trainable for array in layer.get_weights()]

    @property
    def trainable(self) -> bool:
        """Whether any layer is trained; setting it sets every layer's."""
        return any(layer.trainable for layer in self._layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._layers:
            layer.trainable = bool(value)

    def data(self) -> NetworkData:
        """The network as plain data: what is saved, and what latchwork's own functions take."""
        return NetworkData(self.network, self._arrays())

    # Training

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None, **given: Any) -> None:
        """Settle how it is trained; what the optimiser kept begins anew."""
        options = arguments("compile", given, COMPILE)
        for name in ("loss_weights", "weighted_metrics", "sample_weight_mode", "class_mode"):
            if options[name] is not None:
                hint = "one output has one loss" if name == "loss_weights" else "leave it out"
                raise InputError(f"compile: no {name}: {hint}")
        if loss is None:
            raise InputError("compile needs a loss, such as loss='mean_squared_error'")
        self._compiled = Compiled.of(optimizer, loss, metrics)
        self.optimizer = self._compiled.optimizer
        self._memory = Memory()
        if self.built or (self._layers and self._layers[0].given_shape is not None):
            self._compiled.trained(self.network)

    @property
    def loss(self) -> Any:
        """The compiled loss."""
        return None if self._compiled is None else self._compiled.loss

    @property
    def metrics_names(self) -> list[str]:
        """What `evaluate` gives, in its order."""
        return ["loss", *(metric.name for metric in self.needs_compile().asked)]

    def needs_compile(self) -> Compiled:
        """What `compile` settled; raises `InputError` before it was called."""
        if self._compiled is None:
            raise InputError("the model is not compiled: call model.compile(loss=..., optimizer=...)")
        return self._compiled

    def program(self) -> Program:
        """What is trained now: frozen layers, penalties and metrics as they stand."""
        compiled, network = self.needs_compile(), self.network
        trained = compiled.trained(network)
        frozen, penalties = set(self._never_there()), list[Penalty]()
        for place, layer in self._places():
            names = {name: f"layers.{place}.{name}" for name in layer.arrays}
            frozen |= set() if layer.trainable else set(names.values())
            penalties += [Penalty(names[name], one.l1, one.l2) for name, one in layer.penalties.items()]
        return Program(
            NetworkData(trained, self._arrays()), compiled, compiled.measured(trained), tuple(penalties),
            frozenset(frozen), self._memory,
        )  # fmt: skip

    def reader(self) -> Reader:
        """How its inputs are read."""
        masks = [layer for layer in self._layers if isinstance(layer, Masking)]
        value = float(masks[0].given["mask_value"]) if masks else None
        return Reader(self.network, value, any(_masks_zero(layer) for layer in self._layers))

    def see(self, x: Any) -> None:
        """A model without an input shape takes that of its first data."""
        if not self.built:
            if self._layers and self._layers[0].given_shape is not None:
                return self.build()
            array = np.asarray(x[0] if isinstance(x, list | tuple) and np.ndim(x[0]) > 1 else x)
            self.build((None, *array.shape[1:]))
        return None

    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, *places: Any, **given: Any) -> Any:
        """Train it; arguments as in Keras, old names among them. Gives a `History`."""
        return working.fit(self, x, y, batch_size, *places, **given)

    def train_on_batch(self, x: Any, y: Any = None, *places: Any, **given: Any) -> Any:
        """One step on a batch: the loss, or the loss and the metrics."""
        return working.train_on_batch(self, x, y, *places, **given)

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, *places: Any, **given: Any) -> Any:
        """The loss, or a list of the loss and the metrics; with `return_dict` by name."""
        return working.evaluate(self, x, y, batch_size, *places, **given)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, **given: Any) -> Any:
        """The figures of a batch."""
        return self.evaluate(x, y, batch_size=len(np.asarray(x)), verbose=0, sample_weight=sample_weight, **given)

    # Answers

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = 0, steps: Any = None, **given: Any) -> Any:
        """What the network gives for each row; a list where the model was made of several outputs.

        Args:
            x: an array, or a generator of batches.
            batch_size: changes nothing: any number of rows is answered at once.
            verbose: prints nothing here.
            steps: batches to take from a generator.
            given: other arguments of Keras's.
        """
        arguments(
            "predict", given, {"callbacks": None, "max_queue_size": 10, "workers": 1, "use_multiprocessing": False}
        )
        del batch_size, verbose
        if is_stream(x):
            parts = [self.predict(batch[0]) for batch in batches_of(x, steps if steps is not None else length_of(x))]
            return np.concatenate(parts)
        self.see(x)
        reader = self.reader()
        inputs, lengths, order = reader.inputs(x)
        states = [part.part for part in getattr(self, "_parts", [])]
        if any(states) or getattr(self, "_several", False):
            found = Answers(self.data()).parts(inputs, lengths, states)
            return [reader.unmasked(one, lengths, order) for one in found] if self._several else found[0]
        return reader.unmasked(self._current_answers().outputs(inputs, lengths), lengths, order)

    def predict_on_batch(self, x: Any) -> Any:
        """As `predict`."""
        return self.predict(x, verbose=0)

    def _current_answers(self) -> Answers:
        """The packed network, made anew where an array has changed."""
        versions = tuple(layer.version for layer in self._layers)
        if self._answers is None or self._answers.versions != versions:
            self._answers = Answers(self.data(), versions)
        return self._answers

    def reset_states(self) -> None:
        """Let the next batch of a stateful model begin with zeros."""
        self._memory.carried = None

    reset_state = reset_states

    # Files

    def save(self, filepath: Any, overwrite: bool = True, **given: Any) -> None:
        """Write the model: `.latch`, or `.keras` for Keras itself."""
        arguments("save", given, {"save_format": None, "include_optimizer": True, "zipped": None})
        saving.save(self, Path(filepath), overwrite=overwrite)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the arrays alone."""
        saving.save_weights(self, Path(filepath), overwrite=overwrite)

    def load_weights(self, filepath: Any, **given: Any) -> None:
        """Read arrays that `save_weights` or `save` wrote, of a model of the same layers."""
        arguments("load_weights", given, {"skip_mismatch": False, "by_name": False})
        saving.load_weights(self, Path(filepath), Sequential)

    def get_config(self) -> dict[str, Any]:
        """Its name and its layers' arguments."""
        layers = [{"class_name": type(layer).__name__, "config": layer.get_config()} for layer in self._layers]
        return {"name": self.name, "layers": layers}

    def __getattr__(self, name: str) -> Any:
        """Only for what is not there."""
        if name in _METHODS:
            refuse(f"Model.{name}", _METHODS[name])
        raise AttributeError(f"{type(self).__name__} has no {name!r}")


class Sequential(Model):
    """Layers one after the other, given at once or added."""

    def __init__(self, layers: Any = None, name: str | None = None, **given: Any) -> None:
        """See the class."""
        arguments("Sequential", given, {"trainable": True})
        self._begin(name or unique_name("sequential"))
        self._layers = []
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Put a layer at the end."""
        if isinstance(layer, Symbol) and layer.parent is None:
            layer = layer.layer
        if isinstance(layer, Model):
            for own in layer.layers:
                if not (isinstance(own, InputLayer) and self._layers):
                    self.add(own)
            return
        if not isinstance(layer, Layer):
            raise InputError(f"Sequential takes layers such as LSTM(30), got {layer!r}")
        if any(own is layer for own in self._layers):
            raise InputError(f"the layer {layer.name!r} is in the model already: make another one")
        self._layers.append(layer)
        self._network, self._answers = None, None
        if hasattr(self, "_chain"):
            del self._chain
        if self._layers[0].given_shape is not None and not all(map(_computes_nothing, self._layers)):
            self.build()

    def pop(self) -> Layer:
        """Take the last layer away."""
        if not self._layers:
            raise InputError("there is no layer to take away")
        self._network, self._answers = None, None
        if hasattr(self, "_chain"):
            del self._chain
        return self._layers.pop()

    @property
    def layers(self) -> list[Layer]:
        """Its layers, without the `Input`."""
        return [layer for layer in self._layers if not isinstance(layer, InputLayer)]


_METHODS: Mapping[str, str] = {
    "fit_generator": "fit takes generators: model.fit(generator, steps_per_epoch=...)",
    "evaluate_generator": "evaluate takes generators",
    "predict_generator": "predict takes generators",
    "predict_classes": "model.predict(x).argmax(axis=-1), or (model.predict(x) > 0.5).astype(int)",
    "predict_proba": "model.predict(x)",
    "to_json": "model.save('model.latch') keeps layers and arrays",
    "to_yaml": "model.save('model.latch') keeps layers and arrays",
    "train_step": "compile and fit do it; for a step of your own, train_on_batch",
    "add_loss": "use kernel_regularizer", "add_metric": "give compile the metrics",
    "export": "model.save('model.latch'), then latchwork export model.latch --onnx model.onnx",
}  # fmt: skip


def _computes_nothing(layer: Layer) -> bool:
    return isinstance(layer, InputLayer | Masking)


def _masks_zero(layer: Layer) -> bool:
    return isinstance(layer, Embedding) and bool(layer.given["mask_zero"])


def load_model(filepath: Any, custom_objects: Any = None, compile: bool = True, **given: Any) -> Model:
    """A model out of a `.latch`, `.keras` or `.h5` file; nothing in it is run."""
    arguments("load_model", given, {"safe_mode": True})
    if custom_objects:
        raise InputError("load_model: no custom_objects: nothing from a file is ever run")
    return saving.load(Path(filepath), Sequential, compiled=compile)


def __getattr__(name: str) -> Any:
    hints = {
        "clone_model": "build the layers anew, then set_weights(model.get_weights())",
        "model_from_json": "load_model reads .latch, .keras and .h5 files",
        "model_from_yaml": "load_model reads .latch, .keras and .h5 files",
        "Graph": "networks here are chains of layers: use Sequential",
    }
    if name in hints:
        refuse(name, hints[name])
    missing(name)
