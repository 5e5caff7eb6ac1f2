"""Advice for whoever has a log of their own and no truth: what is it like, which method, how many rows.

``reading`` makes a log of any table and ``inspection`` says what the log is like. ``worlds`` finds simulated
worlds that resemble it, ranks methods on them and says how many rows are needed. ``report`` writes the page.
"""
