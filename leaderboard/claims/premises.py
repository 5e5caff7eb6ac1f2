"""What this suite takes for granted; if one of these were not reproduced, its boards would mean little."""

from leaderboard.claims.model import EVERY, Claim, Part

OURS = "this suite's premise"
TWO = {"strength": 2}

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "hidden-confounding-stays",
        "When nothing records the confounder, no method that sees the log alone beats naive by .1.",
        OURS,
        "unobserved U: none corrects",
        "regret of the reward",
        (Part("hidden", "rho", EVERY[0], "naive", "greater", -0.1, where=TWO),),
        formerly=("hidden",),
    ),
    Claim(
        "no-loss-adjusts-by-itself",
        "No loss corrects confounding by itself: no method without adjustment beats naive by .05.",
        OURS,
        "no loss function fixes confounding by itself",
        "regret of the reward",
        (Part("observed", "rho", EVERY[1], "naive", "greater", -0.05, where=TWO),),
        formerly=("no-loss",),
    ),
    Claim(
        "raw-dpo-inherits-the-bias",
        "DPO on raw same-prompt pairs inherits the log's confounding, and without confounding it has none.",
        OURS,
        "same-prompt pairs remove prompt-level confounding only",
        "cosine of its effects with the bias, and its regret",
        (
            Part("observed", "bias_cosine", "dpo-raw", "value:0", "greater", where=TWO),
            Part("observed", "rho", "dpo-raw", "dpo-residual", "greater", where=TWO),
        ),
        formerly=("inherit",),
    ),
    Claim(
        "naive-finds-effects-where-none-are",
        "Where nothing has an effect, naive finds effects and covariate regression does so less often.",
        OURS,
        "negative control: zero effects, confounded log",
        "share of attributes reported to have an effect",
        (
            Part("null", "false_positive_rate", "naive", "value:0.2", "greater", where=TWO),
            Part("null", "false_positive_rate", "covariate-regression", "naive", "less", where=TWO),
        ),
        formerly=("null",),
    ),
)  # fmt: skip
