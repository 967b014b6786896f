"""Where speech begins and ends in a stream of sound: by its loudness above the room's."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import IO

import numpy as np

from latchwork.core.errors import InputError
from latchwork.speech.audio import library
from latchwork.transforms.spectrogram import Samples

CHUNK_MS = 30
LOUDER = 3.0  # than the room, in amplitude (10 dB), is speech
QUIETEST = 1e-3  # of full scale: whatever the room, below this nobody speaks
PAUSE_MS = 450  # without speech end an utterance
KEPT_MS = 150  # before the first loud chunk and after the last belong to it: words begin and end softly
SHORTEST_MS = 90  # of loud sound; less is a click
LONGEST_SECONDS = 20


def utterances(chunks: Iterable[Samples], rate: int) -> Iterator[Samples]:
    """The stretches of speech in a stream of chunks of `CHUNK_MS` each, as they end.

    The room's loudness is the quietest tenth of the last five seconds.
    """
    return (samples for _, samples in timed_utterances(chunks, rate))


def timed_utterances(chunks: Iterable[Samples], rate: int) -> Iterator[tuple[float, Samples]]:
    """As `utterances`, with the second at which each begins."""
    room: deque[float] = deque(maxlen=5000 // CHUNK_MS)
    before: deque[Samples] = deque(maxlen=KEPT_MS // CHUNK_MS)
    speech: list[Samples] = []
    loud = quiet = passed = 0
    start = 0.0
    for chunk in chunks:
        level = float(np.sqrt(np.mean(np.square(chunk)))) if len(chunk) else 0.0
        room.append(level)
        is_loud = level > max(QUIETEST, LOUDER * _tenth(room))
        if speech or is_loud:
            if not speech:
                speech = list(before)
                start = (passed - sum(map(len, before))) / rate
            speech.append(chunk)
            loud, quiet = loud + is_loud, 0 if is_loud else quiet + 1
            if quiet * CHUNK_MS >= PAUSE_MS or sum(map(len, speech)) >= LONGEST_SECONDS * rate:
                if loud * CHUNK_MS >= SHORTEST_MS:
                    yield start, np.concatenate(speech[: len(speech) - max(0, quiet - KEPT_MS // CHUNK_MS)])
                speech, loud, quiet = [], 0, 0
                before.clear()
        else:
            before.append(chunk)
        passed += len(chunk)
    if loud * CHUNK_MS >= SHORTEST_MS:
        yield start, np.concatenate(speech)


def _tenth(levels: Iterable[float]) -> float:
    """The level that a tenth of them does not reach."""
    ordered = sorted(levels)
    return ordered[len(ordered) // 10]


def from_blocks(pieces: Iterable[Samples], rate: int) -> Iterator[Samples]:
    """Chunks of `CHUNK_MS` out of pieces of any length."""
    size = rate * CHUNK_MS // 1000
    rest = np.zeros(0, np.float32)
    for piece in pieces:
        joined = np.concatenate([rest, piece])
        whole = len(joined) // size * size
        yield from joined[:whole].reshape(-1, size)
        rest = joined[whole:]
    if len(rest):
        yield rest


def from_microphone(rate: int) -> Iterator[Samples]:
    """Chunks of sound from the default microphone, until interrupted.

    Raises:
        InputError: there is no microphone, or nothing to read it with.
    """
    sounddevice = library("sounddevice")
    size = rate * CHUNK_MS // 1000
    try:
        with sounddevice.InputStream(samplerate=rate, channels=1, dtype="float32", blocksize=size) as stream:
            while True:
                yield stream.read(size)[0][:, 0].copy()
    except sounddevice.PortAudioError as error:
        raise InputError(f"no microphone can be opened ({error}): pipe sound in with --pipe") from None


def from_pipe(file: IO[bytes], rate: int) -> Iterator[Samples]:
    """Chunks of sound from raw samples of 16 bits, one channel, little endian, at `rate`."""
    size = rate * CHUNK_MS // 1000
    while data := file.read(2 * size):
        yield np.divide(np.frombuffer(data[: len(data) // 2 * 2], "<i2"), 32768, dtype=np.float32)
