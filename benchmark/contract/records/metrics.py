"""What each metric of a record means: direction, possible values and which one is the headline, as data.

``benchmark.scoring`` computes them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """What a metric column means.

    Attributes:
        name: Column name without the ``metric.`` prefix.
        better: ``"lower"``, ``"higher"``, a number to be near to, or ``""`` where it only describes.
        low: Least possible value.
        high: Greatest possible value.
        summary: One sentence.
        headline: Whether the board ranks on it.
    """

    name: str
    better: str
    low: float
    high: float
    summary: str
    headline: bool = False


INFINITY = float("inf")
# Mean KL to the reference, in nats, at which a tilted reference is valued.
VALUE_CURVE = {
    "value_kl_0.25": 0.25,
    "value_kl_0.5": 0.5,
    "value_kl_1": 1.0,
    "value_kl_2": 2.0,
    "value_kl_4": 4.0,
}
METRICS: tuple[Metric, ...] = (
    Metric(
        "rho", "lower", 0, 1, "normalised regret over same-prompt interventional pairs; .5 is a coin", True
    ),
    Metric("rho_conflict", "lower", 0, 1, "rho where the confounded limit orders the pair wrongly"),
    Metric("rho_aligned", "lower", 0, 1, "rho where the confounded limit orders the pair rightly"),
    Metric("abstention", "", 0, 1, "share of pairs that the method abstains from"),
    Metric("rho_answered", "lower", 0, 1, "rho over the pairs that the method answers"),
    Metric("rho_cautious", "lower", 0, 1, "rho where each pair that the method abstains from is a coin toss"),
    Metric("accuracy", "higher", 0, 1, "share of pairs ordered as the truth orders them, ties half"),
    Metric("kendall", "higher", -1, 1, "Kendall tau-b with the true reward over reference texts of a prompt"),
    Metric("effect_cosine", "higher", -1, 1, "cosine of estimated and true attribute effects"),
    Metric("bias_cosine", "0", -1, 1, "cosine of estimated effects with the confounding bias"),
    Metric("bias_left", "0", -INFINITY, INFINITY, "share of the confounding bias in the errors of effects"),
    Metric("sign_accuracy", "higher", 0, 1, "share of causal attributes whose effect has the right sign"),
    Metric("false_positive_rate", "lower", 0, 1, "share of null attributes reported to have an effect"),
    Metric("effect_bias", "0", -INFINITY, INFINITY, "mean error of estimated effects, outcome scale"),
    Metric("effect_rmse", "lower", 0, INFINITY, "root mean squared error of effects, outcome scale"),
    Metric("coverage", "0.95", 0, 1, "share of effect intervals that hold the true effect"),
    Metric("width", "lower", 0, INFINITY, "mean width of the effect intervals, outcome scale"),
    Metric(
        "interval_score",
        "lower",
        0,
        INFINITY,
        "mean interval score of the effect intervals: width plus 40 times what they miss the truth by",
    ),
    *(
        Metric(name, "higher", -INFINITY, 1, f"normalised value of the reference tilted by {kl:g} nats")
        for name, kl in VALUE_CURVE.items()
    ),
    Metric("reachable_kl", "", 0, INFINITY, "greatest KL that tilting by the reward reaches, at most 4 nats"),
    Metric("gain", "", -INFINITY, INFINITY, "gain of the reference times exp(reward), outcome scale"),
    Metric("value_samples", "higher", -INFINITY, 1, "normalised value of the policy's own samples"),
    Metric("samples_kl", "", -INFINITY, INFINITY, "KL of the policy to the reference that it reports, nats"),
    Metric("win_rate", "higher", 0, 1, "share of samples truly better than a reference text, ties half"),
    Metric("marker_rate", "", 0, 1, "share of samples with the most flattering decoy"),
    Metric("reference_marker_rate", "", 0, 1, "share of reference texts with that decoy"),
    Metric("tilted_marker_rate", "", 0, 1, "share of the tilted reference with that decoy"),
    Metric("greeting_rate", "", 0, 1, "share of samples with a greeting, where the domain has one"),
    Metric("largest_shift", "", 0, 1, "change of the rate of the attribute that a policy changes most"),
    Metric("other_shift", "", 0, 1, "mean absolute change of the rates of all other attributes"),
    Metric("off_grammar_rate", "lower", 0, 1, "share of samples outside the domain's grammar"),
    Metric("worst_group", "lower", 0, 1, "largest rho over the groups of the target population"),
)
