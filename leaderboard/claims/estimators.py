"""Estimators of causal effects of texts and of off-policy values."""

from leaderboard.claims.model import Claim, Part

TWO = {"strength": 2}
KNOWN = {"strength": 2, "overlap": 0.6}
TEXTS = "error of an average treatment effect on semi-synthetic data; here the regret of the reward"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "weights-lose-to-models-at-healthy-overlap",
        "Weighted estimates of value miss by more than a modelled one, and doubly robust ones only match it.",
        "Causal Judge Evaluation (2025), arXiv 2512.11150",
        "importance weighting failed even with healthy ESS; the best DR stack only matched direct mode",
        "error of a policy's estimated value",
        (
            Part(
                "observed", "diagnostic.gain_weighted", "value-estimates",
                "metric:diagnostic.gain_modelled", "greater", where=KNOWN, truth="gain",
            ),
            Part(
                "observed", "diagnostic.gain_robust", "value-estimates", "metric:diagnostic.gain_modelled",
                "equal", 0.01, where=KNOWN, truth="gain",
            ),
        ),
    ),
    Claim(
        "kernels-beat-inverse-propensities-with-many-arms",
        "With many texts to choose from, kernel-smoothed outcomes value policies better than propensities.",
        "Kiyohara et al., DSO (RecSys 2025), arXiv 2504.02646",
        "DSO .458, DR .245, IS .217, regression .133 at |A| = 1000",
        "optimality of the learnt policy; here the regret of its reward",
        (
            Part("position", "rho", "dso-arms", "ips-arms", "less", where=TWO),
            Part("position", "rho", "dso-arms", "snips-arms", "less", where=TWO),
        ),
    ),
    Claim(
        "two-proxies-beat-one-noisy-covariate",
        "Proxies that instrument each other remove confounding that adjusting for them leaves.",
        "Chen et al., proximal inference with text (NeurIPS 2024), arXiv 2401.06687",
        "two text proxies in the proximal g-formula",
        "error of an average effect; here the regret of the reward",
        (
            Part("proxy", "rho", "proximal", "proxy-as-covariate", "less", where=TWO),
            Part("proxy", "rho", "proximal", "naive", "less", where=TWO),
        ),
    ),
    Claim(
        "text-adjusts-for-what-it-says",
        "Where the brief holds the confounder, adjusting for representations of its text beats naive.",
        "Veitch et al. (2020); Pryzant et al. (NAACL 2021); Imai & Nakamura (2024)",
        "Amazon music: propensities .9 / .7, proxy precision .9",
        TEXTS,
        tuple(
            Part("brief", "rho", method, "naive", "less", where={"strength": 1})
            for method in ("prompt-partial-out", "causal-embedding", "text-cause")
        ),
    ),
    Claim(
        "an-experiment-makes-a-log-useful",
        "A confounded log beside a small experiment lowers the error of the experiment alone.",
        "Jin & Syrgkanis, Partial Testimony of Logs (2026), arXiv 2605.01311",
        "EXP identifies V(m); OBS only reduces error",
        "error of a model's estimated value; here the regret of the reward",
        (
            Part("mixture", "rho", "slice-enriched", "slice-only", "less", where={"share": 0.02}),
            Part("mixture", "rho", "slice-enriched", "naive", "less", where={"share": 0.02}),
        ),
    ),
    Claim(
        "attributes-need-their-covariates",
        "Doubly robust effects of logged attributes beat their correlations with the outcome.",
        "Lin et al., Isolated Causal Effects of Language (ICML 2025), arXiv 2410.14812",
        "non-focal text confounds the focal attribute",
        "error of the effect of a focal attribute; here the root mean squared error of all",
        (Part("style", "effect_rmse", "attribute-aipw", "attribute-correlation", "less", where=TWO),),
    ),
    Claim(
        "boosted-nuisances-handle-curved-confounding",
        "Where the confounder acts nonlinearly, cross-fitted flexible nuisances beat a linear regression.",
        "Chernozhukov et al. (2018)",
        "cross-fitted nuisances of any form give a root-n estimate",
        "bias of a partially linear coefficient; here the regret of the reward",
        (
            Part(
                "nonlinear", "rho", "covariate-regression-boosted", "covariate-regression", "less", where=TWO
            ),
        ),
    ),
)  # fmt: skip
