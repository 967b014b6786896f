"""What a part of a path looks like: a word, a speaker, a take, or a folder that only holds things."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files


def _listed(name: str) -> frozenset[str]:
    """The words of a list beside this file."""
    return frozenset(files("latchwork.speech.reading").joinpath(f"{name}.txt").read_text("utf-8").split())


CONTAINERS = _listed("folders")  # that only hold things
SPLITS = _listed("parts")  # of a data set
_WORDS = _listed("words")  # digits and commands in some languages: nobody's name
_NAMES = _listed("names")  # first names
_NOISE = re.compile(r"_*(background)?_?(noises?|silences?|babble|musan)_*", re.IGNORECASE)
_OTHER = re.compile(r"_+(unknown|unk|other|others|garbage|reject)_+", re.IGNORECASE)

_SPEAKER = re.compile(
    r"(spk|spkr|speaker|spkid|user|subject|subj|person|participant|reader|talker|voice|id|male|female|man|woman|"
    r"p|s|m|f|u|sp)[-_ ]?\d+[a-z]?",
    re.IGNORECASE,
)
_HASH = re.compile(r"(?=.*\d)[0-9a-f]{6,}", re.IGNORECASE)
_TAKE = re.compile(r"(take|rep|repetition|nr|no|num|v|t|r|utt|clip|sample|rec|recording)?[-_. ]?\d+", re.IGNORECASE)


def is_container(name: str) -> bool:
    """Whether a folder's name says nothing about what is in its recordings."""
    lowered = name.lower()
    parts = re.split(r"[\s_-]+", lowered)
    return (
        (all(part in CONTAINERS or part.isdigit() for part in parts) and not lowered.isdigit())
        or is_split(name)
        or (lowered.isdigit() and len(lowered) > 2)
    )


def is_split(name: str) -> bool:
    """Whether a folder is one of the parts that a data set is published in."""
    return name.lower() in SPLITS


def is_noise(name: str) -> bool:
    """Whether a folder holds noise and no words, as Speech Commands' `_background_noise_`."""
    return _NOISE.fullmatch(name) is not None


def is_other(name: str) -> bool:
    """Whether a folder holds other words, which are not to be told apart: `_unknown_`."""
    return _OTHER.fullmatch(name) is not None


def is_take(value: str) -> bool:
    """Whether this numbers a take."""
    return _TAKE.fullmatch(value) is not None


def is_hash(value: str) -> bool:
    """Whether this is a number that a machine drew: a speaker's, in Speech Commands."""
    return (_HASH.fullmatch(value) is not None and not value.isdigit()) or (len(value) >= 16 and value.isalnum())


def likeness(values: Iterable[str]) -> float:
    """From -1, all of these look like speakers, to 1, all look like words."""
    marks = [_likeness(value) for value in values]
    return sum(marks) / max(len(marks), 1)


def _likeness(value: str) -> float:
    lowered = value.lower()
    words = re.split(r"[\s_-]+", lowered)
    if all(word in _WORDS for word in words) or (lowered.isdigit() and len(lowered) == 1):
        return 1.0
    if lowered in _NAMES or words[0] in _NAMES or _SPEAKER.fullmatch(value) or is_hash(value):
        return -1.0
    if lowered.isdigit():
        return -0.5
    return 0.0
