"""Flags out of a config class: every field a flag, its docstring the help, a TOML file underneath.

A field's value is, in this order: the flag, the TOML file named by ``--config``, the class's default. A
flag or key that no field has is refused, with the nearest one that exists.
"""

import argparse
import ast
import difflib
import inspect
import json
import re
import sys
import textwrap
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from textchem_core.errors import ConfigError, TextChemError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Config = TypeVar("Config")


class _Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are ours: one line, with the nearest valid flag."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see --help")


def parse_config(
    config_class: type[Config],
    arguments: Sequence[str],
    *,
    description: str,
    default_toml: Path | None = None,
    other_toml: Callable[[Mapping[str, Any]], Path | None] | None = None,
    positional: str | None = None,
) -> Config:
    """Read a config from the command line.

    Args:
        config_class: A dataclass with a docstring under each field.
        arguments: The words after the program's name.
        description: First lines of ``--help``.
        default_toml: The TOML file used when ``--config`` is not given; None uses the class's defaults.
        other_toml: Told the flags' values by field, names another file for that, or None.
        positional: A field of type ``tuple[str, ...]`` that takes the words without a flag, wherever they
            stand, and all that follows ``--``.

    Returns:
        The validated config.

    Raises:
        ConfigError: For an unknown flag or key, a field without a value, a value of the wrong type, or one
            out of range.
    """
    parser = _Parser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    toml_help = f" (default: {default_toml.name})" if default_toml else ""
    parser.add_argument("--config", metavar="TOML", help=f"file of values, under the flags{toml_help}")
    helps = field_docstrings(config_class)
    hints = get_type_hints(config_class)
    for field in _fields(config_class):
        _add_flag(parser, field, hints[field.name], helps[field.name], is_positional=field.name == positional)

    # argparse takes the words without a flag only where they stand together, and each Python version has its
    # own opinion on `--`; what it leaves over is sorted here.
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    known, rest = parser.parse_known_args(arguments[:end])
    values = vars(known)
    words = [*values.pop(positional or "", ()), *rest]
    # It also takes `--flga="two words"` for no flag, because of the blank.
    unknown = [word for word in words if re.match(r"--|-\S*$", word)]
    if unknown:
        flags = [option for action in parser._actions for option in action.option_strings]
        hint = nearest(unknown[0].split("=")[0], flags)
        hint += "; write -- before an input that begins with a dash" if positional and not hint else ""
        raise ConfigError(f"unknown flag {unknown[0]!r}{hint}; see --help")
    words += arguments[end + 1 :]
    if words and positional is None:
        raise ConfigError(f"{words[0]!r} belongs to no flag; see --help")
    if words and positional is not None:
        values[positional] = tuple(words)
    toml_path = values.pop("config")
    if toml_path is not None:
        toml: Path | None = Path(toml_path)
    else:
        toml = (other_toml(values) if other_toml else None) or default_toml
    values = {**(read_toml(config_class, toml) if toml else {}), **values}
    for field in _fields(config_class):
        if field.name not in values and field.default is MISSING:
            raise ConfigError(f"no value for {field.name}; give {_flag(field)} or a --config file with it")
    return config_class(**values)


def read_toml(config_class: type[Any], path: Path) -> dict[str, Any]:
    """Read a flat TOML file whose keys are fields of ``config_class``.

    Raises:
        ConfigError: With the path and the line or key at fault.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name an existing TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    hints = get_type_hints(config_class)
    names = [field.name for field in _fields(config_class)]
    for key, value in values.items():
        if key not in names:
            raise ConfigError(f"{path}: unknown key {key!r}{nearest(key, names)}")
        values[key] = tuple(value) if isinstance(value, list) else value
        _check_type(f"{path}: {key}", values[key], hints[key])
    return values


def config_as_toml(config: Any) -> str:
    """Return a config as TOML, which ``read_toml`` reads back; fields that are None are left out."""
    values = {field.name: getattr(config, field.name) for field in _fields(type(config))}
    return "".join(f"{name} = {_as_toml(value)}\n" for name, value in values.items() if value is not None)


def _as_toml(value: str | int | float | bool | tuple[Any, ...]) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_as_toml, value)) + "]"
    # JSON's strings, numbers and booleans are TOML's, but for the one control character JSON leaves alone.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def field_docstrings(config_class: type[Any]) -> dict[str, str]:
    """Return the docstring written under each field of a class, on one line."""
    body = ast.parse(textwrap.dedent(inspect.getsource(config_class))).body[0]
    assert isinstance(body, ast.ClassDef)
    docstrings = {}
    for node, following in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
        ):
            docstrings[node.target.id] = " ".join(str(following.value.value).split())
    return docstrings


def nearest(word: str, known: Sequence[str]) -> str:
    """Return ``; did you mean 'x'?`` for the known word nearest to ``word``, or nothing."""
    matches = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {matches[0]!r}?" if matches else ""


def exit_on_user_error(error: TextChemError | OSError) -> NoReturn:
    """End a script because of a user's mistake: one line on standard error, status 2.

    An ``OSError`` is a full disk or a missing permission, and names the file.
    """
    print(f"error: {error}", file=sys.stderr)
    raise SystemExit(2)


def _fields(config_class: type[Any]) -> tuple[Field[Any], ...]:
    return fields(config_class)


def _add_flag(parser: _Parser, field: Field[Any], hint: Any, text: str, *, is_positional: bool) -> None:
    """Add the flag of one field; absent flags leave no value, so that the TOML file may speak."""
    default = field.default if field.default is not MISSING else None
    shown = text + ("" if default in (None, ()) else f" (default: {default})")
    shown = shown.replace("%", "%%")
    if is_positional:
        parser.add_argument(field.name, nargs="*", action=_TupleAction, help=shown, default=argparse.SUPPRESS)
        return
    kind = _strip_optional(hint)
    options: dict[str, Any] = {"dest": field.name, "help": shown, "default": argparse.SUPPRESS}
    if kind is bool:
        options["action"] = argparse.BooleanOptionalAction
    elif get_origin(kind) is tuple:
        options |= {"nargs": "*", "metavar": "VALUE", "action": _TupleAction, "type": get_args(kind)[0]}
    elif get_origin(kind) is Literal:
        options |= {"choices": get_args(kind)}
    else:
        options |= {"type": kind, "metavar": kind.__name__.upper()}
    parser.add_argument(_flag(field), **options)


def _flag(field: Field[Any]) -> str:
    return "--" + field.name.replace("_", "-")


class _TupleAction(argparse.Action):
    """Collects values into a tuple; a flag given twice adds to it, so that none is dropped silently."""

    def __call__(
        self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        setattr(namespace, self.dest, (*getattr(namespace, self.dest, ()), *values))


def _strip_optional(hint: Any) -> Any:
    if get_origin(hint) in (types.UnionType, Union):  # the latter for Literal[...] | None
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    return hint


def _check_type(where: str, value: Any, hint: Any) -> None:
    kind = _strip_optional(hint)
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ConfigError(f"{where}={value!r}: must be one of {', '.join(map(repr, get_args(kind)))}")
        return
    if get_origin(kind) is tuple:
        if not isinstance(value, tuple):
            raise ConfigError(f"{where}={value!r}: must be a list, [{value!r}]")
        for index, item in enumerate(value):
            _check_type(f"{where}[{index}]", item, get_args(kind)[0])
        return
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise ConfigError(f"{where}={value!r}: must be of type {kind.__name__}")
