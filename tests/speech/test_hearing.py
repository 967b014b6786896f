"""What is drawn for training, opinions and what they are worth, plain methods, words waited for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_up import RATE, SPEAKERS, WORDS, say

from latchwork.speech.confidence import calibration_error, fit_confidence, reliability
from latchwork.speech.decoding import alignment, best_symbols
from latchwork.speech.drawing import TIMES, Drawn, Sounds, fits
from latchwork.speech.loading import Utterance
from latchwork.speech.others import other_words
from latchwork.speech.plain import linear, nearest_take, spread, warped_distances
from latchwork.speech.spotting import chosen, curve
from latchwork.speech.symbols import Symbols, fit_symbols
from latchwork.speech.varying import Variation
from latchwork.speech.verdict import Verdict, advice, held_out_speaker
from latchwork.transforms.cepstra import Cepstra
from latchwork.transforms.scaling import Scaler


@pytest.fixture(scope="module")
def said() -> list[Utterance]:
    rng = np.random.default_rng(0)
    return [Utterance(say(word, who, rng), word, who) for word in WORDS for who in SPEAKERS for _ in range(8)]


@pytest.fixture(scope="module")
def sounds(said: list[Utterance]) -> Sounds:
    symbols = Symbols("word", tuple(sorted(WORDS)), other=True)
    return Sounds(said, Cepstra(RATE), symbols, True, [said[0].samples[::-1].copy()], [said[1].samples])


def test_rows_fit_and_hold_words_strings_other_words_and_nothing(sounds: Sounds):
    rng = np.random.default_rng(1)
    rows = [sounds.row(number % len(sounds.utterances), rng) for number in range(200)]
    assert all(fits(row, sounds.longest) and np.isfinite(row.steps).all() for row in rows)
    counts = np.array([len(row.target) for row in rows])
    assert (counts == 0).any() and (counts == 1).sum() > 60 and (counts > 1).sum() > 20
    assert any(sounds.symbols.other_number in row.target for row in rows)


def test_draws_are_the_same_whoever_asks_and_new_after_some_epochs(sounds: Sounds):
    scaler = Scaler(np.zeros(78), np.ones(78))
    one, two = (Drawn(sounds, scaler, 40, 16) for _ in range(2))
    chunks = one.epoch(0, seed=5)
    assert sum(map(len, chunks)) == 40 and one.epoch(TIMES - 1, 5) == chunks and one.epoch(TIMES, 5) != chunks
    in_order = [one.read(chunk)["inputs"].copy() for chunk in chunks]
    assert np.array_equal(in_order[1], two.read(chunks[1])["inputs"])
    assert np.array_equal(in_order[0], one.read(chunks[0])["inputs"])
    assert not np.array_equal(in_order[0], one.read(one.epoch(TIMES, 5)[0])["inputs"])
    assert one.shapes()["inputs"].shape == in_order[0].shape[1:]


def test_variations_change_the_sound_and_keep_it_finite(said: list[Utterance]):
    variation = Variation(RATE, 26, [each.samples for each in said])
    rng = np.random.default_rng(0)
    found = [variation.sound(said[0].samples, variation.change(rng)[1], rng) for _ in range(60)]
    assert all(np.isfinite(each).all() and each.dtype == np.float32 for each in found)
    assert len({len(each) for each in found}) > 20
    silent = variation.sound(np.zeros(4000, np.float32), 1.0, rng)
    assert np.isfinite(silent).all()


def test_a_blank_parts_strings_of_letters():
    symbols = fit_symbols(["six", "two"], "char", strings=True)
    assert symbols.decode(symbols.encode("six six")) == "six six"
    assert fit_symbols(["six", "six", "two", "two"]).units == "word"  # two takes of a word each are enough


def test_other_words_are_none_of_ones_own():
    pytest.importorskip("soundfile")
    everything, without = other_words([], RATE), other_words(["banana", "lemons"], RATE)
    assert len(everything) == len(without) + 2  # banana and lemon
    assert all(len(each) > 0.1 * RATE for each in without)


def test_what_is_other_is_not_written():
    symbols = Symbols("word", ("no", "yes"), other=True)
    assert symbols.outputs == 4 and symbols.other_number == 3
    assert symbols.decode([2, 3, 1]) == "yes no"
    assert Symbols.from_dict(symbols.to_dict()) == symbols
    assert not Symbols.from_dict({"units": "word", "known": ["no", "yes"]}).other  # files of before


def test_words_lie_where_they_were_said():
    path = [0, 0, 2, 2, 0, 1, 0, 1, 1, 0]
    logs = np.log(np.eye(3)[path] * 0.97 + 0.01)
    found, _ = best_symbols(logs)
    assert found == (2, 1, 1)
    assert [(first, after) for first, after, _ in alignment(logs, found)] == [(2, 4), (5, 6), (7, 9)]
    assert alignment(logs[:2], (1, 1)) == [] and alignment(logs, ()) == []


def test_opinions_are_corrected_by_what_was_right():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.05, 0.95, 4000)
    right = rng.random(4000) < truth
    too_sure = 1 / (1 + np.exp(-3 * np.log(truth / (1 - truth))))
    corrected = fit_confidence(np.log(too_sure), right)
    before = calibration_error(reliability(too_sure, right))
    after = calibration_error(reliability([corrected(float(np.log(each))) for each in too_sure], right))
    assert before > 0.15 and after < 0.03
    assert corrected.slope == pytest.approx(1 / 3, abs=0.05)
    nothing_known = fit_confidence([-0.1] * 20, [True] * 20)
    assert nothing_known(float(np.log(0.9))) == pytest.approx(0.9)


def slow_distance(costs: np.ndarray) -> float:
    steps, length = costs.shape
    best = np.full((steps + 1, length + 1), np.inf)
    best[0, 0] = 0
    for a in range(steps):
        for b in range(length):
            best[a + 1, b + 1] = costs[a, b] + min(best[a, b], best[a, b + 1], best[a + 1, b])
    return best[steps, length] / (steps + length)


def test_warped_distances_are_those_of_the_plain_recursion():
    rng = np.random.default_rng(0)
    costs, lengths = rng.random((5, 7, 9)).astype(np.float32), np.array([9, 4, 1, 7, 5])
    expected = [slow_distance(costs[take, :, :length]) for take, length in enumerate(lengths)]
    np.testing.assert_allclose(warped_distances(costs, lengths), expected, rtol=1e-6)


def test_plain_methods_tell_the_made_up_words_apart(said: list[Utterance]):
    known = [each for number, each in enumerate(said) if number % 4]
    asked = [each for number, each in enumerate(said) if not number % 4]
    for method in (nearest_take, linear):
        answers = method(known, asked, Cepstra(RATE))
        assert np.mean([answer == each.text for answer, each in zip(answers, asked, strict=True)]) >= 0.9
    few = spread(said, 3)
    assert len(few) == 9 and {each.speaker for each in few} == set(SPEAKERS)


def test_who_is_left_out_and_what_to_record_next(said: list[Utterance]):
    assert held_out_speaker(said) is None  # of two voices none can be spared
    three = [*said, *(each._replace(speaker="eve") for each in said[:5])]
    assert held_out_speaker(three) == "ann"
    found = advice(said[:20], ["up"] * 10, ["down"] * 4 + ["up"] * 6)
    assert any("2 voices" in line for line in found) and any(
        "'up' was heard as 'down' in 4 of 10" in line for line in found
    )
    assert any("Few takes" in line for line in advice(said[:3], [], []))
    assert any("One voice" in line for line in advice(said[:3], [], []))


def test_a_plain_method_wins_only_where_chance_does_not_explain_it():
    def verdict(network: float, plain: float, count: int) -> Verdict:
        return Verdict("takes", True, count, network, plain, 0.1)

    assert verdict(0.9, 0.8, 200).winner == "network"
    assert verdict(0.80, 0.82, 50).winner == "network" and "no difference" in verdict(0.80, 0.82, 50).sentence()
    assert verdict(0.7, 0.9, 200).winner == "nearest_take" and "record more" in verdict(0.7, 0.9, 200).sentence()


def test_a_threshold_for_half_a_mistake_an_hour():
    points = curve([0.2, 0.5, 0.6, 0.95], 2.0, [0.4, 0.7, 0.99, 0.0])
    assert points[0].false_accepts_per_hour == 2.0 and points[-1].misses == 1.0
    best = chosen(points)
    assert 0.6 < best.threshold < 0.7 and best.false_accepts_per_hour == 0.5 and best.misses == 0.5
    assert chosen(points, 0.0).threshold > 0.95


def test_files_of_noise_and_unknown_words_are_used(tmp_path: Path):
    soundfile = pytest.importorskip("soundfile")
    from latchwork.speech.recordings import read_recordings

    for name in ("yes/a_1.wav", "no/a_1.wav", "_background_noise_/n.wav", "_unknown_/u.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, np.zeros(800, np.float32), RATE)
    read = read_recordings(tmp_path)
    assert [path.name for path in read.noise] == ["n.wav"] and [path.name for path in read.others] == ["u.wav"]
