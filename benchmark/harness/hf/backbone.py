"""A ``transformers`` causal language model as a backbone: loading, adapters, reference weights."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.contract import UsageError
from benchmark.harness.hf.packing import can_pack
from benchmark.harness.hf.policy import HFPolicy
from benchmark.harness.hf.sources import hush

RATE, ADAPTER_RATE = 1e-4, 1e-3


@dataclass(frozen=True, eq=False)
class HFBackbone:
    """A causal language model and a text encoder beside it.

    Attributes:
        module: The network.
        tokenizer: Of ``transformers``.
        encoder: Features of texts for reward heads: a ``TextEncoder`` or a ``SentenceEncoder``.
        hash: Content hash of weights, settings and encoder.
        longest: Most tokens a sampled text may have.
        separator: Written between prompt and text.
        chat: Whether prompts are put through the tokenizer's chat template instead.
        learning_rate: Default step size.
        checkpoint: Rows whose activations are held at a time in training; 0 holds all.
        packs: Whether the network reads several sequences in one row as it reads each alone.
    """

    module: Any
    tokenizer: Any
    encoder: Any
    hash: str
    longest: int = 64
    separator: str = "\n"
    chat: bool = False
    learning_rate: float = RATE
    checkpoint: int = 0
    packs: bool = True
    _placed: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def load(
        cls,
        source: str | Path,
        encoder: Any,
        *,
        lora_rank: int = 0,
        lora_targets: tuple[str, ...] = ("q_proj", "v_proj"),
        longest: int = 64,
        separator: str = "\n",
        chat: bool | None = None,
        learning_rate: float | None = None,
        checkpoint: int = 0,
        seed: int = 0,
        digest: str = "",
    ) -> HFBackbone:
        """Load a model from a folder; the network is never asked.

        Args:
            source: Folder written by ``save_pretrained`` (see ``benchmark.harness.hf.sources``).
            encoder: Features of texts, usually those of the domain's tiny backbone.
            lora_rank: Rank of the adapters; 0 trains all weights.
            lora_targets: Modules that get an adapter.
            longest: Most tokens a sampled text may have.
            separator: Written between prompt and text.
            chat: Whether to use the chat template; by default where the tokenizer has one.
            learning_rate: Default step size; by default 1e-4 for all weights, 1e-3 for adapters.
            checkpoint: Rows whose activations are held at a time in training; 0 holds all.
            seed: Seed of the adapters' initial weights.
            digest: Content hash of the folder, where it is known; else the weights are hashed.

        Raises:
            UsageError: If the model cannot be read or peft is missing.
        """
        module, tokenizer = load_network(source)
        chat = reads_chat(tokenizer, chat, source)
        digest = digest or hash_weights(module)
        if lora_rank:
            module = add_adapters(module, lora_rank, lora_targets, seed)
        rate = learning_rate if learning_rate is not None else (ADAPTER_RATE if lora_rank else RATE)
        adapters = (lora_rank, lora_targets, seed) if lora_rank else ()
        settings = repr((digest, adapters, longest, separator, chat, encoder.hash))
        content = hashlib.sha256(settings.encode()).hexdigest()[:16]
        module = module.eval()
        return cls(
            module, tokenizer, encoder, content, longest, separator, chat, rate, checkpoint, can_pack(module)
        )

    def policy(self, device: str) -> HFPolicy:
        """The architecture of the reference policy; the network is copied to a device once."""
        if device not in self._placed:
            module = self.module if device == "cpu" else copy.deepcopy(self.module).to(device)
            self._placed[device] = HFPolicy(
                module, self.tokenizer, self.longest, self.separator, self.chat, device,
                self.learning_rate, self.checkpoint, self.packs,
            )  # fmt: skip
        return self._placed[device]

    def reference_weights(self, device: str) -> Tensor:
        """The reference's trainable weights, shape (1, P); gathered once a device."""
        place = f"weights/{device}"
        if place not in self._placed:
            self._placed[place] = reference_of(self.policy(device).module)
        return self._placed[place]


def load_network(source: str | Path) -> tuple[Any, Any]:
    """A causal language model in float32 and evaluation mode, and its tokenizer; the network is never asked.

    Raises:
        UsageError: If the folder holds none.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    hush()
    try:
        module = AutoModelForCausalLM.from_pretrained(str(source), dtype=torch.float32, local_files_only=True)
        return module.eval(), AutoTokenizer.from_pretrained(str(source), local_files_only=True)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot load a language model from {str(source)!r}",
            expected="a folder written by save_pretrained of a causal language model",
            found=str(error).splitlines()[0],
        ) from error


def reads_chat(tokenizer: Any, chat: bool | None, source: str | Path) -> bool:
    """Whether prompts go through the chat template; None stands for wherever there is one.

    Raises:
        UsageError: If it is asked for and there is none.
    """
    if chat and not tokenizer.chat_template:
        raise UsageError("this tokenizer has no chat template", expected="chat=false", found=str(source))
    return bool(tokenizer.chat_template) if chat is None else chat


def reference_of(module: Any) -> Tensor:
    """The trainable weights of a network, shape (1, P)."""
    return torch.cat([p.detach().flatten() for p in module.parameters() if p.requires_grad])[None]


def add_adapters(module: Any, rank: int, targets: tuple[str, ...], seed: int) -> Any:
    """The network with low-rank adapters (Hu et al. 2021), which alone require gradients.

    Raises:
        UsageError: If peft is missing, or the network has no modules of these names.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise UsageError(
            "adapters need peft", expected="peft", found="not installed", fix="run `make real`, or use lora=0"
        ) from error
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=list(targets))
        try:
            return get_peft_model(module, config)
        except ValueError as error:
            raise UsageError(
                "this network cannot take the adapters",
                expected=f"modules called {', '.join(targets)}",
                found=str(error).splitlines()[0],
                fix="train all weights with lora=0",
            ) from error


def hash_weights(module: Any) -> str:
    """A content hash of a network's weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
