"""Texts by a language model: drawn once, kept by content hash, the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.contract.errors import UsageError
from simulators.text.generated import Writing, _ask, hash_writing, make_generated, tidy, write_texts


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of 20 words, with its tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    words = ["<unk>", "</s>", "write", "a", "line", "you", "why?", "3", "no!", *(f"w{i}" for i in range(11))]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>").save_pretrained(
        folder
    )
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        bos_token_id=None,
        eos_token_id=1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(config).save_pretrained(folder)
    return folder


WRITING = Writing(prompts=("write a line", "write you"), texts_per_prompt=40, max_new_tokens=6)


def test_texts_are_kept_and_drawn_again_alike(model_folder: Path, tmp_path: Path) -> None:
    first = write_texts(model_folder, WRITING, tmp_path / "one")
    (kept,) = (tmp_path / "one").iterdir()
    stamp = kept.stat().st_mtime_ns
    assert write_texts(model_folder, WRITING, tmp_path / "one").equals(first)
    assert kept.stat().st_mtime_ns == stamp
    assert write_texts(model_folder, WRITING, tmp_path / "two").equals(first)
    assert first.num_rows == 80
    assert len(set(first.column("text").to_pylist())) > 40


def test_the_hash_tells_writings_apart(model_folder: Path) -> None:
    other = Writing(prompts=WRITING.prompts, texts_per_prompt=40, max_new_tokens=6, seed=1)
    assert hash_writing(model_folder, WRITING) == hash_writing(model_folder, WRITING)
    assert hash_writing(model_folder, WRITING) != hash_writing(model_folder, other)


def test_first_words_follow_the_model(model_folder: Path, tmp_path: Path) -> None:
    """Frequencies of the first word against the model's own softmax (chi-square at the 1e-4 level)."""
    import torch
    from scipy.stats import chisquare
    from transformers import AutoModelForCausalLM, AutoTokenizer

    writing = Writing(prompts=("write a line",), texts_per_prompt=4000, max_new_tokens=1)
    texts = write_texts(model_folder, writing, tmp_path).column("text").to_pylist()
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = AutoModelForCausalLM.from_pretrained(model_folder)
    with torch.inference_mode():
        law = torch.softmax(
            model(**tokenizer("write a line", return_tensors="pt")).logits[0, -1].double(), -1
        )
    # special tokens are dropped from the texts and share the empty string
    words = tokenizer.convert_ids_to_tokens(list(range(len(law))))
    expected: dict[str, float] = {}
    for word, probability in zip(words, law.tolist(), strict=True):
        key = "" if word in tokenizer.all_special_tokens else word
        expected[key] = expected.get(key, 0.0) + probability
    counts = [texts.count(word) for word in expected]
    assert sum(counts) == len(texts)
    assert chisquare(counts, np.array(list(expected.values())) * len(texts)).pvalue > 1e-4


def test_generated_texts_are_a_domain(model_folder: Path, tmp_path: Path) -> None:
    domain = make_generated(model_folder, WRITING, tmp_path)
    assert domain.prompts == WRITING.prompts
    read = domain.detect(domain.texts)
    assert read.on_grammar.all()
    assert 0 < read.attributes[:, domain.attributes.index("question")].mean() < 1
    assert np.isnan(domain.outcomes).all()


def test_embeddings_have_unit_length_and_ignore_batching(model_folder: Path) -> None:
    from simulators.text.embedding import embed_texts

    texts = ["write a line", "you", "why? no! 3 w1"]
    together = embed_texts(texts, model_folder)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(together, embed_texts(texts, model_folder, batch_size=1), atol=1e-5)
    with pytest.raises(UsageError, match="no encoder"):
        embed_texts(texts, model_folder / "absent")


def test_meanings_split_texts_at_the_median_whatever_they_are_read_with(model_folder: Path) -> None:
    from simulators.text.embedding import fit_directions

    texts = [
        f"{a} {b}" for a in ("write", "line", "you", "3") for b in ("why?", "no!", "w1", "w2", "w3", "a")
    ]
    reader = fit_directions(texts, 3, model_folder)
    values = reader.detect(texts)
    assert reader.attributes == ("meaning_1", "meaning_2", "meaning_3")
    # the median of 24 numbers leaves 12 above it
    assert values.sum(axis=0).tolist() == [12, 12, 12]
    np.testing.assert_array_equal(reader.detect([texts[5], "", texts[5]])[[0, 2]], values[[5, 5]])
    with pytest.raises(UsageError, match="too few texts"):
        fit_directions(texts, 24, model_folder)


def test_folders_without_a_model_and_empty_orders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no language model"):
        make_generated(tmp_path, WRITING, tmp_path)
    with pytest.raises(UsageError, match="cannot write"):
        Writing(prompts=())


@pytest.mark.parametrize(
    ("drawn", "ended", "text"),
    [
        ("  Two  words\n", True, "Two words"),
        ("One sentence. And half of", False, "One sentence."),
        ('She said "Stop!" and then', False, 'She said "Stop!"'),
        ("Half of a sentence", False, "Half of a sentence"),
        ("At 3.5 percent", False, "At 3.5 percent"),
        ('"All of it quoted."', True, "All of it quoted."),
        ('"Opened, never closed.', True, "Opened, never closed."),
        ('"One" and "two"', True, '"One" and "two"'),
        ('"It is "Rose" again.', True, 'It is "Rose" again.'),
        ("1. First things first.", True, "First things first."),
        ("10 things", True, "10 things"),
        ('"', True, ""),
        ("", True, ""),
    ],
)
def test_drawn_texts_are_tidied(drawn: str, ended: bool, text: str) -> None:
    assert tidy(drawn, ended) == text


def test_prompts_go_through_the_chat_template(model_folder: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    tokenizer.chat_template = "{% for m in messages %}you {{ m['content'] }}{% endfor %}{{ ' a' }}"
    assert tokenizer.decode(_ask(tokenizer, "write", chat=True)[0]) == "you write a"
    assert tokenizer.decode(_ask(tokenizer, "write", chat=False)[0]) == "write"
