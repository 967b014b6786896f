"""A user's own words: counted on the user's machine as they are typed, forgotten when the user says so."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from latchwork.core.errors import InputError, LatchworkError
from latchwork.text.channel import Slips
from latchwork.text.folding import fold
from latchwork.text.secrets import learnable

_MOST_WORDS = 5000  # remembered; the oldest go first
_TRUST = 300.0  # words after which what the user typed counts half of `_MOST_SHARE`
_MOST_SHARE = 0.1  # so that what the model knows is never drowned
_AFTER = 2.0  # how sure one is of a word that followed the last word, in occurrences
_DOUBTED = 3  # times that what looks like a slip has to be typed before it is a word


class PersonalWords:
    """How often the user typed each word, and after which other; and how the user slips.

    Attributes:
        slips: of the user's fingers, from what was corrected.
        private: while true, nothing is learned.

    Example:
        >>> mine = PersonalWords()
        >>> mine.learn("see you at Zoltan's, say hi to Zoltan's cat")
        >>> mine.probability("Zoltan's", "at") > mine.probability("Zoltan's", "say")
        True
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._words: Counter[str] = Counter()
        self._after: dict[str, Counter[str]] = {}
        self._doubted: Counter[str] = Counter()
        self._total = 0
        self._folded: dict[str, str] = {}
        self.slips = Slips()
        self.private = False

    def __len__(self) -> int:
        """How many different words are remembered."""
        return len(self._words)

    @property
    def share(self) -> float:
        """How much these words count beside the model, 0 to 0.1, the more the more was typed."""
        return _MOST_SHARE * self._total / (self._total + _TRUST)

    def listed(self) -> list[tuple[str, int]]:
        """The words and how often each was typed, the most frequent first."""
        return sorted(self._words.items(), key=lambda item: (-item[1], item[0]))

    def times(self, word: str) -> int:
        """How often a word was typed."""
        return self._words[word]

    def learn(self, text: str, looks_like_a_slip: Callable[[str], bool] | None = None) -> None:
        """Count the words of a text that the user wrote; passwords, numbers and addresses are left out.

        Args:
            text: a line, or several.
            looks_like_a_slip: whether a word that was never typed before is rather a slip; such a one is learned
                when it was typed three times, unless it has a capital inside a line.
        """
        if self.private:
            return
        for line in text.split("\n"):
            for number, stretch in enumerate(learnable(line)):
                before: str | None = "" if number == 0 else None
                for word in stretch:
                    is_name = before != "" and word[:1].isupper()  # written on purpose, inside a line
                    learned = self._count(word, before, None if is_name else looks_like_a_slip)
                    before = word if learned else None
        while len(self._words) > _MOST_WORDS:
            self.remove(next(iter(self._words)))

    def _count(self, word: str, before: str | None, looks_like_a_slip: Callable[[str], bool] | None) -> bool:
        if word not in self._words and looks_like_a_slip is not None and looks_like_a_slip(word):
            self._doubted[word] += 1
            if self._doubted[word] < _DOUBTED:
                return False
            del self._doubted[word]
        count = self._words.pop(word, 0)
        self._words[word] = count + 1  # put last: the first are the ones not used for longest
        self._folded[word] = fold(word)
        if before is not None:
            self._after.setdefault(before, Counter())[word] += 1
        self._total += 1
        return True

    def keep(self, word: str) -> None:
        """Take a word as meant: the user took back its correction."""
        if not self.private and learnable(word) == [[word]]:
            self._doubted.pop(word, None)
            self._count(word, None, None)
            self._count(word, None, None)

    def remove(self, word: str) -> bool:
        """Forget one word; whether it was known."""
        count = self._words.pop(word, 0)
        self._total -= count
        self._folded.pop(word, None)
        self._after.pop(word, None)
        doubted = self._doubted.pop(word, 0)
        for following in self._after.values():
            following.pop(word, None)
        return count + doubted > 0

    def forget(self) -> None:
        """Forget everything."""
        self._words.clear()
        self._after.clear()
        self._folded.clear()
        self._doubted.clear()
        self._total = 0
        self.slips.letters = 0
        self.slips.kinds.clear()
        self.slips.keys.clear()

    def candidates(self, previous: str, letters: str) -> list[str]:
        """The remembered words worth a thought: those that begin with `letters`; without letters, those that followed
        the previous word (empty at the start of a line).
        """
        if not letters:
            return [word for word in self._after.get(previous, ()) if word in self._words]
        folded = fold(letters)
        return [word for word, own in self._folded.items() if own.startswith(folded)]

    def probability(self, word: str, previous: str) -> float:
        """Of a word after another one, interpolated with the word's own share."""
        if word not in self._words:
            return 0.0
        after = self._after.get(previous, Counter())
        own = self._words[word] / max(1, self._total)
        return (after[word] + _AFTER * own) / (after.total() + _AFTER)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the words to a file that only its owner can read.

        Raises:
            InputError: the path is a folder.
            LatchworkError: the file cannot be written.
        """
        path = _file(path)
        document = {
            "words": self._words,
            "after": self._after,
            "doubted": self._doubted,
            "slips": {"letters": self.slips.letters, "kinds": self.slips.kinds, "keys": self.slips.keys},
        }
        partial = path.with_name(path.name + ".partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
                json.dump(document, file, ensure_ascii=False)
            partial.replace(path)
        except OSError as error:
            raise LatchworkError(f"could not write your words to {path}: {error.strerror or error}") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PersonalWords:
        """Read what `save` wrote; nothing is known where there is no such file.

        Raises:
            InputError: the file is damaged, cannot be read, or is a folder.
        """
        mine, path = cls(), _file(path)
        if not path.exists():
            return mine
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            mine._words = _counter(document["words"])
            mine._after = {str(w): _counter(after) for w, after in document["after"].items()}
            mine._doubted = _counter(document.get("doubted", {}))
            slips = document.get("slips", {})
            mine.slips = Slips(
                int(slips.get("letters", 0)), _counter(slips.get("kinds", {})), _counter(slips.get("keys", {}))
            )
        except OSError as error:
            raise InputError(f"got {path}: it cannot be read ({error.strerror})") from error
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise InputError(f"got {path}: it is no file of personal words; delete it to start anew") from error
        mine._total = mine._words.total()
        mine._folded = {word: fold(word) for word in mine._words}
        return mine


def _counter(found: Any) -> Counter[str]:
    counted = Counter({str(key): int(times) for key, times in found.items()})
    if any(times < 0 for times in counted.values()):
        raise ValueError("a negative count")
    return counted


def _file(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if path.is_dir():
        raise InputError(
            f"got {path}: it is a folder; give the name of a file for your words, such as {path / 'words.json'}"
        )
    return path
