"""What is said, and by whom, by the folders and names of recordings: read where it is certain, else asked about."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from latchwork.core.errors import InputError
from latchwork.speech.reading.lexicon import is_container, is_hash, is_split, is_take, likeness

SURE = 0.3  # of a difference in likeness between two readings
CROSSED = 0.5  # speakers say at least this share of all words, or they are none
FEW = 0.1  # of the files may be placed unlike the others: they are named and left out


class Place(NamedTuple):
    """What a recording's path holds: its folders below the common one, and the parts of its name."""

    path: Path
    folders: tuple[str, ...]
    parts: tuple[str, ...]


class Reading(NamedTuple):
    """Files with word and speaker, how they were read, and those that could not be."""

    items: list[tuple[Path, str, str]]
    layout: str
    left_out: list[tuple[Path, str]]


def read_places(root: Path, files: Sequence[Path]) -> Reading:
    """Words and speakers from where the files lie and what they are called.

    Raises:
        InputError: they do not say, or say it in two ways that both could be meant.
    """
    places = _places(root, files)
    shapes = Counter((len(place.folders), _parts_alike(place)) for place in places)
    shape, count = shapes.most_common(1)[0]
    if count < (1 - FEW) * len(places):
        depths = Counter(len(place.folders) for place in places)
        depth, count = depths.most_common(1)[0]
        if count < (1 - FEW) * len(places) or depth == 0:
            raise InputError(
                f"{root}: recordings are named in {len(shapes)} different ways, such as "
                f"{' and '.join(str(_example(root, places, each)) for each, _ in shapes.most_common(2))}: {_ASK}"
            )
        shape = (depth, 0)
    alike = [place for place in places if len(place.folders) == shape[0] and shape[1] in (0, _parts_alike(place))]
    others = [place.path for place in places if place not in set(alike)]
    roles = _roles(root, alike, shape[0], shape[1])
    items = [(place.path, *_said(place, roles)) for place in alike]
    return Reading(items, _described(roles), [(path, "named unlike the others") for path in others])


def by_template(root: Path, files: Sequence[Path], template: str) -> Reading:
    """As the user says: `{word}`, `{speaker}`, `{take}` and `*` for anything, with `/` between folders.

    Example: `{speaker}/{word}_{take}.wav`.
    """
    if "{word}" not in template or "{" in re.sub(r"\{(word|speaker|take)\}", "", template):
        raise InputError(
            f"got the layout {template!r}: expected {{word}} and, where they are, {{speaker}}, {{take}} and *, "
            "as in '{speaker}/{word}_{take}.wav'"
        )
    pieces = re.split(r"(\{word\}|\{speaker\}|\{take\}|\*)", re.sub(r"\.\w{2,4}$", "", template.replace("\\", "/")))
    groups: set[str] = set()
    pattern = ""
    for piece in pieces:
        if piece.startswith("{"):
            name = piece[1:-1]
            pattern += f"(?P={name})" if name in groups else f"(?P<{name}>[^/]+?)"
            groups.add(name)
        else:
            pattern += "[^/]*?" if piece == "*" else re.escape(piece)
    matcher = re.compile(rf"(?:.*/)?{pattern}")
    items: list[tuple[Path, str, str]] = []
    left_out: list[tuple[Path, str]] = []
    for path in files:
        found = matcher.fullmatch(path.relative_to(root).with_suffix("").as_posix())
        if found is None:
            left_out.append((path, f"not named like {template}"))
        else:
            items.append((path, found["word"], found["speaker"] if "speaker" in groups else ""))
    if not items:
        raise InputError(f"{root}: no recording is named like {template}; one is {files[0].relative_to(root)}")
    return Reading(items, template, left_out)


_ASK = (
    "say where the word stands, as in --layout '{word}_{speaker}_{take}.wav' or '{speaker}/{word}.wav', or write "
    "transcripts.csv (file, text, speaker)"
)


def _places(root: Path, files: Sequence[Path]) -> list[Place]:
    """Each file's place, without the folders that say nothing: common to all, parts of a data set."""
    folders = [list(path.relative_to(root).parent.parts) for path in files]
    changed = True
    while changed:
        changed = False
        depth = max(map(len, folders))
        for level in range(depth):
            names = {own[level] for own in folders if len(own) > level}
            everywhere = all(len(own) > level for own in folders)
            if all(map(is_split, names)) or (everywhere and len(names) == 1 and is_container(next(iter(names)))):
                folders = [own[:level] + own[level + 1 :] for own in folders]
                changed = True
                break
    return [Place(path, tuple(own), _parts(path.stem)) for path, own in zip(files, folders, strict=True)]


def _parts(stem: str) -> tuple[str, ...]:
    """A name cut at underscores, else at blanks, points or hyphens; a number at its end is a part of its own."""
    stem = re.sub(r"\s*\((\d+)\)$", r"_\1", stem)
    separator = "_" if "_" in stem else next((mark for mark in " .-" if mark in stem), "_")
    parts = [part.strip() for part in stem.split(separator) if part.strip()]
    numbered = re.fullmatch(r"([^\W\d_]{2,})[-.]?(\d+)", parts[-1]) if len(parts) == 1 else None
    return numbered.groups() if numbered is not None else tuple(parts) or (stem,)


def _parts_alike(place: Place) -> int:
    return len(place.parts)


def _example(root: Path, places: Sequence[Place], shape: tuple[int, int]) -> Path:
    return next(place.path.relative_to(root) for place in places if (len(place.folders), _parts_alike(place)) == shape)


class Roles(NamedTuple):
    """Which fields of a place, folders first, make up the word, and which is the speaker's (-1 where none)."""

    word: tuple[int, ...]
    speaker: int
    names: tuple[str, ...]  # of all fields: `folder` or `name`


def _field(place: Place, index: int) -> str:
    return (*place.folders, *place.parts)[index]


def _said(place: Place, roles: Roles) -> tuple[str, str]:
    words = " ".join(_field(place, index) for index in roles.word)
    return words, _field(place, roles.speaker) if roles.speaker >= 0 else ""


def _described(roles: Roles) -> str:
    folders = sum(name == "folder" for name in roles.names)
    shown = [
        "{word}" if index in roles.word else "{speaker}" if index == roles.speaker else "*"
        for index in range(len(roles.names))
    ]
    stem = re.sub(r"\{word\}(_\{word\})+", "{word}", "_".join(shown[folders:]))
    return "/".join([*shown[:folders], stem]) + ".wav"


def _roles(root: Path, places: Sequence[Place], folders: int, parts: int) -> Roles:
    """Which field is which; `parts` is 0 where names are of different lengths and say no more than a take."""
    count = folders + parts
    names = ("folder",) * folders + ("name",) * max(parts, 1)
    values = [[_field(place, index) for place in places] for index in range(count)]
    open_fields = [index for index in range(count) if not _is_numbering(values, index, folders, places)]
    open_fields = _without_repeats(values, open_fields, folders)
    if not open_fields:
        raise InputError(f"{root}: names like {places[0].path.relative_to(root)} do not say what is said: {_ASK}")
    if folders > 2 or len(open_fields) > 4:
        raise InputError(f"{root}: names like {places[0].path.relative_to(root)} can be read in several ways: {_ASK}")
    in_name = [index for index in open_fields if index >= folders]
    in_folder = [index for index in open_fields if index < folders]
    if len(open_fields) == 1:
        return _one_field(open_fields[0], values, names, count, folders)
    if not in_folder:
        return _by_name(root, places, in_name, values, names)
    return _between(root, places, in_folder, in_name, values, names)


def _one_field(field: int, values: list[list[str]], names: tuple[str, ...], count: int, folders: int) -> Roles:
    """One field could be the word; a number that recurs across words and takes, before the take, is a speaker's."""
    for index in range(folders, count):
        own = set(values[index])
        recurs = 1 < len(own) < 0.8 * len(values[index])
        if index != field and recurs and any(is_hash(value) for value in own):
            return Roles((field,), index, names)
    numbers = [index for index in range(folders, count - 1) if index != field and len(set(values[index])) > 1]
    return Roles((field,), numbers[0] if numbers and count - folders > 1 and numbers[0] > field else -1, names)


def _by_name(
    root: Path, places: Sequence[Place], fields: list[int], values: list[list[str]], names: tuple[str, ...]
) -> Roles:
    """`WORD_SPEAKER_TAKE`: unless the second part looks like a word more, or the first like a speaker."""
    marks = [likeness(set(values[field])) for field in fields]
    speaker = min(range(len(fields)), key=lambda at: (marks[at], -at))
    if marks[speaker] > SURE:  # each looks like a word: `light_on_1`
        return Roles(tuple(fields), -1, names)
    if marks[speaker] > -SURE:  # no part looks like a speaker: by the order that is documented, if it can be
        speaker = len(fields) - 1
    words = [fields[at] for at in range(len(fields)) if at != speaker]
    if not _crossed(values, words, fields[speaker]):
        raise InputError(
            f"{root}: is {values[fields[speaker]][0]!r} in {places[0].path.name} a speaker or part of what is said? "
            + _ASK
        )
    return Roles(tuple(words), fields[speaker], names)


def _between(
    root: Path, places: Sequence[Place], folders: list[int], parts: list[int], values: list[list[str]],
    names: tuple[str, ...],
) -> Roles:  # fmt: skip
    """A folder and something else could each be the word: by what they look like."""
    candidates = [*folders, *parts]
    marks = {field: likeness(set(values[field])) for field in candidates}
    unique = {field for field in parts if len(set(values[field])) > 0.8 * len(places) and len(places) > 4}
    candidates = [field for field in candidates if field not in unique] or candidates
    if len(candidates) == 1:
        return Roles((candidates[0],), -1, names)
    ranked = sorted(candidates, key=lambda field: -marks[field])
    best, worst = ranked[0], ranked[-1]
    if marks[best] - marks[worst] < SURE:
        shown = [_described(Roles((field,), other, names)) for field, other in ((best, worst), (worst, best))]
        raise InputError(
            f"{root}: {places[0].path.relative_to(root)} may be read as {shown[0]} or as {shown[1]}: say which with "
            "--layout, or write transcripts.csv (file, text, speaker)"
        )
    words = tuple(field for field in candidates if field != worst and marks[best] - marks[field] < SURE)
    return Roles(words, worst, names)


def _crossed(values: list[list[str]], words: list[int], speaker: int) -> bool:
    """Whether the speakers say the same words: else what looks like a speaker is part of the phrase."""
    pairs = {(tuple(values[word][row] for word in words), values[speaker][row]) for row in range(len(values[speaker]))}
    phrases, speakers = {phrase for phrase, _ in pairs}, {name for _, name in pairs}
    if len(speakers) == 1 or len(phrases) == 1:
        return True
    by_speaker: dict[str, int] = defaultdict(int)
    for _, name in pairs:
        by_speaker[name] += 1
    return sum(by_speaker.values()) >= CROSSED * len(phrases) * len(speakers)


def _is_numbering(values: list[list[str]], index: int, folders: int, places: Sequence[Place]) -> bool:
    """Whether a field only tells recordings apart: takes, numbers that a machine drew, the same everywhere."""
    own = set(values[index])
    if index < folders:
        return False
    if all(map(is_hash, own)) or (len(own) == 1 and len(places) > 1 and index > folders):
        return True
    if not all(map(is_take, own)):
        return False
    if not own <= set("0123456789") or len(own) == 1 or index > folders:
        return True
    others = [set(values[other]) for other in range(len(values)) if other != index]
    if any(likeness(other) > SURE and not all(map(is_take, other)) for other in others):  # `yes/ann/1.wav`
        return True
    # Digits are what is said in `7_ann_3.wav` and `ann/7.wav`.
    return bool(folders) and not (len(values) > index + 1 or likeness(set(values[folders - 1])) < -SURE)


def _without_repeats(values: list[list[str]], fields: list[int], folders: int) -> list[int]:
    """Without folders that say what a part of the name says again: `01/7_01_3.wav`, `yes/yes_ann_1.wav`."""
    parts = range(folders, len(values))
    return [
        field
        for field in fields
        if field >= folders
        or not any(all(_same(a, b) for a, b in zip(values[field], values[part], strict=True)) for part in parts)
    ]


def _same(folder: str, part: str) -> bool:
    a, b = folder.casefold(), part.casefold()
    return a == b or (a.lstrip("0") == b.lstrip("0") and a.isdigit() and b.isdigit())
