"""Our models for others: ONNX graphs, PyTorch modules, Keras files."""

from latchwork.interop.exporting.keras_file import write_keras, write_keras_layers
from latchwork.interop.exporting.onnx_model import export_onnx

__all__ = ["export_onnx", "write_keras", "write_keras_layers"]
