"""A stream is heard as the whole recording is, whatever the pieces it comes in."""

from __future__ import annotations

import numpy as np
import pytest
from made_up import RATE, say

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.probabilities import log_softmax
from latchwork.core.spec import LSTM, Dense, Sequential
from latchwork.speech.model import SpeechModel
from latchwork.speech.streaming import Stream, listened
from latchwork.speech.symbols import Symbols
from latchwork.transforms.cepstra import Cepstra
from latchwork.transforms.running import CepstraStream
from latchwork.transforms.scaling import Scaler


def sound(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    pause = lambda: rng.normal(0, 0.001, int(rng.uniform(0.1, 1.2) * RATE)).astype(np.float32)  # noqa: E731
    words = [say(word, "ann", rng) for word in ("up", "down", "flat")]
    return np.concatenate([pause(), words[0], pause(), 0.1 * words[1], pause(), words[2], pause()])


@pytest.mark.parametrize("size", [37, 240, 4001])
@pytest.mark.parametrize("stack", [1, 2, 3])
def test_features_do_not_depend_on_the_pieces(size: int, stack: int):
    features, samples = Cepstra(RATE, stack=stack, running=True), sound()
    stream = CepstraStream(features)
    parts = [stream.push(samples[first : first + size]) for first in range(0, len(samples), size)]
    found = np.concatenate([*parts, stream.finish()])
    np.testing.assert_allclose(found, features.transform(samples), atol=2e-3)


def test_a_step_is_given_as_soon_as_it_was_promised():
    features, samples = Cepstra(RATE, running=True), sound()
    stream, steps = CepstraStream(features), 0
    for at in range(0, len(samples), 80):
        steps += len(stream.push(samples[at : at + 80]))
        heard = (at + 80) / RATE
        assert steps * features.step_seconds >= heard - features.look_ahead - features.step_seconds - 0.011


def test_what_comes_later_changes_nothing_before():
    features, samples = Cepstra(RATE, running=True), sound()
    half = len(samples) // 2
    before = CepstraStream(features).push(samples[:half])
    louder = np.concatenate([samples[:half], 30 * samples[half:]]).astype(np.float32)
    np.testing.assert_array_equal(before, CepstraStream(features).push(louder)[: len(before)])


def test_gain_of_the_whole_stream_changes_little():
    features, samples = Cepstra(RATE, running=True), sound()
    found, quieter = features.transform(samples), features.transform((0.05 * samples).astype(np.float32))
    inside = slice(60, None)
    assert np.abs(found[inside] - quieter[inside]).mean() < 0.02 * np.abs(found[inside]).mean() + 0.05


@pytest.fixture(scope="module")
def model() -> SpeechModel:
    """A network whose biases favour the blank, untrained: its opinions are what is compared."""
    features, symbols = Cepstra(RATE, running=True), Symbols("word", ("down", "flat", "up"), other=True)
    network = Sequential([LSTM(12, return_sequences=True), Dense(symbols.outputs)])
    data = NetworkData.build(network, (None, features.features), seed=3)
    parameters = dict(data.parameters)
    kernel = next(name for name in parameters if name.startswith("layers.1") and parameters[name].ndim == 2)
    parameters[kernel] = 6 * parameters[kernel]
    steps = features.transform(sound())
    scaler = Scaler(steps.mean(axis=0).astype(np.float64), steps.std(axis=0).astype(np.float64))
    return SpeechModel(features, scaler, symbols, NetworkData(data.spec, parameters))


def test_streaming_equals_offline(model: SpeechModel):
    samples = sound(1)
    offline = log_softmax(model.scores.outputs([model.features.transform(samples)]))[0]
    stream = Stream(model)
    found = np.concatenate([stream.log_probabilities(samples[at : at + 333]) for at in range(0, len(samples), 333)])
    assert len(offline) - len(found) <= 3  # the last ones come when the stream ends
    np.testing.assert_allclose(found, offline[: len(found)], atol=1e-3)


def test_partial_words_come_first_and_utterances_end(model: SpeechModel):
    samples = sound(2)
    heard = list(listened(model, [samples[at : at + 240] for at in range(0, len(samples), 240)]))
    assert heard and heard[-1].is_final and not heard[0].is_final
    assert [each.at for each in heard] == sorted(each.at for each in heard)
    for each in heard:
        starts = [word.start for word in each.transcript.words]
        assert starts == sorted(starts) and all(word.end <= each.at + 1e-6 for word in each.transcript.words)


def test_a_model_that_reads_both_ways_is_no_stream(model: SpeechModel):
    both = SpeechModel(Cepstra(RATE), model.scaler, model.symbols, model.data)
    with pytest.raises(InputError, match="--stream"):
        Stream(both)
