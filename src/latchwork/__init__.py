"""latchwork: recurrent neural networks that are fast on an ordinary processor and that you can see through."""

__version__ = "0.1.0"
