"""Causal Preference Optimization (Lin, Ben-Michael & Morency, UAI 2024): theorems, tables, released code."""

from leaderboard.claims.model import Claim, Part, Value

CPO = "Lin, Ben-Michael & Morency (UAI 2024)"
# The policy that is valued is the naive reward's, from half of the log; numbers are on the outcome's scale,
# where its true gain is about .3 and wrong estimates of it are about 1.
KNOWN: dict[str, Value] = {"strength": 2, "overlap": 0.6}
VALUED = "value-estimates"
CLOSE, WRONG = 0.15, 0.3
HATE, PLAIN = {"feedback": "binary"}, {"strength": 1}


def _estimate(name: str, relation: str, threshold: float, family: str = "observed") -> Part:
    where = KNOWN if family == "observed" else {"n": 1000}
    return Part(family, f"diagnostic.gain_{name}", VALUED, "metric:gain", relation, threshold, where=where)


def _spread(first: str, relation: str, second: str, family: str = "randomised", **where: Value) -> Part:
    return Part(
        family, f"diagnostic.gain_{first}", VALUED, f"metric:diagnostic.gain_{second}", relation,
        where=where, truth="gain",
    )  # fmt: skip


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "weighted-value-is-unbiased",
        "The weighted estimate of a policy's value is unbiased where the logging probabilities are known.",
        CPO + ", theorem 4.2",
        "V_IPW is unbiased if P^R is known",
        "value of a fixed policy by inverse propensity weights, without clipping",
        (
            _estimate("weighted", "equal", CLOSE, "randomised"),
            _estimate("weighted", "equal", CLOSE),
        ),
    ),
    Claim(
        "ignored-confounders-bias-the-weighted-value",
        "Weights that ignore what moved the texts overstate a policy learnt from the same log.",
        "derived from " + CPO,
        "P^R is the law of texts; nothing in it depends on the confounder",
        "value of a fixed policy by inverse propensity weights",
        (_estimate("weighted_marginal", "greater", WRONG),),
    ),
    Claim(
        "doubly-robust-value-needs-one-right-nuisance",
        "The doubly robust value is unbiased if weights or outcome model are right, not if both fail.",
        CPO + ", theorem 4.4",
        "V_DR is unbiased if P^R is correct or ghat = g",
        "value of a fixed policy; nuisances fitted on other rows",
        (
            _estimate("robust", "equal", CLOSE),
            _estimate("robust_wrong_model", "equal", CLOSE),
            _estimate("robust_wrong_weights", "equal", CLOSE),
            _estimate("robust_both_wrong", "greater", WRONG),
        ),
        formerly=("B-C2",),
    ),
    Claim(
        "an-informative-model-lowers-the-variance",
        "An outcome model lowers the variance of the weighted estimate; a negated model raises it.",
        CPO + ", proposition 4.5",
        "Var(w g) - Var(w (g - ghat)) - (n/m) Var(w ghat)",
        "variance of the two estimates of value",
        (
            _spread("robust", "less", "weighted", n=1000),
            _spread("robust_negated", "greater", "weighted", n=1000),
        ),
    ),
    Claim(
        "a-constant-model-does-not-explain-the-gain",
        "An outcome model lowers the variance of the estimated value further than a constant does.",
        CPO + ", proposition 4.5 with a constant ghat",
        "while reducing variance relative to CPO",
        "variance of the two estimates of value",
        (_spread("robust", "less", "robust_constant", n=1000),),
    ),
    Claim(
        "normalised-weights-lower-the-variance",
        "Where outcomes have a level, normalised weights, as estimated ones are, give less error.",
        CPO + ", section 5.2",
        "an estimated P^R is preferred (Hajek-style argument)",
        "variance of the estimated value with known and with estimated P^R",
        (_spread("weighted_normalised", "less", "weighted", "letters"),),
    ),
    Claim(
        "known-propensities-remove-the-bias",
        "Weighting by known propensities removes recorded confounding from the effects of texts.",
        CPO + ", theorem 4.2",
        "unbiased if P^R is known",
        "inverse propensity weights; here as a weighted regression, whose errors are projected on the bias",
        (
            Part("observed", "rho", "ipw-logged", "naive", "less", where=KNOWN),
            Part("observed", "bias_left", "ipw-logged", "value:0", "equal", 0.15, where=KNOWN),
        ),
        formerly=("B-C1",),
    ),
    Claim(
        "doubly-robust-effects-need-one-right-nuisance",
        "A doubly robust regression leaves little bias with one wrong nuisance and much with two.",
        CPO + ", theorem 4.4, in the world of Kang & Schafer (2007)",
        "unbiased if either nuisance is correct",
        "value of a policy; here the effects of texts, whose errors are projected on the bias",
        (
            *(
                Part(
                    "robust", "bias_left", "doubly-robust-linear", "value:0", "equal", 0.2,
                    where={"strength": 2, "wrong": wrong},
                )
                for wrong in ("none", "outcome", "propensity")
            ),
            Part(
                "robust", "bias_left", "doubly-robust-linear", "value:0", "greater", 0.2,
                where={"strength": 2, "wrong": "both"},
            ),
        ),
        formerly=("doubly-robust-removes-the-bias",),
    ),
    Claim(
        "cpo-wins-on-letters-stand-in",
        "On letters, CPO writes better texts than fine-tuning and than OO-RLHF.",
        CPO + ", table 3, Hong Kong",
        "CPO against FT .528*, against OO-RLHF .542*",
        "win rate between samples of two policies, judged by GPT-4",
        (
            Part("letters", "win_rate", "cpo-logged", "sft", "greater"),
            Part("letters", "win_rate", "cpo-logged", "oo-rlhf", "greater"),
        ),
        stand_in="true win rate over reference texts; letters are tilted, so CPO knows how",
    ),
    Claim(
        "dr-cpo-loses-to-cpo-on-letters-stand-in",
        "Where the outcome is hard to model, DR-CPO loses to CPO.",
        CPO + ", table 3, Hong Kong",
        "DR-CPO against CPO .441, CPO against DR-CPO .559*",
        "win rate between samples of two policies, judged by GPT-4",
        (Part("letters", "win_rate", "dr-cpo", "cpo", "less"),),
        stand_in="true win rate over reference texts",
    ),
    Claim(
        "every-cpo-wins-on-an-easy-outcome-stand-in",
        "On randomised binary outcomes DR-CPO and CPO beat OO-RLHF, and DR-CPO beats fine-tuning.",
        CPO + ", table 3, Hate Speech",
        "DR-CPO against FT .524*, against OO-RLHF .560*; CPO against OO-RLHF .538*",
        "win rate between samples of two policies, judged by GPT-4",
        (
            Part("randomised", "win_rate", "dr-cpo", "sft", "greater", where=HATE),
            Part("randomised", "win_rate", "dr-cpo", "oo-rlhf", "greater", where=HATE),
            Part("randomised", "win_rate", "cpo", "oo-rlhf", "greater", where=HATE),
        ),
        stand_in="true win rate over reference texts",
    ),
    Claim(
        "dr-cpo-is-no-worse-than-cpo",
        "With a good outcome model the doubly robust policy objective is no worse than CPO.",
        CPO + ", table 3, Hate Speech",
        "DR-CPO against CPO .518",
        "win rate between samples of two policies, judged by GPT-4; here the value of samples",
        (Part("randomised", "value_samples", "dr-cpo", "cpo", "greater", -0.02, where={"strength": 1}),),
        formerly=("B-C5", "doubly-robust-cpo-matches-cpo"),
    ),
    Claim(
        "negated-outcomes-hurt-oo-rlhf-alone-stand-in",
        "An outcome model trained on negated outcomes hurts OO-RLHF; DR-CPO on clean rows is not hurt.",
        CPO + ", table 4",
        "unconfounded against confounded: OO-RLHF .546*, DR-CPO .456*, CPO .505",
        "win rate of the policy with a clean outcome model over the one with a negated model",
        (
            Part(
                "corrupt", "win_rate", "oo-rlhf", "value:0", "less", where={"clean": 0.3}, minus={"clean": 1}
            ),
            Part("corrupt", "win_rate", "dr-cpo-slice", "oo-rlhf", "greater", where={"clean": 0.3}),
        ),
        stand_in="true win rate over reference texts; the clean rows are a flagged part of the log",
    ),
    Claim(
        "the-code-computes-what-the-paper-says",
        "Ratios normalised over minibatches of four write texts as good as the paper's ratios do.",
        "derived from the released code of " + CPO,
        "r_i = softmax over the minibatch of (S_theta - S_ref)",
        "value of samples, paper's formula against released code",
        tuple(
            Part("randomised", "value_samples", f"{name}-released", name, "equal", 0.05, where=PLAIN)
            for name in ("cpo", "oo-rlhf", "dr-cpo")
        ),
    ),
    Claim(
        "adjusted-outcome-model-restores-oo-rlhf",
        "Adjusting the outcome model for all confounders restores OO-RLHF, and for some of them it does not.",
        CPO + ", section 4",
        "valid if ghat controls for all confounders",
        "value of a policy; here the regret of its reward",
        (
            Part("observed", "rho", "oo-rlhf-adjusted", "oo-rlhf", "less", where={"strength": 2}),
            Part("hidden", "rho", "oo-rlhf-adjusted", "oo-rlhf", "greater", -0.1, where={"strength": 2}),
        ),
        formerly=("B-C7",),
    ),
)  # fmt: skip
