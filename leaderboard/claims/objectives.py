"""Objectives and extensions of preference optimisation, on confounded logs and on clean ones."""

from leaderboard.claims.model import Claim, Part

TOY = "two-text population of docs/objectives.md, after "
TWO, PLAIN = {"strength": 2}, {"strength": 1}


def _writes_the_decoy(method: str, relation: str) -> Part:
    return Part("observed", "marker_rate", method, "dpo-raw", relation, where=TWO)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "robust-dpo-amplifies",
        "Robust DPO takes confounding for the majority and writes the flattered decoy more often than DPO.",
        TOY + "Chowdhury et al. (2024)",
        "pi(a): DPO .201, rDPO .145; below .5 moved the wrong way",
        "probability of the better text; here the rate of the most flattered decoy",
        (_writes_the_decoy("rdpo", "greater"),),
    ),
    Claim(
        "extrapolation-amplifies",
        "ExPO extrapolates what DPO has learnt, bias included.",
        TOY + "Zheng et al. (ACL 2025)",
        "pi(a): DPO .201, ExPO .112",
        "probability of the better text; here the rate of the most flattered decoy",
        (_writes_the_decoy("expo", "greater"),),
    ),
    Claim(
        "conservative-dpo-and-ipo-damp",
        "Conservative DPO and IPO bound the margin and write the flattered decoy less often than DPO.",
        TOY + "Mitchell (2023) and Azar et al. (2023)",
        "pi(a): DPO .201, cDPO .252, IPO .418",
        "probability of the better text; here the rate of the most flattered decoy",
        (_writes_the_decoy("cdpo", "less"), _writes_the_decoy("ipo", "less")),
    ),
    Claim(
        "thresholds-move-furthest",
        "KTO and BCO turn confounders into labels and write the flattered decoy more often than DPO.",
        TOY + "Ethayarajh et al. (2024) and Jung et al. (2024)",
        "pi(a): DPO .201, KTO .000, BCO .049",
        "probability of the better text; here the rate of the most flattered decoy",
        (_writes_the_decoy("kto", "greater"), _writes_the_decoy("bco", "greater")),
    ),
    Claim(
        "density-ratios-on-covariates-correct-bco",
        "BCO's density ratio corrects confounding where it sees the covariates.",
        TOY + "Jung et al. (2024)",
        "pi(a): BCO .049, with density-ratio weights computed on Z .908",
        "probability of the better text; here the regret of the reward",
        (Part("observed", "rho", "bco-balanced", "bco", "less", where=TWO),),
    ),
    Claim(
        "extrapolation-improves-a-short-training",
        "On clean data, extrapolating a short training improves what it writes.",
        "Zheng et al., ExPO (ACL 2025)",
        "zephyr DPO 20 % 12.85 -> 21.30",
        "AlpacaEval 2 length-controlled win rate; here the win rate over reference texts",
        (Part("randomised", "win_rate", "expo", "dpo-raw", "greater", where=PLAIN),),
    ),
    Claim(
        "conditioning-beats-filtering-and-weighting",
        "Alignment by conditioning on the score beats filtering and reward-weighted regression.",
        "Hu et al. (2023), arXiv 2308.12050",
        "CA beats the other two and is comparable to PPO",
        "reward of generations by a reward model; here their true value",
        (
            Part("randomised", "value_samples", "conditional-sft", "filtered-sft", "greater", where=PLAIN),
            Part("randomised", "value_samples", "conditional-sft", "rwr", "greater", where=PLAIN),
        ),
    ),
    Claim(
        "certainty-beats-random-purchases",
        "Buying labels for the pairs that the model is most certain of beats random pairs.",
        "Muldrew et al., APL (ICML 2024)",
        "win rate at m = 512: .842 against .801, at 1024: .869 against .818",
        "win rate over the reference, GPT-4 oracle; here the true win rate",
        (Part("observed", "win_rate", "apl", "oracle-random", "greater", where=TWO),),
    ),
    Claim(
        "exploration-beats-dpo",
        "Optimism about unseen texts improves on the same purchases without it.",
        "Zhang et al., SELM (TMLR 2025)",
        "improves AlpacaEval 2 and MT-Bench over SFT and iterative DPO",
        "win rate over the reference; here the true win rate",
        (Part("observed", "win_rate", "selm", "oracle-random", "greater", where=TWO),),
    ),
    Claim(
        "two-references-beat-one",
        "Two references beat one where preferences are few.",
        "Le et al., MRPO (AAAI 2025)",
        "up to +7 % preference accuracy over DPO when data are scarce",
        "accuracy on held-out pairs",
        (Part("randomised", "accuracy", "mrpo", "dpo-raw", "greater", where={"n": 500}),),
    ),
    Claim(
        "self-play-on-segments-beats-imitation-stand-in",
        "Contrasting logged segments with the model's own writes better texts than imitating good ones.",
        "Yin et al., SAPO (2024), arXiv 2405.20830",
        "gain over SPIN about +.8 (Llama-3-8B) and +.1 (Mistral-7B)",
        "Open LLM average against SPIN",
        (Part("randomised", "value_samples", "sapo", "filtered-sft", "greater", where=PLAIN),),
        stand_in="against fine-tuning on the same good texts; there is no SPIN here",
    ),
    Claim(
        "token-rewards-beat-sequence-rewards-stand-in",
        "Credit for single words learns more from near duplicates than a reward of the whole text.",
        "Xu et al. (ACL 2024), arXiv 2406.02756",
        "up to +5.1 points win rate over standard PPO",
        "win rate of policies optimised with token-level against sequence-level rewards",
        (Part("randomised", "accuracy", "token-reward", "bradley-terry", "greater", where=PLAIN),),
        stand_in="accuracy of the rewards; duplicates are mined from the log, nobody edits",
    ),
    Claim(
        "paraphrases-change-nothing-stand-in",
        "Paraphrases keep the meaning: training on them too leaves the reward as good as it was.",
        "Niu et al., Dynamic Blocking (EMNLP 2021)",
        "BERT-iBLEU agrees with humans at 68.9 %",
        "agreement of a paraphrase metric with human judgements",
        (
            Part(
                "observed", "rho", "regression-paraphrased", "naive", "equal", 0.03, where=TWO
            ),
        ),
        stand_in="the effect of paraphrases on a regression; the paper trains none",
    ),
    Claim(
        "doubly-robust-preferences-beat-dpo",
        "A preference model corrected by logged pairs writes better texts than DPO.",
        "Xu et al., DRPO (NeurIPS 2025), arXiv 2506.01183",
        "robust to a misspecified preference model or reference policy",
        "win rate between policies on IMDb, TL;DR and HH; here the win rate over reference texts",
        (Part("randomised", "win_rate", "drpo", "dpo-raw", "greater", where=PLAIN),),
    ),
    Claim(
        "rankings-tell-annotator-types",
        "With rankings of three, EM-DPO serves the worst-served type better than DPO.",
        "Chidambaram, Seetharaman & Syrgkanis (2024), arXiv 2405.15065",
        "better clustering and lower worst-group regret than DPO",
        "largest regret over annotator types",
        tuple(
            Part("heterogeneous", "worst_group", method, "dpo-raw", "less", where={"feedback": "ranking"})
            for method in ("em-dpo", "em-dpo-mmra")
        ),
    ),
    Claim(
        "pairs-do-not-tell-annotator-types",
        "With pairs, EM-DPO serves the worst-served type no better than DPO.",
        "Chidambaram et al. (2025), arXiv 2510.15716",
        "binary comparisons do not identify latent types; rankings of three or more can",
        "identifiability; here the largest regret over annotator types",
        tuple(
            Part(
                "heterogeneous", "worst_group", method, "dpo-raw", "equal", 0.05,
                where={"feedback": "preference"},
            )
            for method in ("em-dpo", "em-dpo-mmra")
        ),
    ),
)  # fmt: skip
