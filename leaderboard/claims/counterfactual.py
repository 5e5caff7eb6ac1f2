"""Counterfactual DPO (Butcher 2024) and Causal DPO (Le et al. 2026)."""

from leaderboard.claims.model import Claim, Part

STYLE = "Butcher, Counterfactual DPO (2024), arXiv 2401.09566"
CDPO = "Le et al., Causal DPO (Findings of EACL 2026)"
CONTRAST, ENCOURAGE, DISCOURAGE = (
    f"counterfactual-{name}" for name in ("contrast", "encourage", "discourage")
)
TWO = {"strength": 2}

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "contrast-shifts-style-most-stand-in",
        "Contrasting wanted with unwanted texts shifts style at least as far as encouraging or discouraging.",
        STYLE,
        "the contrastive variant is the most robust",
        "share of generations in the wanted style; the table was not obtained",
        tuple(
            Part("style", "largest_shift", CONTRAST, other, "greater", -0.02)
            for other in (ENCOURAGE, DISCOURAGE)
        ),
        stand_in="the largest change of any attribute's rate",
    ),
    Claim(
        "counterfactual-pairs-change-little-else-stand-in",
        "What is not aimed at hardly changes: other attributes move less than a quarter as far.",
        STYLE,
        "core reasoning benchmarks preserved",
        "scores on reasoning benchmarks before and after",
        tuple(
            Part("style", "other_shift", method, "metric:largest_shift", "less", times=0.25)
            for method in (ENCOURAGE, CONTRAST)
        ),
        stand_in="mean change of the rates of all other attributes",
    ),
    Claim(
        "contrast-changes-more-off-target-stand-in",
        "Contrasting changes other attributes more than encouraging does.",
        "derived from " + STYLE,
        "pair differences carry every side-effect of the instruction",
        "none published",
        (Part("style", "other_shift", CONTRAST, ENCOURAGE, "greater"),),
        stand_in="mean change of the rates of all other attributes; contrasting aims at two of them",
    ),
    Claim(
        "aiming-at-causes-beats-aiming-at-correlations",
        "Counterfactual pairs that aim at the causal attribute write better texts than the correlated one.",
        "derived from " + STYLE,
        "the method is an actuator and has no estimator",
        "none published; here the value of samples",
        (Part("style", "value_samples", CONTRAST, f"{CONTRAST}-correlated", "greater", where=TWO),),
        formerly=("D-3", "causal-prompts-beat-correlated-ones"),
    ),
    Claim(
        "causal-dpo-beats-dpo",
        "Causal DPO as released beats DPO under observed confounding.",
        CDPO,
        "surpasses DPO-based baselines",
        "win rates and reward accuracy on HH, SHP and SafeRLHF; tables not obtained",
        (Part("observed", "rho", "causal-dpo-released", "dpo-raw", "less", where=TWO),),
        formerly=("E-1",),
    ),
    Claim(
        "released-causal-dpo-equals-dpo",
        "As released, causal DPO equals DPO; with each row's own confounder it removes bias.",
        "derived from the released code of " + CDPO,
        "values of u are drawn uniformly, irrespective of the example's own u",
        "none published",
        (
            Part("observed", "rho", "causal-dpo-released", "dpo-raw", "equal", 0.05, where=TWO),
            Part("observed", "rho", "causal-dpo-corrected", "dpo-raw", "less", where=TWO),
        ),
        formerly=("E-2",),
    ),
    Claim(
        "causal-dpo-fails-when-hidden",
        "With a hidden confounder neither form of causal DPO beats DPO by .05.",
        "derived from " + CDPO,
        "U is assumed observed and sufficient",
        "none published",
        tuple(
            Part("hidden", "rho", f"causal-dpo-{form}", "dpo-raw", "greater", -0.05, where=TWO)
            for form in ("released", "corrected")
        ),
        formerly=("E-4",),
    ),
)  # fmt: skip
