"""The tiny decoder as a ``transformers`` Llama with equal logits, so that other tools can read it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benchmark.contract import UsageError
from benchmark.harness.decoder.backbone import Backbone
from benchmark.harness.decoder.network import EPSILON, DecoderShape
from benchmark.harness.tokenizer import BEGIN, END, PAD
from benchmark.harness.training.model import Model


def to_llama(source: Backbone | Model) -> Any:
    """A ``transformers.LlamaForCausalLM`` with the weights of a backbone or of a trained decoder.

    Its logits equal the decoder's; ``save_pretrained`` writes it. Token ids are the
    harness tokenizer's.

    Raises:
        UsageError: If the model is no decoder.
    """
    model = (
        Model(source.policy("cpu"), source.reference_weights("cpu"))
        if isinstance(source, Backbone)
        else source
    )
    if model.architecture.name != "decoder":
        raise UsageError(
            "only decoders become a Llama", expected="a decoder", found=f"a {model.architecture.name} model"
        )
    from transformers import LlamaConfig, LlamaForCausalLM

    shape: DecoderShape = model.architecture.shape
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        rms_norm_eps=EPSILON,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=BEGIN,
        eos_token_id=END,
    )
    llama = LlamaForCausalLM(config)
    llama.load_state_dict(llama_state({k: v[0].cpu() for k, v in model.parameters.items()}, shape))
    return llama.eval()


def llama_state(parameters: dict[str, Tensor], shape: DecoderShape) -> dict[str, Tensor]:
    """Llama's state dict from named parameters without the ensemble axis."""
    state = {
        "model.embed_tokens.weight": parameters["embedding"],
        "lm_head.weight": parameters["embedding"],
        "model.norm.weight": parameters["norms"][-1],
    }
    for layer in range(shape.layers):
        query, key, value = parameters["attention_in"][layer].chunk(3, dim=1)
        gate, up = parameters["mlp_in"][layer].chunk(2, dim=1)
        prefix = f"model.layers.{layer}."
        state |= {
            prefix + "self_attn.q_proj.weight": _halves(query, shape.heads).T,
            prefix + "self_attn.k_proj.weight": _halves(key, shape.heads).T,
            prefix + "self_attn.v_proj.weight": value.T,
            prefix + "self_attn.o_proj.weight": parameters["attention_out"][layer].T,
            prefix + "mlp.gate_proj.weight": gate.T,
            prefix + "mlp.up_proj.weight": up.T,
            prefix + "mlp.down_proj.weight": parameters["mlp_out"][layer].T,
            prefix + "input_layernorm.weight": parameters["norms"][2 * layer],
            prefix + "post_attention_layernorm.weight": parameters["norms"][2 * layer + 1],
        }
    return {name: tensor.contiguous().clone() for name, tensor in state.items()}


def _halves(weight: Tensor, heads: int) -> Tensor:
    """Columns reordered from rotated neighbours (here) to rotated halves (transformers), head by head."""
    split = weight.unflatten(1, (heads, -1, 2))
    return torch.cat((split[..., 0], split[..., 1]), dim=2).flatten(1)
