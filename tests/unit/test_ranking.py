"""``Tensor.topk`` is the judge."""

import pytest
import torch

from textchem_core.decoding.ranking import topk


@pytest.mark.parametrize("k", [1, 7, 40])
@pytest.mark.parametrize("length", [64, 65, 640, 3165, 5000])
def test_the_greatest_are_found_wherever_they_stand(length: int, k: int) -> None:
    torch.manual_seed(length + k)
    values = torch.stack([torch.randperm(length).float() for _ in range(4)])
    values[1, torch.randperm(length)[: length - k // 2]] = float("-inf")  # fewer than k are left
    values[2, -1] = float("nan")
    found, index = topk(values, k)
    expected = values.topk(k)
    torch.testing.assert_close(found, expected.values, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(values.gather(1, index), found, rtol=0, atol=0, equal_nan=True)
    assert all(len(set(row)) == k for row in index.tolist())
