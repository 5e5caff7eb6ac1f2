"""One published or derived prediction for each causal row of the catalogue, as data.

Places: "table" is the tabular limit (``test_causal_predictions``): eight texts, a decoy greeting and a causal
price, one binary confounder, policies exact. "table[slice]" has randomised rows beside it, "table[tokens]"
serves every confounder token in turn, "annotators" are rankings by people of two tastes. Everything else is
a scenario of the suite, reward models alone. The measure is regret: normalised pairwise regret in a scenario;
in a table, how much of the reward's spread goes to the decoy; the worse type's, of annotators.

Claims, on differences paired by seed, one-sided at 1 %:
wins          regret is below the comparator's;
fails         regret is above the comparator's;
no advantage  less than a fifth of the comparator's regret is removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Prediction:
    """What is expected of a method.

    Attributes:
        method: Name in the catalogue.
        claim: "wins", "fails" or "no advantage".
        against: Name of the comparator.
        scenario: A place of the module's list, or a family.
        source: Who says so, or why it follows.
        parameters: Of the family.
    """

    method: str
    claim: str
    against: str
    scenario: str
    source: str
    parameters: Mapping[str, object] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The scenario as the command line writes it."""
        parameters = ",".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.scenario}[{parameters}]" if parameters else self.scenario


OBJECTIVE = "Kobalczyk & van der Schaar 2025, table 2: Base < Multihead < Adversarial for rho in [.5, .9]"
TELLS_NOTHING = "responses to the columns are drawn independently of the confounding that remains"
JUDGED = "CJE, arXiv 2512.11150: the raw judge is biased, calibration on people's scores is not"
ARMS = "Kiyohara et al. 2025: with a large stock of texts, kernels beat inverse propensities by arm"
STYLE = "back-door adjustment: attributes respond to the covariates and to nothing else"
LOSSES = "no loss corrects confounding by itself: labels pass through"
INSTRUMENTED = "DeconfoundLM's example: the instrument moves popularity alone, so g(C) is found"
STOCK = "invariance removes the cause too where confounder and cause go together (DeconfoundLM's example)"
AIM = "counterfactual pairs follow the attribute that they are aimed at, and estimate nothing"
ROBINSON = "Robinson 1988; Chernozhukov et al. 2018"
OMITTED = "omitted-variable bias (Frisch & Waugh 1933)"
RESIDUALISED = "DeconfoundLM's follow-up: residualising the outcome helps observational ranking"
PRECISION = "Robins, Rotnitzky & Zhao 1994: an outcome model lowers the variance of weighting"
# four proxies leave little confounding and a slice of 450 rows much noise: hence more confounding, more rows
TWICE, SLICED = {"strength": 2.0}, {"strength": 2.0, "share": 0.3}
PROXIES = "Tchetgen Tchetgen et al. 2020: error in one proxy leaves confounding, two proxies undo it"
CHANCES = "Horvitz & Thompson 1952: answers weighted by one over their chance"
SAME_LAW = "the code takes P^R from the texts alone, as the paper does: no confounder enters"
NUISANCES = "Lin et al. 2024, theorem 4.4: right if the outcome model controls for all confounders"
TYPES = "Chidambaram et al. 2024: with rankings of three, types are found and the minority is served"
KENNEDY = "Kennedy 2023: the regression of a pseudo-outcome is right if the outcome model or the weights are"
CHOSEN = "Belloni, Chernozhukov & Hansen 2014: what moves the outcome or the texts is chosen and adjusted for"
TEXT = "the text that holds the confounder is adjusted for"
ASKED = "Veitch, Sridhar & Blei 2020: " + TEXT
WRONG_OUTCOME, WRONG_WEIGHTS, WRONG_BOTH = ({"wrong": side} for side in ("outcome", "propensity", "both"))
BINARY, TWICE = {"feedback": "binary"}, {"strength": 2.0}

PREDICTIONS = (
    Prediction("conditioned-head", "fails", "multi-head", "objective", OBJECTIVE),
    Prediction("single-head", "fails", "conditioned-head", "objective", "users differ by objective"),
    Prediction("multi-head", "wins", "single-head", "objective", OBJECTIVE),
    Prediction("adversarial-head", "wins", "multi-head", "objective", OBJECTIVE),
    Prediction("dso-arms", "wins", "ips-arms", "position", ARMS),
    Prediction("snips-arms", "wins", "naive", "position", "Swaminathan & Joachims 2015; slots logged", TWICE),
    Prediction("ips-arms", "fails", "snips-arms", "position", "Swaminathan & Joachims 2015: variance of IPS"),
    Prediction("attribute-dml", "wins", "attribute-correlation", "style", STYLE),
    Prediction("attribute-aipw", "wins", "attribute-correlation", "style", STYLE),
    Prediction("attribute-doubleml", "no advantage", "attribute-aipw", "table", "the same estimator"),
    Prediction("attribute-correlation", "no advantage", "naive", "style", STYLE),
    Prediction("judge-raw", "fails", "judge-calibrated", "judge", JUDGED),
    Prediction("judge-calibrated", "wins", "judge-raw", "judge", JUDGED),
    Prediction(
        "judge-debiased", "fails", "judge-calibrated", "judge",
        "Dubois et al. 2024: a controlled style earns nothing, and here readers care for some",
    ),
    Prediction("odin", "no advantage", "bradley-terry", "entangled", STOCK),
    Prediction("mmd-invariant", "fails", "residual-instrumented", "entangled", STOCK),
    Prediction(
        "rrm", "no advantage", "bradley-terry", "observed",
        "off-prompt texts cancel what ignores the prompt; people's part is tied to wording on every prompt",
    ),
    Prediction(
        "factored-reward", "no advantage", "bradley-terry", "observed",
        "the causal part is whatever predicts labels, confounded wording included",
    ),
    Prediction(
        "positive-unlabelled", "wins", "unlabelled-as-negative", "observed",
        "ImplicitRM 2026: an unlabelled row is no dislike, who acts must be modelled", BINARY,
    ),
    Prediction(
        "unlabelled-as-negative", "no advantage", "naive", "observed", "the same data at face value", BINARY
    ),
    Prediction("mrpo", "no advantage", "dpo-raw", "table", LOSSES),
    Prediction("drpo", "no advantage", "dpo-raw", "table", LOSSES),
    Prediction("causal-dpo-corrected", "wins", "dpo-raw", "table", "back-door formula with own u"),
    Prediction("counterfactual-encourage", "wins", "counterfactual-encourage-correlated", "table", AIM),
    Prediction("counterfactual-contrast", "wins", "counterfactual-contrast-correlated", "table", AIM),
    Prediction("counterfactual-discourage", "wins", "dpo-raw", "table", AIM),
    Prediction("counterfactual-negate", "wins", "dpo-raw", "table", AIM),
    Prediction(
        "counterfactual-encourage-prompted", "wins", "counterfactual-encourage-correlated", "table", AIM
    ),
    Prediction(
        "counterfactual-contrast-prompted", "wins", "counterfactual-contrast-correlated", "table", AIM
    ),
    Prediction("counterfactual-discourage-prompted", "wins", "dpo-raw", "table", AIM),
    Prediction("counterfactual-negate-prompted", "wins", "dpo-raw", "table", AIM),
    Prediction("counterfactual-encourage-correlated", "fails", "counterfactual-encourage", "table", AIM),
    Prediction("counterfactual-contrast-correlated", "fails", "counterfactual-contrast", "table", AIM),
    # -- reference points -------------------------------------------------------
    Prediction("naive", "fails", "covariate-regression", "observed", OMITTED),
    Prediction("canary-copy-naive", "no advantage", "naive", "observed", "it is naive"),
    Prediction(
        "value-estimates", "no advantage", "naive", "observed", "its reward is naive, from half of the log"
    ),
    Prediction("canary-constant", "fails", "naive", "observed", "a constant is a coin, regret one half"),
    Prediction("insider-responses", "no advantage", "covariate-regression", "hidden", TELLS_NOTHING),
    Prediction("insider-extrapolated", "no advantage", "covariate-regression", "hidden", TELLS_NOTHING),
    Prediction("canary-longest", "fails", "naive", "observed", "no attribute is better for being longer"),
    Prediction("canary-most-frequent", "fails", "naive", "observed", "what is common need not be good"),
    Prediction("canary-random", "fails", "naive", "observed", "a random direction is a coin on average"),
    # -- covariates recorded ----------------------------------------------------
    Prediction("covariate-regression", "wins", "naive", "observed", "Frisch & Waugh 1933"),
    Prediction("selection-bounds", "wins", "naive", "observed", "its rewards are the adjusted regression's"),
    Prediction(
        "covariate-regression-boosted", "wins", "covariate-regression", "nonlinear",
        ROBINSON + ": any smooth outcome mean may be partialled out",
    ),
    Prediction(
        "outcome-model-averaged", "wins", "covariate-regression", "interaction",
        "Robins 1986: where effects vary with people, average the outcome model over them", TWICE,
    ),
    Prediction("residual-marginal", "wins", "naive", "observed", RESIDUALISED),
    Prediction("residual-partial-out", "wins", "naive", "observed", ROBINSON),
    Prediction("doubly-robust", "wins", "ipw-estimated", "observed", PRECISION),
    Prediction("doubly-robust-logged", "wins", "ipw-logged", "observed", PRECISION),
    Prediction("doubly-robust-corrected", "wins", "ipw-estimated", "robust", KENNEDY, WRONG_WEIGHTS),
    Prediction(
        "doubly-robust-corrected-logged", "wins", "doubly-robust-logged", "overlap",
        "Su et al. 2020: weights are cut where bias costs less than variance",
    ),
    Prediction("doubly-robust-linear", "wins", "covariate-regression", "robust", KENNEDY, WRONG_OUTCOME),
    Prediction("double-lasso", "wins", "residual-partial-out", "wide", CHOSEN),
    Prediction("lasso-partial-out", "wins", "residual-partial-out", "wide", CHOSEN),
    Prediction("prompt-partial-out", "wins", "naive", "brief", ASKED),
    Prediction("causal-embedding", "wins", "naive", "brief", ASKED),
    Prediction("causal-embedding-latent", "wins", "naive", "brief", ASKED),
    Prediction("text-cause", "wins", "naive", "brief", "Pryzant et al. 2021: " + TEXT),
    Prediction("generative-representation", "wins", "naive", "brief", "Imai & Nakamura 2024: " + TEXT),
    Prediction("ipw-estimated", "wins", "naive", "observed", "Arbour, Dimmery & Sondhi 2021", TWICE),
    Prediction("ipw-logged", "wins", "naive", "observed", "Horvitz & Thompson 1952"),
    Prediction("ipw-logged-clipped", "wins", "naive", "observed", "Ionides 2008: what is cut is bounded"),
    # -- covariates not recorded ------------------------------------------------
    Prediction("instrumented-texts", "wins", "naive", "instrument", "Angrist & Imbens 1995", TWICE),
    Prediction("residual-instrumented", "wins", "naive", "entangled", INSTRUMENTED),
    Prediction("proximal", "wins", "proxy-as-covariate", "proxy", PROXIES, TWICE),
    Prediction("proxy-as-covariate", "fails", "proximal", "proxy", PROXIES, TWICE),
    Prediction("time-regression", "wins", "naive", "drift", "the trend is a covariate like any other"),
    Prediction("slot-regression", "wins", "naive", "position", "the slot is a covariate like any other"),
    Prediction(
        "adjust-for-everything", "fails", "covariate-regression", "badcontrol",
        "Rosenbaum 1984; Cinelli, Forney & Pearl 2022: what the text moved is no covariate",
    ),
    # -- outcomes recorded for some ---------------------------------------------
    Prediction("complete-case", "fails", "observation-weighted", "selection", CHANCES, TWICE),
    Prediction("observation-weighted", "wins", "complete-case", "selection", CHANCES, TWICE),
    Prediction(
        "observation-weighted-estimated", "no advantage", "complete-case", "selection",
        "an unrecorded mood decides who answers: text and covariates do not tell the chance",
    ),
    Prediction(
        "observation-weighted-shadow", "wins", "complete-case", "selection",
        "Miao & Tchetgen Tchetgen 2016: a shadow variable identifies the chance", {"rule": "extreme"},
    ),
    Prediction("slice-only", "wins", "naive", "mixture", "an experiment is not confounded", SLICED),
    Prediction("slice-anchored", "wins", "naive", "mixture", "Kallus, Puli & Shalit 2018", SLICED),
    Prediction("slice-enriched", "wins", "naive", "mixture", "Chen, Owen & Shi 2015", SLICED),
    # -- importance weights and outcome models of policies ----------------------
    Prediction("cpo-released", "no advantage", "cpo", "table", SAME_LAW),
    Prediction("oo-rlhf-released", "no advantage", "oo-rlhf", "table", SAME_LAW),
    Prediction("dr-cpo-released", "no advantage", "dr-cpo", "table", SAME_LAW),
    Prediction("oo-rlhf", "fails", "oo-rlhf-adjusted", "table", NUISANCES),
    Prediction("oo-rlhf-adjusted", "wins", "oo-rlhf", "table", NUISANCES),
    Prediction("dr-cpo", "fails", "dr-cpo-adjusted", "table", NUISANCES),
    Prediction("dr-cpo-adjusted", "wins", "dr-cpo", "table", NUISANCES),
    Prediction("dr-cpo-constant", "no advantage", "cpo", "table", "a constant model lowers variance alone"),
    Prediction("cpo-slice", "wins", "cpo", "table[slice]", "Lin et al. 2024: D^R is randomised"),
    Prediction("dr-cpo-slice", "wins", "dr-cpo", "table[slice]", "Lin et al. 2024: right P^R, wrong model"),
    Prediction("dso", "wins", "rloo", "table", "Kiyohara et al. 2025, with the propensity given z"),
    # -- tokens and annotators --------------------------------------------------
    Prediction(
        "causal-dpo-released", "no advantage", "dpo-raw", "table[tokens]",
        "tokens are drawn whatever the row's own confounder: every token sees the same population",
    ),
    Prediction("em-dpo", "wins", "dpo-raw", "annotators", TYPES),
    Prediction("em-dpo-mmra", "wins", "dpo-raw", "annotators", TYPES),
)  # fmt: skip

# What a second place adds to a row's one prediction.
FURTHER = (
    Prediction("doubly-robust-linear", "wins", "ipw-estimated", "robust", KENNEDY, WRONG_WEIGHTS),
    Prediction(
        "doubly-robust-linear", "no advantage", "covariate-regression", "robust",
        "Kang & Schafer 2007: two wrong models are not better than one", WRONG_BOTH,
    ),
    Prediction(
        "adversarial-head", "no advantage", "multi-head", "objective",
        "the adversary takes the type for spurious; where it is causal, erasing it cannot help",
        {"causal_type": True},
    ),
)  # fmt: skip
