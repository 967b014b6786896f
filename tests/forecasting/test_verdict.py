"""What the verdict says first, and why; and what the report opens with."""

from dataclasses import replace

import numpy as np
import pytest

from latchwork.forecasting.forecaster import Forecaster
from latchwork.forecasting.judging.verdict import judge
from latchwork.forecasting.methods.catalogue import METHODS, method_named
from latchwork.forecasting.report.page import write_page
from latchwork.forecasting.report.results import results
from latchwork.forecasting.report.understood import calendar_picture


def quick(**options):
    return Forecaster(6, **{"train": False, "library": False, "progress": "none", **options})


@pytest.fixture(scope="module")
def months(tmp_path_factory):
    rng = np.random.default_rng(0)
    values = 100 + 10 * np.sin(np.arange(72) * np.pi / 6) + rng.normal(size=72)
    rows = [f"{2015 + i // 12}-{i % 12 + 1:02d},{v:.2f},{i}" for i, v in enumerate(values)]
    del rows[30]
    path = tmp_path_factory.mktemp("data") / "months.csv"
    path.write_text("month,sales,row_id\n" + "\n".join(rows))
    return path


def test_intervals_that_failed_are_said_first(months):
    fitted = quick().fit(months)
    backtest = fitted.backtest()
    missed = dict.fromkeys(backtest.low, backtest.truth + 1)
    failed = replace(backtest, low=missed, high={level: ends + 1 for level, ends in missed.items()})
    sentence = judge(failed, METHODS, method_named(fitted.used_)).sentence
    assert sentence.startswith(
        "Do not rely on the intervals: in the test the 80 % interval covered 0 % of what was observed"
    )
    assert "Do not rely" not in fitted.verdict().sentence


def test_one_origin_is_said_to_be_little(months):
    assert quick(origins=1).fit(months).verdict().sentence.startswith("Tested on one origin")


def test_a_winner_that_is_set_aside_is_set_aside_for_a_reason(months):
    backtest = quick().fit(months).backtest()
    better = backtest.with_forecasts("naive", backtest.truth + 1e-6)
    sentence = judge(better, METHODS, method_named("latchwork")).sentence
    assert "more than chance explains" in sentence
    assert "a mixture of methods is steadier than whichever won one test" in sentence
    assert "--best uses naive instead" in sentence


def test_levels_between_nothing_and_one_are_parts(months):
    fitted = quick(levels=(0.8,)).fit(months)
    assert list(fitted.predict().low) == [80]
    assert any("0.8 are read as 80 %" in note for note in fitted.notes_)
    with pytest.raises(ValueError, match="such as 80"):
        quick(levels=(0.8, 95)).fit(months)


def test_seasons_can_be_said(months):
    assert quick(seasons=(4, 12)).fit(months).seasons_ == (4, 12)
    with pytest.raises(ValueError, match="2 observations"):
        quick(seasons=(1,)).fit(months)


def test_the_report_opens_with_what_was_understood(months, tmp_path):
    result = quick().fit(months).result_
    write_page(result, results(result, 0.0), tmp_path / "page.html", "latchwork forecast months.csv")
    page = (tmp_path / "page.html").read_text()
    begin = page.index("What was understood of your file")
    assert begin < page.index('class="verdict"')
    for said in (
        "<td>row_id</td><td>not used (counter)</td>",
        "--time month --target sales --frequency monthly",
        "1 gap",
    ):
        assert said in page[begin : page.index('class="verdict"')]
    picture, caption = calendar_picture(result.panel)
    assert picture.count("M") == 72
    assert picture.split('class="missing"')[1].count("M") == 1
    assert "71 of 72 places" in caption
    found = results(result, 0.0)
    assert found["understood"]["columns"][0] == {"name": "month", "part": "time", "example": "2015-01, 2015-02"}
    assert len(found["severities"]) == len(found["notes"])
