from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import pytest

from textchem_core.command_line import exit_on_user_error, field_docstrings, nearest, parse_config, read_toml
from textchem_core.config import check_range
from textchem_core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Everything:
    """One field of every kind."""

    words: tuple[str, ...] = ()
    """What has no flag."""
    files: tuple[str, ...]
    """Needed; 100 % of them
    on two lines."""
    sizes: tuple[int, ...] = (1,)
    """Sizes."""
    name: str = "50%"
    """A name."""
    count: int = 3
    """A count."""
    rate: float = 0.5
    """A rate."""
    limit: int | None = None
    """A limit, or none."""
    mode: Literal["fast", "exact"] = "fast"
    """A mode."""
    shuffle: bool = True
    """Whether to shuffle."""
    quiet: bool = False
    """Whether to be quiet."""

    def __post_init__(self) -> None:
        check_range("count", self.count, at_least=1)


def parse(*arguments: str, default_toml: Path | None = None) -> Everything:
    return parse_config(
        Everything, arguments, description="What it does.", default_toml=default_toml, positional="words"
    )


def refused(*arguments: str, default_toml: Path | None = None) -> str:
    with pytest.raises(ConfigError) as error:
        parse(*arguments, default_toml=default_toml)
    message = str(error.value)
    assert "\n" not in message
    return message


def toml(folder: Path, text: str) -> Path:
    path = folder / "run.toml"
    path.write_text(text, "utf-8")
    return path


def test_every_kind_of_field_has_a_flag() -> None:
    flags = "--files a b --sizes 2 3 --name n --count 7 --rate 1e-3 --limit 9 --mode exact"
    config = parse(*flags.split(), "--no-shuffle", "--quiet")
    assert config == Everything(
        files=("a", "b"),
        sizes=(2, 3),
        name="n",
        count=7,
        rate=1e-3,
        limit=9,
        mode="exact",
        shuffle=False,
        quiet=True,
    )


def test_defaults_hold_where_nothing_is_said() -> None:
    assert parse("--files", "a") == Everything(files=("a",))


def test_equals_sign_and_negative_numbers() -> None:
    config = parse("--files=a", "--rate=-2.5", "--limit", "-4", "--name=--x")
    assert (config.files, config.rate, config.limit, config.name) == (("a",), -2.5, -4, "--x")


def test_last_of_a_repeated_flag_wins_but_repeated_lists_add_up() -> None:
    config = parse(
        "--count", "1", "--count", "2", "--files", "a", "--files", "b", "c", "--quiet", "--no-quiet"
    )
    assert (config.count, config.files, config.quiet) == (2, ("a", "b", "c"), False)


def test_words_without_a_flag_may_stand_anywhere() -> None:
    assert parse("--count", "1", "CCO", "--files=a").words == ("CCO",)
    assert parse("CCO", "--files=a", "CCN", "--quiet", "CCC").words == ("CCO", "CCN", "CCC")
    assert parse("--files", "a", "--").words == ()


def test_all_after_two_dashes_are_words() -> None:
    assert parse("--files=a", "--", "-CCO", "--quiet", "--").words == ("-CCO", "--quiet", "--")
    assert parse("CCO", "--files=a", "--", "-C").words == ("CCO", "-C")


def test_a_word_that_belongs_to_no_flag_is_refused_where_none_is_taken() -> None:
    with pytest.raises(ConfigError, match="'stray' belongs to no flag"):
        parse_config(Everything, ["--count", "1", "stray"], description="")


def test_flag_beats_toml_beats_default(tmp_path: Path) -> None:
    text = 'files = ["t"]\ncount = 8\nrate = 2\nshuffle = false\nmode = "exact"\nsizes = [5, 6]\n'
    path = toml(tmp_path, text)
    config = parse("--config", str(path), "--count", "9", "--shuffle")
    assert (config.count, config.shuffle) == (9, True)
    assert (config.files, config.rate, config.mode, config.sizes) == (("t",), 2, "exact", (5, 6))
    assert config.name == "50%"


def test_flagged_list_replaces_that_of_the_toml(tmp_path: Path) -> None:
    assert parse("--config", str(toml(tmp_path, 'files = ["t"]')), "--files", "a").files == ("a",)


def test_a_list_flag_without_values_empties_the_list_of_the_toml(tmp_path: Path) -> None:
    path = toml(tmp_path, 'files = ["t"]\nsizes = [5, 6]')
    assert parse("--config", str(path), "--sizes", "--quiet").sizes == ()
    assert parse("--config", str(path), "--sizes").files == ("t",)


def test_default_toml_lies_under_the_flags_and_gives_way_to_config(tmp_path: Path) -> None:
    default = toml(tmp_path, 'files = ["default"]\ncount = 8\n')
    other = tmp_path / "other.toml"
    other.write_text('files = ["other"]\n')
    assert parse(default_toml=default).count == 8
    config = parse("--config", str(other), default_toml=default)
    assert (config.files, config.count) == (("other",), 3)


@pytest.mark.parametrize(
    ("flag", "meant"),
    [
        ("--cuont", "--count"),
        ("--coun=3", "--count"),
        ("--no-shufle", "--no-shuffle"),
        ("--nmae=two words", "--name"),
        ("--confg", "--config"),
    ],
)
def test_unknown_flag_names_the_nearest(flag: str, meant: str) -> None:
    message = refused("--files=a", flag)
    assert f"unknown flag {flag!r}; did you mean {meant!r}?" in message
    assert "--help" in message


def test_flags_are_never_abbreviated() -> None:
    assert "unknown flag '--cou'" in refused("--files=a", "--cou", "4")


def test_unknown_flag_like_an_input_points_at_two_dashes() -> None:
    message = refused("--files=a", "-[Na+]")
    assert "unknown flag '-[Na+]'" in message
    assert "write -- before" in message


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--count", "three"], ["--count", "'three'", "int"]),
        (["--count", "1.5"], ["--count", "'1.5'"]),
        (["--count"], ["--count", "expected one argument"]),
        (["--count", "--quiet"], ["--count", "expected one argument"]),
        (["--sizes", "1", "x"], ["--sizes", "'x'", "int"]),
        (["--rate", "fast"], ["--rate", "'fast'", "float"]),
        (["--mode", "slow"], ["--mode", "'slow'", "'exact'"]),
        (["--quiet=yes"], ["quiet", "'yes'"]),
        (["--count", "0"], ["count=0: must be >= 1"]),
        ([], ["files", "--files"]),
    ],
)
def test_a_wrong_value_is_named_with_its_flag(arguments: list[str], named: list[str]) -> None:
    given = arguments if not arguments or "--files" in arguments else ["--files=a", *arguments]
    message = refused(*given)
    for part in named:
        assert part in message


def test_unknown_toml_key_names_file_and_nearest_key(tmp_path: Path) -> None:
    path = toml(tmp_path, "cuont = 1\n")
    assert refused("--config", str(path)) == f"{path}: unknown key 'cuont'; did you mean 'count'?"


def test_toml_key_with_dashes_is_told_its_spelling() -> None:
    assert nearest("global-batch-size", ["global_batch_size"]) == "; did you mean 'global_batch_size'?"
    assert nearest("zzzz", ["count"]) == ""


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('count = "3"', "count='3': must be of type int"),
        ("count = 3.0", "count=3.0: must be of type int"),
        ("count = true", "count=True: must be of type int"),
        ("shuffle = 1", "shuffle=1: must be of type bool"),
        ('rate = "x"', "rate='x': must be of type float"),
        ('files = "a"', "files='a': must be a list"),
        ("files = [1]", "files[0]=1: must be of type str"),
        ('sizes = [1, "2"]', "sizes[1]='2': must be of type int"),
        ('mode = "slow"', "mode='slow': must be one of 'fast', 'exact'"),
        ("[count]\nx = 1", "count={'x': 1}: must be of type int"),
        ('limit = "x"', "limit='x': must be of type int"),
        ("count = 0", "count=0: must be >= 1"),
    ],
)
def test_toml_value_of_the_wrong_type_is_refused(tmp_path: Path, line: str, named: str) -> None:
    prefix = "" if line.startswith("files") else 'files = ["a"]\n'
    path = toml(tmp_path, prefix + line + "\n")
    assert named in refused("--config", str(path))


def test_broken_toml_names_file_and_line(tmp_path: Path) -> None:
    path = toml(tmp_path, "count = 1\ncount = \n")
    message = refused("--config", str(path))
    assert message.startswith(f"{path}: not TOML")
    assert "line 2" in message


def test_toml_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(b'name = "\xff"\n')
    assert refused("--config", str(path)).startswith(f"{path}: not TOML")


@pytest.mark.parametrize("name", ["nowhere.toml", "."])
def test_toml_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    message = refused("--config", str(tmp_path / name))
    assert message.startswith(f"{tmp_path / name}: cannot be read")
    assert "name an existing TOML file" in message


def test_empty_config_name_is_no_default(tmp_path: Path) -> None:
    default = toml(tmp_path, 'files = ["default"]\n')
    assert "cannot be read" in refused("--config", "", default_toml=default)


def test_read_toml_returns_only_what_the_file_says(tmp_path: Path) -> None:
    assert read_toml(Everything, toml(tmp_path, "count = 4\n")) == {"count": 4}


def test_help_prints_every_field_with_its_docstring(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse("--help")
    assert exit_.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "What it does." in printed
    for name, docstring in field_docstrings(Everything).items():
        assert docstring in printed
        assert name == "words" or "--" + name in printed
    assert "--no-shuffle" in printed
    assert "(default: 50%)" in printed


def test_docstring_of_every_field_is_found_on_one_line() -> None:
    found = field_docstrings(Everything)
    assert list(found) == [field.name for field in fields(Everything)]
    assert found["files"] == "Needed; 100 % of them on two lines."


def test_user_errors_end_a_script_with_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        exit_on_user_error(ConfigError("count=0: must be >= 1"))
    assert exit_.value.code == 2
    assert capsys.readouterr() == ("", "error: count=0: must be >= 1\n")
