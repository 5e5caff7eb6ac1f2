"""Texts as feature rows for reward heads and regressions."""
