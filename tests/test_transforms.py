"""What is fitted beside a network: scalers and labels, over ragged sequences, and the checks of what users bring."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from latchwork.core.errors import InputError
from latchwork.transforms import scaling
from latchwork.transforms.labels import MISSING, Labels, as_labels, fit_labels
from latchwork.transforms.scaling import Scaler, minmax_scaler, standard_scaler
from latchwork.transforms.sequences import as_sequences

ragged = st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 3)).flatmap(
    lambda shape: st.tuples(
        npst.arrays("float32", shape, elements=st.floats(-1e3, 1e3, width=32)),
        npst.arrays("int32", shape[0], elements=st.integers(1, shape[1])),
    )
)


def joined(inputs: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The real steps, one sequence at a time: the slow way."""
    return np.concatenate([row[:length] for row, length in zip(inputs, lengths, strict=True)]).astype("float64")


@given(ragged)
def test_scalers_see_real_steps_alone(batch: tuple[np.ndarray, np.ndarray]):
    inputs, lengths = batch
    steps = joined(inputs, lengths)
    standard, minmax = standard_scaler(inputs, lengths), minmax_scaler(inputs, lengths)
    np.testing.assert_allclose(standard.offset, steps.mean(axis=0), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(minmax.offset, steps.min(axis=0))
    spread = steps.std(axis=0)
    varied = spread > 1e-6 * (1 + np.abs(steps).max(axis=0))
    np.testing.assert_allclose(standard.scale[varied], spread[varied], rtol=1e-9)
    np.testing.assert_allclose(minmax.scale[varied], np.ptp(steps, axis=0)[varied], rtol=1e-12)
    scaled = minmax.transform(inputs, lengths)
    real = scaling.real_steps(inputs.shape[1], lengths)
    assert scaled.dtype == np.float32 and not scaled[~real].any()
    assert scaled[real].min() >= 0 and scaled[real].max() <= 1 + 1e-6


@given(ragged)
def test_inverse_undoes_transform(batch: tuple[np.ndarray, np.ndarray]):
    inputs, lengths = batch
    for scaler in (standard_scaler(inputs, lengths), minmax_scaler(inputs, lengths)):
        again = Scaler(**scaler.arrays())
        there = again.inverse(scaler.transform(inputs, lengths))
        np.testing.assert_allclose(joined(there, lengths), joined(inputs, lengths), atol=2e-3)


@pytest.mark.parametrize("fit", [standard_scaler, minmax_scaler])
@pytest.mark.parametrize("value", [0.0, 0.1, -1e6, 1e30])
def test_a_constant_feature_becomes_zero_and_stays_so(fit, value: float):
    inputs = np.full((997, 31, 1), value, np.float32)
    scaler = fit(inputs)
    assert scaler.scale[0] == 1
    assert np.abs(scaler.transform(inputs)).max() <= 1e-9 * abs(value)


def test_small_variation_around_a_large_level_is_kept():
    inputs = (1000 + np.linspace(-0.5, 0.5, 200, dtype="float32")).reshape(10, 20, 1)
    assert abs(standard_scaler(inputs).transform(inputs).std() - 1) < 1e-3


def test_blocks_do_not_change_the_statistics(monkeypatch: pytest.MonkeyPatch):
    inputs = np.random.default_rng(0).normal(5, 2, (50, 7, 3)).astype("float32")
    lengths = np.random.default_rng(1).integers(1, 8, 50)
    whole = standard_scaler(inputs, lengths), minmax_scaler(inputs, lengths)
    monkeypatch.setattr(scaling, "BLOCK_VALUES", 64)
    parts = standard_scaler(inputs, lengths), minmax_scaler(inputs, lengths)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a.offset, b.offset, rtol=1e-14)
        np.testing.assert_allclose(a.scale, b.scale, rtol=1e-14)


def test_another_number_of_features_is_refused():
    scaler = standard_scaler(np.ones((2, 3, 4), np.float32))
    with pytest.raises(InputError, match="got 5 features, expected 4 as in training"):
        scaler.transform(np.ones((2, 3, 5), np.float32))


@given(
    st.lists(st.text(), min_size=2, max_size=9)
    | st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=9)
    | st.lists(st.booleans(), min_size=2, max_size=9)
)
def test_labels_round_trip(values: list):
    values = [value.rstrip("\0") if isinstance(value, str) else value for value in values]  # NumPy drops these
    if any(isinstance(value, str) and value.strip() in MISSING for value in values):
        with pytest.raises(InputError, match=r"the label of row \d+ is missing"):
            fit_labels(values)
        return
    values = [value.strip() if isinstance(value, str) else value for value in values]
    if len(set(values)) < 2:
        with pytest.raises(InputError, match="one class only"):
            fit_labels(values)
        return
    labels = fit_labels(values)
    numbers = labels.encode(values)
    assert numbers.dtype == np.int32 and set(numbers.tolist()) == set(range(len(labels.classes)))
    assert labels.decode(numbers).tolist() == values
    assert list(labels.classes) == sorted(set(values))


def test_labels_that_mean_the_same_are_the_same():
    expected = [3, 1, 3]
    for values in (np.array([3.0, 1.0, 3.0]), np.array(expected, object), np.array(expected, "uint8")):
        assert fit_labels(values).classes == (1, 3)
        assert Labels((1, 3)).encode(values).tolist() == [1, 0, 1]
    assert fit_labels(np.array([b"a", b"b"])).classes == ("a", "b")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "not one label"),
        ([1, 1], "one class only, 1"),
        (np.eye(3), r"one-hot rows use y\.argmax\(axis=1\)"),
        (np.zeros((3, 1)), r"use y\[:, 0\]"),
        ([1.0, float("nan")], "the label of row 1 is missing"),
        ([1.0, 2.5], "the label 2.5 has a fraction"),
        (np.array([1, "a"], object), "labels mix int and str"),
        (np.array(["a", None], object), "the label of row 1 is missing"),
        ([1j, 2j], "got complex128"),
    ],
)
def test_bad_labels(values, reason: str):
    with pytest.raises(InputError, match=reason):
        fit_labels(values)


def test_an_unseen_label_is_named():
    with pytest.raises(InputError, match="the label 'c' was not in the training set, which had 'a', 'b'"):
        Labels(("a", "b")).encode(["a", "c"])
    assert as_labels(["a"]).tolist() == ["a"]


@pytest.mark.parametrize(
    ("X", "lengths", "reason"),
    [
        (np.zeros((4, 3)), None, r"is \(batch, time, features\); for one feature use X\[\.\.\., None\]"),
        (np.zeros((0, 3, 1)), None, "there is nothing in it"),
        ([["a"]], None, "X holds <U1 where numbers belong"),
        (np.zeros((2, 3, 1)), [3], r"got lengths of shape \(1,\)"),
        (np.zeros((2, 3, 1)), [3, 4], r"lengths\[1\] is 4: expected 1 to 3"),
        (np.zeros((2, 3, 1)), [3, 0.5], "expected 2 whole numbers"),
        (np.full((2, 3, 1), np.nan), None, r"X\[0, 0, 0\] is missing \(6 such values"),
        (np.full((2, 3, 1), 1e300), None, "too large for float32"),
    ],
)
def test_bad_batches(X, lengths, reason: str):
    with pytest.raises(InputError, match=reason):
        as_sequences(X, lengths)


def test_what_lies_past_a_length_is_ignored():
    X = np.array([[[1.0], [np.nan]], [[2.0], [3.0]]])
    inputs, lengths = as_sequences(X, [1, 2])
    assert inputs.ravel().tolist() == [1, 0, 2, 3] and lengths.tolist() == [1, 2]


def test_a_list_of_sequences_of_different_lengths_is_padded():
    inputs, lengths = as_sequences([[[1.0]], [[2.0], [3.0]]])
    assert lengths.tolist() == [1, 2] and inputs[:, :2, 0].tolist() == [[1, 0], [2, 3]]
