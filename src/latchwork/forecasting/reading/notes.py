"""What was done on the way from a file to a panel, said in sentences and sorted by how much it could hurt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

GUESSED = 3  # another reading was possible, and it would give another forecast
CHANGED = 2  # values were dropped, merged, filled in or cut off
ASSUMED = 1  # a choice that most would make
FACT = 0


class Note(str):
    """A sentence for people, and `severity`: how much it could hurt if it were wrong (`GUESSED` most).

    It is a text like any other note, so that lists of notes may hold both.

    Example: Note("3 gaps were bridged", CHANGED).severity == CHANGED
    """

    severity: int

    def __new__(cls, text: str, severity: int = FACT) -> Note:
        """A text that knows its severity."""
        note = super().__new__(cls, text)
        note.severity = severity
        return note


def severity(note: str) -> int:
    """How much a note could hurt; plain texts count as facts."""
    return note.severity if isinstance(note, Note) else FACT


def by_severity(notes: Iterable[str]) -> tuple[str, ...]:
    """Notes without repetition, those that could hurt most first, otherwise in their order."""
    return tuple(sorted(dict.fromkeys(notes), key=lambda note: -severity(note)))


def count_of(number: int, noun: str) -> str:
    """ "1 row", "1,200 rows", "3 series"."""
    return f"{number:,} {noun}{'' if number == 1 or noun.endswith('s') else 's'}"


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few of a list in words: "a, b and 7 more"."""
    shown = [str(name) for name in names[:most]]
    return ", ".join(shown) + (f" and {len(names) - most:,} more" if len(names) > most else "")
