"""One line of a data file, read into a row of a task."""

import json
from dataclasses import dataclass

from textchem_core.errors import DataError
from textchem_core.tasks import TASKS, Task, split_source

_ROW_FORMS = '{"source", "target"} or {"task", "input", "target"}'


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
    text = decode_line(line, place)
    fields = parse_json(text, place)
    if not isinstance(fields, dict):
        raise DataError(
            f"{place}: a {type(fields).__name__}; a row is an object, {_ROW_FORMS}: {_shown(text)}"
        )
    return to_row(fields, place)


def to_row(fields: dict[str, object], place: str) -> Row:
    """Read the keys of a row, whatever other keys stand beside them.

    Args:
        fields: Of the JSON object.
        place: ``file:line``.

    Raises:
        DataError: As for ``parse_row``.
    """
    target = _text(fields, "target", place)
    if "source" in fields:
        task, text = read_source(fields, place)
    else:
        name = _text(fields, "task", place)
        if name not in TASKS:
            raise DataError(f"{place}: task={name!r}: must be one of {', '.join(TASKS)}")
        task, text = TASKS[name], _text(fields, "input", place)
    for key, value in (("input", text), ("target", target)):
        if not value.strip():
            raise DataError(f"{place}: empty {key}; fill it in or delete the line")
    if split_source(text):
        raise DataError(f"{place}: input begins with a prompt of its own; leave that out: {text[:80]!r}")
    return Row(task, text, target, place)


def read_source(fields: dict[str, object], place: str) -> tuple[Task, str]:
    """Return the task and the input of the original's ``source``.

    Args:
        fields: Of a JSON object that has it.
        place: ``file:line``.

    Raises:
        DataError: It begins with no prompt, or with that of another task than ``task`` says.
    """
    source = _text(fields, "source", place)
    found = split_source(source)
    if found is None:
        raise DataError(
            f"{place}: source begins with no prompt of the five tasks; correct it, or write "
            f'{{"task", "input", "target"}}: {source[:80]!r}'
        )
    task, text = found
    if fields.get("task", task.name) != task.name:
        raise DataError(
            f"{place}: task={fields['task']!r:.80}, but the prompt of source is that of {task.name!r}"
        )
    return task, text


def decode_line(line: bytes, place: str, encoding: str = "utf-8") -> str:
    """Return a line of a file as text; DataError with the byte and column where it is not UTF-8."""
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{place}: not UTF-8 (byte {line[error.start]:#04x} at column {error.start + 1}); "
            "convert the file to UTF-8"
        ) from error


def parse_json(line: str, place: str) -> object:
    """Return what a line of JSON holds; DataError with the column where it is none."""
    try:
        return json.loads(line)
    # Besides broken JSON: numbers of thousands of digits, and brackets nested deeper than Python's stack.
    except (ValueError, RecursionError) as error:
        reason = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else error
        raise DataError(f"{place}: not JSON ({reason}); correct the line: {_shown(line)}") from error


def _text(fields: dict[str, object], key: str, place: str) -> str:
    if key not in fields:
        raise DataError(f"{place}: no key {key!r} among {sorted(fields)}; a row is {_ROW_FORMS}")
    value = fields[key]
    if not isinstance(value, str):
        raise DataError(f"{place}: {key}={value!r:.80}: must be a string")
    check_characters(value, f"{place}: {key}")
    return value


def check_characters(text: str, where: str) -> None:
    """Refuse half a surrogate pair, which JSON can spell and no file can hold.

    Args:
        text: A value.
        where: Begins the message.

    Raises:
        DataError: There is one.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where} holds half a \\u pair, which is no character; correct it: {text!r:.80}"
        ) from error


def _shown(line: str) -> str:
    text = line.strip()
    return repr(text[:80] + ("…" if len(text) > 80 else ""))
