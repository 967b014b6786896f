"""A user's own words: counted on the user's machine as they are typed, forgotten when the user says so."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

from latchwork.core.errors import InputError
from latchwork.transforms.vocabulary import WORD

_MOST_WORDS = 5000  # remembered; the oldest go first
_TRUST = 300.0  # words after which what the user typed counts half of `_MOST_SHARE`
_MOST_SHARE = 0.1  # so that what the model knows is never drowned
_AFTER = 2.0  # how sure one is of a word that followed the last word, in occurrences


class PersonalWords:
    """How often the user typed each word, and after which other.

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
        self._total = 0

    def __len__(self) -> int:
        """How many different words are remembered."""
        return len(self._words)

    @property
    def share(self) -> float:
        """How much these words count beside the model, 0 to 0.1, the more the more was typed."""
        return _MOST_SHARE * self._total / (self._total + _TRUST)

    def learn(self, text: str) -> None:
        """Count the words of a text that the user wrote."""
        before = ""
        for word in WORD.findall(text):
            count = self._words.pop(word, 0)
            self._words[word] = count + 1  # put last: the first are the ones not used for longest
            self._after.setdefault(before, Counter())[word] += 1
            self._total += 1
            before = word
        while len(self._words) > _MOST_WORDS:
            oldest = next(iter(self._words))
            self._total -= self._words.pop(oldest)
            self._after.pop(oldest, None)

    def forget(self) -> None:
        """Forget everything."""
        self._words.clear()
        self._after.clear()
        self._total = 0

    def candidates(self, previous: str, letters: str) -> list[str]:
        """The remembered words worth a thought: those that begin with `letters`; without letters, those that followed
        the previous word (empty at the start of a line).
        """
        if not letters:
            return [word for word in self._after.get(previous, ()) if word in self._words]
        return [word for word in self._words if word.startswith(letters)]

    def probability(self, word: str, previous: str) -> float:
        """Of a word after another one, interpolated with the word's own share."""
        if word not in self._words:
            return 0.0
        after = self._after.get(previous, Counter())
        own = self._words[word] / max(1, self._total)
        return (after[word] + _AFTER * own) / (after.total() + _AFTER)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the words to a file that only its owner can read."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump({"words": self._words, "after": self._after}, file, ensure_ascii=False)
        partial.replace(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PersonalWords:
        """Read what `save` wrote; nothing is known where there is no such file.

        Raises:
            InputError: the file is damaged.
        """
        mine = cls()
        if not Path(path).exists():
            return mine
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
            mine._words = Counter({str(w): int(n) for w, n in document["words"].items()})
            mine._after = {str(w): Counter(after) for w, after in document["after"].items()}
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise InputError(f"got {path}: it is no file of personal words; delete it to start anew") from error
        mine._total = mine._words.total()
        return mine
