"""The page on real data runs as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "real-data.md"


def test_the_page_on_real_data_runs(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 4
    scope: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), scope)
    said = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    rho, accuracy = map(float, said["naive"].split())
    assert rho < 0.3  # asking helps by two fifths whatever the story, so the log at face value finds it
    assert accuracy > 0.7
    assert abs(float(said["canary-random"].split()[1]) - 0.5) < 0.15
    truth, naive = re.findall(r"-?[0-9.]+", said["truth"])
    assert abs(float(truth) - 3) < 4 * 0.45  # standard error on the card
    assert float(naive) > float(truth) + 3
