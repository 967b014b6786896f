"""Both programs of the article on the real data, and the proof that nothing done well has seen the test months."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import latchwork as lw
from latchwork import datasets
from latchwork.article import airline, digits, parts
from latchwork.cli.main import run


def test_the_article_as_written_from_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert run(["article", "--as-written", "--epochs", "1", "--out", str(tmp_path), "--json", "--quiet"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    figures = json.loads(line)
    assert json.loads((tmp_path / "results.json").read_text()) == figures
    assert 20 < figures["airline"]["train_rmse"] < 26
    assert 45 < figures["airline"]["test_rmse"] < 58
    assert figures["airline"]["persistence_test_rmse"] == pytest.approx(48.66, abs=0.005)
    assert figures["mnist"]["epochs"] == 1 and figures["mnist"]["test_accuracy"] > 0.75
    assert figures["airline"]["seconds"] > 0 and figures["mnist"]["seconds"] > 0 and figures["mnist"]["test_loss"] < 1

    report = (tmp_path / "report.html").read_text()
    assert report.count("data:image/png") == len(list(tmp_path.glob("*.png"))) >= 3
    assert "same as last month</td><td>RMSE 48.66" in report and "learned to repeat its input" in report
    assert all(picture.stat().st_size > 10_000 for picture in tmp_path.glob("*.png"))
    _, (images, digits) = datasets.mnist()
    assert lw.load(tmp_path / "mnist.latch").evaluate(images, digits)["accuracy"] == pytest.approx(
        figures["mnist"]["test_accuracy"]
    )
    assert lw.load(tmp_path / "airline.latch").predict(np.zeros((1, 1, 1))).shape == (1,)


def test_what_is_said_of_the_network_follows_its_figures():
    months, passengers = datasets.airline()
    test = range(100, 140)

    def said(forecast: np.ndarray) -> str:
        result = airline.AirlineResult(months, passengers, {}, {m: float(forecast[m]) for m in test}, 1.0, None)  # pyright: ignore
        return parts.what_it_means(result)

    last_month = np.roll(passengers, 1)
    assert "lie 0 thousand passengers from last" in said(last_month)
    assert "lie 10 thousand passengers from last" in said(last_month + 10)
    assert said(passengers + 1).endswith("this network 1.00.")  # no word of repeating


def test_done_well_has_not_seen_the_months_that_it_forecasts(monkeypatch: pytest.MonkeyPatch):
    """With another future, every forecast up to its first month stays as it was."""
    monkeypatch.setattr(airline, "MEMBERS", 1)
    monkeypatch.setattr(airline, "EPOCHS_TRIED", (0, 10))
    months, passengers = datasets.airline()
    first = int(len(passengers) * airline.TRAINING_SHARE) + 1
    cut = first + 5
    changed = passengers.copy()
    changed[cut:] = np.random.default_rng(0).uniform(100, 900, len(passengers) - cut)
    one, other = (airline.done_well(months, each, seed=0, progress="none") for each in (passengers, changed))
    assert one.train_forecast == other.train_forecast and one.epochs == other.epochs
    assert min(one.test_forecast) == first
    assert all(one.test_forecast[month] == other.test_forecast[month] for month in range(first, cut + 1))
    assert one.test_forecast[cut + 1] != other.test_forecast[cut + 1]
    assert one.test_rmse < 0.5 * one.persistence_test_rmse


def test_digits_done_well_keep_to_their_minute_unless_all_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(digits, "DONE_WELL_MINUTES", 1e-6)
    monkeypatch.setattr(digits, "FULL_EPOCHS", 2)
    train, test = datasets.mnist()
    few, answers = (train[0][:1280], train[1][:1280]), (test[0][:64], test[1][:64])
    brief = digits.done_well(few, answers, seed=0, progress="none")
    full = digits.done_well(few, answers, full=True, seed=0, progress="none")
    assert brief.model.history_.steps == 1
    assert len(full.model.history_.epochs) == 2
