"""Arrows point one way; foreign packages stay in their rooms; files and functions stay small."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "textchem_core"
NAMES = ("train.py", "generate.py", "evaluate.py", "prepare_data.py")
SCRIPTS = [path for path in (ROOT / name for name in NAMES) if path.is_file()]
FILES = sorted(CORE.rglob("*.py"))

# A room imports from rooms below it and from itself.
LAYERS = {
    "errors": 0,
    "disk": 0,
    "progress": 0,
    "versions": 0,
    "config": 1,
    "terminal": 1,
    "shipped": 1,
    "tasks": 1,
    "command_line": 1,
    "text": 2,
    "model": 2,
    "data": 3,
    "decoding": 3,
    "metrics": 3,
    "round_trip": 3,
    "questions": 4,
    "training": 4,
    "predictions": 4,
    "preparation": 4,
    "prepare_config": 5,
    "inspection": 5,
    "predictor": 6,
    "answer_file": 6,
    "evaluation": 7,
    "export": 7,
    "generate_config": 7,
    "evaluate_config": 8,
    "__init__": 8,
}
# Search sees a step function, never a model, so that it can be checked without one.
FORBIDDEN = {("decoding", "model"), ("decoding", "text")}
DEPENDENCIES = {"torch", "sentencepiece", "numpy", "rdkit", "tqdm", "safetensors", "tomli"}
ONLY_IN = {
    "rdkit": ("textchem_core/text", "dataset-sample", "tests", "benchmarks"),
    "transformers": ("tests/parity", "benchmarks"),
    "sentencepiece": ("textchem_core/text", "tokenizer", "tests", "benchmarks"),
    "safetensors": ("textchem_core/model", "tests", "benchmarks"),
    "matplotlib": ("textchem_core/training", "tests"),
    "nltk": ("textchem_core/metrics", "tests"),
    "rouge_score": ("textchem_core/metrics", "tests", "benchmarks"),
    "rapidfuzz": ("textchem_core/metrics", "tests"),
    "tokenizers": ("textchem_core/metrics", "tests"),
}
# Extras: imported inside the one function that needs them, never when the file is.
OPTIONAL = {"matplotlib", "nltk", "rouge_score", "rapidfuzz", "tokenizers", "fcd", "fcd_torch"}
MODULES_THAT_RUN = {"textchem_core/export.py", "textchem_core/training/plot.py"}

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60  # without its docstring: nobody shall be tempted to explain less
# Longer ones, each with its reason. An entry that is no longer needed fails, too.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS = {
    "textchem_core/decoding/beam.py:beam_search": "one loop over one state, with the shape on every line",
}


def room(path: Path) -> str:
    """Return the room of a file of the core: its folder, or its name where it stands alone."""
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the dotted names a file imports, anywhere in it, with their lines."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            yield str(node.module), node.lineno
            # `from textchem_core.model import hf_weights` imports a module, too.
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def own_rooms(path: Path) -> Iterator[tuple[str, int]]:
    for name, line in imports(path):
        parts = name.split(".")
        if parts[0] == "textchem_core" and len(parts) > 1:
            yield parts[1], line


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_room_has_its_layer() -> None:
    assert {room(path) for path in FILES} <= LAYERS.keys()


@pytest.mark.parametrize("path", FILES, ids=named)
def test_no_arrow_points_up(path: Path) -> None:
    here = room(path)
    for there, line in own_rooms(path):
        if there not in LAYERS or there == here:
            continue  # `from textchem_core.config import T5Config` also yields names that are no rooms
        assert LAYERS[there] < LAYERS[here], f"{path}:{line}: {here} imports {there}"
        assert (here, there) not in FORBIDDEN, f"{path}:{line}: {here} imports {there}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_the_core_does_not_import_its_own_front_door(path: Path) -> None:
    if room(path) == "__init__":
        return
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            assert "textchem_core" not in {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module != "textchem_core", f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", [*FILES, *SCRIPTS], ids=named)
def test_only_declared_dependencies_are_imported(path: Path) -> None:
    # typing_extensions is typing of a later Python, for the type checker alone, which brings it.
    allowed = DEPENDENCIES | {"textchem_core"} | sys.stdlib_module_names | {"tomllib", "typing_extensions"}
    for name, line in imports(path):
        assert name.split(".")[0] in allowed | OPTIONAL, f"{path}:{line}: {name}"
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert not OPTIONAL & set(re.findall(r"\w+", ast.unparse(node))), f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_typing_extensions_is_not_needed_to_run(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for_the_checker = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in node.body
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "typing_extensions":
            assert id(node) in for_the_checker, f"{path}:{node.lineno}: import it under TYPE_CHECKING"


def test_the_dependencies_are_those_of_setup_py() -> None:
    declared = (ROOT / "setup.py").read_text("utf-8").split("install_requires=[")[1].split("]")[0]
    strings = [node.value for node in ast.walk(ast.parse(f"[{declared}]")) if isinstance(node, ast.Constant)]
    assert {str(text).split(">")[0].split(";")[0].strip() for text in strings} == DEPENDENCIES


@pytest.mark.parametrize("package", ONLY_IN)
def test_foreign_packages_stay_in_their_rooms(package: str) -> None:
    for path in ROOT.rglob("*.py"):
        place = named(path)
        if place.startswith((".", "build/", "runs/")):
            continue
        if any(name.split(".")[0] == package for name, _ in imports(path)):
            assert place.startswith(tuple(f"{folder}/" for folder in ONLY_IN[package])), place


@pytest.mark.parametrize("path", [*FILES, *SCRIPTS], ids=named)
def test_nothing_happens_at_import(path: Path) -> None:
    for node in ast.parse(path.read_text("utf-8")).body:
        place = f"{path}:{node.lineno}"
        if isinstance(node, ast.Expr):
            assert isinstance(node.value, ast.Constant), f"{place}: a call at module level"
        elif isinstance(node, ast.If):
            test = ast.unparse(node.test)
            is_version = test.startswith("sys.version_info") and all(
                isinstance(inner, ast.Import | ast.ImportFrom) for inner in (*node.body, *node.orelse)
            )
            runs = path in SCRIPTS or named(path) in MODULES_THAT_RUN
            is_main = test == "__name__ == '__main__'" and runs
            assert is_version or is_main or test == "TYPE_CHECKING", f"{place}: {test}"
        else:
            harmless = (
                ast.Import
                | ast.ImportFrom
                | ast.Assign
                | ast.AnnAssign
                | ast.FunctionDef
                | ast.AsyncFunctionDef
                | ast.ClassDef
            )
            assert isinstance(node, harmless), f"{place}: {type(node).__name__} at module level"


def test_files_are_short_or_have_a_reason() -> None:
    lengths = {named(path): len(path.read_text("utf-8").splitlines()) for path in (*FILES, *SCRIPTS)}
    long = {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FILE}
    assert long.keys() == LONG_FILES.keys(), long


def test_functions_are_short_or_have_a_reason() -> None:
    long = {}
    for path in (*FILES, *SCRIPTS):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = code_lines(node)
                if lines > MOST_LINES_OF_A_FUNCTION:
                    long[f"{named(path)}:{node.name}"] = lines
    assert long.keys() == LONG_FUNCTIONS.keys(), long


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    assert function.end_lineno is not None
    assert first.end_lineno is not None
    docstring = first.end_lineno - first.lineno + 1 if ast.get_docstring(function) else 0
    return function.end_lineno - function.lineno + 1 - docstring


def test_there_is_no_room_for_leftovers() -> None:
    forbidden = {"utils", "util", "helpers", "common", "misc", "registry"}
    assert not {path.stem for path in FILES} & forbidden
    assert not {path.parent.name for path in FILES} & forbidden
