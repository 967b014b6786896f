"""Cepstra: what must not change them, and what must."""

from __future__ import annotations

import numpy as np
import pytest
from made_up import RATE, say

from latchwork.core.errors import InputError
from latchwork.transforms.cepstra import WINDOW_MS, Cepstra, Change, with_slopes

CEPSTRA = Cepstra(RATE)


@pytest.fixture
def sound() -> np.ndarray:
    return say("up", "ann", np.random.default_rng(0))[:2400]


@pytest.mark.parametrize("gain", [1e-3, 0.01, 30.0])
def test_gain_changes_nothing(sound: np.ndarray, gain: float):
    np.testing.assert_allclose(
        CEPSTRA.transform((gain * sound).astype(np.float32)), CEPSTRA.transform(sound), atol=0.05
    )


@pytest.mark.parametrize("seconds", [0.4, 1.0, 3.0])
def test_silence_around_changes_nothing_inside(sound: np.ndarray, seconds: float):
    quiet = np.zeros(int(seconds * RATE), np.float32)
    alone, around = CEPSTRA.transform(sound), CEPSTRA.transform(np.concatenate([quiet, sound, quiet]))
    first = len(quiet) // (CEPSTRA.hop * CEPSTRA.stack)
    inside = slice(4, len(alone) - 4)  # slopes reach over the edges, and frames at them are half silent
    assert np.abs(around[first:][inside] - alone[inside]).max() < 1.0 < np.ptp(alone)
    more = CEPSTRA.transform(np.concatenate([quiet, quiet, sound, quiet, quiet]))
    np.testing.assert_allclose(more[2 * first :][inside], around[first:][inside], atol=1e-3)


def test_silence_is_the_same_alone_and_beside_speech(sound: np.ndarray):
    alone = CEPSTRA.transform(np.zeros(RATE, np.float32))
    beside = CEPSTRA.transform(np.concatenate([np.zeros(RATE, np.float32), sound]))
    assert np.ptp(alone, axis=0).max() < 1e-4
    assert alone[20, 0] < -20 and beside[20, 0] < -20  # far below the level of speech


def test_a_longer_vocal_tract_is_undone_by_a_warp(sound: np.ndarray):
    """A voice drawn out by 1.1 (lower, slower) is nearer to the first when the mel axis and the tempo follow."""
    places = np.arange(0, len(sound) - 1, 1 / 1.1)
    slow = np.interp(places, np.arange(len(sound)), sound).astype(np.float32)
    wanted = CEPSTRA.transform(sound)[:, :13]

    def distance(change: Change) -> float:
        found = CEPSTRA.transform(slow, change)[:, :13]
        count = min(len(found), len(wanted))
        return float(np.abs(found[:count] - wanted[:count]).mean())

    right = distance(Change(warp=1 / 1.1, tempo=1.1))
    assert right < 0.6 * distance(Change(tempo=1.1)) and right < 0.6 * distance(Change(warp=1.1, tempo=1.1))


def test_tempo_changes_the_number_of_steps_alone(sound: np.ndarray):
    steps = len(CEPSTRA.transform(sound))
    assert len(CEPSTRA.transform(sound, Change(tempo=2.0))) == pytest.approx(steps / 2, abs=2)
    assert len(CEPSTRA.transform(sound, Change(tempo=0.5))) == pytest.approx(2 * steps, abs=2)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_steps_last_as_long_as_they_should(rate: int):
    cepstra = Cepstra(rate)
    steps = len(cepstra.transform(np.random.default_rng(0).normal(size=3 * rate).astype(np.float32)))
    assert steps == pytest.approx((3.0 - WINDOW_MS / 1000) / cepstra.step_seconds, abs=2)
    assert cepstra.transform(np.zeros(1, np.float32)).shape == (1, cepstra.features)


def test_slopes_of_a_line_are_its_slope():
    line = np.outer(np.arange(20), [1.0, -2.0]).astype(np.float32)
    found = with_slopes(line)
    np.testing.assert_allclose(found[5:15, 2:4], [[1.0, -2.0]] * 10, atol=1e-5)
    np.testing.assert_allclose(found[5:15, 4:], 0, atol=1e-5)


@pytest.mark.parametrize(("rate", "bands", "coefficients"), [(10, 26, 13), (8000, 2, 2), (8000, 20, 30)])
def test_cepstra_that_cannot_be_are_refused(rate: int, bands: int, coefficients: int):
    with pytest.raises(InputError, match="expected"):
        Cepstra(rate, bands, coefficients)


def test_the_product_is_the_transform(monkeypatch: pytest.MonkeyPatch, sound: np.ndarray):
    by_product = CEPSTRA.energies(sound)
    monkeypatch.setattr("latchwork.transforms.cepstra.LONGEST_PRODUCT", 0)
    np.testing.assert_allclose(by_product, CEPSTRA.energies(sound), rtol=1e-3, atol=1e-7 * by_product.max())
