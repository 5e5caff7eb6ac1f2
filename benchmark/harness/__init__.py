"""What methods train on: one backbone, one budget, one set of meters for all.

Knows neither the worlds that make logs nor the methods that read them.
"""

from benchmark.harness.cache import Cache
from benchmark.harness.decoder.backbone import Backbone
from benchmark.harness.decoder.pretrain import pretrain
from benchmark.harness.device import PRECISIONS, check_precision, device_class, resolve_device, set_arithmetic
from benchmark.harness.drive import Failure, drive
from benchmark.harness.encoders.words import TextEncoder
from benchmark.harness.harness import FittedHead, FittedPolicy, Harness, tabular_harness
from benchmark.harness.hf.llama import to_llama
from benchmark.harness.meters import Meter, peak_memory_mb
from benchmark.harness.predict import LEVEL, predict, read_diagnostics
from benchmark.harness.tokenizer import Tokenizer
from benchmark.harness.training.model import Batch, FieldScores, Model, Scores, blend, reverse_gradient
from benchmark.harness.training.together import answer_queries

VERSION = "3"
"""Part of every result's key: raised whenever the harness would give other numbers."""

__all__ = [
    "LEVEL",
    "PRECISIONS",
    "VERSION",
    "Backbone",
    "Batch",
    "Cache",
    "Failure",
    "FieldScores",
    "FittedHead",
    "FittedPolicy",
    "Harness",
    "Meter",
    "Model",
    "Scores",
    "TextEncoder",
    "Tokenizer",
    "answer_queries",
    "blend",
    "check_precision",
    "device_class",
    "drive",
    "peak_memory_mb",
    "predict",
    "pretrain",
    "read_diagnostics",
    "resolve_device",
    "reverse_gradient",
    "set_arithmetic",
    "tabular_harness",
    "to_llama",
]
