"""Our models for others: ONNX graphs, PyTorch modules, Keras files."""

from latchwork.interop.exporting.keras_file import write_keras, write_keras_layers

__all__ = ["write_keras", "write_keras_layers"]
