"""Sound from files: any format that libsndfile or ffmpeg knows, one channel, at the rate that is asked for."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.transforms.spectrogram import Samples

BY_FFMPEG = (".m4a", ".aac", ".mp4", ".webm", ".wma", ".amr", ".3gp", ".mka")
SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64", ".sph", *BY_FFMPEG)
LONGEST_SECONDS = 600  # of a recording to learn from; a transcript goes with a sentence, not with an hour
BLOCK_SECONDS = 30  # of a long recording that are read at a time
SLOWEST, FASTEST = 2000, 384_000  # samples a second that a header may name
_OPPOSITE = -0.9  # of a correlation between two channels: one of them is wired the wrong way round
SILENT = "digital silence"
QUIETEST_PEAK = 1e-6  # of full scale: digital silence, with room for a dither's last bit at 24


class Sound(NamedTuple):
    """A recording: one channel, samples a second, and what was noticed about it ("" where nothing was)."""

    samples: Samples
    rate: int
    note: str = ""


def library(name: str) -> Any:
    """A library of the speech extra; raises `InputError` with what to do where it is missing."""
    try:
        return import_module(name)
    except (ImportError, OSError) as error:  # OSError: its own shared library is missing
        raise InputError(f"speech needs {name} ({error}): pip install 'latchwork[speech]'") from None


def read_audio(path: str | Path, rate: int | None = None) -> tuple[Samples, int]:
    """A recording's samples, and how many there are a second.

    Args:
        path: the file; several channels are averaged, or one is taken where they are each other's mirror.
        rate: samples a second wanted; as in the file where None.

    Raises:
        InputError: no such file, no sound in it, or no format that is known.
    """
    sound = read_sound(path)
    return resample(sound.samples, sound.rate, rate or sound.rate), rate or sound.rate


def read_sound(path: str | Path) -> Sound:
    """A recording as it is in the file, and what was noticed; raises as `read_audio`."""
    with _opened(Path(path)) as file:
        own = int(file.samplerate)
        if file.frames > LONGEST_SECONDS * own:
            raise InputError(f"{path}: {file.frames / own:.0f} s long, at most {LONGEST_SECONDS} s: cut it up")
        channels = _read(file, path)
    if not len(channels):
        raise InputError(f"{path}: there is no sound in it")
    samples, note = _one_channel(channels)
    _check_numbers(samples, path)
    return Sound(samples, own, "; ".join(filter(None, (note, _noticed(samples, own)))))


def blocks(path: str | Path, rate: int) -> Iterator[Samples]:
    """A recording of any length at `rate`, a block of `BLOCK_SECONDS` after the other; raises as `read_audio`."""
    with _opened(Path(path)) as file:
        own = int(file.samplerate)
        stream = None if own == rate else library("soxr").ResampleStream(own, rate, 1, dtype="float32")
        any_sound, turned = False, None
        while len(channels := _read(file, path, BLOCK_SECONDS * own)):
            any_sound = True
            if turned is None:
                turned = _are_opposite(channels)
            samples = channels[:, 0].copy() if turned else channels.mean(axis=1)
            _check_numbers(samples, path)
            yield samples if stream is None else stream.resample_chunk(samples)
        if not any_sound:
            raise InputError(f"{path}: there is no sound in it")
        if stream is not None and len(rest := stream.resample_chunk(np.zeros(0, np.float32), last=True)):
            yield rest


def seconds(path: str | Path) -> float:
    """How long a recording is; raises as `read_audio`."""
    with _opened(Path(path)) as file:
        return file.frames / file.samplerate


def resample(samples: Samples, own: int, rate: int) -> Samples:
    """The same sound at another rate."""
    if own == rate or not len(samples):
        return samples
    return np.asarray(library("soxr").resample(samples, own, rate), np.float32)


@contextmanager
def _opened(path: Path) -> Generator[Any]:
    """The file, as libsndfile opens it; what it does not know is converted by ffmpeg where that is installed."""
    soundfile = library("soundfile")
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    try:
        file = soundfile.SoundFile(str(path))
        if not file.frames and file.format == "WAV":
            file = soundfile.SoundFile(_with_its_length(path))
    except (soundfile.SoundFileError, OSError) as error:
        file = _by_ffmpeg(soundfile, path, str(error))
    with file:
        if not SLOWEST <= file.samplerate <= FASTEST:
            raise InputError(
                f"{path}: its header says {file.samplerate:,} samples a second, expected {SLOWEST:,} to {FASTEST:,}"
            )
        yield file


def _with_its_length(path: Path) -> io.BytesIO:
    """A WAV file whose header says that it is empty, as a recorder leaves it that was switched off: to the end."""
    content = bytearray(path.read_bytes())
    data = content.find(b"data", 12)
    if data > 0:
        content[data + 4 : data + 8] = max(0, len(content) - data - 8).to_bytes(4, "little")
    return io.BytesIO(content)


def _by_ffmpeg(soundfile: Any, path: Path, reason: str) -> Any:
    """The sound in a file that libsndfile does not read, through ffmpeg and a file in memory."""
    program = shutil.which("ffmpeg")
    if program is None:
        hint = " (ffmpeg reads it: install ffmpeg)" if path.suffix.lower() in (*BY_FFMPEG, ".opus") else ""
        raise InputError(f"{path}: no recording that can be read: {_one_line(reason)}{hint}")
    command = [
        program,
        "-v",
        "error",
        "-nostdin",
        "-i",
        str(path),
        "-map",
        "0:a:0",
        "-f",
        "au",
        "-c:a",
        "pcm_f32be",
        "-",
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{path}: no recording that can be read: {_one_line(str(error))}") from None
    try:
        if not done.stdout:
            raise ValueError
        return soundfile.SoundFile(io.BytesIO(done.stdout))
    except (soundfile.SoundFileError, ValueError):
        raise InputError(f"{path}: no recording that can be read: {_one_line(reason)}") from None


def _one_line(text: str) -> str:
    return " ".join(text.split())[-160:]


def _read(file: Any, path: str | Path, frames: int = -1) -> NDArray[np.float32]:
    """`[samples, channels]`; a file that ends early gives what is there."""
    soundfile = library("soundfile")
    try:
        return file.read(frames, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, ValueError, MemoryError) as error:
        raise InputError(f"{path}: damaged ({_one_line(str(error))})") from None


def _check_numbers(samples: Samples, path: str | Path) -> None:
    if not np.isfinite(samples).all():
        raise InputError(f"{path}: it holds values that are no numbers")


def _one_channel(channels: NDArray[np.float32]) -> tuple[Samples, str]:
    """The mean of the channels; where two are each other's mirror, the mean would be silence: the louder one."""
    if _are_opposite(channels):
        return channels[:, int(np.square(channels).sum(axis=0).argmax())].copy(), (
            "its two channels are each other's mirror (one is wired the wrong way round): one is used"
        )
    return channels.mean(axis=1), ""


def _are_opposite(channels: NDArray[np.float32]) -> bool:
    if channels.shape[1] != 2:
        return False
    left, right = channels[:, 0].astype(np.float64), channels[:, 1].astype(np.float64)
    scale = float(np.sqrt((left @ left) * (right @ right)))
    return scale > 0 and float(left @ right) / scale < _OPPOSITE


def _noticed(samples: Samples, rate: int) -> str:
    """What is wrong with a recording that can still be used."""
    peak = float(np.abs(samples).max())
    if peak < QUIETEST_PEAK:
        return SILENT
    clipped = float(np.mean(np.abs(samples) > 0.999 * peak))
    if clipped > 0.01 and len(samples) > rate // 10:
        return f"clipped: {clipped:.0%} of its samples are at the limit"
    return ""
