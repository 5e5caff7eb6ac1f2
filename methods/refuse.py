"""Declining a log, in one place: what a method's tags cannot take, its ``fit`` does not start on."""

from __future__ import annotations

from benchmark.contract import Incompatible, Log, Tags


def refuse_unfit(tags: Tags, log: Log) -> None:
    """Decline a log that lacks what the tags declare.

    Raises:
        Incompatible: With the tags' reason.
    """
    reason = tags.reason_to_refuse(log)
    if reason:
        raise Incompatible(reason)
