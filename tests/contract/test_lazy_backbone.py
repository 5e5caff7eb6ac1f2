"""A lazy backbone gives what the pretrained one gives, and trains its decoder only when it is asked to."""

import numpy as np
import pytest

import benchmark
from benchmark.contract import Incompatible, Log
from benchmark.tasks import pretraining
from benchmark.tasks.backbones import load_backbone


@pytest.fixture(autouse=True)
def _small(monkeypatch, tmp_path):
    monkeypatch.setenv("CONFOUNDBENCH_BUILD", str(tmp_path))
    monkeypatch.setattr(pretraining, "PRETRAINING_TEXTS", 600)
    pretraining.hash_backbone.cache_clear()
    yield
    pretraining.hash_backbone.cache_clear()


def test_its_encoder_and_its_decoder_are_those_of_the_pretrained_backbone():
    lazy = pretraining.open_backbone("headlines")
    place = pretraining.find_backbone("headlines")
    prompts, texts, _ = pretraining.draw_corpus("headlines")
    encoded = lazy.encoder.encode(prompts[:50], texts[:50])
    assert not place.exists()
    assert hasattr(lazy, "spread")  # of the decoder, which is trained now
    assert place.exists()
    whole = load_backbone(place)
    np.testing.assert_array_equal(encoded, whole.encoder.encode(prompts[:50], texts[:50]))
    np.testing.assert_array_equal(lazy.reference_weights("cpu"), whole.reference_weights("cpu"))


def test_a_run_of_regressions_pretrains_nothing(tmp_path):
    cells = {"scenarios": ["observed[n=200]"], "seeds": 1, "device": "cpu"}
    planned = benchmark.plan("core-tiny", methods=["covariate-regression"], **cells)
    assert planned.backbones == ()
    assert benchmark.plan("core-tiny", methods=["dpo-raw"], **cells).backbones == (("headlines", "tiny"),)
    summary = benchmark.run_suite("core-tiny", methods=["covariate-regression"], workers=0, **cells)
    # naive and covariate-regression on the log and on its twin, and the ceiling
    assert summary.statuses == {"ok": 5}
    assert not list(tmp_path.glob("backbones/*"))


def test_fit_says_why_a_method_cannot_do_something():
    log = benchmark.simulate("observed", n=200).log
    fitted = benchmark.fit("naive", log)
    with pytest.raises(Incompatible, match="no policy"):
        fitted.sample("Write a headline.")
    with pytest.raises(Incompatible, match="covariate"):
        benchmark.fit("covariate-regression", Log(log.table.select(["prompt", "text", "outcome"])))
