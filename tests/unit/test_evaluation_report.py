import re
from html.parser import HTMLParser
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest

from textchem_core.errors import OutputError
from textchem_core.evaluation.charts import draw_lengths, draw_shares, reliability, share_interval
from textchem_core.evaluation.examples import Artist, choose, view_of
from textchem_core.evaluation.html_text import compared, shown
from textchem_core.evaluation.report import write_report
from textchem_core.evaluation.rows import Answer, EvaluatedRow, Evaluation, TaskResult
from textchem_core.metrics.actions import action_metrics, action_row
from textchem_core.metrics.metric import Metric, bootstrap
from textchem_core.metrics.molecules import molecule_metrics, molecule_row
from textchem_core.metrics.reactions import reaction_metrics, reaction_row
from textchem_core.metrics.text import caption_metrics, caption_row
from textchem_core.tasks import TASKS

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "\x00\x1b[31m\u202egnp\u2028.exe &lt;",
    "C" * 10_000,
    "C1CC",
    "*",
    "C C",
    "a b " * 4000,
    "c1ccccc1" * 60,
    "e\u0301" + "\u0301" * 5000,
]
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Reads a page strictly: what is opened is closed, in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.source = path.read_bytes().decode("utf-8")
        self.feed(self.source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def row(place: str, source: str, target: str, *answers: Answer | str) -> EvaluatedRow:
    given = tuple(answer if isinstance(answer, Answer) else Answer(text=answer) for answer in answers)
    return EvaluatedRow(place=place, input=source, target=target, answers=given)


def result_of(task: str, rows: list[EvaluatedRow], crashed: tuple[str, ...] = ()) -> TaskResult:
    """Score rows as they are, without processes."""
    first = [(one.answers[0].text if one.answers else "", one) for one in rows]
    alive = [(text, one) if one.place not in crashed else None for text, one in first]
    if task == "smiles2caption":
        metrics = caption_metrics(
            [pair and caption_row(pair[0], pair[1].target, None) for pair in alive], None
        )
    elif task == "description2smiles":
        metrics = molecule_metrics([pair and molecule_row(pair[0], pair[1].target) for pair in alive])
    elif task == "paragraph2actions":
        metrics = action_metrics([pair and action_row(pair[0], pair[1].target) for pair in alive])
    else:
        scores = [
            pair and reaction_row([answer.text for answer in pair[1].answers], pair[1].target)
            for pair in alive
        ]
        metrics = reaction_metrics(scores)
    return TaskResult(
        task=task,
        name="a file",
        rows=rows,
        metrics=metrics,
        intervals=bootstrap(metrics, num_resamples=20),
        crashed=[(place, "broken") for place in crashed],
    )


def page_of(path: Path, *results: TaskResult) -> Page:
    write_report(path, Evaluation(results=list(results)), date="2026-01-31", versions={"rdkit": "1.2"})
    return Page(path)


MOLECULES = [
    row("m:1", "ethanol", "CCO", "CCO"),
    row("m:2", "propanol", "CCCO", "CCC"),
    row("m:3", "phenol", "Oc1ccccc1", "Sc1ccccc1"),
    row("m:4", "ring", "C1CC1", "C1CC"),
    row("m:5", "nothing", "CC"),
]


def test_the_report_shows_tables_charts_and_rows(tmp_path: Path) -> None:
    result = result_of("description2smiles", MOLECULES)
    page = page_of(tmp_path / "report.html", result)
    for metric in result.metrics:
        assert metric.name in page.texts
        assert f"{metric.value:.4f}" in page.texts
        assert f"{metric.num_counted} of 5" in page.texts
    assert "2026-01-31. rdkit 1.2." in page.text
    assert "RDKit: unclosed ring." in page.text
    assert "There is no answer." in page.text
    for one in MOLECULES:
        assert one.place in page.texts
    labels = [attributes.get("aria-label") for tag, attributes in page.tags if tag == "svg"]
    assert labels.count("Structure of the truth") == 5
    assert labels.count("Structure of the prediction") == 3
    assert sum(tag == "ellipse" for tag, _ in page.tags) == 1 + 2  # O of propanol; O and S


def test_a_page_needs_nothing_and_runs_nothing(tmp_path: Path) -> None:
    rows = [
        row(f"<b>{text[:9]}", text, other, text) for text, other in zip(HOSTILE, HOSTILE[::-1], strict=True)
    ]
    tasks = ("description2smiles", "smiles2caption", "forward", "paragraph2actions")
    page = page_of(tmp_path / "report.html", *(result_of(task, rows) for task in tasks))
    harmless = (
        "html head meta title style body header h1 h2 h3 h4 h5 p nav ul ol li a section div span article "
        "table thead tbody tr th td svg path rect circle ellipse text g figure figcaption b details summary "
        "code del ins strong"
    )
    assert {tag for tag, _ in page.tags} <= set(harmless.split())
    for _, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("src", "style") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in page.source
    assert "@import" not in page.source
    policy = [attributes for tag, attributes in page.tags if attributes.get("http-equiv")]
    assert policy[0]["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert "<script>alert(1)</script>" in page.texts
    assert not [character for character in page.source if not character.isprintable() and character != "\n"]
    assert len(page.source) < 1_000_000


def test_a_page_can_be_read_without_seeing_it(tmp_path: Path) -> None:
    page = page_of(tmp_path / "report.html", result_of("description2smiles", MOLECULES))
    assert dict(page.tags)["html"]["lang"] == "en"
    for tag, attributes in page.tags:
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"
        if tag == "th":
            assert attributes["scope"] in ("col", "row")
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {str(attributes["href"])[1:] for tag, attributes in page.tags if tag == "a"} == ids


def test_the_same_evaluation_gives_the_same_page(tmp_path: Path) -> None:
    result = result_of("description2smiles", MOLECULES)
    first, second = (page_of(tmp_path / name, result).source for name in ("a.html", "b.html"))
    assert first == second


def test_a_report_of_many_rows_is_small_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    largest = "CC(C)(O)" * 36
    rows = [row(f"f:{i}", "word " * 400, largest, "N" + largest) for i in range(3300)]
    scores = [molecule_row(rows[0].answers[0].text, largest)] * len(rows)
    metrics = molecule_metrics(scores)
    intervals = bootstrap(metrics, num_resamples=2)
    result = TaskResult(task="description2smiles", name="f", rows=rows, metrics=metrics, intervals=intervals)
    page = page_of(tmp_path / "report.html", result)
    assert "24 of 3,300 rows, sorted by Morgan" in page.text
    assert len(page.source) < 2_000_000


def test_a_report_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    result = result_of("description2smiles", MOLECULES[:1])
    with pytest.raises(OutputError, match="no-such-folder"):
        page_of(tmp_path / "no-such-folder" / "report.html", result)


def test_a_caption_is_compared_word_by_word(tmp_path: Path) -> None:
    page = page_of(
        tmp_path / "report.html",
        result_of("smiles2caption", [row("c:1", "CCO", "it is an alcohol", "it is a salt")]),
    )
    assert "it is <del>an alcohol</del>" in page.source
    assert "it is <ins>a salt</ins>" in page.source
    assert "neither right nor wrong" in page.text


def test_reactions_show_ranks_and_confidences(tmp_path: Path) -> None:
    answers = (Answer(text="CCN", confidence=0.75), Answer(text="OCC", confidence=0.25))
    rows = [row("r:1", "C=C.O", "CCO", *answers), row("r:2", "C=C", "CC", Answer(text="CC", confidence=0.5))]
    page = page_of(tmp_path / "report.html", result_of("forward", rows))
    assert "truth at rank 2 · confidence 0.750" in page.texts
    assert "truth at rank 1 · confidence 0.500" in page.texts
    assert "the truth" in page.texts
    assert "Validity by rank." in page.texts
    assert "Expected calibration error 0.625" in page.text  # (|0 - 0.75| + |1 - 0.5|) / 2


@pytest.mark.parametrize(
    ("confidence", "sentence"), [(1.0, "every confidence is 1"), (None, "without confidences")]
)
def test_a_missing_reliability_diagram_has_a_reason(
    tmp_path: Path, confidence: float | None, sentence: str
) -> None:
    rows = [row("r:1", "C=C", "CC", Answer(text="CC", confidence=confidence))]
    assert sentence in page_of(tmp_path / "report.html", result_of("forward", rows)).text


def scored(
    values: list[float], confidences: list[float] | None = None, crashed: tuple[int, ...] = ()
) -> TaskResult:
    """Return rows of description2smiles with these similarities."""
    numbers = np.array(values)
    counts = ~np.isnan(numbers)
    metric = Metric(
        name="Morgan",
        rows=np.stack([np.where(counts, numbers, 0.0), counts], axis=1),
        of_sums=lambda sums: sums[..., 0] / np.maximum(sums[..., 1], 1),
    )
    rows = [
        row(f"s:{i}", "", "C", Answer(text="C", confidence=confidences[i] if confidences else None))
        for i in range(len(values))
    ]
    crashes = [(f"s:{i}", "broken") for i in crashed]
    return TaskResult(
        task="description2smiles", name="s", rows=rows, metrics=[metric], intervals=[], crashed=crashes
    )


def chosen(result: TaskResult, at_most: int) -> list[list[int]]:
    return [group.rows for group in choose(result, at_most=at_most)]


def test_rows_are_chosen_worst_first_and_none_twice() -> None:
    values = list(np.random.default_rng(0).permutation(30) / 30)
    order = sorted(range(30), key=lambda i: values[i])
    assert chosen(scored(values), 12) == [order[:8], order[14:16], order[:-3:-1]]


def test_few_rows_are_all_shown_once() -> None:
    for count in range(1, 13):
        groups = chosen(scored([i / 12 for i in range(count)]), 12)
        assert sorted(chain(*groups)) == list(range(count))


def test_rows_without_a_value_have_a_group_and_crashed_ones_none() -> None:
    nan = float("nan")
    groups = choose(scored([0.5, nan, 0.25, nan, nan], crashed=(3,)), at_most=12)
    assert [(group.title, group.rows, group.num_all) for group in groups] == [
        ("Not a pair of valid molecules", [1, 4], 2),
        ("The worst", [2, 0], 2),
    ]


def test_equal_rows_are_in_the_order_of_confidence() -> None:
    groups = chosen(scored([0.0] * 8 + [1.0] * 8, confidences=[0.1, 0.9, *[0.5] * 6] * 2), 6)
    assert groups[0] == [1, 2, 3, 4]
    assert groups[-1] == [9]


def test_the_metrics_a_report_asks_for_exist() -> None:
    answers = [Answer(text="CCO")] * 3
    for task in TASKS:
        view = view_of(task)
        names = [metric.name for metric in result_of(task, [row("x:1", "CCO", "CCO", *answers)]).metrics]
        for wanted in (view.error, *view.values, view.right, view.valid):
            assert wanted is None or any(name.startswith(wanted) for name in names), (task, wanted)


def test_expected_calibration_error() -> None:
    measured = reliability([0.95, 0.95, 0.15, 0.15, 1.0, 0.0], [True, False, False, False, True, False])
    # 0.9 to 1: three answers, 2/3 right, mean 0.9667; 0.1 to 0.2: two, none right; 0 to 0.1: one, not right.
    assert measured.calibration_error == pytest.approx((3 * 0.3 + 2 * 0.15 + 0) / 6)
    assert measured.counts.tolist() == [1, 2, 0, 0, 0, 0, 0, 0, 0, 3]


@pytest.mark.parametrize(
    ("share", "count", "low", "high"),
    # Newcombe, Statistics in Medicine 1998, table I, method 3.
    [
        (81 / 263, 263, 0.2553, 0.3662),
        (15 / 148, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1 / 29, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval(share: float, count: int, low: float, high: float) -> None:
    assert share_interval(share, count) == pytest.approx((low, high), abs=1e-4)


def test_every_length_is_in_a_bin() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 300, 500).tolist()
    predicted = [*generator.integers(0, 400, 300).tolist(), 10_000]
    chart = draw_lengths(truth, predicted, "words")
    assert [sum(int(cells[column]) for cells in chart.cells) for column in (1, 2)] == [500, 301]
    low, high = map(int, chart.cells[3][0].split(" to "))
    assert int(chart.cells[3][1]) == sum(low <= length <= high for length in truth)
    assert chart.cells[-1][0].endswith("or more")


def test_bars_are_as_high_as_their_shares() -> None:
    chart = draw_shares(["a", "b", "c"], [10, 5, 0], [10, 10, 10], x_label="x", label="y")
    heights = [float(height) for height in re.findall(r'<rect class="truth".*? height="([\d.]+)"', chart.svg)]
    assert heights[1] == pytest.approx(heights[0] / 2)
    assert heights[2] == 0
    assert [cells[2] for cells in chart.cells] == ["1.000", "0.500", "0.000"]


def test_a_picture_that_takes_too_long_is_left_out_and_the_next_one_drawn() -> None:
    # RDKit looks for the common part of these for twenty seconds, its own limit of one notwithstanding.
    silicone, other = "[Si](C)(C)O" * 30 + "C", "[Si](C)(C)O" * 20 + "[Si](C)(O)O" * 10
    with Artist(seconds=2) as artist:
        drawn = artist.pair(silicone, other)
        assert drawn.difference == "Not compared: it takes more than 2 s, or RDKit fails."
        assert drawn.truth is not None
        assert "<ellipse" not in drawn.truth
        assert artist.pair("CCO", "CCN").difference.startswith("Highlighted")


def test_long_texts_are_cut_and_invisible_characters_spelt() -> None:
    assert shown("a" * 1300) == "a" * 1200 + '… <span class="cut">(100 more characters)</span>'
    assert shown("a\tb\u202ec\ud800<é>") == "a\\tb\\u202ec\\ud800&lt;é&gt;"
    assert shown("e" + "\u0301" * 4) == "e\u0301\u0301\\u0301\\u0301"


def test_texts_are_compared_in_bounded_time() -> None:
    one, other = compared("a b " * 5000, "b a " * 5000)
    assert one.endswith(" more characters)</span>")
    assert other.endswith(" more characters)</span>")
    assert compared("", "x") == ("", "<ins>x</ins>")
