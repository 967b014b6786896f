"""The command: names of the JSON, files, exit codes, one clear line for bad input."""

import json

import numpy as np
import pytest

from latchwork.cli.main import run
from latchwork.forecasting.judging.stocks import stock_report
from latchwork.forecasting.paths import continue_paths
from latchwork.forecasting.reading.table import read_table


@pytest.fixture
def airline(tmp_path):
    """Months that rise and repeat, as a file."""
    steps = np.arange(84)
    values = 100 * np.exp(0.01 * steps + 0.2 * np.sin(steps * np.pi / 6)) + np.random.default_rng(0).normal(size=84)
    lines = [f"{2000 + t // 12}-{t % 12 + 1:02d},{v:.2f}" for t, v in zip(steps, values, strict=True)]
    path = tmp_path / "months.csv"
    path.write_text("month,sales\n" + "\n".join(lines))
    return path


def command(capsys, *arguments):
    code = run(["forecast", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_json_holds_the_promised_names_and_the_files_are_there(airline, tmp_path, capsys):
    code, out, _ = command(capsys, airline, "--no-train", "--json", "--out", tmp_path / "out", "--continue", "20")
    assert code == 0
    found = json.loads(out)
    assert (found["horizon"], found["frequency"], found["season"]) == (12, "monthly", 12)
    tested = found["backtest"]
    assert {"origins", "rmse", "mase", "smape", "coverage", "baselines"} <= set(tested)
    assert set(tested["coverage"]) == {"80", "95"}
    assert {"naive", "seasonal_naive", "theta", "drift"} <= set(tested["baselines"])
    assert {"series", "time", "mean", "lo80", "hi80", "lo95", "hi95"} == set(found["forecast"][0])
    assert found["forecast"][0]["time"] == "2007-01"
    assert found["verdict"]
    assert found["winner"]
    assert len(found["paths"]["quantiles"]["50"]) == 20
    for name in ("forecast.csv", "results.json", "report.html", "forecast.png", "backtest.png", "paths.csv"):
        assert (tmp_path / "out" / name).stat().st_size > 100, name
    page = (tmp_path / "out" / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page


def test_save_and_update(airline, tmp_path, capsys):
    model, new = tmp_path / "m.latch", tmp_path / "new.csv"
    assert command(capsys, airline, "--no-train", "-q", "--save", model, "--out", tmp_path / "a")[0] == 0
    new.write_text("month,sales\n2007-01,205\n2007-02,220\n")
    code, out, _ = command(capsys, model, "--update", new, "--json", "--out", tmp_path / "b")
    assert code == 0
    assert json.loads(out)["forecast"][0]["time"] == "2007-03"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.csv"], "no such file"),
        (["FILE", "--target", "turnover"], "month, sales"),
        (["FILE", "--levels", "80,wide"], "per cents"),
        (["FILE", "--levels", "120"], "between 0 and 100"),
        (["FILE", "--update", "x.csv"], "saved model"),
        (["FILE", "--horizon", "0"], "horizon"),
    ],
)
def test_bad_input_is_one_line_and_exit_two(arguments, says, airline, capsys):
    code, _, err = command(capsys, *[airline if a == "FILE" else a for a in arguments], "--no-train")
    assert code == 2
    assert says in err
    assert len(err.strip().splitlines()) == 1


def test_prices_are_set_beside_the_random_walk(tmp_path):
    rng = np.random.default_rng(0)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 400)))
    days = np.busday_offset("2020-01-01", np.arange(400), roll="forward")
    lines = [f"{d},{c},{c * 1.01},{c * 0.99},{c},{1000 + i}" for i, (d, c) in enumerate(zip(days, close, strict=True))]
    path = tmp_path / "stock.csv"
    path.write_text("Date,Open,High,Low,Close,Volume\n" + "\n".join(lines))
    report = stock_report(read_table(path), "Close")
    assert report is not None
    assert "does not beat" in report.sentence
    assert 0.97 < report.rmse / report.random_walk_rmse < 1.05
    assert 40 < report.direction < 60
    tomorrow = 100 * np.exp(np.cumsum(np.where(np.arange(400) % 2, 0.02, -0.02)))  # as foreseeable as can be
    lines = [f"{d},{c},{c * 1.01},{c * 0.99},{c},1000" for d, c in zip(days, tomorrow, strict=True)]
    path.write_text("Date,Open,High,Low,Close,Volume\n" + "\n".join(lines))
    assert "forecast beats the random walk" in stock_report(read_table(path), "Close").sentence


def test_paths_spread_as_they_go_on():
    from latchwork.forecasting import Forecaster

    walk = 100 + np.random.default_rng(1).normal(size=150).cumsum()
    fitted = Forecaster(6, train=False).fit(walk)
    found = continue_paths(fitted.result_, 18, paths=40)
    assert found.samples.shape == (40, 18)
    assert found.samples[:, -1].std() > found.samples[:, 0].std()
    assert np.array_equal(found.samples, continue_paths(fitted.result_, 18, paths=40).samples)
