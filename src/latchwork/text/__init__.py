"""Text: a language model that writes, and a keyboard that finishes your words.

`LanguageModel` trains; the rest of the folder serves a saved model and imports no JAX.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latchwork.text.language_model import LanguageModel

__all__ = ["LanguageModel"]


def __getattr__(name: str) -> Any:
    if name != "LanguageModel":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from latchwork.text.language_model import LanguageModel

    return LanguageModel
