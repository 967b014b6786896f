"""What was trained on is found in other texts by its pieces."""

import numpy as np

from latchwork.text.overlap import compare, sketch

RNG = np.random.default_rng(0)
WORDS = ["".join(chr(97 + c) for c in RNG.integers(0, 26, RNG.integers(2, 9))) for _ in range(900)]


def some_text(words: int, seed: int) -> str:
    drawn = np.random.default_rng(seed).choice(WORDS, words)
    return "\n".join(" ".join(drawn[i : i + 9]) for i in range(0, words, 9))


def test_the_training_text_is_recognised_in_a_longer_one_and_the_rest_is_kept() -> None:
    trained, new = some_text(30_000, 1), some_text(6_000, 2)
    found = compare(trained + "\n" + new, sketch([trained], kept=2000), kept=2000)
    assert found.share is not None
    assert abs(found.share - len(trained) / (len(trained) + len(new))) < 0.05
    ((first, last),) = found.unseen
    assert abs(first - len(trained)) < 8000
    assert last == len(trained) + len(new) + 1


def test_spaces_line_ends_and_case_hide_nothing() -> None:
    trained = some_text(5000, 3)
    found = compare(trained.upper().replace("\n", " "), sketch([trained]))
    assert found.share == 1
    assert found.unseen == ()


def test_another_text_shares_nothing() -> None:
    found = compare(some_text(5000, 4), sketch([some_text(5000, 5)]))
    assert found.share is not None
    assert found.share < 1e-3  # two numbers of 32 bits may be the same by chance
    assert len(found.unseen) == 1


def test_a_text_in_chunks_has_nearly_the_same_fingerprints_and_a_tiny_one_none() -> None:
    trained = some_text(9000, 6)
    whole, parts = sketch([trained]), sketch([trained[i : i + 20_000] for i in range(0, len(trained), 20_000)])
    assert len(np.intersect1d(whole, parts)) > 0.97 * len(whole)
    assert compare("too short", whole).share is None
    assert compare(trained, sketch(["tiny"])).share is None
