"""DeconfoundLM (Loghmani 2025) and the same author's Monday experiment and headline study (2026)."""

from leaderboard.claims.model import Claim, Part, Value

DECONFOUND = "Loghmani, DeconfoundLM (2025), arXiv 2506.00152"
MONDAY = "Loghmani, job-market paper (2026), table 1"
HEADLINES = "Loghmani, job-market paper (2026), table 2"
TWO: dict[str, Value] = {"strength": 2}
TIED: dict[str, Value] = {"entanglement": 1, "error": 0.6}
LOOSE: dict[str, Value] = {"entanglement": 0, "error": 0.6}
NOISY: dict[str, Value] = {"error": 1.5}
LEAKING: dict[str, Value] = {"reaction": 1}

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "confounded-log-beats-no-outcomes",
        "Learning from a moderately confounded log beats not learning from outcomes.",
        DECONFOUND,
        "observational outcomes carry useful supervision",
        "value of texts after fine-tuning on raw outcomes, against supervised fine-tuning",
        (
            Part("observed", "value_samples", "dpo-raw", "sft", "greater", where={"strength": 0.5}),
            Part("observed", "value_samples", "dpo-raw", "sft", "greater", where={"strength": 1}),
        ),
        formerly=("A-C1",),
    ),
    Claim(
        "monday-greeting-rises",
        "DPO on raw scores writes the greeting of the best day more often than SFT does.",
        MONDAY,
        "Monday: SFT 11.45 (0.20), DPO 14.84 (0.82)",
        "share of generations with the token, DPO against SFT, beta .1",
        (Part("marker", "greeting_rate", "dpo-raw", "sft", "greater", where={"greeting": "monday"}),),
        formerly=("A-C2", "raw-dpo-amplifies-the-marker"),
    ),
    Claim(
        "friday-greeting-falls",
        "DPO on raw scores writes the greeting of a bad day less often than SFT.",
        MONDAY,
        "Friday: SFT 8.88 (0.13), DPO 2.89 (0.16)",
        "share of generations with the token, DPO against SFT, beta .1",
        (Part("marker", "greeting_rate", "dpo-raw", "sft", "less", where={"greeting": "friday"}),),
    ),
    Claim(
        "friday-falls-further-than-monday-rises",
        "A 52/48 skew of pairs moves the greeting less than a 47/53 skew does.",
        MONDAY,
        "+3.4 points Monday, -6.0 points Friday",
        "difference of the share of generations with the token, DPO against SFT",
        # the mean of both shifts is negative
        (
            Part(
                "marker", "greeting_rate", "dpo-raw", "sft", "less", where={"greeting": ("monday", "friday")}
            ),
        ),
    ),
    Claim(
        "balanced-greeting-stays",
        "Where pairs are balanced over the greeting, DPO leaves its rate alone.",
        "derived from " + MONDAY,
        "markers are uninformative by construction; the correct rate is that of SFT",
        "share of generations with the token, DPO against SFT",
        (Part("marker", "greeting_rate", "dpo-raw", "sft", "equal", 0.05, where={"balanced": True}),),
    ),
    Claim(
        "residual-pairs-leave-the-greeting",
        "Ignoring the confounder raises the rate of a greeting that goes with it; residual pairs do not.",
        DECONFOUND,
        "explicitly removing the effect of known confounders from the reward",
        "rate of the proxy feature after fine-tuning",
        (
            Part("marker", "greeting_rate", "dpo-raw", "sft", "greater", where={"strength": 2}),
            Part("marker", "greeting_rate", "dpo-residual", "sft", "equal", 0.05, where={"strength": 2}),
        ),
        formerly=("A-C5", "residual-pairs-leave-the-marker"),
    ),
    Claim(
        "instrument-beats-invariance-by-16-percent",
        "Where the confounder is tied to causal text, subtracting an instrumented g(C) beats "
        "ODIN and the other baselines by over 16 percent.",
        DECONFOUND,
        "over 16% higher objective score than ODIN and other baselines under entangled confounding",
        "value of the optimised policy; instrumental variables; the simulation itself is unpublished",
        tuple(
            Part(
                "entangled", "value_kl_1", "residual-instrumented", other, "greater",
                where=TWO | TIED, times=1.16,
            )
            for other in ("odin", "naive", "covariate-regression")
        ),
        formerly=("A-C4", "instrument-beats-naive"),
    ),
    Claim(
        "instrument-beats-matched-distributions",
        "Where the confounder is tied to causal text, the instrument beats a reward that is matched over it.",
        "derived from " + DECONFOUND,
        "invariance methods force the reward not to vary with the confounder",
        "value of the optimised policy",
        (
            Part(
                "entangled", "value_kl_1", "residual-instrumented", "mmd-invariant", "greater",
                where=TWO | TIED,
            ),
        ),
    ),
    Claim(
        "entanglement-is-what-costs-invariance",
        "Invariance loses to the instrument under entanglement, and loses less without it.",
        DECONFOUND,
        "invariance assumes a reward that does not change with the confounder",
        "value of the optimised policy with and without entanglement",
        (
            Part("entangled", "value_kl_1", "residual-instrumented", "odin", "greater", where=TWO | TIED),
            Part(
                "entangled", "value_kl_1", "residual-instrumented", "odin", "greater",
                where=TWO | TIED, minus=TWO | LOOSE,
            ),
        ),
    ),
    Claim(
        "residuals-equal-joint-regression",
        "With recorded, additive confounding, residualising equals joint regression and beats naive.",
        DECONFOUND,
        "removing known confounders beats ignoring them or naively incorporating them",
        "objective score; without entanglement all corrections are equal",
        (
            Part("observed", "rho", "residual-partial-out", "naive", "less", where=TWO),
            Part("observed", "rho", "residual-partial-out", "covariate-regression", "equal", 0.03, where=TWO),
        ),
        formerly=("A-C3",),
    ),
    Claim(
        "residual-outcomes-rank-better-by-2-points-stand-in",
        "Residualising the outcome on what the brief says helps ranking from observational data, by .017.",
        HEADLINES,
        "CTR-obs .632-.814 to resid-obs .650-.814, on average +.017 AUC",
        "ROC-AUC on pairs of one test with p < .05; ridge on embeddings, outcome residualised by a network",
        (
            Part("brief", "accuracy", "prompt-partial-out", "naive", "greater"),
            Part("brief", "accuracy", "prompt-partial-out", "naive", "equal", 0.017, target=0.017),
        ),
        stand_in="accuracy on simulated briefs; the brief is partialled out of the texts too",
        formerly=("A-C7", "marginal-residuals-beat-naive"),
    ),
    Claim(
        "pairs-beat-levels-within-prompts-stand-in",
        "Comparing texts of one prompt ranks better than predicting levels from the same randomised rows.",
        HEADLINES,
        "logistic beats CTR loss on the same data by .067",
        "ROC-AUC of a logistic regression on pairs against a ridge regression of rates",
        (Part("randomised", "accuracy", "bradley-terry", "naive", "greater"),),
        stand_in="the level regression here knows the prompt, which theirs had to infer",
        formerly=("A-C9",),
    ),
    Claim(
        "subtraction-needs-a-recorded-confounder",
        "Residualising degrades when the confounder is not recorded: most of the bias stays.",
        "derived from " + DECONFOUND,
        "the analyst must name the confounders and know how they affect the outcome",
        "none published",
        (Part("hidden", "bias_left", "residual-partial-out", "value:0.5", "greater", where={"strength": 2}),),
        formerly=("A-C8", "residuals-need-a-recorded-confounder"),
    ),
    Claim(
        "error-in-the-confounder-breaks-subtraction",
        "Error in the recorded confounder degrades subtraction and leaves the instrument intact.",
        "derived from " + DECONFOUND,
        "no robustness to missing or mismeasured confounders is shown (ICLR 2026 review)",
        "none published",
        (
            Part(
                "entangled", "rho", "residual-partial-out", "residual-instrumented", "greater", 0.05,
                where=TWO | NOISY,
            ),
            Part(
                "entangled", "rho", "residual-instrumented", "value:0", "equal", 0.05,
                where=TWO | NOISY, minus=TWO | TIED,
            ),
        ),
    ),
    Claim(
        "a-leaking-instrument-breaks-it",
        "Where the writer reacts to popularity itself, the instrumented residual degrades.",
        "derived from " + DECONFOUND,
        "the exclusion restriction is barely discussed (ICLR 2026 review)",
        "none published",
        (
            Part(
                "entangled", "rho", "residual-instrumented", "value:0", "greater",
                where=TWO | LEAKING, minus=TWO | TIED,
            ),
        ),
    ),
    Claim(
        "interaction-breaks-subtraction",
        "Where texts act differently on people, no additive subtraction is right; averaging a model is.",
        "derived from " + DECONFOUND,
        "additive structure is assumed by the simulator (ICLR 2026 review)",
        "none published",
        (
            Part(
                "interaction", "rho", "residual-partial-out", "outcome-model-averaged", "greater",
                where={"modification": 2},
            ),
        ),
    ),
    Claim(
        "a-few-experiments-and-the-log-beat-either-stand-in",
        "With two percent of randomised rows, shrinking the experiment towards the log beats either alone.",
        "Loghmani, job-market paper (2026), section 6",
        "IVW reaches the full observational result at just over 1 percent, logistic at about 3 percent",
        "ROC-AUC; inverse-variance weighting of win probabilities with a bias term",
        (
            Part("mixture", "rho", "slice-anchored", "slice-only", "less", where={"share": 0.02}),
            Part("mixture", "rho", "slice-anchored", "naive", "less", where={"share": 0.02}),
        ),
        stand_in="an anchored ridge regression combines the two",
    ),
)  # fmt: skip
