"""More voices than were recorded: the same texts, spoken by a synthesiser that is installed."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Sequence

import numpy as np

from latchwork.core.errors import InputError
from latchwork.speech.audio import library, resample
from latchwork.speech.loading import Utterance
from latchwork.transforms.spectrogram import Samples

MACHINE = "espeak-ng"  # the beginning of the names of its speakers
VARIANTS = (
    "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "klatt", "klatt2", "klatt3", "klatt4",
    "Andy", "Annie", "belinda", "steph", "linda", "Lee", "max", "Michael", "grandpa", "grandma", "adam", "ed", "Hugo",
)  # fmt: skip
WORDS_A_MINUTE, PITCHES = (120, 230), (15, 90)
SHARE = 0.5  # of the recordings, that synthetic ones may be as many as
_EDGE = 0.02  # of the loudest sample: what is quieter at both ends is cut off
_SECONDS = 20  # that a text may take to be spoken


def synthesised(
    texts: Sequence[str], voices: int, rate: int, language: str = "en", most: int | None = None, seed: int = 0
) -> list[Utterance]:
    """Each text by so many voices, at `rate`; of more than `most` utterances, that many drawn at random.

    Args:
        texts: each once.
        voices: that say all of them; each has a speed and a pitch of its own.
        rate: samples a second.
        language: as espeak-ng names it: `en-us`, `de`, `hi`.
        most: utterances at most.
        seed: of all that is drawn.

    Raises:
        InputError: espeak-ng is not installed, or knows no such language.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise InputError("synthetic voices need espeak-ng on the path: install espeak-ng, or leave --synthetic out")
    listed = subprocess.run([program, f"--voices={language}"], capture_output=True, check=False).stdout
    if len(listed.splitlines()) < 2:  # a header, and a line a voice
        raise InputError(f"espeak-ng knows no language {language!r}: espeak-ng --voices lists them, give --language")
    rng = np.random.default_rng([seed, 12])
    spoken = [(text, voice) for voice in range(voices) for text in texts]
    settings = [(rng.integers(*WORDS_A_MINUTE), rng.integers(*PITCHES)) for _ in range(voices)]
    if most is not None and len(spoken) > most:
        spoken = [spoken[index] for index in np.sort(rng.permutation(len(spoken))[:most])]
    made: list[Utterance] = []
    for text, voice in spoken:
        speed, pitch = settings[voice]
        name = f"{language}+{VARIANTS[voice % len(VARIANTS)]}"
        samples = _said(program, text, name, int(speed), int(pitch), rate)
        if len(samples):
            made.append(Utterance(samples, text, f"{MACHINE} {voice}"))
    if not made:
        raise InputError(
            f"espeak-ng says nothing of {texts[0]!r} in the language {language!r}: give another --language"
        )
    return made


def _said(program: str, text: str, voice: str, speed: int, pitch: int, rate: int) -> Samples:
    command = [program, "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", "--", text]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
        samples, own = library("soundfile").read(io.BytesIO(done.stdout), dtype="float32")
    except (subprocess.TimeoutExpired, OSError, RuntimeError):
        return np.zeros(0, np.float32)
    loud = np.flatnonzero(np.abs(samples) > _EDGE * np.abs(samples).max(initial=0))
    if not len(loud):
        return np.zeros(0, np.float32)
    edge = own // 50
    return resample(samples[max(0, loud[0] - edge) : loud[-1] + edge], own, rate)
