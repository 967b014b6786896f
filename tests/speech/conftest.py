"""The recordings that these tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_up import RATE, SPEAKERS, WORDS, say


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 90 recordings named as they are often named."""
    soundfile = pytest.importorskip("soundfile")
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(0)
    for word in WORDS:
        for speaker in SPEAKERS:
            for take in range(15):
                soundfile.write(folder / f"{word}_{speaker}_{take}.wav", say(word, speaker, rng), RATE)
    return folder
