"""`Sequential` and `Model`: layers in a chain, trained and run by the kernels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.storage import Latch
from latchwork.engines.steps import Penalty
from latchwork.interop.keras import saving, theirs, working
from latchwork.interop.keras.answering import Answers
from latchwork.interop.keras.chained import Chain
from latchwork.interop.keras.compiled import Compiled
from latchwork.interop.keras.data import batches_of, is_stream, length_of
from latchwork.interop.keras.fitting import Memory, Program
from latchwork.interop.keras.graph import Symbol, apply, chain
from latchwork.interop.keras.layers import InputLayer, Layer, Masking
from latchwork.interop.keras.naming import unique_name
from latchwork.interop.keras.recurrent import Recurrent
from latchwork.interop.keras.refusals import arguments, missing, refuse
from latchwork.interop.keras.stateful import States

Array = NDArray[Any]
COMPILE: dict[str, Any] = {
    "loss_weights": None, "weighted_metrics": None, "run_eagerly": False, "steps_per_execution": 1,
    "jit_compile": "auto", "auto_scale_loss": True, "sample_weight_mode": None, "class_mode": None,
}  # fmt: skip


class Answer(np.ndarray[Any, Any]):
    """What a model called with an array gives: an array that can also be asked for itself, as a tensor is."""

    def numpy(self) -> Array:
        """The array."""
        return np.asarray(self)


class Model(Chain):
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
        self._chain = [self._parts[0]]
        while self._chain[0].parent is not None and len(self._chain) < len(layers):
            self._chain.insert(0, self._chain[0].parent)
        for symbol in self._chain:
            symbol.layer.input, symbol.layer.output = symbol.parent or symbol, symbol
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

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """The answer to an array, as `predict` gives it; of a symbol, all its layers go on from there."""
        if not isinstance(inputs, Symbol):
            found = self.predict(inputs, verbose=0)
            return found if isinstance(found, list) else found.view(Answer)
        for layer in self._layers:
            if not isinstance(layer, InputLayer):
                inputs = apply(layer, inputs, options)
        return inputs

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
        if self.built or (self._layers and self._start() is not None):
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

    def states(self) -> States | None:
        """What a stateful model goes on from; None for any other."""
        return States(self._layers, self.fixed_batch_size) if self.stateful else None

    def program(self) -> Program:
        """What is trained now: frozen layers, penalties and metrics as they stand."""
        compiled, network = self.needs_compile(), self.network
        trained = compiled.trained(network)
        frozen, penalties = set(self._never_there()), list[Penalty]()
        for place, layer in self._places:
            names = {name: f"layers.{place}.{name}" for name in layer.arrays}
            frozen |= set() if layer.trainable else set(names.values())
            penalties += [Penalty(names[name], one.l1, one.l2) for name, one in layer.penalties.items()]
        return Program(
            NetworkData(trained, self._arrays()), compiled, compiled.measured(trained), tuple(penalties),
            frozenset(frozen), self._memory, self.states(),
        )  # fmt: skip

    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, *places: Any, **given: Any) -> Any:
        """Train it; arguments as in Keras, old names among them. Gives a `History`."""
        return working.fit(self, x, y, batch_size, *places, **given)

    def train_on_batch(self, x: Any, y: Any = None, *places: Any, **given: Any) -> Any:
        """One step on a batch: the loss, or the loss and the metrics."""
        return working.train_on_batch(self, x, y, *places, **given)

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, *places: Any, **given: Any) -> Any:
        """The loss, or a list of the loss and the metrics; with `return_dict` by name."""
        return working.evaluate(self, x, y, batch_size, *places, **given)

    def fit_generator(self, generator: Any, steps_per_epoch: int | None = None, epochs: int = 1, **given: Any) -> Any:
        """Keras 2's name of `fit` with a generator."""
        return self.fit(generator, steps_per_epoch=steps_per_epoch, epochs=epochs, **given)

    def evaluate_generator(self, generator: Any, steps: int | None = None, **given: Any) -> Any:
        """Keras 2's name of `evaluate` with a generator."""
        return self.evaluate(generator, steps=steps, **{"verbose": 0, **given})

    def predict_generator(self, generator: Any, steps: int | None = None, **given: Any) -> Any:
        """Keras 2's name of `predict` with a generator."""
        return self.predict(generator, steps=steps, **given)

    def predict_classes(self, x: Any, **given: Any) -> Array:
        """Keras 2's: the most probable class of each row, or whether it is above a half where there is one output."""
        found = self.predict(x, **given)
        return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype(np.int32)

    def predict_proba(self, x: Any, **given: Any) -> Array:
        """Keras 2's name of `predict`."""
        return self.predict(x, **given)

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
        carried = self.states()
        if carried is not None:
            return reader.unmasked(carried.run(self.data(), inputs, lengths), lengths, order)
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
        for layer in self._layers:
            if isinstance(layer, Recurrent):
                layer.reset_states()

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

    def to_json(self, **given: Any) -> str:
        """The layers without their arrays, as Keras writes them down; `model_from_json` reads it."""
        arguments("to_json", given, {})
        return theirs.to_json(self)

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

    @classmethod
    def from_latch(cls, latch: Latch) -> Sequential:
        """The model in an opened file: what `latchwork.load` gives."""
        return saving.from_latch(latch, cls, compiled=True)

    def add(self, layer: Any) -> None:
        """Put a layer at the end."""
        if isinstance(layer, Symbol) and layer.parent is None:
            layer = layer.layer
        if isinstance(layer, Model):
            for own in layer._layers:
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
        if self._start() is not None and not all(map(_computes_nothing, self._layers)):
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
        return [layer for layer in self._with_symbols() if not isinstance(layer, InputLayer)]


_METHODS: Mapping[str, str] = {
    "to_yaml": "model.save('model.latch') keeps layers and arrays",
    "train_step": "compile and fit do it; for a step of your own, train_on_batch",
    "add_loss": "use kernel_regularizer", "add_metric": "give compile the metrics",
    "export": "model.save('model.latch'), then latchwork export model.latch --onnx model.onnx",
}  # fmt: skip


def _computes_nothing(layer: Layer) -> bool:
    return isinstance(layer, InputLayer | Masking)


def model_from_json(json_string: str, custom_objects: Any = None) -> Model:
    """A model with new arrays out of what `to_json` gave, here or in Keras; nothing in it is run."""
    if custom_objects:
        raise InputError("model_from_json: no custom_objects: nothing from a file is ever run")
    return theirs.from_json(json_string, Sequential)


def clone_model(model: Model, **given: Any) -> Model:
    """The same layers with new arrays."""
    arguments("clone_model", given, {"input_tensors": None, "clone_function": None})
    return theirs.from_json(theirs.to_json(model), Sequential)


def load_model(filepath: Any, custom_objects: Any = None, compile: bool = True, **given: Any) -> Model:
    """A model out of a `.latch`, `.keras` or `.h5` file; nothing in it is run."""
    arguments("load_model", given, {"safe_mode": True})
    if custom_objects:
        raise InputError("load_model: no custom_objects: nothing from a file is ever run")
    return saving.load(Path(filepath), Sequential, compiled=compile)


def __getattr__(name: str) -> Any:
    hints = {
        "model_from_yaml": "load_model reads .latch, .keras and .h5 files",
        "Graph": "networks here are chains of layers: use Sequential",
    }
    if name in hints:
        refuse(name, hints[name])
    missing(name)
