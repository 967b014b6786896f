"""Models of Keras, PyTorch and ONNX, read as data: nothing that a file names is imported, called or opened.

`import_model` gives a fitted model that predicts, saves and opens in the explorer like any other; `read_keras`,
`read_torch` and `read_onnx` the network alone.
"""

from latchwork.interop.importing.imported import Imported
from latchwork.interop.importing.keras_file import KerasFile, KerasLayer, read_keras_file
from latchwork.interop.importing.model import import_model
from latchwork.interop.importing.reading import read_any, read_keras, read_onnx, read_torch

__all__ = [
    "Imported", "KerasFile", "KerasLayer", "import_model", "read_any", "read_keras", "read_keras_file", "read_onnx",
    "read_torch",
]  # fmt: skip
