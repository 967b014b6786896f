"""Kneser-Ney against its definition, and the same model in every form it takes."""

import numpy as np
import pytest

from latchwork.core.errors import InputError
from latchwork.text.ngram import NGram

RNG = np.random.default_rng(0)
IDS = RNG.choice(12, 3000, p=RNG.dirichlet(np.full(12, 0.5)))
IDS[1::3] = (IDS[0::3] * 5 + 1) % 12  # some order to find


def kneser_ney(ids: list[int], tokens: int, order: int, context: tuple[int, ...], token: int) -> float:
    """The textbook's recursion, counted anew at every call (Chen & Goodman 1999, equations 18 to 24)."""

    def grams(n: int) -> list[tuple[int, ...]]:
        return [tuple(ids[i : i + n]) for i in range(len(ids) - n + 1)]

    def counts(n: int) -> dict[tuple[int, ...], int]:
        found = {gram: grams(n).count(gram) for gram in set(grams(n))}
        if n == order:
            return found
        longer = set(grams(n + 1))
        return {gram: max(1, sum(1 for g in longer if g[1:] == gram)) for gram in found}

    def discounts(n: int) -> list[float]:
        table = list(counts(n).values())
        n1, n2, n3, n4 = (table.count(c) for c in (1, 2, 3, 4))
        if min(n1, n2, n3) == 0:
            return [0, 0.5, 1.0, 1.5]
        y = n1 / (n1 + 2 * n2)
        raw = [0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        return [min(max(d, 0), top) for d, top in zip(raw, (0, 0.99, 1.99, 2.99), strict=True)]

    def probability(context: tuple[int, ...], token: int) -> float:
        table, d = counts(len(context) + 1), discounts(len(context) + 1)
        after = {g: c for g, c in table.items() if g[:-1] == context}
        shorter = probability(context[1:], token) if context else 1 / tokens
        if not after:
            return shorter
        total = sum(after.values())
        freed = sum(d[min(c, 3)] for c in after.values()) / total
        c = after.get((*context, token), 0)
        return (c - d[min(c, 3)]) / total + freed * shorter

    return probability(context, token)


def test_it_is_modified_kneser_ney() -> None:
    ids = IDS[:300]
    model = NGram.fit(ids, 12, order=3)
    listed = ids.tolist()
    for context in [(listed[5], listed[6]), (listed[40], listed[41]), (11, 11)]:
        expected = [kneser_ney(listed, 12, 3, context, token) for token in range(12)]
        # Shares are stored in steps of 6.5 %, so compare with that much room.
        np.testing.assert_allclose(model.distribution(context), expected, rtol=0.08, atol=2e-3)


def test_every_distribution_sums_to_one() -> None:
    model = NGram.fit(IDS, 12, order=4)
    for context in [(), (3,), (3, 4), (11, 0, 11), (1, 2, 3, 4, 5)]:
        assert model.distribution(context).sum() == pytest.approx(1, abs=1e-6)


def test_a_whole_text_costs_what_its_steps_cost() -> None:
    model = NGram.fit(IDS, 12, order=4)
    state, probabilities, steps = model.initial_state(), model.distribution(()), []
    for token in IDS[:200].tolist():
        steps.append(-np.log2(probabilities[token]))
        probabilities, state = model.step(token, state)
    np.testing.assert_allclose(model.bits(IDS[:200]), steps, rtol=1e-9)


def test_it_learns_order_that_lower_orders_cannot_see() -> None:
    held_out = IDS[2000:]
    bits = [NGram.fit(IDS[:2000], 12, order).bits(held_out).mean() for order in (1, 2)]
    assert bits[1] < bits[0] - 0.3


def test_pruning_keeps_to_the_size_and_loses_little() -> None:
    whole = NGram.fit(IDS, 12, order=4)
    for share, loss in [(0.8, 0.15), (0.5, 0.5)]:
        limit = int(whole.nbytes * share)
        pruned = NGram.fit(IDS, 12, order=4, most_bytes=limit)
        assert 0.5 * limit < pruned.nbytes <= limit
        assert pruned.bits(IDS).mean() < whole.bits(IDS).mean() + loss
        assert pruned.distribution((3, 4, 5)).sum() == pytest.approx(1, abs=1e-6)


def test_arrays_hold_the_model_and_nothing_more() -> None:
    model = NGram.fit(IDS, 12, order=3)
    again = NGram.from_arrays(model.arrays())
    assert np.array_equal(again.bits(IDS), model.bits(IDS))
    assert model.nbytes == sum(array.nbytes for array in model.arrays().values())


def test_arrays_that_do_not_fit_together_are_refused() -> None:
    arrays = NGram.fit(IDS, 12, order=3).arrays()
    with pytest.raises(InputError, match="order 3"):
        NGram.from_arrays(arrays | {"3.codes": arrays["3.codes"][:-1]})
    with pytest.raises(InputError, match="order 2"):
        NGram.from_arrays(arrays | {"2.tokens": arrays["2.tokens"] + 100})
    with pytest.raises(InputError, match="without its array"):
        NGram.from_arrays({"2.tokens": arrays["2.tokens"]})


@pytest.mark.parametrize("ids", [[0], [0, 0, 0, 0], [1, 0]])
def test_tiny_and_constant_texts_still_give_a_distribution(ids: list[int]) -> None:
    model = NGram.fit(np.array(ids), 3, order=4)
    assert model.distribution(ids).sum() == pytest.approx(1, abs=1e-6)
    assert np.isfinite(model.bits(np.array(ids))).all()


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(InputError):
        NGram.fit(np.array([], int), 3)
