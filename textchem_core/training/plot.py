"""Draw the curves of runs: training loss, validation loss of each task, learning rate.

python -m textchem_core.training.plot runs/sample                       draws runs/sample/curves.svg
python -m textchem_core.training.plot runs/one runs/two --output ab.png compares two runs
"""

import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textchem_core.command_line import exit_on_user_error, parse_config
from textchem_core.data.rows import decode_line, parse_json
from textchem_core.errors import ConfigError, DataError, TextChemError
from textchem_core.training.run_log import METRICS_FILE

_VALID_LOSS = "valid_loss/"

Curve = list[tuple[int, float]]
"""Steps and values."""


@dataclass(frozen=True, kw_only=True)
class PlotConfig:
    """What to draw, and where to."""

    runs: tuple[str, ...] = ()
    """Run folders; more than one are drawn into the same axes."""
    output: str | None = None
    """Picture to write, .svg, .png or .pdf; curves.svg in the first run folder if not given."""

    def __post_init__(self) -> None:
        """Reject a call without a run.

        Raises:
            ConfigError: No run is named.
        """
        if not self.runs:
            raise ConfigError("no run is named; give a run folder, such as runs/sample")


def read_curves(run_dir: Path) -> dict[str, Curve]:
    """Return every quantity that a run has logged, by its name in ``metrics.jsonl``.

    A last line that a crash has cut off is left out; values logged as null, which were not finite, too.

    Raises:
        DataError: There is no log, or a line of it is no JSON object with a step.
    """
    path = run_dir / METRICS_FILE
    if not path.is_file():
        raise DataError(f"{path}: no such file; name the folder of a run that has logged a step")
    curves: dict[str, Curve] = defaultdict(list)
    for number, raw in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        if not raw.endswith(b"\n"):
            continue
        place = f"{path}:{number}"
        line = decode_line(raw, place)
        fields = parse_json(line, place)
        if not isinstance(fields, dict) or not isinstance(fields.get("step"), int):
            raise DataError(f"{place}: no object with a 'step'; delete the line: {line[:80]!r}")
        for name, value in fields.items():
            if name != "step" and isinstance(value, int | float):
                curves[name].append((fields["step"], float(value)))
    return dict(curves)


def draw(runs: dict[str, dict[str, Curve]], output: Path) -> None:
    """Write a picture of three axes: loss, validation loss of each task, learning rate.

    Args:
        runs: Curves of each run, as ``read_curves`` returns them.
        output: Its ending says which format.

    Raises:
        ConfigError: matplotlib is not installed, or does not know the ending, or the file cannot be written.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise ConfigError(
            "drawing needs matplotlib, which is not installed; pip install matplotlib"
        ) from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (losses, tasks, rates) = pyplot.subplots(3, 1, sharex=True, figsize=(8, 10), layout="constrained")
    for index, (name, curves) in enumerate(runs.items()):
        prefix = f"{name}: " if len(runs) > 1 else ""
        style = ("-", "--", ":", "-.")[index % 4]
        _line(losses, curves.get("loss", []), f"{prefix}training", style)
        _line(losses, curves.get(f"{_VALID_LOSS}all", []), f"{prefix}validation", style, marker="o")
        for task in sorted(
            key for key in curves if key.startswith(_VALID_LOSS) and key != f"{_VALID_LOSS}all"
        ):
            _line(tasks, curves[task], prefix + task.removeprefix(_VALID_LOSS), style, marker="o")
        _line(rates, curves.get("learning_rate", []), f"{prefix}learning rate", style)
    for axes, label in (
        (losses, "loss per target token"),
        (tasks, "validation loss"),
        (rates, "learning rate"),
    ):
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(fontsize="small")
    rates.set_xlabel("step")
    try:
        figure.savefig(output)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{output}: cannot be written ({error}); name a .svg, .png or .pdf file") from error
    finally:
        pyplot.close(figure)


def _line(axes: Any, curve: Curve, label: str, style: str, marker: str | None = None) -> None:
    if curve:
        steps, values = zip(*curve, strict=True)
        axes.plot(steps, values, style, label=label, marker=marker, markersize=3)


def main() -> None:
    """Read the command line and draw."""
    try:
        config = parse_config(PlotConfig, sys.argv[1:], description=str(__doc__), positional="runs")
        output = Path(config.output) if config.output else Path(config.runs[0]) / "curves.svg"
        draw({run: read_curves(Path(run)) for run in config.runs}, output)
    except (TextChemError, OSError) as error:
        exit_on_user_error(error)
    print(f"{output}: written")


if __name__ == "__main__":
    main()
