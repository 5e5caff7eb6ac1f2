"""Ctrl-C ends a verb with the documented code and says how to go on."""

import json

import benchmark
from benchmark.cli.main import invoke


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_an_interruption_says_how_to_go_on(monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "doctor", interrupt, raising=False)
    assert invoke(["doctor"]) == 130
    assert "run the same command again to go on" in capsys.readouterr().err
    assert invoke(["doctor", "--json"]) == 130
    assert json.loads(capsys.readouterr().out)["exit_code"] == 130
