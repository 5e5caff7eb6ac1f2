"""The contract between worlds, methods and the scorer: data types and nothing that computes."""

from benchmark.contract.errors import (
    BenchError,
    ContractError,
    Incompatible,
    IncompleteError,
    InfrastructureError,
    RegressionError,
    UsageError,
    unknown_name,
)
from benchmark.contract.harness import Budget, Fitted, Harness, Model, Policy
from benchmark.contract.log import Log
from benchmark.contract.method import Fitting, Method, RewardFunction, Tags
from benchmark.contract.queries import Contrasts, PairTexts, Predictions, Queries
from benchmark.contract.requests import Ask, Encode, Request, Sample, Score, Texts, Train
from benchmark.contract.seeding import BLOCK, PUBLIC_SEASON, Streams, make_rng

__all__ = [
    "BLOCK",
    "PUBLIC_SEASON",
    "Ask",
    "BenchError",
    "Budget",
    "ContractError",
    "Contrasts",
    "Encode",
    "Fitted",
    "Fitting",
    "Harness",
    "Incompatible",
    "IncompleteError",
    "InfrastructureError",
    "Log",
    "Method",
    "Model",
    "PairTexts",
    "Policy",
    "Predictions",
    "Queries",
    "RegressionError",
    "Request",
    "RewardFunction",
    "Sample",
    "Score",
    "Streams",
    "Tags",
    "Texts",
    "Train",
    "UsageError",
    "make_rng",
    "unknown_name",
]
