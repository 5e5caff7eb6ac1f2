"""What a log is like: how texts were chosen, how far adjusting changes the answers, how fragile these are."""

from benchmark.advice.inspection.inspect import Inspection, inspect_log

__all__ = ["Inspection", "inspect_log"]
