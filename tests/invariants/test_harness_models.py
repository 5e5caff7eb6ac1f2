"""Tokenizer, encoder, decoder, backbone and Llama: what they compute is what they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from harness_corpus import ATTRIBUTES, PARAPHRASES, make_corpus

from benchmark.contract import UsageError, make_rng
from benchmark.harness import Backbone, Harness, TextEncoder, Tokenizer, blend, to_llama
from benchmark.harness.decoder.network import DecoderShape, initial_weights
from benchmark.harness.decoder.policy import DecoderPolicy
from benchmark.harness.decoder.pretrain import pretrain
from benchmark.harness.tokenizer import BEGIN, END


@pytest.fixture(scope="module")
def corpus():
    return make_corpus(4000)


@pytest.fixture(scope="module")
def backbone(corpus):
    return pretrain(corpus.prompts, corpus.texts, corpus.vocabulary, steps=60, batch_size=64)


def test_decoding_undoes_encoding(corpus):
    tokenizer = Tokenizer.of(corpus.vocabulary, corpus.prompts)
    ragged = tokenizer.encode(corpus.texts)
    ids = np.full((len(corpus.texts), ragged.lengths.max() + 1), END)
    ids[ragged.rows, ragged.columns] = ragged.ids
    assert (tokenizer.decode(ids) == corpus.texts).all()


def test_unknown_and_empty_words(corpus):
    tokenizer = Tokenizer(("known",))
    ragged = tokenizer.encode(np.array(["known  strange", "", " known"], dtype=object))
    assert ragged.ids.tolist() == [4, 3, 4]
    assert ragged.lengths.tolist() == [2, 0, 1]


def test_pretraining_comes_close_to_the_entropy_of_the_corpus(corpus, backbone):
    # Each of the attributes picks one of 2 sides and one of the paraphrases, all uniform.
    floor = ATTRIBUTES * np.log(2 * PARAPHRASES)
    held_out = make_corpus(1000, seed=5)
    harness = Harness(backbone)
    nats = -harness.reference(held_out.prompts, held_out.texts).mean()
    assert floor - 0.02 < nats < 1.1 * floor


def test_pretraining_is_deterministic(corpus):
    args = (corpus.prompts[:500], corpus.texts[:500], corpus.vocabulary)
    assert pretrain(*args, steps=3).hash == pretrain(*args, steps=3).hash
    assert pretrain(*args, steps=3).hash != pretrain(*args, steps=3, seed=1).hash


def test_a_backbone_survives_saving(backbone, corpus, tmp_path):
    backbone.save(tmp_path)
    loaded = Backbone.load(tmp_path)
    assert loaded.hash == backbone.hash
    some = corpus.prompts[:20], corpus.texts[:20]
    assert (Harness(loaded).reference(*some) == Harness(backbone).reference(*some)).all()
    assert (loaded.encoder.encode(*some) == backbone.encoder.encode(*some)).all()
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".pkl", ".pt", ".bin")]


def test_a_changed_backbone_is_refused(backbone, tmp_path):
    backbone.save(tmp_path)
    settings = tmp_path / "backbone.json"
    settings.write_text(settings.read_text().replace('"longest": ', '"longest": 1'))
    with pytest.raises(UsageError, match="not the one"):
        Backbone.load(tmp_path)
    with pytest.raises(UsageError, match="cannot read a backbone"):
        Backbone.load(tmp_path / "nowhere")


def test_llama_has_equal_logits_and_log_probabilities(backbone, corpus, tmp_path):
    prompts, texts = corpus.prompts[:16], corpus.texts[:16]
    to_llama(backbone).save_pretrained(tmp_path)
    from transformers import AutoModelForCausalLM

    llama = AutoModelForCausalLM.from_pretrained(tmp_path)
    ours = Harness(backbone).reference(prompts, texts)
    for row, (prompt, text) in enumerate(zip(prompts, texts, strict=True)):
        tokenizer = backbone.tokenizer
        asked, written = (tokenizer.encode(np.array([x], dtype=object)).ids for x in (prompt, text))
        ids = torch.tensor([[BEGIN, *asked, *written, END]])
        with torch.no_grad():
            shifted = llama(ids).logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[0, :, 0]
        # Only the text and END count: the positions after BEGIN and the prompt.
        assert shifted[len(asked) :].sum().item() == pytest.approx(ours[row], abs=1e-4)


def test_llama_of_a_trained_model_is_the_trained_one(backbone):
    policy = Harness(backbone).policy()
    other = policy.with_weights(policy.weights * 1.1)
    ids = torch.tensor([[BEGIN, 5, 6, 7]])
    with torch.no_grad():
        assert not torch.allclose(to_llama(other)(ids).logits, to_llama(backbone)(ids).logits, atol=1e-2)


def test_a_member_of_a_stack_equals_the_member_alone():
    rng = make_rng("stack")
    words = Tokenizer(tuple(f"w{i}" for i in range(40)))
    shape = DecoderShape(len(words), 32, 2, 4, 48)
    policy = DecoderPolicy(words, shape, 12)
    weights = torch.cat([initial_weights(shape, rng) for _ in range(4)]) * 3
    texts = np.array([" ".join(rng.choice(words.words, 1 + i % 7)) for i in range(24)], dtype=object)
    prompts = np.array(["w1 w2" if i % 2 else "w3" for i in range(24)], dtype=object)
    rows = torch.from_numpy(rng.integers(0, 24, (4, 10)))
    inputs = {name: tensor[rows] for name, tensor in policy.prepare(prompts, texts).items()}
    together = policy.forward(weights, inputs).value
    for k in range(4):
        alone = policy.forward(weights[k : k + 1], {n: t[k : k + 1] for n, t in inputs.items()}).value
        torch.testing.assert_close(together[k : k + 1], alone, rtol=1e-5, atol=1e-4)
        scored = policy.score(weights[k : k + 1], prompts[rows[k]], texts[rows[k]])
        np.testing.assert_allclose(together[k].numpy(), scored, rtol=1e-5, atol=1e-4)


def test_the_log_probability_gradient_is_right():
    from benchmark.harness.decoder.network import log_probability

    logits = torch.randn(6, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([0, 8, 3, 3, 1, 5])
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: log_probability(x, targets), (logits,))
    plain = logits.log_softmax(1).gather(1, targets[:, None])[:, 0]
    torch.testing.assert_close(log_probability(logits, targets), plain)


def test_blending_extrapolates_weights(backbone):
    policy = Harness(backbone).policy()
    moved = policy.with_weights(policy.weights + 0.5)
    far = blend([moved, policy], [1.5, -0.5])
    torch.testing.assert_close(far.weights, policy.weights + 0.75)
    with pytest.raises(UsageError, match="one architecture"):
        blend([policy, Harness(backbone).reward_head()], [1, 1])


def test_the_encoder_merges_collinear_columns(corpus):
    tokenizer = Tokenizer.of(corpus.vocabulary, corpus.prompts)
    encoder = TextEncoder.fit(tokenizer, corpus.prompts, corpus.texts)
    phrases, prompts = ATTRIBUTES * 2 * PARAPHRASES, len(set(corpus.prompts))
    # Words never leave their phrase, so one column a phrase says all; bigrams add none below 2 %.
    assert encoder.width == phrases + prompts
    encoded = encoder.encode(corpus.prompts, corpus.texts)
    assert encoded[:, :phrases].sum(axis=1) == pytest.approx(np.full(len(encoded), ATTRIBUTES))
    assert (encoded[:, phrases:].sum(axis=1) == 1).all()
    correlation = np.corrcoef(encoded.T)
    np.fill_diagonal(correlation, 0)
    assert correlation.max() < 1 - 1e-6


def test_the_encoder_adds_bigrams_that_words_do_not_say():
    # "not good" and "good not" hold the same words: only the order tells them apart.
    rng = make_rng("bigrams")
    order, filler = rng.integers(0, 2, 500), rng.integers(0, 2, 500)
    texts = np.array(
        [
            ("not good" if a else "good not") + (" yes" if b else "")
            for a, b in zip(order, filler, strict=True)
        ],
        dtype=object,
    )
    prompts = np.full(500, "", dtype=object)
    encoder = TextEncoder.fit(Tokenizer.of((), texts), prompts, texts)
    encoded = encoder.encode(prompts, texts)
    correlations = [abs(np.corrcoef(column, order)[0, 1]) for column in encoded.T if column.std() > 0]
    assert max(correlations) == pytest.approx(1.0)


def test_the_encoder_depends_on_each_text_alone(corpus):
    tokenizer = Tokenizer.of(corpus.vocabulary, corpus.prompts)
    encoder = TextEncoder.fit(tokenizer, corpus.prompts, corpus.texts)
    whole = encoder.encode(corpus.prompts[:100], corpus.texts[:100])
    order = make_rng("order").permutation(100)
    assert (encoder.encode(corpus.prompts[order], corpus.texts[order]) == whole[order]).all()
    strange = encoder.encode(np.array(["?"], dtype=object), np.array(["zzz qqq"], dtype=object))
    assert (strange == 0).all()


def test_a_linear_model_on_encodings_ranks_like_one_on_true_attributes(corpus):
    from sklearn.linear_model import Ridge

    encoder = TextEncoder.fit(Tokenizer.of(corpus.vocabulary), corpus.prompts, corpus.texts)
    rng = make_rng("regret")
    log, new = make_corpus(4000, seed=11), make_corpus(2000, seed=12)
    effects = np.array([1.0, -0.6, 0.4, -0.3, 0.2, 0.0])
    outcome = log.attributes @ effects + rng.normal(0, 1, 4000)

    def regret(train, test):
        found = Ridge(alpha=10.0).fit(train, outcome).predict(test)
        truth = new.attributes @ effects
        gap, guess = truth[::2] - truth[1::2], found[::2] - found[1::2]
        return (np.abs(gap) * (np.sign(gap) != np.sign(guess))).sum() / np.abs(gap).sum()

    encoded = regret(encoder.encode(log.prompts, log.texts), encoder.encode(new.prompts, new.texts))
    assert encoded < regret(log.attributes, new.attributes) + 0.02


@pytest.mark.gpu
def test_an_accelerator_scores_and_samples_like_the_cpu(backbone, corpus):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    here, there = Harness(backbone), Harness(backbone, device="cuda")
    some = corpus.prompts[:200], corpus.texts[:200]
    np.testing.assert_allclose(there.reference(*some), here.reference(*some), atol=1e-3)
    prompts = np.array(sorted(set(corpus.prompts)), dtype=object)
    texts = [harness.sample(harness.policy(), prompts, 50) for harness in (here, there)]
    # A uniform number between two rounded cumulative sums picks another word: about one row in a thousand.
    assert (texts[0] == texts[1]).mean() > 0.98
