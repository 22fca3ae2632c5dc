"""Print how far our T5 is from transformers' on every rung of the parity ladder, as a Markdown table.

    python benchmarks/parity_report.py

Random weights of t5-small's shapes (v1.0: ReLU, tied, scaled; v1.1: gated GELU, untied, unscaled), float32 on
the CPU, two padded sources of which the longer passes the last bucket of distance. Every figure is the
largest absolute difference; the scale beside it is the largest absolute value of transformers' own tensor.
The tests in ``tests/parity`` hold the same rungs, on smaller models, to their tolerances.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor

from textchem_core.model.attention import relative_position_bucket
from textchem_core.model.hf_weights import name_table
from textchem_core.model.t5 import T5

SHAPES: dict[str, dict[str, Any]] = {
    "v1.0": {"feed_forward_proj": "relu"},
    "v1.1": {"feed_forward_proj": "gated-gelu", "scale_decoder_outputs": False}
    | {"d_ff": 1024, "num_layers": 8, "num_heads": 6},
}
SOURCE_LENGTHS, TARGET_LENGTHS = (160, 97), (70, 31)
GREEDY_STEPS = 70

Rung = tuple[str, Tensor, Tensor]
"""What is compared, ours, theirs."""


def main() -> None:
    """Measure both kinds and print the table, and one line of JSON."""
    parser = argparse.ArgumentParser(description="Differences between textchem_core's T5 and transformers'.")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    torch.set_num_threads(parser.parse_args().threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    table: dict[str, dict[str, tuple[float, float]]] = {}
    for kind in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            for rung, ours, theirs in ladder(kind, Path(folder)):
                difference = (ours.double() - theirs.double()).abs().max().item()
                table.setdefault(rung, {})[kind] = (difference, theirs.double().abs().max().item())

    print(f"torch {torch.__version__}, transformers {transformers.__version__}, float32, CPU\n")
    print(f"| rung | {' | scale | '.join(SHAPES)} | scale |\n|---|{'---|---|' * len(SHAPES)}")
    for rung, by_kind in table.items():
        cells = (f"{difference:.1e} | {scale:.3g}" for difference, scale in by_kind.values())
        print(f"| {rung} | {' | '.join(cells)} |")
    print("\n" + json.dumps({rung: {k: v[0] for k, v in by_kind.items()} for rung, by_kind in table.items()}))


def ladder(kind: str, folder: Path) -> Iterator[Rung]:
    """Yield every rung for one kind of T5."""
    oracle = random_oracle(kind)
    oracle.save_pretrained(folder / "theirs")
    model = T5.from_pretrained(folder / "theirs")
    input_ids, attention_mask, labels = random_batch(model.config.vocab_size)
    decoder_input_ids = model.shift_right(labels)

    distances = torch.arange(-600, 601)
    options = {"bidirectional": True, "num_buckets": 32, "max_distance": 128}
    attention = oracle.encoder.block[0].layer[0].SelfAttention
    yield (
        "bucket table",
        relative_position_bucket(distances, bidirectional=True, num_buckets=32, max_distance=128),
        attention._relative_position_bucket(distances, **options),
    )
    bias = attention.compute_bias(300, 300)
    yield "position bias", model.encoder.position_bias(torch.arange(300), torch.arange(300)), bias

    with torch.no_grad():
        hidden_states = torch.randn(2, 300, model.config.d_model)
        block = oracle.encoder.block[0](hidden_states, torch.zeros(2, 1, 300, 300), bias)[0]
        yield "one block", model.encoder.blocks[0](hidden_states, bias), block

    expected = oracle(input_ids=input_ids, attention_mask=attention_mask, labels=labels)
    output = model(input_ids, attention_mask, labels=labels)
    yield "encoder", output.encoder_hidden_states, expected.encoder_last_hidden_state
    with torch.no_grad():
        source = model.decoder.read_source(expected.encoder_last_hidden_state, attention_mask)
        states = oracle.decoder(
            decoder_input_ids,
            encoder_hidden_states=expected.encoder_last_hidden_state,
            encoder_attention_mask=attention_mask,
        ).last_hidden_state
        yield "decoder", model.decoder(model.shared(decoder_input_ids), None, source), states
    yield "logits", output.logits, expected.logits
    yield "loss", output.loss, expected.loss

    output.loss.backward()
    expected.loss.backward()
    theirs, names = dict(oracle.named_parameters()), name_table(model.config)
    ours = {names[name]: parameter for name, parameter in model.named_parameters()}
    assert ours.keys() == theirs.keys()
    yield "gradients", flat(ours[name].grad for name in ours), flat(theirs[name].grad for name in ours)

    with torch.no_grad():
        decoder = model.start_decoding(input_ids, attention_mask)
        steps = torch.stack([decoder.step(tokens) for tokens in decoder_input_ids.T], dim=1)
        yield "cached steps", steps, expected.logits
        yield "greedy ids", *greedy(model, oracle, input_ids, attention_mask)

    model.save_pretrained(folder / "ours")
    back = transformers.T5ForConditionalGeneration.from_pretrained(folder / "ours").state_dict()
    weights = oracle.state_dict()
    assert back.keys() == weights.keys()
    yield "there and back", flat(back[name] for name in weights), flat(weights.values())


def random_oracle(kind: str) -> Any:
    """Draw a model of transformers; ``lm_head`` of v1.1 is given weights of its own, which unties it."""
    torch.manual_seed(0)
    config = transformers.T5Config(decoder_start_token_id=0, **SHAPES[kind])
    oracle = transformers.T5ForConditionalGeneration(config).eval()
    if kind == "v1.1":
        oracle.lm_head.weight = torch.nn.Parameter(
            torch.randn_like(oracle.shared.weight) * config.d_model**-0.5
        )
    return oracle


def random_batch(vocab_size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return sources padded on the right, their mask, and labels that end in -100."""
    attention_mask = (torch.arange(max(SOURCE_LENGTHS)) < torch.tensor(SOURCE_LENGTHS)[:, None]).long()
    input_ids = torch.randint(2, vocab_size, attention_mask.shape) * attention_mask
    counted = torch.arange(max(TARGET_LENGTHS)) < torch.tensor(TARGET_LENGTHS)[:, None]
    return input_ids, attention_mask, torch.randint(2, vocab_size, counted.shape).masked_fill(~counted, -100)


def greedy(model: T5, oracle: Any, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return our ids and theirs; no token may come twice, since random models would repeat one for ever."""
    options = {"min_new_tokens": GREEDY_STEPS, "max_new_tokens": GREEDY_STEPS, "no_repeat_ngram_size": 1}
    expected = oracle.generate(input_ids, attention_mask=attention_mask, do_sample=False, **options)
    decoder = model.start_decoding(input_ids, attention_mask)
    found = expected[:, :1]
    for _ in range(GREEDY_STEPS):
        logits = decoder.step(found[:, -1]).scatter(1, found, -torch.inf)
        logits[:, model.config.eos_token_id] = -torch.inf
        found = torch.cat((found, logits.argmax(-1, keepdim=True)), dim=1)
    return found, expected


def flat(tensors: Any) -> Tensor:
    """Join tensors of any shapes into one vector."""
    return torch.cat([tensor.flatten() for tensor in tensors])


if __name__ == "__main__":
    main()
