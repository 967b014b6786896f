"""What was read from Keras and PyTorch opens in the explorer as a model of ours does."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from test_model_files import drop_all, model_page, open_file  # noqa: F401 - a fixture

from latchwork.interop.importing import import_model

pytest.importorskip("h5py")
GOLDENS = Path(__file__).parents[1] / "goldens"


def imported(folder: Path) -> dict[str, bytes]:
    """A `.latch` file of each golden file of Keras and of some of PyTorch."""
    found: dict[str, bytes] = {}
    for archive, endings in (("interop_keras.zip", (".keras",)), ("interop_torch.zip", ("1_final.pt", "2_mean.pt"))):
        with zipfile.ZipFile(GOLDENS / archive) as packed:
            for name in packed.namelist():
                if not name.endswith(endings):
                    continue
                (folder / name).write_bytes(packed.read(name))
                given: dict[str, Any] = {}
                if archive == "interop_torch.zip":
                    given = {"reads": name.rpartition(".")[0].rpartition("_")[2], "activation": "relu"}
                import_model(folder / name, **given).save(folder / f"{name}.latch")
                found[f"{name}.latch"] = (folder / f"{name}.latch").read_bytes()
    return found


def test_every_imported_model_opens(model_page, tmp_path: Path):  # noqa: F811
    page, model = model_page
    files = imported(tmp_path)
    assert len(files) > 60
    said = drop_all(page, files)
    assert not {name: line for name, line in said.items() if line is not None}
    assert model.locator(".inside canvas").count() >= 1


def test_a_keras_classifier_is_seen_gate_by_gate(model_page, drop_file, tmp_path: Path):  # noqa: F811
    page, model = model_page
    with zipfile.ZipFile(GOLDENS / "interop_keras.zip") as packed:
        (tmp_path / "mine.keras").write_bytes(packed.read("softmax_activation.keras"))
    import_model(tmp_path / "mine.keras", labels=["left", "right", "up"]).save(tmp_path / "mine.latch")
    open_file(page, drop_file, tmp_path / "mine.latch")
    inside = model.locator(".inside").inner_text()
    assert all(gate in inside for gate in ("input", "forget", "candidate", "output"))
    assert any(label in model.inner_text() for label in ("left", "right", "up")), model.inner_text()
