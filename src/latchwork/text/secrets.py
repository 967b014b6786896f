"""What a keyboard must not learn: passwords, numbers, addresses. What is left of a line is words."""

from __future__ import annotations

import re

from latchwork.transforms.segments import words_of

_LONGEST = 30  # letters of a word worth learning
_WORDS_AFTER = 3  # words after "password" that are not learned
_ASKS = re.compile(
    r"^(?:pass(?:word|code|phrase)?s?|pwd|pin|login|passwort|kennwort|kennung|contraseña|clave|senha|motdepasse|"
    r"пароль|пин|密码|密碼)$",
    re.IGNORECASE,
)
_NAME = re.compile(r"^(?:[A-Z][a-z]{1,3}[A-Z][a-z]+|[a-z][A-Z][a-z]+)$")  # McDonald, LaTeX, iPhone
_NUMBERED = re.compile(r"^\d{1,5}[a-z]?$", re.IGNORECASE)
_STREET = re.compile(
    r"(?:straße|strasse|gasse|weg|platz|allee)$|^(?:street|st|road|rd|avenue|ave|lane|drive|rue|calle|via|ул|улица)$",
    re.IGNORECASE,
)


def learnable(line: str) -> list[list[str]]:
    """The words of a line that may be learned, in stretches of neighbours.

    Left out are whole pieces between spaces that hold digits, an @, a slash, an underscore or a full stop inside
    (addresses of mail and pages, card numbers, most passwords); pieces with capitals inside or signs between letters;
    what follows the word "password" and its like; and the street of a house number.

    Example:
        >>> learnable("meet Zoltan at 12 Baker Street, mail z@x.org, password: correcthorse")
        [['meet', 'Zoltan', 'at'], ['mail'], ['password']]
    """
    stretches: list[list[str]] = [[]]
    silent = 0  # words still to be left out
    parts = line.split()
    for place, part in enumerate(parts):
        words = [word for _, word in words_of(part)]
        beside = parts[max(0, place - 1) : place] + parts[place + 1 : place + 2]
        hidden = silent > 0 or _is_secret(part) or _is_street(part, beside, parts[max(0, place - 3) : place])
        silent = max(0, silent - 1)
        if any(_ASKS.match(word) for word in words):
            silent = _WORDS_AFTER
        if hidden or not words:
            stretches.append([])
        else:
            stretches[-1] += words
    return [stretch for stretch in stretches if stretch]


def _is_secret(part: str) -> bool:
    inside = part.strip(".,!?;:()[]{}\"'“”‘’…")
    if any(c.isdigit() or c in "@/\\_=+#$%^&*~|<>" for c in inside) or len(inside) > _LONGEST:
        return True
    if re.search(r"[^\W\d_][.:!?][^\W\d_]", inside):
        return True
    halves = re.split(r"['’\-‐‑]", inside)
    return any(any(c.isupper() for c in half[1:]) and not (half.isupper() or _NAME.match(half)) for half in halves)


def _is_street(part: str, beside: list[str], before: list[str]) -> bool:
    """Whether a piece is the name of a street with its number beside it."""
    name = part.strip(".,;:")
    numbered = any(_NUMBERED.match(other.strip(".,;:")) for other in (*beside, *before))
    return numbered and (name[:1].isupper() or _STREET.search(name) is not None)
