"""Published claims that records can test, as data: one module a group of papers.

A claim is a list of parts, and all of them must hold. Thresholds are ours where a source gives none.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from benchmark.contract.errors import UsageError, unknown_name
from leaderboard.claims import (
    causal_preference_learning,
    causal_preference_optimisation,
    counterfactual,
    deconfoundlm,
    estimators,
    objectives,
    premises,
    reward_models,
)
from leaderboard.claims.model import EVERY, Claim, Part

CLAIMS: tuple[Claim, ...] = (
    *deconfoundlm.CLAIMS,
    *causal_preference_optimisation.CLAIMS,
    *causal_preference_learning.CLAIMS,
    *counterfactual.CLAIMS,
    *objectives.CLAIMS,
    *reward_models.CLAIMS,
    *estimators.CLAIMS,
    *premises.CLAIMS,
)

__all__ = ["CLAIMS", "EVERY", "Claim", "Part", "find_claims"]


def find_claims(names: Iterable[str] = ()) -> tuple[Claim, ...]:
    """Claims by name or pattern, in the order of the list; every claim where no name is given.

    Raises:
        UsageError: For a name that no claim has; a former name is answered with the new one.

    Example:
        >>> [claim.name for claim in find_claims(["adversary-hurts*"])]
        ['adversary-hurts-where-the-type-is-causal']
    """
    names = tuple(names)
    chosen = set()
    for name in names:
        fits = {claim.name for claim in CLAIMS if fnmatchcase(claim.name, name)}
        if not fits:
            raise _no_such(name)
        chosen |= fits
    return tuple(claim for claim in CLAIMS if not names or claim.name in chosen)


def _no_such(name: str) -> UsageError:
    renamed = [claim.name for claim in CLAIMS if name in claim.formerly]
    if renamed:
        return UsageError(
            f"no claim is called {name!r} any more",
            expected=", ".join(map(repr, renamed)),
            found=repr(name),
            fix="use the new name",
        )
    return unknown_name("claim", name, [claim.name for claim in CLAIMS])
