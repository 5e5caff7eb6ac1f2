"""The private operator of PyTorch that multiplies float32 matrices on a CPU is there and right.

``benchmark.harness.decoder.product`` calls ``torch.ops.mkldnn._linear_pointwise``, which PyTorch may rename
or drop without notice. Products would then come from a slower library, and only these tests would say so.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmark.harness.decoder.product import _has_onednn, multiply

ARGUMENTS = ["X", "W", "B", "attr", "scalars", "algorithm"]
MISSING = (
    f"torch {torch.__version__} has no operator mkldnn::_linear_pointwise any more, so decoders train more "
    "slowly on this processor. Look for its new name in ATen/native/mkldnn/Linear.cpp of PyTorch and change "
    "benchmark/harness/decoder/product.py, or delete _onednn there."
)
needs_processor = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available() or not torch.backends.cpu.get_cpu_capability().startswith("AVX"),
    reason="oneDNN is not used on this processor",
)


@needs_processor
def test_torch_still_has_the_operator() -> None:
    assert _has_onednn(), MISSING


@needs_processor
def test_the_operator_takes_the_same_arguments() -> None:
    schema = torch.ops.mkldnn._linear_pointwise.default._schema
    assert [argument.name for argument in schema.arguments] == ARGUMENTS, (
        f"torch {torch.__version__} changed mkldnn::_linear_pointwise to {schema}: "
        "benchmark/harness/decoder/product.py calls it with other arguments"
    )


def assert_product(found: Tensor, x: Tensor, y: Tensor) -> None:
    """The product of two float64 matrices, up to what float32 may lose of it.

    Rounding both factors and n sums loses at most (n + 2) 2^-24 |x| |y| (Higham 2002, section 3.5).
    """
    lost = (x.shape[1] + 2) * 2.0**-24 * (x.abs() @ y.abs())
    assert ((found.double() - x @ y).abs() <= lost).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 5, 3), (33, 64, 17), (64, 17, 65)])
def test_products_and_gradients_are_right_to_float32(shape: tuple[int, int, int]) -> None:
    rows, inner, columns = shape
    generator = torch.Generator().manual_seed(0)
    sizes = ((rows, inner), (inner, columns), (rows, columns))
    x, weight, upstream = (torch.randn(size, generator=generator, dtype=torch.float64) for size in sizes)
    single_x, single_weight = (tensor.float().requires_grad_() for tensor in (x, weight))
    product = multiply(single_x, single_weight)
    product.backward(upstream.float())
    assert single_x.grad is not None
    assert single_weight.grad is not None
    assert_product(product.detach(), x, weight)
    assert_product(single_x.grad, upstream, weight.t())
    assert_product(single_weight.grad, x.t(), upstream)


@needs_processor
def test_a_torch_without_the_operator_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products stay right then, only slower, and the first test of this file fails."""
    _has_onednn.cache_clear()
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    try:
        assert not _has_onednn()
        x, weight = torch.ones(2, 3), torch.ones(3, 4)
        torch.testing.assert_close(multiply(x, weight), x @ weight)
    finally:
        monkeypatch.undo()
        _has_onednn.cache_clear()
