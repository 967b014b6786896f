"""`fit`, `evaluate` and `train_on_batch`: arguments read, rows made ready, and the work handed on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.interop.keras import callbacks as watchers
from latchwork.interop.keras.answering import Answers
from latchwork.interop.keras.data import batches_of, is_stream, length_of, split_off
from latchwork.interop.keras.fitting import Program, Run, Running, evaluated, order_of
from latchwork.interop.keras.printing import Printer
from latchwork.interop.keras.refusals import arguments
from latchwork.training.data import Data

Array = NDArray[Any]
Model = Any  # of models.py, which stands above this
FIT: dict[str, Any] = {
    "batch_size": None, "epochs": 1, "verbose": "auto", "callbacks": None, "validation_split": 0.0,
    "validation_data": None, "shuffle": True, "class_weight": None, "sample_weight": None, "initial_epoch": 0,
    "steps_per_epoch": None, "validation_steps": None, "validation_batch_size": None, "validation_freq": 1,
    "nb_epoch": None, "show_accuracy": False, "max_queue_size": 10, "workers": 1, "use_multiprocessing": False,
    "samples_per_epoch": None, "nb_val_samples": None, "nb_worker": 1,
}  # fmt: skip


def fit(model: Model, x: Any = None, y: Any = None, batch_size: int | None = None, *places: Any, **given: Any) -> Any:
    """Train it; arguments as in Keras, old names among them. Gives a `History`."""
    options = arguments("fit", _placed(places, ("epochs", "verbose", "callbacks"), given), FIT)
    for name in ("show_accuracy", "samples_per_epoch", "nb_val_samples"):
        if options[name] != FIT[name]:
            raise InputError(f"fit: no {name}: leave it out")
    epochs = int(options["epochs"] if options["nb_epoch"] is None else options["nb_epoch"])
    verbose = 1 if options["verbose"] in ("auto", True) else int(options["verbose"])
    asked = options["callbacks"] or []
    history = watchers.History()
    own = [*(asked if isinstance(asked, list | tuple) else [asked]), history]
    run_epochs = range(int(options["initial_epoch"]), epochs)
    printer, size = Printer(verbose, epochs), batch_size or model.fixed_batch_size or 32
    if is_stream(x):
        _fit_stream(model, x, options, own, printer, run_epochs)
    else:
        _fit_arrays(model, x, y, size, options, own, printer, run_epochs)
    model.history = history
    history.model = model
    return history


def _fit_arrays(
    model: Model, x: Any, y: Any, size: int, options: dict[str, Any], own: list[Any], printer: Printer, epochs: range
) -> None:
    model.see(x)
    reader, compiled = model.reader(), model.needs_compile()
    arrays = reader.rows(compiled, x, y, options["sample_weight"], options["class_weight"])
    held_out = None
    if options["validation_data"] is None and options["validation_split"]:
        arrays, held_out = split_off(arrays, float(options["validation_split"]))
    validate = _validation(model, options, held_out, options["validation_batch_size"] or size)
    program, seed = model.program(), int(np.random.randint(2**31))
    _check_batches(model, len(arrays["inputs"]), size)
    shuffle, rows = bool(options["shuffle"]), Data(arrays)
    steps = program.steps(rows, size, seed)
    limit = options["steps_per_epoch"]
    params = {"verbose": printer.verbose, "epochs": epochs.stop, "steps": math.ceil(rows.rows / size)}
    for one in own:
        one.set_params(params)
    run = Run(model, program, own, printer, epochs)
    run.on_arrays(steps, lambda epoch: order_of(rows, size, shuffle, seed, epoch)[:limit], validate)


def _fit_stream(
    model: Model, stream: Any, options: dict[str, Any], own: list[Any], printer: Printer, epochs: range
) -> None:
    if options["validation_split"]:
        raise InputError("validation_split needs arrays: give validation_data beside a generator")
    count = options["steps_per_epoch"]
    if count is None and hasattr(stream, "__len__"):
        count = len(stream)
    if count is None and hasattr(stream, "__next__"):
        raise InputError("a generator never ends: give steps_per_epoch")

    def batches(epoch: int) -> Any:
        for x, y, weight in batches_of(stream, count):
            model.see(x)
            yield model.reader().rows(model.needs_compile(), x, y, weight, options["class_weight"])
        if hasattr(stream, "on_epoch_end"):
            stream.on_epoch_end()

    first = _validation(model, options, None, options["validation_batch_size"] or 32)
    if not model.built:
        model.see(next(batches_of(stream, 1))[0])
    for one in own:
        one.set_params({"verbose": printer.verbose, "epochs": epochs.stop, "steps": count})
    Run(model, model.program(), own, printer, epochs).on_batches(batches, train_rows, count, first)


def _check_batches(model: Model, rows: int, size: int) -> None:
    fixed = model.fixed_batch_size
    if fixed is not None and (size != fixed or (rows % fixed and model.stateful)):
        raise InputError(
            f"the model takes batches of {fixed} rows (batch_input_shape): got {rows} rows in batches of {size}"
        )


def _validation(
    model: Model, options: dict[str, Any], held_out: dict[str, Array] | None, size: int
) -> Callable[[int], dict[str, float]] | None:
    """A function that evaluates the validation rows after an epoch, where it is time; None where there are none."""
    given, every = options["validation_data"], options["validation_freq"]
    if type(every) is not int or every < 1:
        raise InputError(f"fit: validation_freq counts epochs, got {every!r}")
    if given is None and held_out is None:
        return None
    if held_out is None and is_stream(given):
        return lambda epoch: {} if (epoch + 1) % every else _evaluate_stream(model, given, options["validation_steps"])
    if held_out is None:
        if not isinstance(given, list | tuple) or not 2 <= len(given) <= 3:
            raise InputError("validation_data is (x, y) or (x, y, sample_weight), or a generator")
        model.see(given[0])
        weight = given[2] if len(given) == 3 else None
        held_out = model.reader().rows(model.needs_compile(), given[0], given[1], weight, None)
    assert held_out is not None
    arrays = held_out
    return lambda epoch: {} if (epoch + 1) % every else _evaluate_rows(model, arrays, size)


def train_rows(model: Model, arrays: Mapping[str, Array], running: Running) -> None:
    """One step on rows that are ready."""
    steps, order = model.program().step_on(arrays, int(np.random.randint(2**31)))
    running.add(steps.train(order), order)
    model.take_parameters(steps.parameters())


def train_on_batch(
    model: Model, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, **given: Any
) -> Any:
    """One step on a batch: the loss, or the loss and the metrics."""
    options = arguments("train_on_batch", given, {"return_dict": False, "reset_metrics": True})
    model.see(x)
    running = Running(model.program())
    train_rows(model, model.reader().rows(model.needs_compile(), x, y, sample_weight, class_weight), running)
    return _given(running.figures(), bool(options["return_dict"]))


def evaluate(
    model: Model, x: Any = None, y: Any = None, batch_size: int | None = None, *places: Any, **given: Any
) -> Any:
    """The loss, or a list of the loss and the metrics; with `return_dict` by name."""
    known = {"verbose": "auto", "sample_weight": None, "steps": None, "callbacks": None, "return_dict": False}
    old = {"max_queue_size": 10, "workers": 1, "use_multiprocessing": False, "show_accuracy": False}
    options = arguments("evaluate", _placed(places, ("verbose", "sample_weight"), given), known | old)
    printer = Printer(1 if options["verbose"] in ("auto", True) else int(options["verbose"]), None)
    if is_stream(x):
        printer.begin(0, None)
        figures = _evaluate_stream(model, x, options["steps"], printer)
    else:
        size = batch_size or model.fixed_batch_size or 32
        model.see(x)
        arrays = model.reader().rows(model.needs_compile(), x, y, options["sample_weight"], None)
        printer.begin(0, math.ceil(len(arrays["inputs"]) / size))
        figures = _evaluate_rows(model, arrays, size)
        printer.step(printer.steps or 1, None)
    printer.end(figures)
    return _given(figures, bool(options["return_dict"]))


def _evaluate_rows(model: Model, arrays: Mapping[str, Array], size: int) -> dict[str, float]:
    program = model.program()
    if program.states is None:
        outputs = Answers(program.network).outputs(arrays["inputs"], arrays.get("lengths"))
    else:
        outputs = program.states.run(program.network, arrays["inputs"], arrays.get("lengths"))
    return evaluated(program, outputs, arrays, size, _penalty(program))


def _evaluate_stream(model: Model, stream: Any, count: Any, printer: Printer | None = None) -> dict[str, float]:
    totals: dict[str, float] = {}
    rows = steps = 0
    for x, y, weight in batches_of(stream, count if count is not None else length_of(stream)):
        model.see(x)
        arrays = model.reader().rows(model.needs_compile(), x, y, weight, None)
        own, steps = len(arrays["inputs"]), steps + 1
        for name, value in _evaluate_rows(model, arrays, own).items():
            totals[name] = totals.get(name, 0.0) + value * own
        rows += own
        if printer is not None:
            printer.step(steps, None)
    if not rows:
        raise InputError("the generator gave no batch")
    return {name: value / rows for name, value in totals.items()}


def _penalty(program: Program) -> float:
    arrays = program.network.parameters
    return sum(
        one.l1 * float(np.abs(arrays[one.name]).sum()) + one.l2 * float(np.square(arrays[one.name]).sum())
        for one in program.penalties
    )


def _placed(places: tuple[Any, ...], names: tuple[str, ...], given: dict[str, Any]) -> dict[str, Any]:
    if len(places) > len(names):
        raise InputError(f"{len(places)} more arguments by place than {', '.join(names)}")
    return dict(zip(names, places, strict=False)) | given


def _given(figures: Mapping[str, float], by_name: bool) -> Any:
    if by_name:
        return dict(figures)
    values = list(figures.values())
    return values[0] if len(values) == 1 else values
