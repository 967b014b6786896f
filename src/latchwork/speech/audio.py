"""Sound from files: any format that libsndfile knows, one channel, at the rate that is asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from latchwork.core.errors import InputError
from latchwork.transforms.spectrogram import Samples

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".au")
LONGEST_SECONDS = 600  # of one recording; a transcript goes with a sentence, not with an hour


def library(name: str) -> Any:
    """A library of the speech extra; raises `InputError` with what to do where it is missing."""
    try:
        return import_module(name)
    except (ImportError, OSError) as error:  # OSError: its own shared library is missing
        raise InputError(f"speech needs {name} ({error}): pip install 'latchwork[speech]'") from None


def read_audio(path: str | Path, rate: int | None = None) -> tuple[Samples, int]:
    """A recording's samples, and how many there are a second.

    Args:
        path: the file; several channels are averaged.
        rate: samples a second wanted; as in the file where None.

    Raises:
        InputError: no such file, no sound in it, or no format that is known.
    """
    soundfile = library("soundfile")
    if not Path(path).is_file():
        raise InputError(f"there is no file {path}")
    try:
        with soundfile.SoundFile(str(path)) as file:
            own = int(file.samplerate)
            if file.frames > LONGEST_SECONDS * own:
                raise InputError(f"{path}: {file.frames / own:.0f} s long, at most {LONGEST_SECONDS} s: cut it up")
            sound = file.read(dtype="float32", always_2d=True).mean(axis=1)
    except (soundfile.SoundFileError, OSError) as error:
        raise InputError(f"{path}: no recording that can be read ({error})") from None
    if not len(sound):
        raise InputError(f"{path}: there is no sound in it")
    if not np.isfinite(sound).all():
        raise InputError(f"{path}: it holds values that are no numbers")
    return resample(sound, own, rate or own), rate or own


def resample(samples: Samples, own: int, rate: int) -> Samples:
    """The same sound at another rate."""
    if own == rate or not len(samples):
        return samples
    return np.asarray(library("soxr").resample(samples, own, rate), np.float32)
