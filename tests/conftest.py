"""Settings shared by all tests: one thread a process, nothing fetched from a network."""

from __future__ import annotations

import os
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest  # noqa: E402  (after the thread caps, which libraries read at import)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real randomised text experiments, or a skip that says what is missing."""
    named = os.environ.get("CONFOUNDBENCH_DATA")
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(named) if named else beside
    if not (folder / "upworthy_headlines.csv.gz").exists():
        pytest.skip("set CONFOUNDBENCH_DATA to a folder that holds upworthy_headlines.csv.gz")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _author_key(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test makes or uses the key in the home of whoever runs it."""
    os.environ["CONFOUNDBENCH_KEY"] = str(tmp_path_factory.mktemp("author") / "author.key")
