"""Any table as a log: opens it, draws rows, guesses what each column is and encodes it as numbers."""

from benchmark.advice.reading.choices import Choices
from benchmark.advice.reading.read import OwnLog, read_log

__all__ = ["Choices", "OwnLog", "read_log"]
