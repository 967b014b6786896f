"""What is installed: the data ships, nothing strange does, and no compiler is no obstacle. Slow: it builds wheels."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1200)]


def wheel(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Build a wheel of this tree, in an environment of its own."""
    clean = {name: value for name, value in os.environ.items() if name != "LATCHWORK_REQUIRE_KERNELS"}
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    return subprocess.run(command, env=clean | environment, capture_output=True, text=True, check=False)


NO_COMPILER = {"CXX": "/nonexistent/c++", "CC": "/nonexistent/cc"}


@pytest.fixture(scope="module")
def pure_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a machine without a compiler builds it."""
    folder = tmp_path_factory.mktemp("pure")
    built = wheel(folder, **NO_COMPILER)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_data_and_nothing_strange(tmp_path: Path):
    built = wheel(tmp_path, LATCHWORK_REQUIRE_KERNELS="1")
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as file:
        sizes = {info.filename: info.file_size for info in file.infolist()}
    ours = {name for name in sizes if not name.partition("/")[0].endswith(".dist-info")}
    assert {name.partition("/")[0] for name in ours} == {"latchwork"}
    data = {
        f"latchwork/datasets/data/{name}"
        for name in (
            "AirPassengers.csv", "ATTRIBUTION.md", "mnist/ATTRIBUTION.md", "mnist/train-images-idx3-ubyte.gz",
            "mnist/train-labels-idx1-ubyte.gz", "mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz",
        )
    }  # fmt: skip
    assert data | {"latchwork/py.typed", "latchwork/__init__.pyi"} <= ours
    assert any(name.startswith("latchwork/engines/native/_native.") for name in ours)
    assert not [name for name in ours if "__pycache__" in name or name.endswith((".o", ".cc", ".pyc"))]
    assert sum(sizes.values()) < 40 << 20


def test_a_required_kernel_that_cannot_be_built_fails_the_install(tmp_path: Path):
    built = wheel(tmp_path, LATCHWORK_REQUIRE_KERNELS="1", **NO_COMPILER)
    assert built.returncode != 0 and not list(tmp_path.glob("*.whl"))


def test_without_a_compiler_it_installs_works_and_says_so(pure_wheel: Path, tmp_path: Path):
    assert pure_wheel.name.endswith("-none-any.whl")
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", pure_wheel], check=True)
    environment = {"PATH": str(python.parent), "HOME": str(tmp_path)}

    def output(*command: object) -> str:
        result = subprocess.run(
            list(map(str, command)), env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    engine = output(python.parent / "latchwork", "info", "--engine").splitlines()
    assert len(engine) == 1 and "scan" in engine[0] and "without a C++ compiler" in engine[0]
    code = """
import numpy as np, latchwork as lw
from latchwork import runtime
X = np.random.default_rng(0).normal(size=(64, 9, 1)).astype("float32")
y = np.where(X.mean(axis=(1, 2)) > 0, "up", "down")
network = lw.Sequential([lw.Bidirectional(lw.LSTM(8)), lw.Dense(2)])
model = lw.SequenceClassifier(network, epochs=40, learning_rate=0.02, progress="none").fit(X, y)
model.save("m.latch")
assert (runtime.load("m.latch").predict(X) == model.predict(X)).all()
print(model.score(X, y) > 0.9)
"""
    assert output(python, "-c", code) == "True\n"
