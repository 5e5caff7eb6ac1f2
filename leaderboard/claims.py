"""Published claims that records can test, as data. A claim is a list of parts, and all of them must hold.

Thresholds are ours where a source gives none. This module knows no record: ``leaderboard.verdicts``
judges the claims.
"""

from __future__ import annotations

from dataclasses import dataclass

EVERY = ("every adjuster", "every non-adjuster")
DECONFOUND = "Loghmani, DeconfoundLM (2025)"
CPO = "Lin, Ben-Michael & Morency (UAI 2024)"
CAUSAL = "Causal preference learning (2025)"
CDPO = "Le et al., Causal DPO (Findings of EACL 2026)"
STYLE = "Butcher, Counterfactual DPO (2024)"
OURS = "this suite's premise"
STRONG = (1.0, float("inf"))


@dataclass(frozen=True)
class Part:
    """One measurable statement: ``mean(metric[method] - metric[against])`` against a threshold.

    Attributes:
        family: Scenario family.
        metric: Metric of both sides.
        method: Method name, or one of ``EVERY``, in which case every one must satisfy the part.
        against: Method name; ``"metric:NAME"`` for another metric of the same cell;
            ``"value:NUMBER"`` for a constant.
        relation: ``"greater"`` or ``"less"`` than the threshold, or ``"equal"``: within plus
            or minus the threshold.
        threshold: On the metric's scale.
        strengths: Least and greatest strength of the cells used; families without a strength ignore it.
    """

    family: str
    metric: str
    method: str
    against: str
    relation: str
    threshold: float = 0.0
    strengths: tuple[float, float] = (0.0, float("inf"))

    @property
    def statistic(self) -> str:
        """The statistic in words."""
        other = self.against.partition(":")[2] or self.against
        sign = {"greater": ">", "less": "<", "equal": "within ±"}[self.relation]
        where = self.family
        if self.strengths != (0.0, float("inf")):
            low, high = self.strengths
            upper = "" if low == high else " or more" if high == float("inf") else f" to {high:g}"
            where += f", strength {low:g}{upper}"
        return f"{self.metric}({self.method}) − {other} {sign} {self.threshold:g} [{where}]"


@dataclass(frozen=True)
class Claim:
    """A published statement.

    Attributes:
        name: Short name that says what is claimed, such as ``"causal-dpo-beats-dpo"``.
        statement: What is claimed.
        source: Who claims it.
        parts: What must hold for it to be reproduced.
    """

    name: str
    statement: str
    source: str
    parts: tuple[Part, ...]


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "confounded-log-beats-no-outcomes",
        "Learning from the confounded log beats not learning from outcomes, when confounding is moderate.",
        DECONFOUND,
        (Part("observed", "value_samples", "dpo-raw", "sft", "greater", strengths=(0.5, 1.0)),),
    ),
    Claim(
        "raw-dpo-amplifies-the-marker",
        "DPO on raw scores amplifies a marker without effect; without confounding it does not.",
        DECONFOUND,
        (
            Part("marker", "marker_rate", "dpo-raw", "sft", "greater"),
            Part("randomised", "marker_rate", "dpo-raw", "sft", "equal", 0.1),
        ),
    ),
    Claim(
        "residuals-equal-joint-regression",
        "With recorded, additive confounding, residualising equals joint regression and beats naive.",
        DECONFOUND,
        (
            Part("observed", "rho", "residual-partial-out", "naive", "less", strengths=STRONG),
            Part("observed", "rho", "residual-partial-out", "covariate-regression", "equal", 0.05),
        ),
    ),
    Claim(
        "instrument-beats-naive",
        "Where the confounder is tied to causal text, subtracting an instrumented g(C) beats naive.",
        DECONFOUND,
        (Part("entangled", "rho", "residual-instrumented", "naive", "less", strengths=STRONG),),
    ),
    Claim(
        "residual-pairs-leave-the-marker",
        "Ignoring the confounder raises the rate of a marker that only goes with it; residual pairs do not.",
        DECONFOUND,
        (
            Part("marker", "marker_rate", "dpo-raw", "metric:reference_marker_rate", "greater"),
            Part("marker", "marker_rate", "dpo-residual", "metric:reference_marker_rate", "equal", 0.1),
        ),
    ),
    Claim(
        "marginal-residuals-beat-naive",
        "Residualising the outcome on the confounder helps ranking from observational data.",
        DECONFOUND,
        (Part("observed", "rho", "residual-marginal", "naive", "less", strengths=STRONG),),
    ),
    Claim(
        "residuals-need-a-recorded-confounder",
        "Residualising degrades when the confounder is not recorded: it no longer beats naive by .05.",
        DECONFOUND,
        (Part("hidden", "rho", "residual-partial-out", "naive", "greater", -0.05),),
    ),
    Claim(
        "hidden-confounding-stays",
        "When nothing records the confounder, no method that sees the log alone removes the confounding.",
        OURS,
        (Part("hidden", "rho", "every adjuster", "naive", "greater", -0.1),),
    ),
    Claim(
        "no-loss-adjusts-by-itself",
        "No loss corrects confounding by itself: no method without adjustment beats naive by .05.",
        OURS,
        (Part("observed", "rho", "every non-adjuster", "naive", "greater", -0.05, STRONG),),
    ),
    Claim(
        "raw-dpo-inherits-the-bias",
        "DPO on same-prompt pairs inherits the log's confounding: its effects point along the bias.",
        OURS,
        (Part("observed", "bias_cosine", "dpo-raw", "value:0", "greater", strengths=STRONG),),
    ),
    Claim(
        "naive-finds-effects-where-none-are",
        "Where nothing has an effect, naive finds effects and covariate regression does so less often.",
        OURS,
        (Part("null", "false_positive_rate", "covariate-regression", "naive", "less"),),
    ),
    Claim(
        "known-propensities-remove-the-bias",
        "Weighting by known propensities beats naive and leaves no trace of recorded confounding.",
        CPO,
        (
            Part("observed", "rho", "ipw-logged", "naive", "less", strengths=STRONG),
            Part("observed", "bias_cosine", "ipw-logged", "ceiling", "equal", 0.1, STRONG),
        ),
    ),
    Claim(
        "doubly-robust-removes-the-bias",
        "A doubly robust outcome removes recorded confounding.",
        CPO,
        (
            Part("observed", "rho", "doubly-robust", "naive", "less", strengths=STRONG),
            Part("observed", "rho", "doubly-robust", "ceiling", "equal", 0.05, STRONG),
        ),
    ),
    Claim(
        "doubly-robust-cpo-matches-cpo",
        "With a good outcome model the doubly robust policy objective is no worse than CPO.",
        CPO,
        (Part("randomised", "value_samples", "dr-cpo", "cpo", "greater", -0.02),),
    ),
    Claim(
        "adjusted-outcome-model-restores-oo-rlhf",
        "Adjusting the outcome model for all confounders restores OO-RLHF on a confounded log.",
        CPO,
        (
            Part("observed", "rho", "oo-rlhf-adjusted", "oo-rlhf", "less", strengths=STRONG),
            Part("hidden", "rho", "oo-rlhf-adjusted", "oo-rlhf", "equal", 0.1),
        ),
    ),
    Claim(
        "adversarial-beats-multi-head-beats-base",
        "With an observed objective as confounder, adversarial beats multi-head and multi-head the base.",
        CAUSAL,
        (
            Part("objective", "rho", "multi-head", "naive", "less"),
            Part("objective", "rho", "adversarial-head", "multi-head", "less"),
        ),
    ),
    Claim(
        "representations-fail-when-hidden",
        "With a hidden objective none of the representation methods helps.",
        CAUSAL,
        (Part("hidden", "rho", "adversarial-head", "naive", "greater", -0.05),),
    ),
    Claim(
        "causal-prompts-beat-correlated-ones",
        "Counterfactual prompting aimed at the causal attribute beats aiming at the correlated one.",
        STYLE,
        (
            Part(
                "style",
                "value_samples",
                "counterfactual-contrast",
                "counterfactual-contrast-correlated",
                "greater",
            ),
        ),
    ),
    Claim(
        "causal-dpo-beats-dpo",
        "Causal DPO beats DPO under observed confounding.",
        CDPO,
        (Part("observed", "rho", "causal-dpo-released", "dpo-raw", "less", strengths=STRONG),),
    ),
    Claim(
        "released-causal-dpo-equals-dpo",
        "As released, causal DPO equals DPO within noise; with each row's own confounder it removes bias.",
        "derived from the released code of Causal DPO",
        (
            Part("observed", "rho", "causal-dpo-released", "dpo-raw", "equal", 0.05),
            Part("observed", "rho", "causal-dpo-corrected", "dpo-raw", "less", strengths=STRONG),
        ),
    ),
    Claim(
        "causal-dpo-fails-when-hidden",
        "With a hidden confounder neither form of causal DPO helps.",
        CDPO,
        (
            Part("hidden", "rho", "causal-dpo-released", "dpo-raw", "equal", 0.1),
            Part("hidden", "rho", "causal-dpo-corrected", "dpo-raw", "equal", 0.1),
        ),
    ),
)
