"""The harness of runs is the harness that the contract promises to methods, signature by signature."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from benchmark import contract
from benchmark.harness import Harness, tabular_harness

PROMISED = sorted(name for name in vars(contract.Harness) if not name.startswith("_"))
METHODS = [name for name in PROMISED if inspect.isfunction(vars(contract.Harness)[name])]


@pytest.mark.parametrize("name", METHODS)
def test_every_promised_method_has_the_same_arguments(name: str) -> None:
    promised = inspect.signature(getattr(contract.Harness, name)).parameters
    found = inspect.signature(getattr(Harness, name)).parameters
    assert [(p.name, p.kind, p.default) for p in promised.values()] == [
        (p.name, p.kind, p.default) for p in found.values()
    ]


def test_a_harness_has_everything_that_is_promised() -> None:
    harness = tabular_harness(np.array(["p"], dtype=object), np.array(["a", "b"], dtype=object))
    assert set(METHODS) < set(PROMISED)
    assert all(hasattr(harness, name) for name in PROMISED)
    model = harness.policy()
    assert all(hasattr(model, name) for name in vars(contract.Model) if not name.startswith("_"))
    fitted = harness.fitted_policy(model)
    assert isinstance(fitted, contract.Fitted)
    assert fitted.sample(np.array(["p"], dtype=object), 3).shape == (1, 3)
