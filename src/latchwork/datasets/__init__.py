"""Readers for labelled sequences, and the small real data that ships with the package."""

from latchwork.datasets.layouts import from_layout
from latchwork.datasets.read import read
from latchwork.datasets.roles import Columns
from latchwork.datasets.sequences import SequenceData
from latchwork.datasets.shipped import airline, japanese_vowels, mnist

__all__ = ["Columns", "SequenceData", "airline", "from_layout", "japanese_vowels", "mnist", "read"]
