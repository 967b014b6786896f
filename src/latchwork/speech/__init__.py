"""Speech: a recogniser of what is said in recordings, learned from recordings and what is said in them.

`SpeechRecognizer` trains; the rest of the folder serves a saved model and imports no JAX.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latchwork.speech.recognizer import SpeechRecognizer

__all__ = ["SpeechRecognizer"]


def __getattr__(name: str) -> Any:
    if name != "SpeechRecognizer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from latchwork.speech.recognizer import SpeechRecognizer

    return SpeechRecognizer
