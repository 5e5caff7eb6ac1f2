"""Published claims that records can test, as data. Thresholds are ours where a source gives none."""

from __future__ import annotations

from leaderboard.claims import Claim, Part

DECONFOUND = "Loghmani, DeconfoundLM (2025)"
CPO = "Lin, Ben-Michael & Morency (UAI 2024)"
CAUSAL = "Causal preference learning (2025)"
CDPO = "Le et al., Causal DPO (Findings of EACL 2026)"
STYLE = "Butcher, Counterfactual DPO (2024)"
OURS = "this suite's premise"
STRONG = (1.0, float("inf"))

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "A-C1",
        "Learning from the confounded log beats not learning from outcomes, when confounding is moderate.",
        DECONFOUND,
        (Part("observed", "value_samples", "dpo-p1", "sft", "greater", strengths=(0.5, 1.0)),),
    ),
    Claim(
        "A-C2",
        "DPO on raw scores amplifies a marker without effect; without confounding it does not.",
        DECONFOUND,
        (
            Part("marker", "marker_rate", "dpo-p1", "sft", "greater"),
            Part("randomised", "marker_rate", "dpo-p1", "sft", "equal", 0.1),
        ),
    ),
    Claim(
        "A-C3",
        "With recorded, additive confounding, residualising equals joint regression and beats naive.",
        DECONFOUND,
        (
            Part("observed", "rho", "residual-partial-out", "naive", "less", strengths=STRONG),
            Part("observed", "rho", "residual-partial-out", "covariate-regression", "equal", 0.05),
        ),
    ),
    Claim(
        "A-C4",
        "Where the confounder is tied to causal text, subtracting an instrumented g(C) beats naive.",
        DECONFOUND,
        (Part("entangled", "rho", "residual-instrumented", "naive", "less", strengths=STRONG),),
    ),
    Claim(
        "A-C5",
        "Ignoring the confounder raises text that merely tracks it; residual pairs leave it near its base.",
        DECONFOUND,
        (
            Part("marker", "marker_rate", "dpo-p1", "metric:reference_marker_rate", "greater"),
            Part("marker", "marker_rate", "dpo-p3", "metric:reference_marker_rate", "equal", 0.1),
        ),
    ),
    Claim(
        "A-C7",
        "Residualising the outcome on the confounder helps ranking from observational data.",
        DECONFOUND,
        (Part("observed", "rho", "residual-marginal", "naive", "less", strengths=STRONG),),
    ),
    Claim(
        "A-C8",
        "Residualising degrades when the confounder is not recorded: it no longer beats naive by .05.",
        DECONFOUND,
        (Part("hidden", "rho", "residual-partial-out", "naive", "greater", -0.05),),
    ),
    Claim(
        "hidden",
        "When nothing records the confounder, no method that sees the log alone recovers.",
        OURS,
        (Part("hidden", "rho", "every adjuster", "naive", "greater", -0.1),),
    ),
    Claim(
        "no-loss",
        "No loss corrects confounding by itself: without adjustment nobody beats naive by .05.",
        OURS,
        (Part("observed", "rho", "every non-adjuster", "naive", "greater", -0.05, STRONG),),
    ),
    Claim(
        "inherit",
        "DPO on same-prompt pairs inherits the log's confounding: its effects point along the bias.",
        OURS,
        (Part("observed", "bias_cosine", "dpo-p1", "value:0", "greater", strengths=STRONG),),
    ),
    Claim(
        "null",
        "Where nothing has an effect, naive finds effects and covariate regression does so less often.",
        OURS,
        (Part("null", "false_positive_rate", "covariate-regression", "naive", "less"),),
    ),
    Claim(
        "B-C1",
        "Weighting by known propensities beats naive and leaves no trace of recorded confounding.",
        CPO,
        (
            Part("observed", "rho", "ipw-logged", "naive", "less", strengths=STRONG),
            Part("observed", "bias_cosine", "ipw-logged", "ceiling", "equal", 0.1, STRONG),
        ),
    ),
    Claim(
        "B-C2",
        "A doubly robust outcome removes recorded confounding.",
        CPO,
        (
            Part("observed", "rho", "doubly-robust", "naive", "less", strengths=STRONG),
            Part("observed", "rho", "doubly-robust", "ceiling", "equal", 0.05, STRONG),
        ),
    ),
    Claim(
        "B-C5",
        "With a good outcome model the doubly robust policy objective is no worse than CPO.",
        CPO,
        (Part("randomised", "value_samples", "dr-cpo", "cpo", "greater", -0.02),),
    ),
    Claim(
        "B-C7",
        "Adjusting the outcome model for all confounders restores OO-RLHF on a confounded log.",
        CPO,
        (
            Part("observed", "rho", "oo-rlhf-adjusted", "oo-rlhf", "less", strengths=STRONG),
            Part("hidden", "rho", "oo-rlhf-adjusted", "oo-rlhf", "equal", 0.1),
        ),
    ),
    Claim(
        "C-2",
        "With an observed objective as confounder the order is base, multi-head, adversarial.",
        CAUSAL,
        (
            Part("objective", "rho", "multi-head", "naive", "less"),
            Part("objective", "rho", "adversarial-head", "multi-head", "less"),
        ),
    ),
    Claim(
        "C-6",
        "With a hidden objective none of the representation methods helps.",
        CAUSAL,
        (Part("hidden", "rho", "adversarial-head", "naive", "greater", -0.05),),
    ),
    Claim(
        "D-3",
        "Counterfactual prompting aimed at the causal attribute beats aiming at the correlated one.",
        STYLE,
        (
            Part(
                "style",
                "value_samples",
                "counterfactual-con",
                "counterfactual-con-correlated",
                "greater",
            ),
        ),
    ),
    Claim(
        "E-1",
        "Causal DPO beats DPO under observed confounding.",
        CDPO,
        (Part("observed", "rho", "causal-dpo-released", "dpo-p1", "less", strengths=STRONG),),
    ),
    Claim(
        "E-2",
        "As released, causal DPO is DPO within noise; with each row's own confounder it removes the bias.",
        "derived from the released code of Causal DPO",
        (
            Part("observed", "rho", "causal-dpo-released", "dpo-p1", "equal", 0.05),
            Part("observed", "rho", "causal-dpo-corrected", "dpo-p1", "less", strengths=STRONG),
        ),
    ),
    Claim(
        "E-4",
        "With a hidden confounder neither form of causal DPO helps.",
        CDPO,
        (
            Part("hidden", "rho", "causal-dpo-released", "dpo-p1", "equal", 0.1),
            Part("hidden", "rho", "causal-dpo-corrected", "dpo-p1", "equal", 0.1),
        ),
    ),
)
