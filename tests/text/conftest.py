"""Two small models that the tests of this folder share, trained once."""

from pathlib import Path

import numpy as np
import pytest

from latchwork.text import LanguageModel

WORDS = ("the cat sat on the mat", "a dog ran to the cat", "the sun is up", "we ran up the hill", "is the dog on a mat")


@pytest.fixture(scope="session")
def story() -> str:
    """Lines of a small world, in an order without a period."""
    lines = np.random.default_rng(0).choice(WORDS, 400)
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def writer(story: str) -> LanguageModel:
    """A model of characters."""
    return LanguageModel(hidden=16, steps=60, progress="none").fit(story)


@pytest.fixture(scope="session")
def typist_file(story: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a model of words."""
    path = tmp_path_factory.mktemp("models") / "words.latch"
    LanguageModel("word", hidden=16, steps=30, progress="none").fit(story).save(path)
    return path


@pytest.fixture(scope="session")
def writer_file(writer: LanguageModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the model of characters."""
    path = tmp_path_factory.mktemp("models") / "characters.latch"
    writer.save(path)
    return path
