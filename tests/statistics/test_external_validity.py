"""Real and synthetic boards are compared: mechanisms confound as they say, and tau is Kendall's."""

import numpy as np
import pandas as pd
import pytest

from benchmark.contract import make_rng
from benchmark.external.__main__ import compare, list_cells
from benchmark.external.agreement import compare_boards
from benchmark.external.boards import METHODS, measure_real, measure_synthetic
from benchmark.external.mechanisms import COUNTERPARTS, IN_WORDS, confound, draw_index
from benchmark.external.page import write_page
from benchmark.external.tables import Split, split_headlines, split_persuasion
from simulators.text.detectors import Detectors

FEW = ("naive", "ceiling", "covariate-regression")


def an_experiment(n=6000, effect=1.0):
    """Texts with a question or an exclamation, each with chance one half; a question is worth ``effect``."""
    rng = np.random.default_rng(0)
    asks, shouts, score = rng.random(n) < 0.5, rng.random(n) < 0.5, rng.normal(size=n)
    texts = np.array(
        [
            f"Story {'? ' if a else ''}{'!' if b else ''} of the day"
            for a, b in zip(asks, shouts, strict=True)
        ],
        object,
    )
    prompts = np.full(n, "Write.", object)
    first = np.array(["Story ?  of the day", "Story ? ! of the day"], object)
    second = np.array(["Story  of the day", "Story ! of the day"], object)
    outcome = effect * asks + score + rng.normal(size=n)
    return Split(
        prompts, texts, score, outcome, rng.normal(size=(n, 1)), prompts[:2], first, second,
        np.full(2, effect), np.arange(2),
    )  # fmt: skip


def index_of(split):
    """u falls with the question, so naive methods think ill of it."""
    asks = Detectors().detect(split.texts)[:, 0].astype(float)
    return -(asks - asks.mean()) / asks.std()


@pytest.mark.parametrize("mechanism", sorted(COUNTERPARTS))
def test_strength_makes_texts_go_with_what_drives_outcomes(mechanism):
    split = an_experiment()
    cause = "outcome" if mechanism == "outcome" else "score"
    found = {}
    for strength in (0.0, 1.0, 2.0):
        index = index_of(split)
        log = confound(split, mechanism, strength, index, np.random.default_rng(2))
        assert 0.35 * len(index) < len(log) < 0.65 * len(index)
        rows = np.isin(np.arange(len(index)), np.flatnonzero(np.isin(split.outcome, log.outcomes)))
        found[strength] = np.corrcoef(getattr(split, cause)[rows], index[rows])[0, 1]
    base = np.corrcoef(getattr(split, cause), index_of(split))[0, 1]
    assert abs(found[0.0] - base) < 0.05
    assert found[0.0] + 0.2 < found[1.0] < found[2.0]


def test_what_is_recorded_is_what_the_mechanism_says():
    split, rng = an_experiment(500), np.random.default_rng(3)
    logs = {
        name: confound(split, name, 1.0, index_of(split), np.random.default_rng(4)) for name in COUNTERPARTS
    }
    assert set(IN_WORDS) == set(COUNTERPARTS)
    assert set(logs["dropped"].names("covariate")) == {"other_1"}
    kept = np.flatnonzero(rng.random(500) < 2)
    assert np.isin(logs["recorded"].numbers("covariate.score"), split.score[kept]).all()
    folded = logs["nonlinear"].numbers("covariate.size") * (
        2 * logs["nonlinear"].numbers("covariate.sign") - 1
    )
    assert folded == pytest.approx(logs["recorded"].numbers("covariate.score"))
    noise = logs["noisy"].numbers("covariate.measured_1") - logs["recorded"].numbers("covariate.score")
    assert 0.8 < noise.std() < 1.2


def test_adjusting_for_a_recorded_score_recovers_the_order(monkeypatch):
    from benchmark.external import boards

    split = an_experiment(effect=0.4)
    monkeypatch.setattr(boards, "draw_index", lambda *_: index_of(split))
    found = measure_real(split, "recorded", 2.0, np.random.default_rng(5), ("test",), FEW)
    assert found["naive"] == 1.0, "at face value both pairs are in the wrong order"
    assert found["covariate-regression"] == found["ceiling"] == 0.0
    dropped = measure_real(split, "dropped", 2.0, np.random.default_rng(5), ("test",), FEW)
    assert dropped["covariate-regression"] == 1.0


def test_synthetic_worlds_take_the_same_methods():
    assert set(measure_synthetic("proxy[strength=1]", 0, 300, FEW)) == set(FEW)
    assert len(METHODS) >= 21


def test_the_index_has_unit_variance_and_drawn_signs():
    split = an_experiment()
    drawn = [draw_index(split.texts, Detectors(), np.random.default_rng(seed)) for seed in range(8)]
    assert all(abs(u.std() - 1) < 1e-9 and abs(u.mean()) < 1e-9 for u in drawn)
    assert len({round(float(u[0]), 6) for u in drawn}) > 2


# -- tau ---------------------------------------------------------------------------------
def a_board(order, noise=0.0, clusters=6, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for cluster in range(clusters):
        for stratum in ("a", "b"):
            level = {"naive": 0.4, "ceiling": 0.05}
            level |= {name: 0.1 + 0.05 * place for place, name in enumerate(order)}
            rows += [
                {"cluster": cluster, "stratum": stratum, "method": name, "rho": rho + noise * rng.normal()}
                for name, rho in level.items()
            ]
    return pd.DataFrame(rows)


def test_tau_of_equal_and_of_reversed_orders():
    rng = np.random.default_rng(6)
    one = a_board("abcde")
    same = compare_boards(one, a_board("abcde"), rng)
    assert (same.tau, same.low, same.high, same.ceiling) == pytest.approx((1.0, 1.0, 1.0, 1.0))
    assert same.methods == 6, "five methods and the naive one; the experiment is none"
    assert same.cost == 0.0
    assert same.naive_cost == pytest.approx(0.3)
    # five methods reversed and the naive one last in both: 15 pairs, 10 of them reversed
    reverse = compare_boards(one, a_board("edcba"), rng)
    assert reverse.tau == pytest.approx((5 - 10) / 15)
    assert reverse.cost == pytest.approx(0.2), "the worst of the five was chosen: .30 against .10"


def test_noise_widens_the_interval_and_lowers_the_ceiling():
    rng = np.random.default_rng(7)
    noisy = compare_boards(a_board("abcde", 0.3, seed=1), a_board("abcde"), rng)
    assert noisy.high - noisy.low > 0.3
    assert noisy.ceiling < 0.8


def test_the_page_holds_the_table_and_leaves_the_rest(tmp_path):
    rows = []
    for table in ("headlines", "plain", "lifelike", "calibrated to headlines"):
        part = a_board("abcde", 0.02, 3).assign(board=table, strength=1)
        rows += [part.assign(mechanism=name) for name in ("recorded", "dropped")]
    regrets = pd.concat(rows)
    (tmp_path / "external-validity.md").write_text(
        "# Title\n\nBefore.\n<!-- external:begin -->\nold\n<!-- external:end -->\nAfter.\n"
    )
    write_page(compare(regrets, ["headlines"]), regrets, tmp_path)
    text = (tmp_path / "external-validity.md").read_text()
    assert text.startswith("# Title\n\nBefore.")
    assert text.endswith("After.\n")
    assert "old" not in text
    assert text.count("| headlines | recorded |") == 3
    assert (tmp_path / "external" / "agreement.svg").read_text().count("<svg") == 1
    assert len(pd.read_csv(tmp_path / "external" / "regrets.csv")) == 4 * 2 * 7


def test_cells_are_balanced_however_many_are_done():
    cells = list_cells(["headlines"], 2, 2)
    assert len(cells) == 11 * 2 * 4
    first = pd.DataFrame(cells[:15])
    assert set(first["board"]) == {"headlines", "plain", "lifelike"}
    assert (first["strength"] == 1).all()


# -- real tables ------------------------------------------------------------------------------
def test_splits_of_real_tables_share_no_rows(real_data):
    split = split_headlines(real_data / "upworthy_headlines.csv.gz", make_rng("test"))
    assert len(split.texts) > 4000
    assert len(split.difference) > 200
    assert not set(split.texts) & (set(split.first) | set(split.second))
    assert abs(split.score.std() - 1) < 1e-9
    people = split_persuasion(real_data, make_rng("test"))
    assert len(people.texts) > 4000
    assert len(set(people.prompts)) == 10
    # what respondents are like predicts what they answer
    assert np.corrcoef(people.score, people.outcome)[0, 1] > 0.1
