"""Runs submitted files where simulators, truth and results do not exist."""
