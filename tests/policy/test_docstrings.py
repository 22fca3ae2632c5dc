"""Everything public says what it is, and every field of a config says what it means."""

import ast
from pathlib import Path

import pytest

from textchem_core.command_line import field_docstrings

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("train.py", "generate.py", "evaluate.py", "prepare_data.py")
SCRIPTS = [path for path in (ROOT / name for name in NAMES) if path.is_file()]
FILES = [*sorted((ROOT / "textchem_core").rglob("*.py")), *SCRIPTS]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_public(name: str) -> bool:
    return not name.startswith("_")


def is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)


def undocumented(body: list[ast.stmt], where: str) -> list[str]:
    """Return the public functions and classes without a docstring, methods included."""
    missing = []
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and is_public(node.name):
            if ast.get_docstring(node) is None:
                missing.append(f"{where}:{node.lineno}: {node.name}")
            if isinstance(node, ast.ClassDef):
                missing += undocumented(node.body, where)
    return missing


@pytest.mark.parametrize("path", FILES, ids=named)
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), f"{path} has no docstring"
    assert undocumented(tree.body, named(path)) == []


@pytest.mark.parametrize("path", FILES, ids=named)
def test_docstrings_begin_with_one_sentence(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            docstring = ast.get_docstring(node)
            if docstring is not None:
                first = docstring.split("\n\n")[0]
                name = getattr(node, "name", "module")
                assert first.rstrip().endswith((".", ":", "?", "`")), f"{path}: {name}: {first!r}"


def test_every_field_of_a_config_has_a_docstring() -> None:
    found = 0
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ClassDef) or not node.name.endswith("Config"):
                continue
            if not is_dataclass(node):
                continue
            found += 1
            for field, following in zip(node.body, [*node.body[1:], None], strict=True):
                if isinstance(field, ast.AnnAssign):
                    documented = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
                    assert documented, f"{named(path)}:{field.lineno}: {ast.unparse(field.target)}"
    assert found >= 3, "T5Config, TrainConfig and GenerateConfig at least"


def test_arguments_in_docstrings_are_those_of_the_function() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef) or "\nArgs:\n" not in (ast.get_docstring(node) or ""):
                continue
            section = (ast.get_docstring(node) or "").split("\nArgs:\n")[1].split("\n\n")[0]
            described = [
                line.strip().split(":")[0]
                for line in section.splitlines()
                if line.startswith("    ") and not line.startswith("     ") and ":" in line
            ]
            arguments = node.args
            accepted = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
            accepted += [a.arg for a in (arguments.vararg, arguments.kwarg) if a is not None]
            assert set(described) <= set(accepted), f"{named(path)}:{node.lineno}: {node.name}"


def test_field_docstrings_are_what_help_shows() -> None:
    from textchem_core.config import T5Config

    assert field_docstrings(T5Config)["d_kv"] == (
        "Width of one attention head; free, not derived from ``d_model / num_heads``."
    )
