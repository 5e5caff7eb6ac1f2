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
from benchmark.contract.log import Log
from benchmark.contract.method import Budget, Fitted, Fitting, Method, RewardFunction, Tags
from benchmark.contract.queries import Contrasts, Predictions, Queries
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
    "Incompatible",
    "IncompleteError",
    "InfrastructureError",
    "Log",
    "Method",
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
