"""Predictions are validated arrays: a NaN is a failure, never a wildcard."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.contract import ContractError, Predictions, Queries


@pytest.fixture
def queries() -> Queries:
    return Queries(
        prompts=np.array(["p"] * 4, dtype=object),
        texts=np.array(["a", "b", "c", "d"], dtype=object),
        pairs=np.array([[0, 1], [2, 3]]),
        contrasts=np.array([[0, 0, 1], [1, 2, 3]]),
        pools=np.array([[0, 1, 2, 3]]),
        generate=np.array(["p"], dtype=object),
        n_samples=2,
    )


def test_good_predictions_pass(queries):
    given = Predictions(
        [1, 2, 3, 4], samples=[["x", "y"]], intervals=[[0, 1], [-1, 2]], abstains=[True, False]
    )
    checked = given.validate(queries)
    assert checked.reward.dtype == np.float64
    assert checked.samples.shape == (1, 2)


@pytest.mark.parametrize(
    ("predictions", "says"),
    [
        (Predictions([1, 2, 3]), "wrong shape"),
        (Predictions([1, 2, 3, float("nan")]), "must be finite"),
        (Predictions([1, 2, 3, float("inf")]), "must be finite"),
        (Predictions(["a", "b", "c", "d"]), "must be numbers"),
        (Predictions([1, 2, 3, 4], samples=[["x"]]), "wrong shape"),
        (Predictions([1, 2, 3, 4], samples=[["x", 3]]), "must be texts"),
        (Predictions([1, 2, 3, 4], intervals=[[1, 0], [0, 1]]), "reversed"),
        (Predictions([1, 2, 3, 4], intervals=[[0, 1]]), "wrong shape"),
        (Predictions([1, 2, 3, 4], abstains=[True]), "wrong shape"),
        (Predictions([1, 2, 3, 4], abstains=[0.2, 1.0]), "true or false"),
    ],
)
def test_bad_predictions_are_contract_errors(queries, predictions, says):
    with pytest.raises(ContractError) as caught:
        predictions.validate(queries)
    assert says in str(caught.value)
    assert caught.value.exit_code == 4
