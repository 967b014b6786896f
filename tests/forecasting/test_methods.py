"""A method is a row of one list, and a fit ends in one result that nobody changes."""

import copy
import os
import pickle
import signal
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

import latchwork
from latchwork.cli.main import run
from latchwork.core.errors import InputError
from latchwork.forecasting import Forecaster, forecaster, result
from latchwork.forecasting.methods import catalogue
from latchwork.forecasting.methods.catalogue import METHODS, method_named
from latchwork.forecasting.methods.method import continuing
from latchwork.forecasting.report.files import write_files
from latchwork.forecasting.report.results import results
from latchwork.training.progress import NoProgress

LISTS = (catalogue, forecaster, result)


@pytest.fixture
def sales(tmp_path):
    """Months that rise and repeat, as a file."""
    steps = np.arange(84)
    values = 100 * np.exp(0.01 * steps + 0.2 * np.sin(steps * np.pi / 6)) + np.random.default_rng(0).normal(size=84)
    path = tmp_path / "months.csv"
    lines = [f"{2000 + t // 12}-{t % 12 + 1:02d},{v:.2f}" for t, v in zip(steps, values, strict=True)]
    path.write_text("month,sales\n" + "\n".join(lines))
    return path


def fit(source, **options):
    return Forecaster(**{"horizon": 6, "train": False, "library": False, **options}).fit(source)


def oracle(rows):
    """What came, where it is known."""
    return np.where(np.isfinite(rows.truth), rows.truth, rows.last[:, None])


def test_names_are_one_methods_own():
    names = [method.name for method in METHODS]
    assert len(set(names)) == len(names)
    assert all(method_named(method.name) is method for method in METHODS)
    with pytest.raises(InputError, match="latchwork, naive, drift"):
        method_named("prophet")


def test_a_new_method_is_one_row(sales, tmp_path, monkeypatch):
    """Judged, named, drawn, used by `best`, saved and opened: nothing else knows it."""
    for module in LISTS:
        monkeypatch.setattr(module, "METHODS", (*METHODS, continuing("oracle", "the oracle", oracle)))
    fitted = fit(sales, best=True)
    assert fitted.used_ == fitted.verdict().winner == "oracle"
    assert "The oracle did best" in fitted.verdict().sentence
    assert "A simple method wins here" in fitted.verdict().sentence
    found = results(fitted.result_, 0.0)
    assert found["backtest"]["baselines"]["oracle"]["mae"] == 0
    write_files(fitted.result_, found, tmp_path / "out", "latchwork forecast")
    assert '"used": "the oracle"' in (tmp_path / "out" / "report.html").read_text()
    fitted.save(tmp_path / "m.latch")
    opened = latchwork.load(tmp_path / "m.latch")
    assert opened.used_ == "oracle"
    assert np.ptp(opened.predict().mean) == 0
    monkeypatch.undo()
    with pytest.raises(InputError, match="the method 'oracle'"):
        latchwork.load(tmp_path / "m.latch")


def test_nobody_changes_a_result(sales):
    fitted = fit(sales)
    found = fitted.result_
    for part, name in ((found, "notes"), (found.backtest, "forecasts"), (found.panel, "values"), (found.end, "truth")):
        with pytest.raises(FrozenInstanceError):
            setattr(part, name, None)
    with pytest.raises(ValueError, match="read-only"):
        found.backtest.forecasts["naive"][0] = 0
    more = found.backtest.with_forecasts("ones", np.ones_like(found.backtest.truth))
    assert "ones" in more.forecasts
    assert "ones" not in found.backtest.forecasts
    before = fitted.predict()
    fitted.update(sales)
    assert fitted.result_ is not found
    assert found.forecast is before


def test_a_forecaster_is_copied_and_pickled(sales):
    fitted = fit(sales)
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert other.used_ == fitted.used_
        assert np.array_equal(other.predict((50,)).low[50], fitted.predict((50,)).low[50])


def test_a_run_reads_its_file_once_and_forecasts_once(sales, tmp_path, monkeypatch):
    calls = {"read": 0, "ahead": 0}
    read_bytes, mean_ahead = Path.read_bytes, result.mean_ahead

    def counted_read(path):
        calls["read"] += path == sales
        return read_bytes(path)

    def counted_ahead(*arguments):
        calls["ahead"] += 1
        return mean_ahead(*arguments)

    monkeypatch.setattr(Path, "read_bytes", counted_read)
    monkeypatch.setattr(result, "mean_ahead", counted_ahead)
    assert run(["forecast", str(sales), "--no-train", "--quiet", "--out", str(tmp_path / "out")]) == 0
    assert calls == {"read": 1, "ahead": 1}


class PressesCtrlC(NoProgress):
    """After the first block."""

    def block(self, *_):
        os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_ends_the_training_and_keeps_what_was_learned(sales, tmp_path, monkeypatch):
    fitted = fit(sales, train=True, progress=PressesCtrlC())
    assert fitted.result_.is_interrupted
    assert fitted.history_.steps < fitted.history_.planned_steps
    assert "network" in fitted.baselines()
    assert np.isfinite(fitted.network_forecast()).all()
    fitted.save(tmp_path / "m.latch")
    assert latchwork.load(tmp_path / "m.latch").history_ == fitted.history_
    monkeypatch.setattr("latchwork.cli.common.Output.progress", PressesCtrlC())
    out = tmp_path / "out"
    assert run(["forecast", str(sales), "--quiet", "--no-library", "--out", str(out)]) == 130
    assert (out / "forecast.csv").stat().st_size > 100


def test_a_training_goes_on_from_its_checkpoint_to_the_same_forecasts(sales, tmp_path):
    unbroken = fit(sales, train=True, progress="none")
    broken = fit(sales, train=True, progress=PressesCtrlC(), checkpoint=tmp_path / "run")
    resumed = fit(sales, train=True, progress="none", checkpoint=tmp_path / "run")
    assert broken.history_.steps < resumed.history_.steps == unbroken.history_.steps
    assert np.array_equal(resumed.network_forecast(), unbroken.network_forecast())
