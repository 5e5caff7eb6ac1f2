"""Fits a method on one log, for notebooks: your own table, or a world that you simulate.

Only the log is used. Unless a text domain is named, the encoder and the tiny decoder are made from the log's
own texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.contract import Budget, ContractError, Contrasts, Fitted, Incompatible, Log, Method, UsageError
from benchmark.contract.roles import LOG_KINDS

LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class FittedMethod:
    """A method fitted on a log.

    Attributes:
        method: The method.
        fitted: What its ``fit`` returned.
    """

    method: Method
    fitted: Any

    @property
    def diagnostics(self) -> dict[str, float]:
        """Named numbers that the method reports of its fit."""
        return dict(getattr(self.fitted, "diagnostics", None) or {})

    def reward(self, prompts: Any, texts: Any, context: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """Rewards of texts.

        Args:
            prompts: One prompt for all texts, or shape (n,).
            texts: Shape (n,).
            context: Columns of shape (n,) by name, where the log recorded what texts were for.

        Returns:
            Shape (n,); on the outcome's scale where ``method.tags.calibrated``, otherwise any scale.
        """
        texts = _column(texts)
        return self.fitted.reward(_column(prompts, len(texts)), texts, context)

    def effects(self, prompts: Any, plain: Any, changed: Any, level: float = LEVEL) -> np.ndarray:
        """The mean effect of a change of wording, with an interval.

        Args:
            prompts: One prompt for all texts, or shape (n,).
            plain: Texts without the change, shape (n,).
            changed: The same texts with it, shape (n,).
            level: Coverage of the interval, in (0, 1).

        Returns:
            Estimate, lower and upper end, shape (3,), on the outcome's scale.

        Raises:
            Incompatible: If the method gives no intervals; ``reward`` of both columns still compares them.
        """
        interval = getattr(self.fitted, "effect_interval", None)
        if not callable(interval):
            raise Incompatible(f"{self.method.name} gives no intervals of effects")
        plain, changed = _column(plain), _column(changed)
        prompts = _column(prompts, len(plain))
        contrasts = Contrasts(np.zeros(len(plain), dtype=np.int64), prompts, changed, plain)
        low, high = np.asarray(interval(contrasts, level))[0]
        difference = self.reward(prompts, changed) - self.reward(prompts, plain)
        return np.array([difference.mean(), low, high])

    def sample(self, prompts: Any, n: int = 1) -> np.ndarray:
        """Texts that the fitted policy writes, shape (len(prompts), n).

        Raises:
            Incompatible: If the method trains no policy.
        """
        sample = getattr(self.fitted, "sample", None)
        if not callable(sample):
            raise Incompatible(f"{self.method.name} trains no policy, so it writes no texts")
        return sample(_column([prompts] if isinstance(prompts, str) else prompts), n)


def fit(
    method: str | Method,
    log: Log,
    *,
    domain: str | None = None,
    backbone: str = "tiny",
    budget: Budget | None = None,
    device: str = "cpu",
    seed: int = 0,
) -> FittedMethod:
    """Fit a method on a log.

    Args:
        method: Name of a method, or a method of your own.
        log: The log.
        domain: Text domain whose backbone the method trains on, as in a run; by default the encoder
            and, for a method that needs one, the decoder are made from the log's own texts.
        backbone: Backbone of the domain; see ``run_suite``.
        budget: What the fit may spend.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        seed: Of the method's own random streams.

    Raises:
        Incompatible: If the method cannot take the log; the reason is in the message.
        ContractError: If the fit fails.
        UsageError: If a name is unknown.

    Example:
        >>> import benchmark
        >>> log = benchmark.simulate("observed[strength=1]", n=400).log
        >>> fitted = benchmark.fit("covariate-regression", log)
        >>> fitted.reward(log.prompts[:3], log.texts[:3]).shape
        (3,)
    """
    from benchmark.harness import Harness, resolve_device
    from methods import load

    chosen: Method = load(method) if isinstance(method, str) else method
    if reason := chosen.tags.reason_to_refuse(log):
        raise Incompatible(reason)
    if chosen.tags.track == "oracle":
        raise Incompatible(f"{chosen.name} asks an oracle, which a log alone does not have")
    harness = Harness(
        _own_backbone(log) if domain is None else _domain_backbone(domain, backbone),
        budget or Budget(),
        ("fit", str(seed)),
        resolve_device(device),
    )
    return FittedMethod(chosen, fit_alone(chosen, log, harness))


def fit_alone(method: Method, log: Log, harness: Any) -> Fitted:
    """What one fit returns.

    Raises:
        Incompatible: If the method declines the log.
        ContractError: If the fit fails.
    """
    from benchmark.harness import Failure, drive

    (fitted,) = drive(method, [(log, harness)])
    if not isinstance(fitted, Failure):
        return fitted
    if fitted.declined:
        raise Incompatible(fitted.reason)
    raise ContractError(f"{method.name} does not fit this log", found=fitted.reason)


def _domain_backbone(domain: str, backbone: str) -> Any:
    from benchmark.tasks.pretraining import open_backbone

    return open_backbone(domain, backbone)


def _own_backbone(log: Log) -> Any:
    """Made from the log's texts, every text of a pair or a ranking among them."""
    from benchmark.tasks.lazy_backbone import LazyBackbone

    columns = [name for name in LOG_KINDS[log.kind] if name != "outcome"]
    texts = np.concatenate([log.strings(name) for name in columns])
    return LazyBackbone.of(np.tile(log.prompts, len(columns)), texts)


def _column(values: Any, n: int | None = None) -> np.ndarray:
    """Texts as a column; one text stands for n equal ones."""
    if isinstance(values, str):
        values = [values] * (1 if n is None else n)
    column = np.asarray(values, dtype=object)
    if column.ndim != 1 or (n is not None and len(column) != n):
        raise UsageError(
            "every text needs a prompt",
            expected="one prompt, or two columns of one length",
            found=f"shape {column.shape}" + ("" if n is None else f" beside {n} texts"),
        )
    return column
