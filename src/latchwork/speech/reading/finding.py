"""From what a table calls a recording to the file that is there."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath


class Finder:
    """Files by the names that tables give them: with or without folders and endings, from Windows, from elsewhere.

    Example:
        >>> found = Finder([Path("corpus/clips/a.mp3"), Path("corpus/clips/b.mp3")]).find
        >>> found("C:\\\\data\\\\clips\\\\a.mp3", Path("corpus")).name, found("b", Path("corpus")).name
        ('a.mp3', 'b.mp3')
    """

    def __init__(self, files: Iterable[Path]) -> None:
        """Index the files by their names and by their names without an ending."""
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for path in files:
            self._by_name[_key(path.name)].append(path)
            self._by_name[_key(path.stem)].append(path)

    def find(self, name: str, folder: Path) -> Path | None:
        """The file that a table in `folder` means; None where there is none, or several fit alike."""
        given = PurePosixPath(_plain(name))
        if (direct := folder / given).is_file():
            return direct
        candidates = self._by_name.get(_key(given.name), [])
        parts = [_key(part) for part in given.with_suffix("").parts]
        for count in range(len(parts), 0, -1):  # the more of its folders agree, the surer
            agreeing = {
                path
                for path in candidates
                if [_key(part) for part in (*path.parts[:-1], path.stem)][-count:] == parts[-count:]
                or [_key(part) for part in path.parts][-count:] == [_key(part) for part in given.parts][-count:]
            }
            if len(agreeing) == 1:
                return agreeing.pop()
        return candidates[0] if len(candidates) == 1 else None


def _plain(name: str) -> str:
    """A path with slashes, whatever system wrote it, without a scheme (DeepSpeech's and Kaldi's `file://`)."""
    plain = name.strip().strip('"').replace("\\", "/").removeprefix("file://")
    return plain[2:] if len(plain) > 1 and plain[1] == ":" else plain


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
