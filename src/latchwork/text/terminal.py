"""The keyboard in a terminal: suggestions as one types, Tab or 1 to 3 to take one, and a count of the keys saved.

A digit is a digit right after another one, or with Alt; arrows and other keys that a terminal sends as escape sequences
do nothing. What the keyboard corrected by itself, Backspace takes back. Ctrl-P types in private: nothing is learned.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from latchwork.core.errors import InputError
from latchwork.text.folding import fold
from latchwork.text.keyboard import Keyboard, Offer
from latchwork.transforms.segments import is_unspaced

_BACKSPACE, _ENTER, _TAB = ("\x7f", "\x08"), ("\r", "\n"), "\t"
_ENDS = ("\x03", "\x04")  # Ctrl-C, Ctrl-D
_PRIVATE = "\x10"  # Ctrl-P
_ESCAPE = "\x1b"
_ATTACHED = ".,!?;:)"  # takes back the space that a suggestion brought
_ENDS_A_WORD = " .,!?;:)"
_RIGHT_TO_LEFT = ("R", "AL")
_ISOLATED = ("\u2068", "\u2069")  # first strong isolate: a line of Arabic or Hebrew runs its own way

Saved = Callable[[], Any]


class Session:
    """What is being typed, and what it cost. Knows nothing of terminals.

    Attributes:
        line: the line being typed.
        keys: keys pressed.
        characters: characters that these keys wrote.
        offers: what keys 1 to 3 stand for.
        corrected: the word that was changed last, as it was typed, and what it became; None where nothing was.
    """

    def __init__(
        self,
        keyboard: Keyboard,
        context: str = "",
        learn: bool = True,
        correct: bool = False,
        saved: Saved | None = None,
    ) -> None:
        """Start a line after a context.

        Args:
            keyboard: what suggests.
            context: the text before the line.
            learn: whether lines are learned when they end.
            correct: whether a space changes a word that is likely a slip.
            saved: called after every line that was learned.
        """
        self._keyboard, self._context, self._learn, self._correct = keyboard, context, learn, correct
        self._saved = saved or (lambda: None)
        self._brought_space = False
        self.corrected: tuple[str, str] | None = None
        self.line = ""
        self.keys = self.characters = 0
        self.offers = keyboard.offers(context)

    @property
    def suggestions(self) -> list[str]:
        """The words of the offers."""
        return [offer.text for offer in self.offers]

    @property
    def saved(self) -> float:
        """Share of the keystrokes saved so far."""
        return 1 - self.keys / self.characters if self.characters else 0.0

    @property
    def private(self) -> bool:
        """Whether nothing is being learned."""
        return self._keyboard.personal.private

    def press(self, key: str, *, literally: bool = False) -> None:
        """Take one key; `literally`, a digit is no choice but a digit."""
        chosen = 0 if key == _TAB else -1 if literally or self.line[-1:].isdigit() else "123".find(key)
        if key in _BACKSPACE:
            self._take_back()
        elif key in _ENTER:
            self.end_line()
        elif key == _PRIVATE:
            self._keyboard.personal.private = not self.private
        elif 0 <= chosen < len(self.offers):
            self._take(self.offers[chosen])
        elif key.isprintable():
            self._write(key)
        self.offers = self._keyboard.offers(self._context + self.line)

    def end_line(self) -> None:
        """End the line: learn it, save what was learned, and begin the next."""
        if self._correct:
            self._change(self._keyboard.correct(self._context + self.line))
        self._accept()
        if self._learn and self.line.strip():
            self._keyboard.learn(self.line)
            self._saved()
        self._context += self.line.rstrip(" ") + "\n"
        self.line, self._brought_space, self.corrected = "", False, None

    def _take_back(self) -> None:
        """Delete a character; right after a correction, put back what was typed, and take it as meant."""
        self.keys += 1
        self._brought_space = False
        if self.corrected is not None:
            typed, became = self.corrected
            end = self.line[-1]
            self.line = self.line[: -len(became) - 1] + typed + end
            self.characters += len(typed) - len(became)
            self.corrected = None
            if self._learn:
                self._keyboard.personal.keep(typed)
            return
        self.characters -= len(self.line[-1:])
        self.line = self.line[:-1]

    def _write(self, character: str) -> None:
        brought, self._brought_space = self._brought_space, False
        if brought and character in _ATTACHED:
            self.line = self.line[:-1]
            self.characters -= 1
        elif brought and character == " ":
            return
        self._accept()
        if self._correct and not brought and character in _ENDS_A_WORD:
            self._change(self._keyboard.correct(self._context + self.line))
        self.line += character
        self.keys, self.characters = self.keys + 1, self.characters + len(character)

    def _change(self, correction: Offer | None) -> None:
        """Put a correction in the place of what was typed."""
        if correction is None:
            return
        typed = self.line[len(self.line) - correction.replaces :]
        self.line = self.line[: len(self.line) - correction.replaces] + correction.text
        self.characters += len(correction.text) - len(typed)
        self.corrected = typed, correction.text

    def _take(self, offer: Offer) -> None:
        typed = self.line[len(self.line) - offer.replaces :]
        if offer.corrects and self._learn and not self.private and " " not in typed + offer.text:
            self._keyboard.personal.slips.learn(fold(offer.text), fold(typed))
        space = "" if is_unspaced(offer.text[-1]) else " "
        self.line = self.line[: len(self.line) - offer.replaces] + offer.text + space
        self.keys += 1
        self.characters += len(offer.text) + len(space) - len(typed)
        self._brought_space, self.corrected = bool(space), None

    def _accept(self) -> None:
        """A correction that was not taken back was right: that is how this typist slips."""
        if self.corrected is not None and self._learn and not self.private:
            typed, became = self.corrected
            if " " not in typed + became:
                self._keyboard.personal.slips.learn(fold(became), fold(typed))
        self.corrected = None


def type_in_terminal(session: Session, source: TextIO = sys.stdin, target: TextIO = sys.stderr) -> None:
    """Run a session until Ctrl-C or Ctrl-D, or until the terminal goes away; the last line counts without Enter, too.

    Raises:
        InputError: the standard input is no terminal.
    """
    if not source.isatty():
        raise InputError("the standard input is no terminal: give the text with --context")
    try:
        with _every_key(source), _ends_are_ends():
            _show(session, target)
            for key, literally in read_keys(source):
                if key in _ENDS:
                    break
                if key in _ENTER:
                    target.write(f"\r\x1b[J{_isolated(session.line)}\r\n")
                session.press(key, literally=literally)
                _show(session, target)
            target.write("\r\n\x1b[J")
            target.flush()
    except (_GoneError, OSError, KeyboardInterrupt):
        pass  # what was typed is kept all the same
    finally:
        session.end_line()


def read_keys(source: TextIO) -> Iterator[tuple[str, bool]]:
    """The keys as they are pressed, and whether Alt was held; without those that move a cursor that is not there."""
    while key := source.read(1):
        if key != _ESCAPE:
            yield key, False
            continue
        key = source.read(1)
        if key in ("[", "O"):  # a sequence: its last character is the first that is no digit and no sign
            while (key := source.read(1)) and not "@" <= key <= "~":
                pass
        elif key:
            yield key, True


def _show(session: Session, target: TextIO) -> None:
    shown = session.line[-60:]
    offered = "   ".join(f"\x1b[36m{n}\x1b[0m {_isolated(word)}" for n, word in enumerate(session.suggestions, 1))
    count = f"{session.keys} keys for {session.characters} characters, {100 * session.saved:.0f} % saved"
    if session.private:
        count += ", private: nothing is learned"
    if session.corrected is not None:
        count += f", Backspace: {session.corrected[0]}"
    # The line, below it what is offered and the count, and back up behind the line.
    target.write(f"\r\x1b[J{_isolated(shown)}\r\n{offered}\r\n\x1b[2m{count}\x1b[0m\x1b[2A\r")
    if width := _width(shown):
        target.write(f"\x1b[{width}C")
    target.flush()


def _isolated(text: str) -> str:
    """A text that runs from right to left, marked as such, so that what stands around it stays in its place."""
    import unicodedata

    if any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text):
        return _ISOLATED[0] + text + _ISOLATED[1]
    return text


def _width(text: str) -> int:
    """Columns that a text takes: none for marks, two for wide letters."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


class _GoneError(Exception):
    """The terminal was closed, or the program was told to end."""


@contextmanager
def _ends_are_ends() -> Generator[None]:
    """A closed terminal and a polite kill end the session like Ctrl-D, so that nothing typed is lost."""

    def gone(number: int, frame: Any) -> None:
        raise _GoneError

    wanted = [getattr(signal, name) for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name)]
    before = {number: signal.signal(number, gone) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _every_key(source: TextIO) -> Generator[None]:
    """Read keys as they are pressed, without echo, and put the terminal back as it was."""
    import termios
    import tty

    before = termios.tcgetattr(source)
    try:
        tty.setraw(source)
        yield
    finally:
        with suppress(termios.error):  # it was closed
            termios.tcsetattr(source, termios.TCSADRAIN, before)
