"""Makes hostile model files as data: each of a kind that has harmed users of other loaders. Nothing here is run.

python tests/interop/hostile.py FOLDER
"""
# ruff: noqa: E501, PLR0915 - a row of data is a row

from __future__ import annotations

import io
import json
import os
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from onnx import TensorProto, helper, numpy_helper

MARKER = "PWNED"  # a file that a payload would leave in the folder that it was told
SECRET = "secret.bin"  # a file beside the models that none of them may read


def payload(folder: Path) -> str:
    return f"touch {folder / MARKER}"


# --- Keras -----------------------------------------------------------------------------------------------------------


def layer(kind: str, config: dict[str, Any], module: str = "keras.layers", **more: Any) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": kind,
        "config": {"name": kind.lower(), **config},
        "registered_name": None,
    } | more


INPUT = layer("InputLayer", {"batch_shape": [None, None, 3]})
LSTM = layer("LSTM", {"units": 4})
DENSE = layer("Dense", {"units": 2, "activation": "linear"})


def document(*layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    entries = [INPUT, *layers]
    config = {"name": "sequential", "layers": entries}
    return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None} | more


def arrays(features: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    cell = {"0": (features, 16), "1": (4, 16), "2": (16,)}
    found = {f"layers/lstm/cell/vars/{name}": rng.normal(size=size) for name, size in cell.items()}
    found |= {"layers/dense/vars/0": rng.normal(size=(4, 2)), "layers/dense/vars/1": rng.normal(size=2)}
    return {name: array.astype(np.float32) for name, array in found.items()}


def weights(change: Callable[[Any], None] | None = None, **kept: Any) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w", **kept) as root:
        for name, array in arrays().items():
            root[name] = array
        if change is not None:
            change(root)
    return file.getvalue()


def keras(config: Any, weights_file: bytes | None = None, **members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        text = config if isinstance(config, bytes) else json.dumps(config).encode()
        for name, content in {"config.json": text, "model.weights.h5": weights_file or weights(), **members}.items():
            archive.writestr(name, content)
    return file.getvalue()


def h5(config: Any) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        root.attrs["model_config"] = config if isinstance(config, str) else json.dumps(config)
        for name, array in arrays().items():
            _, kind, *rest = name.split("/")
            root[f"model_weights/{kind}/{kind}/{['kernel', 'recurrent_kernel', 'bias'][int(rest[-1])]}"] = array
    return file.getvalue()


def keras_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    run = payload(folder)
    function = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    code = {"class_name": "__lambda__", "config": {"value": "4wEAAAAAAAAA", "defaults": None, "closure": None}}
    lambda_layer = layer("Lambda", {"function": code, "arguments": {}})
    yield "good.keras", keras(document(LSTM, DENSE))
    yield "good.h5", h5(document(LSTM, DENSE))
    # CVE-2025-1550: a module and a function by name
    yield "module_and_function.keras", keras(document(LSTM, layer("system", {"command": run}, module="os")))
    yield "function_as_activation.keras", keras(document(layer("LSTM", {"units": 4, "activation": function}), DENSE))
    yield (
        "function_as_initializer.keras",
        keras(document(layer("LSTM", {"units": 4, "kernel_initializer": function}), DENSE)),
    )
    yield "function_in_arguments.keras", keras(document(LSTM, layer("Dense", {"units": 2, "bias_initializer": {
        "module": "subprocess", "class_name": "Popen", "config": {"args": run, "shell": True}}})))  # fmt: skip
    yield (
        "function_of_keras_utils.keras",
        keras(document(LSTM, layer("get_file", {"origin": "http://127.0.0.1/"}, module="keras.utils"))),
    )
    yield (
        "registered_name.keras",
        keras(document(LSTM, layer("Dense", {"units": 2}, registered_name="my_package>Dense"))),
    )
    # CVE-2025-8747, -9906, -49655: safe mode switched off by the config itself, then code
    off = layer("enable_unsafe_deserialization", {}, module="keras.config")
    yield "safe_mode_off.keras", keras(document(off, LSTM, lambda_layer, DENSE))
    yield "safe_mode_key.keras", keras(document(LSTM, lambda_layer, safe_mode=False))
    off_inside = {"module": "keras.config", "class_name": "function", "config": "enable_unsafe_deserialization"}
    yield (
        "safe_mode_in_initializer.keras",
        keras(document(layer("LSTM", {"units": 4, "bias_initializer": off_inside}), lambda_layer)),
    )
    yield "torch_wrapper.keras", keras(document(LSTM, layer("TorchModuleWrapper", {"module": "gASVAAAA"})))
    yield "lambda.keras", keras(document(LSTM, lambda_layer))
    yield "lambda_in_wrapper.keras", keras(document(LSTM, layer("TimeDistributed", {"layer": lambda_layer})))
    yield "lambda_in_nested_model.keras", keras(document(LSTM, document(lambda_layer)))
    old = {
        "class_name": "Lambda",
        "config": {"name": "l", "function": ["4wEAAAAAAAAA", None, None], "function_type": "lambda"},
    }
    yield "lambda.h5", h5({"class_name": "Sequential", "config": [INPUT, LSTM, old]})
    # CVE-2025-12058: a vocabulary from any path; CVE-2026-1462: a program from another folder
    secret = str(folder / SECRET)
    yield "string_lookup.keras", keras(document(layer("StringLookup", {"vocabulary": secret}), LSTM))
    yield (
        "text_vectorization.keras",
        keras(document(layer("TextVectorization", {"vocabulary": "file://" + secret}), LSTM)),
    )
    yield "tfsm_layer.keras", keras(document(LSTM, layer("TFSMLayer", {"filepath": str(folder)})))
    # CVE-2026-0897: sizes that are stated alone
    yield "units_bomb.keras", keras(document(layer("LSTM", {"units": 2**40}), DENSE))
    yield "units_large.keras", keras(document(layer("LSTM", {"units": 2**23}), DENSE))
    yield "embedding_bomb.keras", keras(document(layer("Embedding", {"input_dim": 2**23, "output_dim": 2**23}), LSTM))
    yield (
        "input_bomb.keras",
        keras(
            {
                "class_name": "Sequential",
                "config": {"layers": [layer("InputLayer", {"batch_shape": [None, None, 2**62]}), LSTM]},
            }
        ),
    )

    def stated(root: Any) -> None:
        root.create_dataset("layers/big/vars/0", (1 << 20, 1 << 16), "f4", chunks=(1 << 10, 1 << 10))

    def zeros(root: Any) -> None:
        root.create_dataset("layers/big/vars/0", data=np.zeros((1 << 11, 1 << 11), np.float32), compression="gzip")

    def external(root: Any) -> None:
        del root["layers/dense/vars/0"]
        root.create_dataset("layers/dense/vars/0", (4, 2), "f4", external=[(secret, 0, 32)])

    def linked(root: Any) -> None:
        del root["layers/dense/vars/0"]
        root["layers/dense/vars/0"] = h5py.ExternalLink(secret, "/layers/dense/vars/0")

    def soft(root: Any) -> None:
        del root["layers/dense/vars/0"]
        root["layers/dense/vars/0"] = h5py.SoftLink("/layers/lstm/cell/vars/0")

    def virtual(root: Any) -> None:
        del root["layers/dense/vars/0"]
        layout = h5py.VirtualLayout((4, 2), "f4")
        layout[:] = h5py.VirtualSource(secret, "w", (4, 2))
        root.create_virtual_dataset("layers/dense/vars/0", layout)

    def circle(root: Any) -> None:
        root["layers/dense/again"] = root["layers"]

    def alike(root: Any) -> None:
        for number in range(1000):
            root[f"layers/copy{number}"] = root["layers/lstm/cell/vars/0"]

    def texts(root: Any) -> None:
        del root["layers/dense/vars/1"]
        root["layers/dense/vars/1"] = np.array([b"x" * 8] * 2)

    def missing(root: Any) -> None:
        del root["layers/dense"]

    def infinite(root: Any) -> None:
        root["layers/dense/vars/1"][0] = np.inf

    for change in (
        stated,
        zeros,
        external,
        linked,
        soft,
        virtual,
        circle,
        alike,
        texts,
        missing,
        infinite,
    ):  # CVE-2026-1669
        yield f"hdf5_{change.__name__}.keras", keras(document(LSTM, DENSE), weights(change))
    for change in (external, linked, soft, virtual):
        file = io.BytesIO(h5(document(LSTM, DENSE)))
        with h5py.File(file, "a") as root:
            root["layers/dense/vars/0"] = np.zeros((4, 2), np.float32)
            change(root)
        yield f"hdf5_{change.__name__}.h5", file.getvalue()
    yield "config_deep.keras", keras(b'{"class_name":"Sequential","config":' + b"[" * 100_000)
    yield "config_no_json.keras", keras(b"os.system")
    yield "config_long.keras", keras(b'{"a":"' + b"x" * (2 << 20) + b'"}')
    yield "weights_no_hdf5.keras", keras(document(LSTM, DENSE), b"\x80\x04cos\nsystem\n")
    yield "circle.keras", keras(functional("lstm", "dense", ("dense", "lstm")))
    yield "branch.keras", keras(functional("input", "lstm", ("input", "lstm")))
    yield "traversal.keras", keras(document(LSTM, DENSE), None, **{"../../evil.txt": b"x"})
    yield "absolute.keras", keras(document(LSTM, DENSE), None, **{"/etc/cron.d/evil": b"x"})
    yield "drive.keras", keras(document(LSTM, DENSE), None, **{"C:\\evil": b"x"})
    good = keras(document(LSTM, DENSE))
    yield "bomb.keras", bomb()
    yield "size_lies.keras", lying_size(good)
    yield "encrypted.keras", flagged(good)
    yield "link.keras", symbolic()
    with_twice = io.BytesIO()
    with zipfile.ZipFile(with_twice, "w") as archive:
        for text in (json.dumps(document(LSTM, DENSE)), json.dumps(document(lambda_layer))):
            archive.writestr("config.json", text)
        archive.writestr("model.weights.h5", weights())
    yield "twice.keras", with_twice.getvalue()


def functional(before_lstm: str, before_dense: str, dense: tuple[str, str] | str) -> dict[str, Any]:
    def node(*names: str) -> list[Any]:
        return [{"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}} for name in names],
                 "kwargs": {}}]  # fmt: skip

    layers = [INPUT | {"name": "input", "inbound_nodes": []}, LSTM | {"name": "lstm", "inbound_nodes": node(before_lstm)},
              DENSE | {"name": "dense", "inbound_nodes": node(*((before_dense,) if isinstance(dense, str) else dense[:1]))},
              layer("Add", {}) | {"name": "add", "inbound_nodes": node("dense", "lstm")}]  # fmt: skip
    config = {
        "layers": layers,
        "input_layers": [["input", 0, 0]],
        "output_layers": [["add" if before_lstm == "input" else "dense", 0, 0]],
    }
    return {"class_name": "Functional", "config": config}


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps(document(LSTM, DENSE)))
        archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(200 << 20))
    return file.getvalue()


def lying_size(good: bytes) -> bytes:
    """Both headers of the weights state fewer bytes than there are."""
    changed = bytearray(good)
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = good.index(
            signature, good.index(b"config.json") if signature == b"PK\x03\x04" else good.index(signature) + 1
        )
        changed[place + at : place + at + 4] = (1 << 19).to_bytes(4, "little")
    return bytes(changed)


def flagged(good: bytes) -> bytes:
    changed = bytearray(good)
    place = good.index(b"PK\x01\x02")
    changed[place + 8] |= 1
    return bytes(changed)


def symbolic() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", json.dumps(document(LSTM, DENSE)))
        link = zipfile.ZipInfo("model.weights.h5")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, SECRET)
    return file.getvalue()


# --- PyTorch ---------------------------------------------------------------------------------------------------------

FLOATS = b"ctorch\nFloatStorage\n"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value) if value < 2**31 else b"\x8a\x08" + value.to_bytes(8, "little")


def sizes(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(key: str, count: int, shape: tuple[int, ...], stride: tuple[int, ...], offset: int = 0) -> bytes:
    storage = b"(" + text("storage") + FLOATS + text(key) + text("cpu") + number(count) + b"tQ"
    return (b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + sizes(*shape) + sizes(*stride)
            + b"\x89ccollections\nOrderedDict\n)RtR")  # fmt: skip


def state(*entries: tuple[str, bytes]) -> bytes:
    return b"\x80\x02}(" + b"".join(text(name) + value for name, value in entries) + b"u."


def dense_lstm(**changed: bytes) -> list[tuple[str, bytes]]:
    shapes = {
        "lstm.weight_ih_l0": (16, 3),
        "lstm.weight_hh_l0": (16, 4),
        "lstm.bias_ih_l0": (16,),
        "lstm.bias_hh_l0": (16,),
    }
    found = {}
    for key, (name, shape) in enumerate(shapes.items()):
        stride = (shape[1], 1) if len(shape) == 2 else (1,)
        found[name] = tensor(str(key), int(np.prod(shape)), shape, stride)
    return list({**found, **changed}.items())


STORAGES = {f"archive/data/{key}": np.ones(count, np.float32).tobytes() for key, count in enumerate((48, 64, 16, 16))}


def pt(pickled: bytes, **members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {"archive/data.pkl": pickled, "archive/version": b"3\n", **STORAGES, **members}.items():
            archive.writestr(name, content)
    return file.getvalue()


def legacy(pickled: bytes) -> bytes:
    """The form before PyTorch 1.6, with the storages of `dense_lstm` behind it."""
    magic = b"\x80\x02\x8a\x0a" + (0x1950A86A20F9469CFC6C).to_bytes(10, "little") + b"."
    keys = b"\x80\x02](" + b"".join(text(str(key)) for key in range(4)) + b"e."
    raw = b"".join(len(each).__floordiv__(4).to_bytes(8, "little") + each for each in STORAGES.values())
    return magic + b"\x80\x02M\xe9\x03." + b"\x80\x02}." + pickled + keys + raw


def torch_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    run = payload(folder)
    call = b"cos\nsystem\n(" + text(run) + b"tR"
    yield "good.pt", pt(state(*dense_lstm()))
    yield "good_old.pt", legacy(state(*dense_lstm()))
    yield "call.pt", pt(b"\x80\x02" + call + b".")
    yield "call_old.pt", legacy(b"\x80\x02" + call + b".")
    yield "call_in_magic.pt", b"\x80\x02" + call + b"."
    yield "call_beside_weights.pt", pt(state(*dense_lstm(), ("extra", call)))
    yield "call_by_stack.pt", pt(b"\x80\x04" + text("builtins") + text("eval") + b"\x93(" + text("1") + b"tR.")
    yield "call_by_instance.pt", pt(b"\x80\x02(" + text(run) + b"ios\nsystem\n.")
    yield "call_by_new.pt", pt(b"\x80\x02csubprocess\nPopen\n(" + text(run) + b"t\x81.")
    yield "call_by_object.pt", pt(b"\x80\x02(cos\nsystem\n" + text(run) + b"o.")
    yield "call_of_torch.pt", pt(b"\x80\x02ctorch\nload\n(" + text(str(folder / SECRET)) + b"tR.")
    yield "call_of_dictionary.pt", pt(b"\x80\x02ccollections\nOrderedDict\n" + text("x") + b"R.")
    yield "extension.pt", pt(b"\x80\x02\x82\x01.")
    yield "state_of_name.pt", pt(b"\x80\x02ccollections\nOrderedDict\n}" + text("x") + number(1) + b"sb.")
    # CVE-2025-32434 and CVE-2026-24747: what passed weights_only
    yield "tar.pt", b"\0" * 257 + b"ustar\0" + b"\0" * 249 + b"pickle"
    yield "item_of_tensor.pt", pt(b"\x80\x02" + tensor("0", 48, (16, 3), (3, 1)) + text("x") + number(1) + b"s.")
    yield "items_of_list.pt", pt(b"\x80\x02](" + text("x") + number(1) + b"u.")
    lies = {
        "storage_count": tensor("0", 1 << 30, (16, 3), (3, 1)),
        "shape": tensor("0", 48, (1 << 20, 1 << 20), (1, 1)),
        "stride_zero": tensor("0", 48, (1 << 16, 1 << 16), (0, 0)),
        "stride_past_end": tensor("0", 48, (16, 3), (1000, 1)),
        "offset": tensor("0", 48, (16, 3), (3, 1), offset=1000),
        "negative": tensor("0", 48, (-16, 3), (3, 1)),
        "traversal": tensor("../../" + SECRET, 48, (16, 3), (3, 1)),
        "missing_storage": tensor("99", 48, (16, 3), (3, 1)),
    }
    for name, value in lies.items():
        yield f"{name}.pt", pt(state(*dense_lstm(**{"lstm.weight_ih_l0": value})))
        yield f"{name}_old.pt", legacy(state(*dense_lstm(**{"lstm.weight_ih_l0": value})))
    yield "lists.pt", pt(b"\x80\x02" + b"]" * 5_000_000 + b".")
    yield "inside_itself.pt", pt(b"\x80\x02}q\x00" + text("state_dict") + b"h\x00s.")
    yield "no_state.pt", pt(b"\x80\x02](K\x01K\x02e.")
    yield (
        "script.pt",
        pt(state(*dense_lstm()), **{"archive/code/__torch__.py": b"import os", "archive/constants.pkl": b"."}),
    )
    header = {"lstm.weight_ih_l0": {"dtype": "F32", "shape": [16, 3], "data_offsets": [0, 192]}}
    good = safetensors(
        {**header, "lstm.weight_hh_l0": {"dtype": "F32", "shape": [16, 4], "data_offsets": [192, 448]}}, 448
    )
    yield "good.safetensors", good
    yield "header_length.safetensors", (1 << 40).to_bytes(8, "little") + good[8:]
    for name, entry in {
        "shape": {"dtype": "F32", "shape": [1 << 31, 1 << 31], "data_offsets": [0, 448]},
        "negative": {"dtype": "F32", "shape": [-16, 3], "data_offsets": [0, 192]},
        "outside": {"dtype": "F32", "shape": [16, 3], "data_offsets": [1 << 30, (1 << 30) + 192]},
        "backwards": {"dtype": "F32", "shape": [16, 3], "data_offsets": [192, 0]},
        "type": {"dtype": "OBJECT", "shape": [16, 3], "data_offsets": [0, 192]},
    }.items():
        yield f"{name}.safetensors", safetensors({"lstm.weight_ih_l0": entry}, 448)
    many = {f"w{n}": {"dtype": "F32", "shape": [112], "data_offsets": [0, 448]} for n in range(1000)}
    lists = b'{"a":[' + b"[]," * 1_200_000 + b"[]]}"
    yield "lists.safetensors", len(lists).to_bytes(8, "little") + lists
    yield "overlap.safetensors", safetensors(many, 448)


def safetensors(header: dict[str, Any], size: int) -> bytes:
    raw = json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + np.ones(size // 4, np.float32).tobytes()


# --- ONNX ------------------------------------------------------------------------------------------------------------


def graph(nodes: list[Any] | None = None, initial: dict[str, Any] | None = None, **more: Any) -> bytes:
    rng = np.random.default_rng(0)
    own = {"W": rng.normal(size=(1, 16, 3)), "R": rng.normal(size=(1, 16, 4))}
    tensors = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in own.items()]
    tensors = [each for each in tensors if each.name not in (initial or {})] + list((initial or {}).values())
    nodes = nodes if nodes is not None else [helper.make_node("LSTM", ["x", "W", "R"], ["y"], hidden_size=4)]
    value = helper.make_tensor_value_info
    made = helper.make_graph(nodes, "g", [value("x", TensorProto.FLOAT, ["t", "b", 3])],
                             [value("y", TensorProto.FLOAT, None)], tensors)  # fmt: skip
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], **more).SerializeToString()


def external(location: str) -> Any:
    kept = TensorProto(name="W", data_type=TensorProto.FLOAT, dims=[1, 16, 3], data_location=TensorProto.EXTERNAL)
    kept.external_data.add(key="location", value=location)
    return kept


def onnx_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    lstm = helper.make_node("LSTM", ["x", "W", "R"], ["h"], name="l", hidden_size=4)
    yield "good.onnx", graph()
    # CVE-2026-27489, -34446, -34447: weights outside, by a path, a symbolic link and a hard link
    for name, location in {"parent": f"../{SECRET}", "absolute": str(folder / SECRET), "symlink": "symlink.bin",
                           "hardlink": "hardlink.bin", "beside": SECRET}.items():  # fmt: skip
        yield f"external_{name}.onnx", graph(initial={"W": external(location)})
    attribute = helper.make_node("Constant", [], ["W"], value=external(SECRET))
    yield "external_in_node.onnx", graph([attribute, helper.make_node("LSTM", ["x", "W", "R"], ["y"], hidden_size=4)],
                                         {"W": numpy_helper.from_array(np.ones(1, np.float32), "unused")})  # fmt: skip
    raw = np.ones(48, np.float32).tobytes()
    for name, dims in {"more": [1, 1 << 20, 1 << 20], "less": [1, 2, 3], "negative": [1, -16, -3]}.items():
        stated = TensorProto(name="W", data_type=TensorProto.FLOAT, dims=dims, raw_data=raw)
        yield f"size_{name}.onnx", graph(initial={"W": stated})
    typed = TensorProto(name="W", data_type=TensorProto.FLOAT, dims=[1, 16, 3], float_data=[1.0] * 7)
    yield "size_typed.onnx", graph(initial={"W": typed})
    one, two = helper.make_node("Relu", ["b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])
    yield "circle.onnx", graph([one, two, helper.make_node("LSTM", ["a", "W", "R"], ["y"], hidden_size=4)])
    yield "circle_of_one.onnx", graph([helper.make_node("Add", ["y", "x"], ["y"])])
    yield "given_twice.onnx", graph([helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Tanh", ["x"], ["y"])])
    inner = helper.make_graph([], "i", [], [])
    yield "loop.onnx", graph([helper.make_node("Loop", ["", "", "x"], ["y"], body=inner)])
    yield "condition.onnx", graph([helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)])
    yield "own_operator.onnx", graph([helper.make_node("Exec", ["x"], ["y"], domain="com.evil")])
    yield "python_operator.onnx", graph([helper.make_node("PyOp", ["x"], ["y"], domain="ai.onnx.contrib")])
    yield "branch.onnx", graph([lstm, helper.make_node("Add", ["h", "x"], ["y"])])
    huge = numpy_helper.from_array(np.array([1 << 20, 1 << 20, 1 << 10], np.int64), "shape")
    bombs = [
        helper.make_node("ConstantOfShape", ["shape"], ["W"]),
        helper.make_node("LSTM", ["x", "W", "R"], ["y"], hidden_size=4),
    ]
    yield "constant_of_shape.onnx", graph(bombs, {"W": huge})
    one_number = numpy_helper.from_array(np.arange(2, dtype=np.float32), "n")
    yield (
        "expand.onnx",
        graph([helper.make_node("Expand", ["n", "shape"], ["W"]), bombs[1]], {"W": one_number, "s": huge}),
    )
    column, row = (
        numpy_helper.from_array(np.ones(size, np.float32), name)
        for name, size in (("c", (1 << 15, 1)), ("r", (1, 1 << 15)))
    )
    yield "outer_sum.onnx", graph([helper.make_node("Add", ["c", "r"], ["W"]), bombs[1]], {"W": column, "r": row})
    yield (
        "outer_product.onnx",
        graph([helper.make_node("MatMul", ["c", "r"], ["W"]), bombs[1]], {"W": column, "r": row}),
    )
    many = numpy_helper.from_array(np.zeros(1 << 16, np.int64), "many")
    yield (
        "gather.onnx",
        graph([helper.make_node("Gather", ["c", "many"], ["d"], axis=1), bombs[1]], {"W": column, "m": many}),
    )
    doubled = [helper.make_node("Concat", [f"c{n}" if n else "c"] * 100, [f"c{n + 1}"], axis=0) for n in range(6)]
    yield "doubling.onnx", graph([*doubled, lstm, helper.make_node("Relu", ["h"], ["y"])], {"c": column})
    yield "clip.onnx", graph([helper.make_node("LSTM", ["x", "W", "R"], ["y"], hidden_size=4, clip=3.0)])
    yield "parts.onnx", graph() + b"\x3a" + varint(2 * 200_000) + b"\x0a\x00" * 200_000
    yield "parts_in_graph.onnx", b"\x08\x08\x3a" + varint(2 * 200_000) + b"\x0a\x00" * 200_000
    many_inputs = b"\x0a\x00" * 1_500_000
    inside = b"\x0a" + varint(len(many_inputs)) + many_inputs
    yield "inputs.onnx", b"\x08\x08\x3a" + varint(len(inside)) + inside
    yield "nothing.onnx", b"\x08\x08"
    yield "length.onnx", b"\x08\x08\x3a" + varint(1 << 40)


def varint(value: int) -> bytes:
    raw = bytearray()
    while value > 127:
        raw.append(value & 127 | 128)
        value >>= 7
    return bytes([*raw, value])


def write_all(folder: Path) -> list[Path]:
    """All files; those named `good` are none of the hostile ones, but what the others were made from."""
    (folder / SECRET).write_bytes(np.full(1 << 10, 7, np.float32).tobytes())
    (folder / "symlink.bin").symlink_to(folder / SECRET)
    os.link(folder / SECRET, folder / "hardlink.bin")
    found = []
    for files in (keras_files, torch_files, onnx_files):
        for name, content in files(folder):
            path = folder / name
            path.write_bytes(content)
            found.append(path)
    return found


if __name__ == "__main__":
    for made in write_all(Path(sys.argv[1])):
        print(made)
