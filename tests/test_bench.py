"""The benchmark: equal work for every contestant, honest books, and no timed assertion."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latchwork.bench import report
from latchwork.bench.cases import CASES, Case, chosen_cases
from latchwork.bench.peers import CONTESTANTS, OURS, Contestant, contestant, ours, plain_jax
from latchwork.bench.results import agrees, merge, summarise
from latchwork.bench.timing import Measured, measure
from latchwork.bench.work import make_work, mean_loss, sequence_steps
from latchwork.cli.main import run
from latchwork.core.errors import InputError
from latchwork.core.spec import GRU, LSTM, Bidirectional, Dense, Dropout, Embedding, Sequential, SimpleRNN

TINY = {"batch": 3, "steps": 2}
SMALL = {
    "lstm": Case("lstm", "", Sequential([LSTM(3), Dense(2)], input_shape=(4, 2)), optimizer="rmsprop", **TINY),
    "gru": Case("gru", "", Sequential([GRU(3), Dense(1)], input_shape=(4, 2)), **TINY),
    "rnn": Case("rnn", "", Sequential([SimpleRNN(3), Dense(2)], input_shape=(4, 2)), optimizer="sgd", **TINY),
    "both ways": Case("both", "", Sequential([Bidirectional(LSTM(3)), Dense(2)], input_shape=(4, 2)), **TINY),
    "tokens": Case(
        "tokens", "", Sequential([Embedding(5, 3), LSTM(3, return_sequences=True), Dense(5)], input_shape=(4,)), **TINY
    ),
    "ragged": Case("ragged", "", Sequential([LSTM(3), Dense(2)], input_shape=(6, 2)), shortest=2, **TINY),
    "labels": Case(
        "labels",
        "",
        Sequential([*(Bidirectional(LSTM(3, return_sequences=True)) for _ in range(2)), Dense(4)], input_shape=(9, 2)),
        shortest=6,
        labels=3,
        **TINY,
    ),
    "members": Case("members", "", Sequential([LSTM(3), Dense(1)], input_shape=(4, 2)), members=3, **TINY),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_case_survives_the_way_to_another_process(case: Case) -> None:
    there = Case.from_dict(json.loads(json.dumps(case.to_dict())))
    assert there == case or math.isnan(case.scale)
    assert any(one.takes_part(case) for one in CONTESTANTS if one.name != OURS)


def test_work_is_the_same_in_every_process() -> None:
    case = SMALL["ragged"]
    first, second = make_work(case), make_work(case)
    assert np.array_equal(first.inputs, second.inputs) and np.array_equal(first.targets, second.targets)
    assert first.lengths is not None and sequence_steps(case, first) == first.lengths.sum()
    past = np.arange(case.time) >= first.lengths[..., None]
    assert past.any() and not first.inputs[past].any()
    assert not np.array_equal(first.inputs, make_work(case, member=1).inputs)


def test_floating_point_operations_are_those_of_the_products() -> None:
    # LSTM(30) on 28 features: the inputs' own gradient is not needed. The last layer sees one step.
    assert CASES["mnist"].flops_a_step() == (4 * 28 + 6 * 30) * 120
    # Behind an embedding, all three products; the last layer sees every step.
    assert CASES["char-1x128"].flops_a_step() == 6 * ((64 + 128) * 512 + 128 * 65)


@pytest.mark.parametrize("case", SMALL.values(), ids=SMALL)
def test_latchwork_and_plain_jax_do_the_same_mathematics(case: Case) -> None:
    works = [make_work(case, member) for member in range(case.members)]
    results: list[Measured] = []
    for name, module in ((OURS, ours), ("JAX scan", plain_jax)):
        trainer = module.Trainer(case, works)
        check = mean_loss(case, trainer.first_outputs()[0], works[0].targets[0], works[0].first_lengths())
        results.append(Measured(name, "", check=check, loss=trainer.round()))
        again = trainer.round()
        assert again != results[-1].loss, "a round must train"
    own, other = results
    assert agrees(own, other)
    assert own.loss == pytest.approx(other.loss, rel=1e-5)
    assert not agrees(own, replace(other, check=(other.check or 0) * 1.01))
    assert not agrees(own, replace(other, loss=math.nan))


def test_a_keyboard_is_the_same_for_pytorch_and_ours_counts_what_it_samples() -> None:
    pytest.importorskip("torch")
    from latchwork.bench.peers import pytorch

    layers = [Embedding(300, 6), LSTM(8, return_sequences=True), Dropout(0.3), Dense(6), Dense(300, tied=True)]
    case = Case(
        "keyboard", "", Sequential(layers, input_shape=(12,)), batch=9, steps=3, data="words", clip=0.2, carried=True,
        sampled=(100, 150),
    )  # fmt: skip
    works = [make_work(case)]
    found: list[Measured] = []
    for name, module in ((OURS, ours), ("PyTorch", pytorch)):
        trainer = module.Trainer(case, works)
        check = mean_loss(case, trainer.first_outputs()[0], works[0].targets[0])
        found.append(Measured(name, "", check=check, loss=trainer.round(), seconds=[1.0]))
    assert agrees(*found)
    assert np.bincount(works[0].inputs.ravel(), minlength=300)[:30].sum() > 0.4 * works[0].inputs.size
    rows = summarise(case, found, {})["contestants"]
    own, other = (row["gflops"] for row in rows)
    body = (6 + 8) * 4 * 8 + 8 * 6
    assert own / other == pytest.approx((body + 6 * 250) / (body + 6 * 300))


def test_nan_goes_through_as_nan() -> None:
    case = replace(CASES["nan"], batch=4)
    trainer = ours.Trainer(case, [make_work(case)])
    outputs = trainer.first_outputs()[0]
    assert np.isnan(outputs[0]).all() and np.isfinite(outputs[1:]).all()
    assert math.isnan(trainer.round())


@pytest.mark.parametrize("kind", ["sequence", "step"])
def test_answers_from_python_agree(kind: str) -> None:
    case = replace(SMALL["lstm"], kind=kind, batch=1, steps=1)
    work = make_work(case)
    answers = [module.answerer(case, work)() for module in (ours, plain_jax)]
    np.testing.assert_allclose(*answers, rtol=1e-5, atol=1e-6)


def test_rounds_in_turn_in_processes_of_their_own() -> None:
    case = SMALL["gru"]
    broken = Contestant("broken", "no_such_module", (), "")
    notes: list[str] = []
    taking = [contestant(OURS), contestant("JAX scan")]
    measured = measure(case, taking, rounds=2, patience=60, note=notes.append)
    assert [len(one.seconds) for one in measured] == [2, 2]
    assert all(one.first_seconds and one.error is None for one in measured)
    assert len(notes) == 3
    entry = summarise(case, measured, {})
    assert entry["fastest_peer"] == "JAX scan" and all(row["agrees"] for row in entry["contestants"])
    assert broken.missing() is None


def test_a_contestant_that_dies_is_told_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATCHWORK_ENGINE", "nonsense")  # ours cannot run, plain JAX does not mind
    case = replace(SMALL["rnn"], fresh=True)
    own, other = measure(case, [contestant(OURS), contestant("JAX scan")], 1, 60, lambda _: None)
    assert own.error and "nonsense" in own.error and other.error is None and len(other.seconds) == 1
    table = report.case_rows(summarise(case, [own, other], {"PyTorch": "torch"}))
    assert table[1][1].startswith("failed: ") and table[2][:2] == ["PyTorch", "not installed: torch"]


def test_ratios_are_against_the_fastest_peer_and_say_whether_they_suffice() -> None:
    case = replace(SMALL["lstm"], target=3, aim=5)
    measured = [
        Measured(OURS, "", 1.0, [0.125, 0.5, 0.25]),
        Measured("latchwork through XLA", "", None, [0.01]),
        Measured("JAX scan", "", 2.0, [0.875]),
        Measured("PyTorch", "", 1.0, [0.5, 1.0]),
    ]
    entry = summarise(case, measured, {})
    assert entry["fastest_peer"] == "PyTorch" and entry["ratio"] == pytest.approx(3)
    assert "3.00x as fast as PyTorch" in report.verdict(entry) and report.verdict(entry).endswith(": met")
    assert report.verdict(entry | {"ratio": 2.9}).endswith(": MISSED")
    timed = entry | {"target_seconds": 0.1, "aim_seconds": 0.05, "seconds": 0.2}
    assert report.verdict(timed).endswith(": MISSED")


def test_a_later_run_keeps_the_cases_that_it_did_not_measure(tmp_path: Path) -> None:
    first = {"quick": True, "machine": {"cpu": "A"}, "cases": {"x": 1, "y": 1}}
    (tmp_path / "results.json").write_text(json.dumps(first))
    later = {"quick": True, "machine": {"cpu": "A"}, "cases": {"y": 2}}
    assert merge(tmp_path, later)["cases"] == {"x": 1, "y": 2}
    assert merge(tmp_path, later | {"machine": {"cpu": "B"}})["cases"] == {"y": 2}


def test_the_command_on_one_tiny_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CASES, "tiny", replace(SMALL["lstm"], name="tiny"))
    monkeypatch.setattr("latchwork.bench.limits.LIBRARIES", {"NumPy": "numpy"})
    monkeypatch.setattr("latchwork.bench.limits.SIZE", 64)
    code = run(["bench", "--case", "tiny", "--peer", "JAX scan", "--rounds", "1", "--quiet", "--out", str(tmp_path)])
    assert code == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["cases"]["tiny"]["ratio"] > 0 and results["limits"]["product"] > 0
    assert (tmp_path / "bench.png").stat().st_size > 10_000
    assert "| JAX scan |" in (tmp_path / "bench.md").read_text()


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="unknown case"):
        chosen_cases(["mnist", "nonsense"], quick=False)
    assert run(["bench", "--peer", "Theano"]) == 2
    assert {case.name for case in chosen_cases([], quick=True)} < set(CASES)


def test_no_peer_is_imported_before_it_is_measured() -> None:
    program = "import latchwork.bench.timing, sys; print([m for m in ('torch', 'keras', 'jax') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert answer.stdout.strip() == "[]"
