"""Preference learning for alignment: a causal perspective (Kobalczyk & van der Schaar, ICML 2025)."""

from leaderboard.claims.model import Claim, Part

SOURCE = "Kobalczyk & van der Schaar (ICML 2025)"
ACCURACY = "accuracy on pairs; networks on frozen embeddings, labels without noise"
INCONSISTENT = "accuracy on prompts whose type is not the user's objective; networks on frozen embeddings"
BASE, MULTI, ADVERSARIAL = "conditioned-head", "multi-head", "adversarial-head"
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)


def _heads(better: str, worse: str, agreement: float, threshold: float = 0.0) -> Part:
    where = {"agreement": agreement}
    return Part("objective", "accuracy", better, worse, "greater", threshold, where=where)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "accuracy-in-distribution-hardly-falls",
        "On pairs like the log's, accuracy hardly falls as two features correlate more.",
        SOURCE + ", table 1",
        "ID 69.3 / 68.3 / 67.8 / 67.6 at rho 0 / .3 / .6 / .9",
        ACCURACY,
        (
            Part(
                "correlated", "accuracy", "bradley-terry", "value:0", "equal", 0.03,
                where={"pairs": "logged", "correlation": 0.9}, minus={"pairs": "logged", "correlation": 0},
            ),
        ),
        formerly=("C-1",),
    ),
    Claim(
        "accuracy-out-of-distribution-falls",
        "On pairs that trade one feature for the other, accuracy falls with their correlation in the log.",
        SOURCE + ", table 1",
        "OOD 64.5 / 62.0 / 59.7 / 57.8 at rho 0 / .3 / .6 / .9",
        ACCURACY,
        (
            Part(
                "correlated", "accuracy", "bradley-terry", "value:0", "less",
                where={"pairs": "opposed", "correlation": 0.6}, minus={"pairs": "opposed", "correlation": 0},
            ),
            Part(
                "correlated", "accuracy", "bradley-terry", "value:0", "less",
                where={"pairs": "opposed", "correlation": 0.9},
                minus={"pairs": "opposed", "correlation": 0.6},
            ),
        ),
    ),
    Claim(
        "heads-beat-one-network",
        "A head for each objective beats one network that is told the objective, at every overlap.",
        SOURCE + ", table 2, inconsistent",
        "Base 60.0 59.6 58.4 56.7 55.9, Multihead 62.9 62.4 60.6 58.6 56.3 at rho .5 to .9",
        INCONSISTENT,
        tuple(_heads(MULTI, BASE, level) for level in LEVELS),
    ),
    Claim(
        "adversary-beats-heads",
        "An adversary against the objective beats separate heads, at every overlap.",
        SOURCE + ", table 2, inconsistent",
        "Multihead 62.9 62.4 60.6 58.6 56.3, Adversarial 63.7 63.0 62.3 61.3 58.9 at rho .5 to .9",
        INCONSISTENT,
        tuple(_heads(ADVERSARIAL, MULTI, level) for level in LEVELS),
        formerly=("C-2", "adversarial-beats-multi-head-beats-base"),
    ),
    Claim(
        "adversary-beats-one-network",
        "An adversary against the objective beats one network that is told the objective, at every overlap.",
        SOURCE + ", table 2, inconsistent",
        "Base 60.0 59.6 58.4 56.7 55.9, Adversarial 63.7 63.0 62.3 61.3 58.9 at rho .5 to .9",
        INCONSISTENT,
        tuple(_heads(ADVERSARIAL, BASE, level) for level in LEVELS),
    ),
    Claim(
        "confounding-costs-every-head",
        "Accuracy on inconsistent pairs falls as prompts agree with objectives, for all three methods.",
        SOURCE + ", table 2, inconsistent",
        "from rho .5 to .9: Base 60.0 to 55.9, Multihead 62.9 to 56.3, Adversarial 63.7 to 58.9",
        INCONSISTENT,
        tuple(
            Part(
                "objective", "accuracy", method, "value:0", "less",
                where={"agreement": 0.9}, minus={"agreement": 0.5},
            )
            for method in (BASE, MULTI, ADVERSARIAL)
        ),
    ),
    Claim(
        "everything-collapses-without-overlap",
        "Where every prompt is of the user's type, no method is better than .55 on inconsistent pairs.",
        SOURCE + ", table 2, inconsistent",
        "54.9 / 53.8 / 53.5 at rho 1",
        INCONSISTENT,
        tuple(
            Part("objective", "accuracy", method, "value:0.55", "less", where={"agreement": 1})
            for method in (BASE, MULTI, ADVERSARIAL)
        ),
        formerly=("C-3",),
    ),
    Claim(
        "adversary-helps-most-in-between",
        "The adversary's advantage over separate heads grows with confounding and is gone without overlap.",
        SOURCE + ", table 2, inconsistent",
        "+.8 +.6 +1.7 +2.7 +2.6 -.3 at rho .5 to 1",
        INCONSISTENT,
        (
            Part(
                "objective", "accuracy", ADVERSARIAL, MULTI, "greater",
                where={"agreement": 0.8}, minus={"agreement": 0.5},
            ),
            Part("objective", "accuracy", ADVERSARIAL, MULTI, "less", 0.01, where={"agreement": 1}),
        ),
        formerly=("C-4",),
    ),
    Claim(
        "adversary-hurts-where-the-type-is-causal",
        "Where the type of prompt itself matters, erasing it hurts.",
        "derived from " + SOURCE + ", example 2",
        "non-additive prompt features do not cancel",
        "accuracy on inconsistent prompts",
        (
            Part(
                "objective", "accuracy", ADVERSARIAL, MULTI, "less",
                where={"agreement": 0.9, "causal_type": True},
            ),
        ),
        formerly=("C-5",),
    ),
    Claim(
        "an-unseen-objective-costs-accuracy",
        "Where the objective is not used, inconsistent pairs are ordered worse than where it is.",
        "derived from " + SOURCE,
        "the objective is observed in experiments; real objectives are latent",
        "accuracy on inconsistent prompts",
        tuple(
            Part("objective", "accuracy", "single-head", other, "less", where={"agreement": 0.9})
            for other in (BASE, MULTI, ADVERSARIAL)
        ),
        formerly=("C-6", "representations-fail-when-hidden"),
    ),
    Claim(
        "better-pairs-mean-better-policies",
        "The adversary's better accuracy on inconsistent pairs becomes a better policy.",
        "derived from " + SOURCE,
        "only reward accuracy is reported; no policy is optimised",
        "none published; here the value of the tilted reference",
        (
            Part("objective", "accuracy", ADVERSARIAL, BASE, "greater", where={"agreement": 0.8}),
            Part("objective", "value_kl_1", ADVERSARIAL, BASE, "greater", where={"agreement": 0.8}),
        ),
        formerly=("C-7",),
    ),
)  # fmt: skip
