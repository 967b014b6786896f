"""Files made to do harm: each refused in one line, nothing of it run, nothing read but the file, no more memory than
ten times its size.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py")
pytest.importorskip("onnx")

import hostile

from latchwork.core.errors import InputError
from latchwork.interop.importing import import_model

# In a process of its own: what Python opens, runs and looks up is heard by an audit hook, and memory is the process's.
LISTENING = """
import encodings.ascii, json, sys
import h5py, onnx, onnx.numpy_helper, numpy.lib.stride_tricks
from latchwork.core.errors import InputError
from latchwork.interop.importing import import_model
from latchwork.interop.importing import torch_state, onnx_graph, keras_layers

RUNS = ("os.system", "os.exec", "os.posix_spawn", "subprocess.", "exec", "compile", "marshal.", "pickle.", "socket.",
        "ctypes.", "import", "shutil.", "urllib.")
heard, path = [], None

def listen(event, arguments):
    if path is None:
        return
    if event == "open" and arguments[0] != path and not str(arguments[0]).startswith("/proc/"):
        heard.append(f"open {arguments[0]}")
    elif event.startswith(RUNS):
        heard.append(f"{event} {str(arguments)[:80]}")

names = [line.strip() for line in sys.stdin]
for name in names:  # what is imported on the first use, whatever the file
    if "/good" in name:
        import_model(name)
sys.addaudithook(listen)

def memory(kind):  # of this process alone: getrusage begins at the peak of the one that started it
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(kind))

def forget_the_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")

results = {}
for name in names:
    forget_the_peak()
    before, heard[:] = memory("VmRSS"), []
    path = name
    try:
        said = repr(import_model(name).data.spec)
        kind = "read"
    except InputError as error:
        kind, said = "refused", str(error)
    except BaseException as error:
        kind, said = "failed", f"{type(error).__name__}: {error}"
    path = None
    results[name] = [kind, said, list(heard), memory("VmHWM") - before]
print(json.dumps(results))
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is read from /proc")
SLACK = 24 << 20  # bytes that a library takes on its first use, whatever the file


def listen(files: list[Path], first: list[Path]) -> dict[Path, list[object]]:
    names = "\n".join(map(str, [*first, *files]))
    done = subprocess.run([sys.executable, "-c", LISTENING], input=names, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return {Path(name): result for name, result in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    with pytest.warns(UserWarning, match="Duplicate name"):
        return hostile.write_all(tmp_path_factory.mktemp("hostile"))


def test_each_is_refused_in_a_line_and_does_nothing(files: list[Path]):
    results = listen(files, [])
    assert len(results) > 120
    for path, (kind, said, heard, grown) in results.items():
        good = path.name.startswith("good")
        assert kind == ("read" if good else "refused"), f"{path.name}: {kind} {said}"
        assert heard == [], f"{path.name}: {heard}"
        assert "\n" not in str(said) and (good or str(said).startswith(str(path)))
        assert len(str(said)) - len(str(path)) < 400, said
        assert isinstance(grown, int) and grown < 10 * path.stat().st_size + SLACK, f"{path.name}: {grown} bytes"
    assert not (files[0].parent / hostile.MARKER).exists()


def damaged(path: Path, folder: Path) -> list[Path]:
    """A file cut short at a hundred places, and a hundred times with one byte changed."""
    content, rng = path.read_bytes(), np.random.default_rng(0)
    made = []
    for number, end in enumerate(np.linspace(0, len(content) - 1, 100).astype(int)):
        made.append(folder / f"cut{number}{path.suffix}")
        made[-1].write_bytes(content[:end])
    for number, place in enumerate(rng.integers(0, len(content), 100)):
        made.append(folder / f"flipped{number}{path.suffix}")
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        made[-1].write_bytes(changed)
    return made


@pytest.mark.parametrize("name", ["good.keras", "good.h5", "good.pt", "good_old.pt", "good.safetensors", "good.onnx"])
def test_damage_is_said_in_a_line(name: str, files: list[Path], tmp_path: Path):
    """What is cut short is refused; of what is changed some is a weight, which no such file protects."""
    path = next(each for each in files if each.name == name)
    good = [each for each in files if each.name.startswith("good")]
    for made, (kind, said, heard, _) in listen(damaged(path, tmp_path), good).items():
        if made in good:
            continue
        assert kind == "refused" or (kind == "read" and made.name.startswith("flipped")), f"{made.name}: {kind} {said}"
        assert heard == [] and "\n" not in str(said)


def test_files_that_are_none(tmp_path: Path):
    (tmp_path / "empty.keras").write_bytes(b"")
    (tmp_path / "text.h5").write_text("not a model")
    (tmp_path / "folder.onnx").mkdir()
    expected = {"empty.keras": "is empty", "text.h5": "HDF5|zip", "folder.onnx": "is not a file", "no.pt": "No such"}
    for name, said in expected.items():
        with pytest.raises(InputError, match=said):
            import_model(tmp_path / name)
    with pytest.raises(InputError, match="latchwork already"):
        import_model(Path(__file__).parents[1] / "fixtures" / "models" / "LSTM.latch")
