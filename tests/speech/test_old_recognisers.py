"""A recogniser that the first version saved, which hears log-mel energies, opens and answers as it did then."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import latchwork as lw
from latchwork.speech.model import SpeechModel
from latchwork.transforms.spectrogram import Spectrogram

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "speech"


def test_it_answers_as_it_did(tmp_path: Path):
    answers = np.load(FOLDER / "answers.npz")
    sounds = [answers[f"sound{number}"] for number in range(3)]
    model = SpeechModel.load(FOLDER / "spectrogram.latch")
    assert model.features == Spectrogram(8000, bands=10) and not model.symbols.other
    heard = model.listen(sounds, 8000)
    assert [each.text for each in heard] == answers["texts"].tolist()
    np.testing.assert_allclose([each.probability for each in heard], answers["probabilities"], rtol=1e-4)

    opened = lw.load(FOLDER / "spectrogram.latch")
    opened.save(tmp_path / "again.latch")
    again = SpeechModel.load(tmp_path / "again.latch").listen(sounds, 8000)
    assert again == heard
