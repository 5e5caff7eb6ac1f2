"""Texts that a language model writes: drawn once, kept on disk by content hash, read by simple detectors.

The model is any causal language model that ``transformers`` loads from a
folder. Draws are inverse-distribution-function draws from the project's own
streams, so they do not touch a global generator.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.contract.errors import UsageError
from benchmark.contract.files import write_table
from benchmark.contract.seeding import make_rng
from simulators.text.corpus import CorpusDomain, make_corpus

VERSION = "1"
"""Raised whenever the same model would write other texts, so that those kept are not taken for them."""


@dataclass(frozen=True)
class Writing:
    """What is asked of the model.

    Attributes:
        prompts: What it continues.
        texts_per_prompt: Draws a prompt.
        max_new_tokens: Longest continuation.
        temperature: Divides the logits, above 0.
        seed: Names the stream of the draws.
        chat: Whether prompts are asked through the tokenizer's chat template, where it has one.
    """

    prompts: tuple[str, ...]
    texts_per_prompt: int = 32
    max_new_tokens: int = 32
    temperature: float = 1.0
    seed: int = 0
    chat: bool = True

    def __post_init__(self) -> None:
        if not self.prompts or min(self.texts_per_prompt, self.max_new_tokens) < 1 or self.temperature <= 0:
            raise UsageError(
                "a language model cannot write this",
                expected="at least one prompt, text and token, and a temperature above 0",
                found=self,
            )


def make_generated(
    model_folder: str | Path, writing: Writing, cache: str | Path, name: str = "generated"
) -> CorpusDomain:
    """A domain of generated texts; the prompts are the tests, and nothing was measured.

    Args:
        model_folder: A folder with a causal language model and its tokenizer.
        writing: What to write.
        cache: Folder where texts are kept; the file name is a hash of the model's files and of ``writing``.
        name: Name of the domain.

    Raises:
        UsageError: If the folder holds no model, or every text came out empty.
    """
    table = write_texts(Path(model_folder), writing, Path(cache))
    return make_corpus(table, text="text", test="prompt", name=name)


def write_texts(model_folder: Path, writing: Writing, cache: Path) -> pa.Table:
    """The texts (columns ``prompt``, ``text``), from the cache where they have been written before."""
    path = cache / f"generated-{hash_writing(model_folder, writing)}.parquet"
    if path.exists():
        return pq.read_table(path)
    table = _write(model_folder, writing)
    write_table(path, table)
    return table


def hash_writing(model_folder: Path, writing: Writing) -> str:
    """A content hash of the model's files and of what is asked of it."""
    files = sorted(path for path in model_folder.glob("*") if path.is_file())
    if model_folder / "config.json" not in files:
        raise UsageError(
            f"no language model in {str(model_folder)!r}",
            expected="a folder made by save_pretrained, with config.json",
            found=", ".join(path.name for path in files) or "nothing",
        )
    asked = {"version": VERSION, **asdict(writing)}
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode())
    for path in files:
        with path.open("rb") as file:
            digest.update(path.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:20]


def _write(model_folder: Path, writing: Writing) -> pa.Table:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(model_folder, local_files_only=True).eval()
    prompts, texts = [], []
    for number, prompt in enumerate(writing.prompts):
        rng = make_rng("generated", writing.seed, number)
        uniforms = rng.random((writing.texts_per_prompt, writing.max_new_tokens))
        ids = _continue(model, _ask(tokenizer, prompt, writing.chat), uniforms, writing.temperature)
        whole = [len(row) < writing.max_new_tokens for row in ids]
        drawn = tokenizer.batch_decode(ids, skip_special_tokens=True)
        texts += [tidy(text, ended) for text, ended in zip(drawn, whole, strict=True)]
        prompts += [prompt] * writing.texts_per_prompt
    return pa.table({"prompt": pa.array(prompts, pa.string()), "text": pa.array(texts, pa.string())})


def tidy(text: str, ended: bool) -> str:
    """A drawn text with single spaces, without quotes around it or the sentence in which it breaks off.

    Args:
        text: What was drawn.
        ended: Whether the model ended it; else it was cut at the longest length, in its only sentence
            perhaps, which then stays.
    """
    text = re.sub(r"^\d+[.:)] ", "", " ".join(text.split()))  # the number of an item of a list
    if not ended:
        ends = [match.end() for match in re.finditer(r"[.!?][\"”')]*(?=\s|$)", text)]
        text = text[: ends[-1]] if ends else text
    if text.startswith('"') and text.count('"') % 2:  # opened and never closed
        return text[1:]
    return text[1:-1] if text.startswith('"') and text.find('"', 1) == len(text) - 1 > 0 else text


def _ask(tokenizer: Any, prompt: str, chat: bool) -> Any:
    """Token ids of a prompt, shape (1, T)."""
    if chat and getattr(tokenizer, "chat_template", None):
        message = [{"role": "user", "content": prompt}]
        prompt = tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
        return tokenizer(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"]
    return tokenizer(prompt, return_tensors="pt")["input_ids"]


def _continue(model: Any, prompt_ids: Any, uniforms: np.ndarray, temperature: float) -> list[list[int]]:
    """Continuations of one prompt, cut at the end-of-text token; one uniform a token."""
    import torch

    ends = model.generation_config.eos_token_id
    stops = set(ends if isinstance(ends, list) else [ends])
    step, cache, drawn = prompt_ids.expand(len(uniforms), -1), None, []
    with torch.inference_mode():
        for column in torch.from_numpy(uniforms).T:
            out = model(input_ids=step, past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            law = torch.softmax(out.logits[:, -1].double() / temperature, dim=-1).cumsum(dim=-1)
            step = torch.searchsorted(law, (column * law[:, -1])[:, None], right=True)
            step = step.clamp(max=law.shape[1] - 1)
            drawn.append(step[:, 0].tolist())
    rows = [list(row) for row in zip(*drawn, strict=True)]
    return [row[: next((i for i, token in enumerate(row) if token in stops), len(row))] for row in rows]
