"""One line of a data file, read into a row of a task."""

import json
from dataclasses import dataclass

from textchem_core.errors import DataError
from textchem_core.tasks import TASKS, Task, split_source


@dataclass(frozen=True)
class Row:
    """A question and its answer, as the file says them.

    Args:
        task: Which of the five.
        input: Without the prompt.
        target: What the model shall write.
        place: ``file:line``, for errors.
    """

    task: Task
    input: str
    target: str
    place: str


def parse_row(line: bytes, place: str) -> Row:
    """Read ``{"source", "target"}`` (the original's) or ``{"task", "input", "target"}``.

    Args:
        line: One line of a JSON-lines file, with or without its newline.
        place: ``file:line``.

    Raises:
        DataError: With the place, what is wrong there, and what a row looks like.
    """
    try:
        fields = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{place}: not UTF-8 (byte {line[error.start]:#04x} at column {error.start + 1}); "
            "convert the file to UTF-8"
        ) from error
    except json.JSONDecodeError as error:
        raise DataError(f"{place}: not JSON ({error.msg} at column {error.colno}): {_shown(line)}") from error
    if not isinstance(fields, dict):
        raise DataError(f"{place}: a {type(fields).__name__}, expected an object: {_shown(line)}")

    target = _text(fields, "target", place)
    if "source" in fields:
        source = _text(fields, "source", place)
        found = split_source(source)
        if found is None:
            raise DataError(f"{place}: source begins with no prompt of the five tasks: {source[:80]!r}")
        task, text = found
    else:
        name = _text(fields, "task", place)
        if name not in TASKS:
            raise DataError(f"{place}: task={name!r}: must be one of {', '.join(TASKS)}")
        task, text = TASKS[name], _text(fields, "input", place)
    for key, value in (("input", text), ("target", target)):
        if not value.strip():
            raise DataError(f"{place}: empty {key}; fill it in or delete the line")
    return Row(task, text, target, place)


def _text(fields: dict[str, object], key: str, place: str) -> str:
    if key not in fields:
        raise DataError(
            f"{place}: no key {key!r} among {sorted(fields)}; a row is "
            '{"source", "target"} or {"task", "input", "target"}'
        )
    value = fields[key]
    if not isinstance(value, str):
        raise DataError(f"{place}: {key}={value!r}: must be a string")
    return value


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", errors="replace").strip()
    return repr(text[:80] + ("…" if len(text) > 80 else ""))
