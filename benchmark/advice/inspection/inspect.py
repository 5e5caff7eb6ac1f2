"""Puts the parts of an inspection together, and says in words what they mean."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from benchmark.advice.inspection.assignment import Assignment, describe_assignment
from benchmark.advice.inspection.design import make_design
from benchmark.advice.inspection.effects import Disagreement, compare_effects, regress
from benchmark.advice.inspection.gamma import Tilt, describe_tilts
from benchmark.advice.inspection.placebo import Placebo, test_placebos
from benchmark.advice.inspection.robustness import (
    Robustness,
    Yardstick,
    describe_robustness,
    measure_yardsticks,
)
from benchmark.advice.reading import OwnLog, read_log


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a log is like.

    Attributes:
        own: The log that was read.
        rows: Rows with a text and an outcome that were used.
        texts: Distinct texts among them.
        prompts: Distinct prompts among them.
        phrases: Phrases by which texts were compared.
        assignment: How texts were chosen; None where no covariate is recorded.
        disagreement: How far adjusting changes the answers; None where no covariate is recorded.
        placebos: Tests on outcomes that no text can have moved.
        robustness: How strong a confounder would have to be, for phrases and top texts.
        yardsticks: How strong the recorded covariates are.
        tilts: How unfair an unrecorded choice would have to be.
    """

    own: OwnLog
    rows: int
    texts: int
    prompts: int
    phrases: tuple[str, ...]
    assignment: Assignment | None
    disagreement: Disagreement | None
    placebos: tuple[Placebo, ...]
    robustness: tuple[Robustness, ...]
    yardsticks: tuple[Yardstick, ...]
    tilts: tuple[Tilt, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """What was found, in sentences."""
        return tuple(_say(self))

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
        parts = ("assignment", "disagreement")
        many = ("placebos", "robustness", "yardsticks", "tilts")
        return {
            "log": self.own.as_dict(),
            "rows": self.rows,
            "texts": self.texts,
            "prompts": self.prompts,
            "phrases": list(self.phrases),
            "findings": list(self.findings),
            **{name: None if (part := getattr(self, name)) is None else asdict(part) for name in parts},
            **{name: [asdict(part) for part in getattr(self, name)] for name in many},
        }


def inspect_log(log: Any, **options: Any) -> Inspection:
    """Say what a log is like: how texts were chosen, how far adjusting matters, how fragile the answers are.

    Args:
        log: An ``OwnLog``, or any table that ``read_log`` takes.
        **options: Arguments of ``read_log``, such as ``outcome="clicks"``.

    Raises:
        UsageError: If the table cannot be read, or is too small or too uniform to say anything of.

    Example:
        >>> import benchmark
        >>> log = benchmark.simulate("observed[strength=1]", n=600).log
        >>> inspection = benchmark.inspect_log(log.table.drop_columns(["propensity", "target_propensity"]))
        >>> inspection.assignment.is_predicted
        True
    """
    own = log if isinstance(log, OwnLog) else read_log(log, **options)
    design = make_design(own)
    adjusted = regress(design, design.basis)
    naive = regress(design, design.basis[:, :0])
    recorded = bool(design.basis.shape[1])
    return Inspection(
        own,
        len(design),
        len(design.phrases.texts),
        len(set(design.log.prompts)),
        design.phrases.names,
        describe_assignment(design),
        compare_effects(design, naive, adjusted) if recorded else None,
        test_placebos(design),
        describe_robustness(design, adjusted),
        measure_yardsticks(design, adjusted),
        describe_tilts(design, adjusted),
    )


def _say(inspection: Inspection) -> list[str]:
    said = []
    chosen, changed = inspection.assignment, inspection.disagreement
    if chosen is None or changed is None:
        said.append(
            "Nothing was recorded that could be adjusted for: the log can only be taken at face value."
        )
    else:
        how = "predicts" if chosen.is_predicted else "does not predict"
        phrase, most = chosen.phrases[0]
        said.append(
            f"What was recorded {how} which text was shown: {chosen.predicted.value:.1%} of the phrases' "
            f"variance [{chosen.predicted.low:.1%}, {chosen.predicted.high:.1%}], most of all {phrase} "
            f"({most:.1%}); p = {chosen.p_value:.2g}."
        )
        if chosen.effective_share is not None:
            share = chosen.effective_share
            said.append(
                f"Compared as if texts had been chosen at random, {share.value:.0%} of the rows are left "
                f"[{share.low:.0%}, {share.high:.0%}]."
            )
        pairs = changed.reversed_pairs
        said.append(
            f"Adjusting reverses the order of {pairs.value:.0%} of pairs of texts "
            f"[{pairs.low:.0%}, {pairs.high:.0%}]; noise alone would reverse {changed.by_chance:.0%}."
        )
        if changed.disputed:
            said.append(f"Adjusting changes the effect of {', '.join(changed.disputed[:5])}.")
        random = [stretch.name for stretch in chosen.stretches if stretch.near_random]
        if random and chosen.is_predicted:
            said.append(f"Texts were chosen nearly at random in: {', '.join(random[:5])}.")
    for placebo in inspection.placebos:
        verdict = "passes" if placebo.passes else "fails"
        said.append(f"The placebo test on {placebo.column} {verdict} (p = {placebo.p_value:.2g}).")
    said.extend(_say_fragility(inspection))
    return said


def _say_fragility(inspection: Inspection) -> list[str]:
    said = []
    for tilt in inspection.tilts[:1]:
        said.append(
            f"That {tilt.about} do better would be undone by an unrecorded choice whose odds are up to "
            f"{tilt.gamma:.2f} times as high or low (Gamma), and by {tilt.low:.2f} once noise is allowed for."
        )
    if inspection.robustness and inspection.yardsticks:
        first, measure = inspection.robustness[0], inspection.yardsticks[0]
        said.append(
            f"The effect of {first.about} would be undone by a confounder that explains "
            f"{first.value.value:.1%} of what is left of outcome and phrase; the strongest recorded "
            f"covariate, {measure.covariate}, explains {measure.of_outcome:.1%} and {measure.of_text:.1%}."
        )
    return said
