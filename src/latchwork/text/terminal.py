"""The keyboard in a terminal: suggestions as one types, Tab or 1 to 3 to take one, and a count of the keys saved.

A digit is a digit right after another one, or with Alt; arrows and other keys that a terminal sends as escape sequences
do nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TextIO

from latchwork.core.errors import InputError
from latchwork.text.keyboard import Keyboard

_BACKSPACE, _ENTER, _TAB = ("\x7f", "\x08"), ("\r", "\n"), "\t"
_ENDS = ("\x03", "\x04")  # Ctrl-C, Ctrl-D
_ESCAPE = "\x1b"
_ATTACHED = ".,!?;:)"  # takes back the space that a suggestion brought


class Session:
    """What is being typed, and what it cost. Knows nothing of terminals.

    Attributes:
        line: the line being typed.
        keys: keys pressed.
        characters: characters that these keys wrote.
        suggestions: what keys 1 to 3 stand for.
    """

    def __init__(self, keyboard: Keyboard, context: str = "", learn: bool = True) -> None:
        """Start a line after a context."""
        self._keyboard, self._context, self._learn = keyboard, context, learn
        self._brought_space = False
        self.line = ""
        self.keys = self.characters = 0
        self.suggestions = keyboard.suggest(context)

    @property
    def saved(self) -> float:
        """Share of the keystrokes saved so far."""
        return 1 - self.keys / self.characters if self.characters else 0.0

    def press(self, key: str, *, literally: bool = False) -> None:
        """Take one key; `literally`, a digit is no choice but a digit."""
        chosen = 0 if key == _TAB else -1 if literally or self.line[-1:].isdigit() else "123".find(key)
        if key in _BACKSPACE:
            self.characters -= len(self.line[-1:])
            self.line = self.line[:-1]
            self.keys += 1
            self._brought_space = False
        elif key in _ENTER:
            self._end_line()
        elif 0 <= chosen < len(self.suggestions):
            self._take(self.suggestions[chosen])
        elif key.isprintable():
            self._write(key)
        self.suggestions = self._keyboard.suggest(self._context + self.line)

    def _write(self, character: str) -> None:
        if self._brought_space and character in _ATTACHED:
            self.line = self.line[:-1]
            self.characters -= 1
        elif self._brought_space and character == " ":
            self._brought_space = False
            return
        self.line += character
        self.keys, self.characters = self.keys + 1, self.characters + len(character)
        self._brought_space = False

    def _take(self, word: str) -> None:
        typed = next((n for n in range(len(word), 0, -1) if self.line.endswith(word[:n])), 0)
        rest = word[typed:] + " "
        self.line += rest
        self.keys, self.characters = self.keys + 1, self.characters + len(rest)
        self._brought_space = True

    def _end_line(self) -> None:
        if self._learn:
            self._keyboard.personal.learn(self.line)
        self._context += self.line.rstrip(" ") + "\n"
        self.line, self._brought_space = "", False


def type_in_terminal(session: Session, source: TextIO = sys.stdin, target: TextIO = sys.stderr) -> None:
    """Run a session until Ctrl-C or Ctrl-D.

    Raises:
        InputError: the standard input is no terminal.
    """
    if not source.isatty():
        raise InputError("the standard input is no terminal: give the text with --context")
    with _every_key(source):
        _show(session, target)
        for key, literally in read_keys(source):
            if key in _ENDS:
                break
            if key in _ENTER:
                target.write(f"\r\x1b[J{session.line}\r\n")
            session.press(key, literally=literally)
            _show(session, target)
        target.write("\r\n\x1b[J")
        target.flush()


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
    offered = "   ".join(f"\x1b[36m{n}\x1b[0m {word}" for n, word in enumerate(session.suggestions, 1))
    count = f"{session.keys} keys for {session.characters} characters, {100 * session.saved:.0f} % saved"
    # The line, below it what is offered and the count, and back up behind the line.
    target.write(f"\r\x1b[J{shown}\r\n{offered}\r\n\x1b[2m{count}\x1b[0m\x1b[2A\r")
    if shown:
        target.write(f"\x1b[{len(shown)}C")
    target.flush()


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
        termios.tcsetattr(source, termios.TCSADRAIN, before)
