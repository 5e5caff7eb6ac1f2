"""Reward models that are to be robust: by invariance, augmentation, factors, or weights of observation."""

from leaderboard.claims.model import Claim, Part, Value

TWO: dict[str, Value] = {"strength": 2}
LOOSE: dict[str, Value] = {"entanglement": 0}
OPENING = {"chosen": 0.8, "rejected": 0.2}

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "odin-removes-a-spurious-variable",
        "Where the variable is not tied to causal text, decorrelating the reward from it beats naive.",
        "Chen et al., ODIN (ICML 2024)",
        "two heads; the one that is used is decorrelated from length",
        "win rate at equal length; here the regret of the reward, with the confounder for length",
        (Part("entangled", "rho", "odin", "naive", "less", where=TWO | LOOSE),),
    ),
    Claim(
        "matching-distributions-removes-a-spurious-variable",
        "A reward that is distributed alike for every value of the spurious variable beats naive.",
        "Wang et al., Beyond Reward Hacking (2025), arXiv 2501.09620",
        "sycophancy 92.67 -> 19.78 %",
        "share of sycophantic answers; here the regret of the reward",
        (Part("entangled", "rho", "mmd-invariant", "naive", "less", where=TWO | LOOSE),),
    ),
    Claim(
        "augmentation-cancels-what-prompts-do-not-explain",
        "Answers to other prompts as losers make a reward ignore an opening that fits any prompt.",
        "Liu et al., RRM (ICLR 2025), arXiv 2409.13156",
        "RewardBench 80.61 -> 84.15",
        "accuracy on RewardBench; here the regret on texts with an idle opening",
        (Part("prefix", "rho", "rrm", "bradley-terry", "less", where=OPENING),),
    ),
    Claim(
        "factors-separate-an-idle-opening",
        "A reward on one part of a factored representation ignores an opening that was put before winners.",
        "Yang et al., factored causal representations (ICML 2026), arXiv 2601.21350",
        "prefix .8 chosen / .2 rejected in training, .3 / .3 in the test",
        "accuracy on pairs with the prefix at .3; here their regret",
        (Part("prefix", "rho", "factored-reward", "bradley-terry", "less", where=OPENING),),
    ),
    Claim(
        "observation-weights-correct-selective-feedback",
        "Weights by the chance of feedback correct for users who answer only when they feel strongly.",
        "Wang et al., CausalRM (2026), arXiv 2603.18736",
        "+49.2 % WildGuardMix, +32.7 % HarmBench",
        "accuracy of rewards on labelled benchmarks; here their regret, with logged chances",
        (
            Part(
                "selection", "rho", "observation-weighted", "complete-case", "less",
                where={"strength": 2, "rule": "clicked"},
            ),
        ),
    ),
    Claim(
        "a-shadow-variable-corrects-strong-feelings",
        "Where the score itself decides who answers, weights found by a shadow variable correct for it.",
        "derived from Wang et al., CausalRM (2026), arXiv 2603.18736",
        "feedback is observed only when users feel strongly",
        "accuracy of rewards on labelled benchmarks; here their regret",
        (
            Part(
                "selection", "rho", "observation-weighted-shadow", "complete-case", "less",
                where={"strength": 1, "rule": "extreme"},
            ),
        ),
    ),
    Claim(
        "unlabelled-is-not-negative",
        "Clicks alone, with a model of who acts, order texts better than taking silence for dislike.",
        "ImplicitRM (ICML 2026), arXiv 2603.23184",
        "likelihood over four latent strata: preferred or not, acts or not",
        "accuracy of rewards; here their regret",
        (
            Part(
                "observed", "rho", "positive-unlabelled", "unlabelled-as-negative", "less",
                where={"strength": 1, "feedback": "binary"},
            ),
        ),
    ),
    Claim(
        "people-correct-a-judge",
        "A few outcomes of people, calibrated against, make a judge's reward right.",
        "Causal Judge Evaluation (2025), arXiv 2512.11150",
        "isotonic judge-to-oracle calibration; naive raw-judge intervals had 0 % coverage",
        "coverage and error of a policy's estimated value; here the regret of the reward",
        (Part("judge", "rho", "judge-calibrated", "judge-raw", "less", where=TWO),),
    ),
)  # fmt: skip
