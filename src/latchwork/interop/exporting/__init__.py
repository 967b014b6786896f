"""Our models for others: ONNX graphs, PyTorch modules, Keras files."""

from latchwork.interop.exporting.keras_file import write_keras, write_keras_layers
from latchwork.interop.exporting.keras_model import export_keras, to_keras
from latchwork.interop.exporting.onnx_model import export_onnx
from latchwork.interop.exporting.subject import Subject, subject_of
from latchwork.interop.exporting.torch_module import to_torch

__all__ = [
    "Subject", "export_keras", "export_onnx", "subject_of", "to_keras", "to_torch", "write_keras", "write_keras_layers",
]  # fmt: skip
