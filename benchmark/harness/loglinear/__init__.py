"""Policies over enumerated texts, exact and in float64."""
