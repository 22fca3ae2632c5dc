"""Time answers of transformers, CTranslate2 and ours, in turn, each in a process of its own for every case.

    python benchmarks/generation.py --threads 2                  t5-small's shape on a CPU
    python benchmarks/generation.py --threads 2 --cases 8x64x10 --engines "ct2 int8" "ours int8"
    python benchmarks/generation.py --device cuda --model t5-base --cases 64x256x10 \\
        --engines "hf bfloat16" "ours bfloat16"                  on a GPU (written with care, never tried)

All engines have the same weights, drawn at random and saved by transformers, read the same ids, and write
``--new-tokens`` tokens, no more and no fewer, in every hypothesis. A case is sources x tokens of each x
beams; one beam is greedy search. The figures are output tokens per second: sources x new tokens over the
median of the rounds. Memory is the peak of an engine's process (of the device, on CUDA) over a case, above
what it had before its model was loaded. "same" is the share of all hypotheses, first to last, whose ids are
those of the first engine. Prints a table and one JSON line.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import torch

from textchem_core.config import PRESETS, T5Config

SETTLE_SECONDS = 0.4
"""Between two engines: threads of OpenMP go on spinning for up to 0.2 s after their work."""
PROC = Path("/proc/self")

Answers = list[list[list[int]]]
"""Ids of every hypothesis of every source, best first, without special tokens at either end."""


class Case(NamedTuple):
    """What is asked."""

    num_sources: int
    source_length: int
    num_beams: int
    new_tokens: int

    def sources(self, vocab_size: int) -> list[list[int]]:
        """Draw the ids, the same for every engine: no special tokens but the end."""
        generator = torch.Generator().manual_seed(0)
        shape = (self.num_sources, self.source_length - 1)
        return [[*row, 1] for row in torch.randint(3, vocab_size, shape, generator=generator).tolist()]


Engine = Callable[[Case], Answers]


def main() -> None:
    """Read the command line, measure, print."""
    arguments = parse_arguments()
    sizes = [map(int, case.split("x")) for case in arguments.cases]
    cases = [Case(sources, length, beams, arguments.new_tokens) for sources, length, beams in sizes]
    with tempfile.TemporaryDirectory() as folder:
        save_models(Path(folder), arguments)
        lines = measure(cases, Path(folder), arguments)
    header = (
        f"{arguments.model}, {arguments.new_tokens} new tokens, {arguments.device}, "
        f"{arguments.threads} thread(s), torch {torch.__version__}"
    )
    print(f"\n{header}, {arguments.rounds} rounds\n")
    names = list(lines[0])
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for line in lines:
        print(f"| {' | '.join(f'{v:.3g}' if isinstance(v, float) else str(v) for v in line.values())} |")
    print("\n" + json.dumps({"benchmark": header, "rounds": arguments.rounds, "lines": lines}))


def parse_arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="t5-small", choices=tuple(PRESETS))
    parser.add_argument("--cases", nargs="+", default=["1x64x1", "1x64x10", "8x64x10", "8x256x10"])
    parser.add_argument(
        "--engines",
        nargs="+",
        default=["hf float32", "ct2 float32", "ct2 int8", "ours float32", "ours bfloat16"],
        help="hf, ct2 or ours, and a dtype; the ids of the others are compared with those of the first",
    )
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    return parser.parse_args()


def save_models(folder: Path, arguments: argparse.Namespace) -> None:
    """Write the weights for transformers and for us to ``hf``, and for CTranslate2 to ``ct2``.

    Freshly drawn blocks add little to the embedding of the last token, and would answer by repeating it; here
    they speak up, and beams take ways of their own.
    """
    import transformers

    torch.manual_seed(0)
    config = transformers.T5Config(decoder_start_token_id=0, **PRESETS[arguments.model])
    model = transformers.T5ForConditionalGeneration(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("v.weight", "o.weight", "wo.weight")):
                weight.mul_(4.0)
    model.save_pretrained(folder / "hf")
    if not any(engine.startswith("ct2") for engine in arguments.engines):
        return
    from ctranslate2.converters import TransformersConverter

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_tokenizer(self, *_: object, **__: object) -> NumberedTokens:
            return NumberedTokens(config.vocab_size)

    Converter(str(folder / "hf")).convert(str(folder / "ct2"))


class NumberedTokens:
    """As much of a tokenizer as CTranslate2's converter asks for: every token is called by its number."""

    pad_token, eos_token, unk_token = "0", "1", "2"

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size

    def get_vocab(self) -> dict[str, int]:
        """Return the id of every token."""
        return {str(token): token for token in range(self.vocab_size)}

    def convert_ids_to_tokens(self, token: int) -> str:
        """Return the name of a token."""
        return str(token)


# The engines, each in its process


def build_hf(folder: Path, dtype: str, options: dict[str, Any]) -> Engine:
    """Return transformers' ``generate``."""
    import transformers

    transformers.logging.set_verbosity_error()
    model = transformers.T5ForConditionalGeneration.from_pretrained(
        folder / "hf", dtype=getattr(torch, dtype), attn_implementation="sdpa"
    ).eval()
    model.to(options["device"])

    def answer(case: Case) -> Answers:
        input_ids = torch.tensor(case.sources(model.config.vocab_size), device=options["device"])
        sequences = model.generate(
            input_ids,
            attention_mask=torch.ones_like(input_ids),
            do_sample=False,
            num_beams=case.num_beams,
            num_return_sequences=case.num_beams,
            min_new_tokens=case.new_tokens,
            max_new_tokens=case.new_tokens,
        )
        found: Answers = sequences[:, 1:].view(case.num_sources, case.num_beams, -1).tolist()
        return found

    return answer


def build_ct2(folder: Path, compute_type: str, options: dict[str, Any]) -> Engine:
    """Return CTranslate2's ``translate_batch``."""
    import ctranslate2

    translator = ctranslate2.Translator(
        str(folder / "ct2"),
        device=options["device"],
        compute_type=compute_type,
        inter_threads=1,
        intra_threads=options["threads"],
    )
    vocab_size = T5Config.preset(options["model"]).vocab_size

    def answer(case: Case) -> Answers:
        results = translator.translate_batch(
            [list(map(str, row)) for row in case.sources(vocab_size)],
            beam_size=case.num_beams,
            num_hypotheses=case.num_beams,
            min_decoding_length=case.new_tokens,
            max_decoding_length=case.new_tokens,
            max_input_length=0,
        )
        return [[list(map(int, tokens)) for tokens in result.hypotheses] for result in results]

    return answer


def build_ours(folder: Path, dtype: str, options: dict[str, Any]) -> Engine:
    """Return our ``generate``."""
    from textchem_core.decoding.generate import generate
    from textchem_core.model.t5 import T5

    in_int8 = dtype == "int8"
    weights = torch.float32 if in_int8 else getattr(torch, dtype)
    model = T5.from_pretrained(folder / "hf", dtype=weights, device=options["device"]).pack(in_int8=in_int8)

    def answer(case: Case) -> Answers:
        input_ids = torch.tensor(case.sources(model.config.vocab_size), device=options["device"])
        found = generate(
            model,
            input_ids,
            num_beams=case.num_beams,
            num_return_sequences=case.num_beams,
            min_new_tokens=case.new_tokens,
            max_new_tokens=case.new_tokens,
        )
        return [[hypothesis.token_ids for hypothesis in hypotheses] for hypotheses in found]

    return answer


def serve(connection: Connection, engine: str, folder: Path, options: dict[str, Any]) -> None:
    """Answer the cases that come with seconds, bytes and ids, until None does."""
    torch.set_num_threads(options["threads"])
    on_cuda = options["device"] == "cuda"
    side, dtype = engine.split()
    if side == "hf":
        import transformers  # noqa: F401, its own memory is no part of the model's
    elif side == "ct2":
        import ctranslate2  # noqa: F401
    torch.ones(1, device=options["device"])
    before = 0 if on_cuda else memory("VmRSS")
    build = {"hf": build_hf, "ct2": build_ct2, "ours": build_ours}[side]
    answer = build(folder, dtype, options)
    while (case := connection.recv()) is not None:
        forget_peak(on_cuda)
        start = time.perf_counter()
        answers = answer(case)
        seconds = time.perf_counter() - start  # with the ids on the host, so the device has finished too
        peak = torch.cuda.max_memory_allocated() if on_cuda else memory("VmHWM") - before
        connection.send((seconds, peak, answers))


def memory(field: str) -> int:
    """Return a field of Linux's account of this process, in bytes."""
    lines = (PROC / "status").read_text().splitlines()
    [value] = [line.split()[1] for line in lines if line.startswith(field)]
    return int(value) * 1024


def forget_peak(on_cuda: bool) -> None:
    """Let the peak of memory start again from what is in use now."""
    if on_cuda:
        torch.cuda.reset_peak_memory_stats()
    else:
        (PROC / "clear_refs").write_text("5")


def measure(cases: list[Case], folder: Path, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Ask every engine every case, in turn, and return a line of each pair."""
    context = multiprocessing.get_context("spawn")
    lines = []
    for case in cases:
        engines, processes = {}, []
        for name in arguments.engines:
            engines[name], there = context.Pipe()
            options = there, name, folder, vars(arguments)
            processes.append(context.Process(target=serve, args=options, daemon=True))
            processes[-1].start()
        seconds: dict[str, list[float]] = {name: [] for name in engines}
        peaks, answers = {}, {}
        for turn in range(arguments.rounds + 1):  # the first is not timed
            for name, engine in engines.items():
                engine.send(case)
                elapsed, peaks[name], answers[name] = engine.recv()
                print(f"{case_name(case)} {name}: {elapsed:.2f} s", file=sys.stderr, flush=True)
                time.sleep(SETTLE_SECONDS)
                if turn:
                    seconds[name].append(elapsed)
        tokens = case.num_sources * case.new_tokens
        rates = {name: tokens / statistics.median(times) for name, times in seconds.items()}
        lines += [
            {
                "case": case_name(case),
                "engine": name,
                "tokens/s": rates[name],
                "spread": (max(times) - min(times)) / statistics.median(times),
                **{f"over {rival}": rates[name] / rates[rival] for rival in rivals(arguments.engines)},
                "GiB": peaks[name] / 2**30,
                "same": share_of_same(answers[name], answers[arguments.engines[0]]),
                **bandwidth_share(case, rates[name], arguments),
            }
            for name, times in seconds.items()
        ]
        for engine in engines.values():
            engine.send(None)
        for process in processes:
            process.join()
    return lines


def case_name(case: Case) -> str:
    """Return a case as the command line spells it."""
    return "x".join(map(str, case[:3]))


def rivals(engines: list[str]) -> list[str]:
    """Return the engines that are not ours."""
    return [name for name in engines if not name.startswith("ours")]


def share_of_same(answers: Answers, expected: Answers) -> float:
    """Return the share of hypotheses with the expected ids, place by place in the lists."""
    pairs = [
        pair
        for found, wanted in zip(answers, expected, strict=True)
        for pair in zip(found, wanted, strict=True)
    ]
    return sum(found == wanted for found, wanted in pairs) / len(pairs)


def bandwidth_share(case: Case, rate: float, arguments: argparse.Namespace) -> dict[str, float]:
    """Return, for a GPU, which part of its memory's bandwidth goes into reading weights and caches.

    Counted once in every step: the weights of the decoder and of the vocabulary, the keys and values of every
    source, and half of those of every beam's final answer, for they grow.
    """
    if arguments.device != "cuda":
        return {}
    config = T5Config.preset(arguments.model)
    inner, width = config.num_heads * config.d_kv, config.d_model
    # q and o of attention to the source; its k and v are applied to sources, once.
    weights = config.decoder_depth * width * (6 * inner + 2 * config.d_ff) + config.vocab_size * width
    per_source = case.source_length + case.num_beams * case.new_tokens / 2
    caches = case.num_sources * per_source * 2 * config.decoder_depth * inner
    steps_per_second = rate / case.num_sources
    return {"share of bandwidth": 2 * (weights + caches) * steps_per_second / copy_bandwidth()}


def copy_bandwidth() -> float:
    """Return the bytes per second a GPU reads and writes in a large copy, the best of several."""
    source = torch.empty(2**30, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    best = float("inf")
    for _ in range(10):
        torch.cuda.synchronize()
        start = time.perf_counter()
        target.copy_(source)
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2 * source.numel() / best


if __name__ == "__main__":
    main()
