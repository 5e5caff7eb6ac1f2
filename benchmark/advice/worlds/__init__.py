"""Simulated worlds that resemble a log: which they are, which methods do well on them, on how many rows."""
