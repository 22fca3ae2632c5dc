"""Fixtures of the parity ladder."""

from typing import Any

import pytest
import torch


@pytest.fixture(scope="session", params=["v1.0", "v1.1", "gated-silu"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One model of transformers and ours, read from the folder it was saved to; nobody writes to either."""
    import oracle  # here, so that tests that need no transformers can be collected without it

    return oracle.make_pair(request.param, tmp_path_factory.mktemp("pair"))


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)
