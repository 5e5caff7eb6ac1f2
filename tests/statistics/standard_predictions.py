"""One prediction for each method of the standard set, made from its source.

``claim`` is what the method does to the better text's lead (see ``standard_worlds`` for the worlds):

- wins: prefers the better text; fails: prefers the worse one;
- amplifies, damps: leans the way ``base`` leans, further or less far;
- no advantage: leans as ``base`` does, within a quarter of base's own lead (or of a nat);
  without a base, leans nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prediction:
    """A method, what it will do, where, compared with whom, and who says so."""

    method: str
    claim: str
    scenario: str
    base: str
    source: str


DPO, IPO = "Rafailov et al. 2023, eq. 7", "Azar et al. 2023, eq. 17"
POPULATION = "docs/objectives.md, worked population"
NO_LOSS_CORRECTS = "docs/objectives.md: a loss inherits its labels"
RESIDUALS = "DeconfoundLM, arXiv 2506.00152"
OVER_SUBTRACTED = RESIDUALS + ": over-subtraction"
ORACLE = "randomised answers break confounding (Muldrew et al. 2024; Zhang et al. 2024)"
SCORER = "all risk sits in the reward (Gao, Schulman & Hilton 2023)"
HU = "Hu et al. 2023; docs/objectives.md, worked population"
OVERLAP = "Lin et al. 2024: weights need overlap"

PREDICTIONS = tuple(
    Prediction(*row)
    for row in (
        # -- pairs ------------------------------------------------------------
        ("bradley-terry", "fails", "observed", "", NO_LOSS_CORRECTS),
        ("dpo-cross", "no advantage", "observed", "dpo-raw", "with one prompt, any two rows share it"),
        ("dpo-raw", "fails", "observed", "", POPULATION),
        ("dpo-matched", "wins", "observed", "", POPULATION),
        ("dpo-residual", "wins", "observed", "", POPULATION),
        ("dpo-modelled", "amplifies", "observed", "dpo-residual", "noiseless labels: " + DPO),
        ("dpo-weighted", "wins", "observed", "", POPULATION),
        ("dpo-weighted-logged", "fails", "overlap", "", OVERLAP),
        ("ipo", "fails", "observed", "", POPULATION),
        ("ipo-residual", "wins", "observed", "", POPULATION),
        ("cdpo", "damps", "observed", "dpo-raw", "Mitchell 2023; " + POPULATION),
        ("cdpo-residual", "damps", "observed", "dpo-residual", "Mitchell 2023"),
        ("rdpo", "amplifies", "observed", "dpo-raw", "Chowdhury et al. 2024; " + POPULATION),
        ("rdpo-residual", "amplifies", "observed", "dpo-residual", "Chowdhury et al. 2024"),
        ("hinge", "fails", "observed", "", NO_LOSS_CORRECTS),
        ("hinge-residual", "wins", "observed", "", NO_LOSS_CORRECTS),
        ("slic", "fails", "observed", "", NO_LOSS_CORRECTS),
        ("slic-residual", "wins", "observed", "", NO_LOSS_CORRECTS),
        ("simpo", "fails", "observed", "", NO_LOSS_CORRECTS),
        ("simpo-residual", "wins", "observed", "", NO_LOSS_CORRECTS),
        ("orpo", "fails", "observed", "", NO_LOSS_CORRECTS),
        ("orpo-residual", "wins", "observed", "", NO_LOSS_CORRECTS),
        ("expo", "amplifies", "observed", "dpo-raw", "Zheng et al. 2025; " + POPULATION),
        ("expo-residual", "amplifies", "observed", "dpo-residual", "Zheng et al. 2025"),
        ("selm-offline", "no advantage", "observed", "dpo-raw", "Zhang et al. 2024, but labels stay"),
        ("selm-offline-residual", "no advantage", "observed", "dpo-residual", "Zhang 2024, alpha .001"),
        # -- single texts -----------------------------------------------------
        ("sft", "no advantage", "observed", "", POPULATION),
        ("kto", "amplifies", "observed", "dpo-raw", POPULATION),
        ("kto-residual", "wins", "observed", "", NO_LOSS_CORRECTS),
        ("bco", "amplifies", "observed", "dpo-raw", POPULATION),
        ("bco-balanced", "wins", "observed", "", POPULATION),
        ("filtered-sft", "fails", "observed", "", HU),
        ("filtered-sft-residual", "wins", "observed", "", HU),
        ("filtered-sft-stratified", "wins", "observed", "", HU),
        ("filtered-sft-residual-weighted", "wins", "observed", "", HU),
        ("rwr", "fails", "observed", "", HU),
        ("rwr-residual", "wins", "observed", "", HU),
        ("rwr-residual-weighted", "wins", "observed", "", HU),
        ("conditional-sft", "no advantage", "observed", "filtered-sft", "conditioning on a fifth filters it"),
        ("conditional-sft-residual", "wins", "observed", "", HU),
        ("conditional-sft-residual-weighted", "wins", "observed", "", HU),
        ("reinforce", "fails", "observed", "", NO_LOSS_CORRECTS),
        ("reinforce-residual-weighted", "wins", "observed", "", "Williams 1992 with A = y - m(z), 1/e"),
        # -- a fitted reward --------------------------------------------------
        ("best-of-n", "no advantage", "observed", "naive", SCORER),
        ("best-of-n-adjusted", "wins", "observed", "", SCORER),
        ("tilt-adjusted", "wins", "observed", "", SCORER),
        ("rloo", "amplifies", "observed", "naive", SCORER),
        ("rloo-adjusted", "wins", "observed", "", SCORER),
        ("rloo-residual-partial-out", "fails", "entangled", "", RESIDUALS + ": a mismeasured confounder"),
        ("rloo-residual-marginal", "fails", "entangled", "", RESIDUALS + ": a mismeasured confounder"),
        ("rloo-residual-instrumented", "wins", "entangled", "", RESIDUALS),
        ("dpo-residual-partial-out", "wins", "observed", "", RESIDUALS),
        ("dpo-residual-marginal", "damps", "observed", "dpo-residual-partial-out", OVER_SUBTRACTED),
        ("dpo-residual-instrumented", "wins", "entangled", "", RESIDUALS),
        # -- importance weights -----------------------------------------------
        ("cpo", "fails", "observed", "", POPULATION + ": IPS without Z"),
        ("cpo-normalised", "fails", "observed", "", POPULATION + ": IPS without Z"),
        ("cpo-logged", "wins", "observed", "", POPULATION + ": IPS"),
        ("snips-logged", "wins", "observed", "", "Swaminathan & Joachims 2015b"),
        ("poem-logged", "damps", "observed", "cpo-logged", "Swaminathan & Joachims 2015a"),
        ("ips-logged-unclipped", "fails", "overlap", "", OVERLAP),
        ("ips-estimated", "wins", "observed", "", POPULATION + ": IPS"),
        ("snips-estimated", "wins", "observed", "", POPULATION + ": IPS"),
        ("poem-estimated", "damps", "observed", "ips-estimated", "Swaminathan & Joachims 2015a"),
        # -- bought outcomes --------------------------------------------------
        ("apl", "wins", "observed", "", ORACLE),
        ("oracle-random", "wins", "observed", "", ORACLE),
        ("selm", "wins", "observed", "", ORACLE),
        # -- texts cut into parts ---------------------------------------------
        ("sapo", "fails", "marker", "", "Yin et al. 2024: good texts are taken on trust"),
        ("sapo-residual", "wins", "marker", "", "good texts chosen by residual (docs/objectives.md: FA)"),
        ("token-reward", "fails", "marker", "", "Xu et al. 2024; mined edits inherit confounding"),
        ("token-reward-residual", "wins", "marker", "", "Xu et al. 2024; residual labels"),
        ("token-supervision", "fails", "marker", "", "Xu et al. 2024; mined edits inherit confounding"),
        ("token-supervision-residual", "wins", "marker", "", "Xu et al. 2024; residual labels"),
        ("sft-paraphrased", "no advantage", "marker", "sft", "Niu et al. 2021: meaning is kept"),
        ("regression-paraphrased", "no advantage", "marker", "naive", "it keeps its source's outcome"),
    )
)  # fmt: skip
