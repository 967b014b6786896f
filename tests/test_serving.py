"""Every job's model, served: the answers of JAX without JAX, and the same from many threads as from one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from made_models import LENGTHS, RATE, X, months, sound, tokens_of, write_every_job
from marks import needs_kernels

import latchwork as lw
from latchwork import runtime
from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.engines.jax.network import Network, apply_layers
from latchwork.speech.decoding import best_symbols
from latchwork.speech.model import SpeechModel
from latchwork.transforms.sequences import as_sequences

HERE = Path(__file__).parent
# Where a model might keep something of a call.
MODELS = (
    "runtime/model.py", "runtime/server.py", "runtime/numpy_network.py", "engines/native/program.py", "text/model.py",
    "text/predictor.py", "text/ngram.py", "speech/model.py", "forecasting/forecaster.py",
    "forecasting/methods/corrector.py",
)  # fmt: skip
TOLERANCE = 1e-5  # norm of the difference over norm


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("served")
    write_every_job(path)
    return path


def jax_answers(folder: Path) -> dict[str, np.ndarray]:
    """What the trained network would say in JAX, by the scan of its equations."""
    found: dict[str, np.ndarray] = {}
    for job in ("classification", "regression"):
        model: Any = lw.load(folder / f"{job}.latch")
        for name, steps in ((job, LENGTHS), (f"{job} step", None)):
            inputs, lengths = as_sequences(X, steps)
            scaled = jnp.asarray(model.scaler_.transform(inputs, lengths))
            outputs = model.network_(scaled, None if lengths is None else jnp.asarray(lengths))
            softmax = job == "classification"
            found[name] = np.asarray(jax.nn.softmax(outputs) if softmax else model.target_scaler_.inverse(outputs))
    text: Any = lw.load(folder / "text.latch")
    tokens = tokens_of(text.model_)
    found["text"] = np.asarray(text.network_(jnp.asarray(tokens)))
    found["text step"] = found["text"][:, -1]
    found["heard"] = speech_log_probabilities(folder, [sound(1), sound(2)])
    said: Any = lw.load(folder / "forecasting.latch")
    found["forecast"] = jax_forecast(said)[0]
    found["known ahead"] = jax_forecast(said, said.panel_.with_future({"offer": np.ones(6)}))[1]
    said.update(months(99))
    found["updated"] = jax_forecast(said)[0][[0, 2]]
    return found


def speech_log_probabilities(folder: Path, sounds: list[np.ndarray]) -> np.ndarray:
    """Of what is heard in sounds of one length."""
    latch = storage.load_model(folder / "speech.latch")
    model = SpeechModel.from_latch(latch)
    parameters = {name.removeprefix("network."): a for name, a in latch.tensors.items() if name.startswith("network.")}
    inputs, lengths = as_sequences([model.features.transform(samples) for samples in sounds])
    assert lengths is not None
    network = Network.from_parameters(model.data.spec, parameters)
    scores = network(jnp.asarray(model.scaler.transform(inputs, lengths)), jnp.asarray(lengths))
    rows = np.asarray(jax.nn.log_softmax(scores))
    return np.array([best_symbols(row[:length])[1] for row, length in zip(rows, lengths, strict=True)])


def jax_forecast(said: Any, panel: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """A forecaster's mean, its lower end at 80 % and its network's own forecast; and the mean alone."""
    from latchwork.forecasting.judging.intervals import around
    from latchwork.forecasting.methods.corrector_inputs import corrector_inputs

    result = said.result_ if panel is None else said.result_.knowing(panel)
    rows, corrector = corrector_inputs(result.end), result.learned.network
    past, future = jnp.asarray(rows.past), jnp.asarray(rows.future)
    members = [Network.from_data(corrector.network.member(member)) for member in range(corrector.members)]
    corrected = np.mean(
        [np.asarray(apply_layers(member.layers, past, ahead=future))[..., 0] for member in members], axis=0
    )
    working = rows.base + rows.spread[:, None] * corrected
    ahead = said.answers_.values(working)
    mean = (said.answers_.centre + ahead) / 2
    low = around(said.answers_, 80.0, result.calibration, said.answers_.survey.to_working(mean))[0]
    return np.concatenate([mean, low, ahead]), mean


@pytest.fixture(scope="module", params=["auto", "scan"])
def served(folder: Path, request: pytest.FixtureRequest) -> dict[str, np.ndarray]:
    """What a process answers in which JAX cannot be imported, by the kernels and by plain NumPy."""
    path = folder / f"{request.param}.npz"
    environment = os.environ | {"LATCHWORK_ENGINE": request.param}
    command = [sys.executable, str(HERE / "serve_without_jax.py"), str(folder), str(path)]
    command += ["--commands"] if request.param == "auto" else []
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(path) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, np.ndarray]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATCHWORK_ENGINE", "scan")
        return jax_answers(folder)


def test_every_job_answers_as_jax_does(served: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert served.keys() - expected.keys() == {"written", "bits", "suggested"}  # these are drawn, mixed, completed
    for name, right in expected.items():
        said = served[name]
        assert said.shape == right.shape, name
        assert np.linalg.norm(said - right) <= TOLERANCE * np.linalg.norm(right), name


def test_what_is_written_and_suggested_is_what_the_estimator_writes(
    served: dict[str, np.ndarray], folder: Path
) -> None:
    text: Any = lw.load(folder / "text.latch")
    keyboard: Any = lw.load(folder / "keyboard.latch")
    assert str(served["written"]) == "".join(text.write("the ", 60, seed=1))
    assert served["suggested"].tolist() == keyboard.suggest("the cat s")
    bits = text.bits_per_character("the cat sat on the mat")
    np.testing.assert_allclose(served["bits"], bits, rtol=1e-5)


def test_another_job_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="holds a model for text, expected one for speech"):
        runtime.load(folder / "text.latch", "speech")


Ask = Callable[[int], list[np.ndarray]]


def questions(folder: Path) -> dict[str, Ask]:
    """For each job, what may be asked of one shared model by many threads; the answers follow from the number."""
    classifier, text, speech, said = (
        runtime.load(folder / f"{job}.latch") for job in ("classification", "text", "speech", "forecasting")
    )

    def classify(number: int) -> list[np.ndarray]:
        inputs = np.random.default_rng(number).normal(size=(2 + number % 5, 25, 5)).astype("float32")
        return [classifier.predict_proba(inputs)]

    def classify_ragged(number: int) -> list[np.ndarray]:
        inputs = np.random.default_rng(number).normal(size=(40, 25, 5)).astype("float32")
        return [classifier.predict_proba(inputs, np.random.default_rng(number).integers(1, 26, 40))]

    def stream(model: Any, row: Callable[[np.random.Generator], Any], batch: int) -> Ask:
        def ask(number: int) -> list[np.ndarray]:
            rng, state, found = np.random.default_rng(number), model.initial_state(batch), []
            for _ in range(20):
                answer, state = model.step(row(rng), state)
                found.append(answer.copy())
            return found

        return ask

    size = len(text.vocabulary)
    return {
        "classify": classify,
        "classify ragged": classify_ragged,
        "classify step": stream(classifier, lambda rng: rng.normal(size=(8, 5)).astype("float32"), 8),
        "classify one": stream(classifier, lambda rng: rng.normal(size=(1, 5)).astype("float32"), 1),
        "text step": stream(text, lambda rng: rng.integers(0, size, 3), 3),
        "text": lambda number: [text.predict(np.random.default_rng(number).integers(0, size, (4, 30)))],
        "write": lambda number: [np.array("".join(text.write("the ", 30, seed=number)))],
        "speech": lambda number: [np.array([heard.probability for heard in speech.listen([sound(number)], RATE)])],
        "forecast": lambda number: [said.predict([80], covariates={"offer": np.full(6, number % 3)}).mean],
    }


JOBS = [
    "classify",
    "classify ragged",
    "classify step",
    "classify one",
    "text step",
    "text",
    "write",
    "speech",
    "forecast",
]


@pytest.fixture(scope="module")
def asked(folder: Path) -> dict[str, Ask]:
    found = questions(folder)
    assert list(found) == JOBS
    return found


@pytest.mark.parametrize("job", JOBS)
def test_a_question_in_the_middle_of_another_changes_neither(asked: dict[str, Ask], job: str) -> None:
    """As if a second thread came in between, at every line of ours once: nothing of a call is kept in its model."""
    ask, seen = asked[job], set[tuple[str, int]]()
    first, second = ask(1), ask(2)

    def between(frame: Any, event: str, _: Any) -> Any:
        where = (frame.f_code.co_filename, frame.f_lineno)
        if not where[0].endswith(MODELS):
            return None
        if event == "line" and where not in seen:
            seen.add(where)
            same(second, ask(2))
        return between

    before = sys.gettrace()
    sys.settrace(between)
    try:
        again = ask(1)
    finally:
        sys.settrace(before)
    same(first, again)
    assert len(seen) > 2


@needs_kernels
def test_many_threads_share_each_job_s_model(asked: dict[str, Ask]) -> None:
    """The kernels compute without Python's lock: what they kept in a model, two threads would write at once."""
    jobs = [(name, number) for name in JOBS for number in range(24)]  # neighbours ask the same model
    alone = [asked[name](number) for name, number in jobs]
    with ThreadPoolExecutor(6) as pool:
        for expected, got in zip(alone, pool.map(lambda job: asked[job[0]](job[1]), jobs), strict=True):
            same(expected, got)


def same(expected: list[np.ndarray], got: list[np.ndarray]) -> None:
    for one, other in zip(expected, got, strict=True):
        np.testing.assert_array_equal(one, other)
