"""Tokens are drawn from the distribution that transformers draws them from."""

from typing import Any

import pytest
import torch

from textchem_core.decoding.sampling import bend

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.hf

VOCAB_SIZE, EOS = 500, 1
# Their filters add up probabilities in float32, ours in float64: closer to top_p than this, either is right.
TOO_CLOSE = 2e-6


@pytest.fixture(scope="module")
def oracle() -> Any:
    config = transformers.T5Config(
        vocab_size=VOCAB_SIZE,
        d_model=16,
        d_kv=4,
        d_ff=16,
        num_layers=1,
        num_heads=2,
        decoder_start_token_id=0,
    )
    torch.manual_seed(0)
    return transformers.T5ForConditionalGeneration(config).eval()


@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7])
@pytest.mark.parametrize("top_k", [0, 1, 7, 400, 9999])
@pytest.mark.parametrize("top_p", [1e-6, 0.3, 0.9, 0.99, 1.0])
def test_the_distribution_is_that_of_their_warpers(temperature: float, top_k: int, top_p: float) -> None:
    logits = torch.randn(40, VOCAB_SIZE, generator=torch.Generator().manual_seed(top_k)) * 3
    warpers = [transformers.TemperatureLogitsWarper(temperature)] if temperature != 1 else []
    warpers += [transformers.TopKLogitsWarper(top_k)] if top_k else []
    unfiltered = logits
    for warper in warpers:
        unfiltered = warper(None, unfiltered)
    theirs = transformers.TopPLogitsWarper(top_p)(None, unfiltered) if top_p < 1 else unfiltered
    ours = bend(logits, temperature=temperature, top_k=top_k, top_p=top_p)

    cumulative = unfiltered.double().softmax(-1).sort(descending=True).values.cumsum(-1)
    clear = ((cumulative - top_p).abs() > TOO_CLOSE).all(dim=-1) if 0 < top_p < 1 else torch.ones(40).bool()
    assert clear.sum() >= 30, "hardly anything is compared"
    assert torch.equal(ours[clear] > -torch.inf, theirs[clear] > -torch.inf)
    torch.testing.assert_close(ours[clear].softmax(-1), theirs[clear].softmax(-1), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "options", [{}, {"temperature": 0.7}, {"temperature": 1.6, "top_k": 40, "top_p": 0.8}]
)
def test_in_the_order_in_which_their_generate_puts_them(oracle: Any, options: dict[str, Any]) -> None:
    output = oracle.generate(
        torch.tensor([[5, 9, 30, 1]] * 6),
        do_sample=True,
        max_new_tokens=6,
        min_new_tokens=3,
        return_dict_in_generate=True,
        output_logits=True,
        output_scores=True,
        **({"top_k": 0, "top_p": 1.0} | options),
    )
    chosen = {"temperature": 1.0, "top_k": 0, "top_p": 1.0} | options
    for step, (logits, theirs) in enumerate(zip(output.logits, output.scores, strict=True)):
        if step < 3:
            logits[:, EOS] = -torch.inf
        ours = bend(logits.float(), **chosen)
        torch.testing.assert_close(ours.softmax(-1), theirs.softmax(-1), rtol=1e-5, atol=1e-7)
