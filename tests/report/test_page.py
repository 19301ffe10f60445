"""The report's page in a browser."""

import json
import shutil

import pytest
import spacy
import srsly
from conftest import train
from hypothesis import settings
from playwright.sync_api import expect, sync_playwright
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_egp.report.report import report

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium: apt-get install chromium"
)

SCRIPT = "<script>document.title='broken'</script>"
HOSTILE_LABEL = "</script>\"'><img/src=x>&amp;"
# The words of a sentence, the spans that the model learns, and the later gold spans.
SENTENCES = [
    (["The", SCRIPT, "called", "Ada", "."], [(1, 2, "CODE"), (3, 4, "NAME")]),
    (["Say", '"', "x'>", "\u202eadA", "\u200f", "!"], [(2, 4, HOSTILE_LABEL)]),
    (["<!--", "&lt;b>", "of", "</body>", "Ada"], [(1, 4, "CODE"), (3, 4, "NAME")]),
    (["{{", "7*7", "}}", "{%", "Ada", "%}"], [(0, 3, "CODE"), (4, 5, "NAME")]),
]
SWAPPED = {"CODE": "NAME", "NAME": HOSTILE_LABEL, HOSTILE_LABEL: "CODE"}


def make_docs(nlp, swap):
    docs = []
    for i, (words, spans) in enumerate(SENTENCES * 2):
        doc = Doc(nlp.vocab, words=words)
        # Half of the docs are annotated with other labels than the model has learned.
        doc.spans["sc"] = [
            Span(doc, *bounds, label=SWAPPED[label] if swap and i >= 4 else label)
            for *bounds, label in spans
        ]
        docs.append(doc)
    return docs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a report on hostile texts and labels, and all that it needs."""
    folder = tmp_path_factory.mktemp("report")
    nlp = spacy.blank("en")
    nlp.add_pipe("egp_ner")
    docs = make_docs(nlp, swap=False)
    train(nlp, [Example(Doc(nlp.vocab, [t.text for t in doc]), doc) for doc in docs])
    nlp.to_disk(folder / "model")
    DocBin(docs=docs).to_disk(folder / "train.spacy")
    DocBin(docs=make_docs(nlp, swap=True)).to_disk(folder / "test.spacy")
    scores = {"spans_sc_f": 50.0, "spans_sc_p": 60.0, "spans_sc_r": 40.0}
    lines = [
        {"step": step, "losses": {"egp_ner": 9.0 - step}, "scores": scores}
        for step in range(5)
    ]
    srsly.write_jsonl(folder / "log.jsonl", lines)
    write_report(folder, "report.html")
    return folder


def write_report(folder, name):
    return report(
        folder / "model",
        folder / "test.spacy",
        folder / name,
        json_path=folder / "report.json",
        train_path=folder / "train.spacy",
        training_dir=folder,
    )


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, folder):
    """Opens the page at a width, and fails on any error and any request."""
    problems, pages = [], []

    def open_page(width=1280, color_scheme="light", name="report.html"):
        page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=color_scheme
        )
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        requests = []
        page.goto((folder / name).as_uri())
        pages.append((page, requests))
        return page

    yield open_page
    for page, requests in pages:
        page.close()
        assert [url for url in requests if not url.startswith("data:")] == requests[:1]
    assert problems == []


def column(table, index):
    """Texts of a column's visible cells."""
    return [
        row.locator("th, td").nth(index).inner_text()
        for row in table.locator("tbody tr:visible").all()
    ]


def draw_all(page):
    """Unfold the lists and wait until all contexts are drawn."""
    page.evaluate("document.querySelectorAll('.more').forEach(e => e.click())")
    # The page's policy forbids the script with which `wait_for_function` would wait.
    expect(page.locator(".spans:not(:has(b))")).to_have_count(0)


@needs_chromium
def test_tables_sort(open_page):
    page = open_page()
    table = page.locator("#labels table")
    header = table.locator("th", has_text="F").first
    for order in ("descending", "ascending"):
        header.locator("button").focus()
        page.keyboard.press("Enter")
        assert header.get_attribute("aria-sort") == order
        scores = [float(score) for score in column(table, 1)]
        assert scores == sorted(scores, reverse=order == "descending")
        assert len(scores) == 3
    table.get_by_role("button", name="Label").click()
    assert header.get_attribute("aria-sort") == "none"
    labels = column(table, 0)
    assert sorted(labels) == sorted(SWAPPED)
    table.get_by_role("button", name="Label").click()
    assert column(table, 0) == labels[::-1]


@needs_chromium
@pytest.mark.parametrize("label", list(SWAPPED))
def test_label_filter(label, open_page):
    page = open_page()
    page.get_by_label("Label").first.select_option(label)
    for name, index in (("labels", 0), ("wrong", 1), ("missed", 1)):
        table = page.locator(f"#{name} table")
        assert set(column(table, index)) == {label}
        assert (
            table.locator("tbody tr").count()
            > table.locator("tbody tr:visible").count()
        )
    page.get_by_label("Label").first.select_option("all")
    assert set(column(page.locator("#labels table"), 0)) == set(SWAPPED)


@needs_chromium
def test_hostile_text_stays_text(open_page, folder):
    page = open_page()
    assert page.title() == f"egp_ner: F 50.0 on {folder / 'test.spacy'}"
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    numbers = json.loads((folder / "report.json").read_text("utf8"))
    draw_all(page)
    for name in ("wrong", "missed"):
        expected = [one["text"] for one in numbers[name]]
        assert SCRIPT in expected
        cells = page.locator(f"#{name} tbody th bdi")
        assert cells.all_text_contents() == expected
        context = page.locator(f"#{name} .context").all_text_contents()
        assert any(SCRIPT in text for text in context)
        assert any("7*7" in text for text in context)
        assert any(HOSTILE_LABEL in text for text in context)
    # A right-to-left mark only affects its own cell.
    style = "element => getComputedStyle(element).unicodeBidi"
    assert cells.first.evaluate(style) == "isolate"
    assert page.locator(".spans").first.evaluate(style) == "isolate"


# Tokens with their spaces, a width, and spans of each kind.
TEXTS = {
    "en": (
        ["The ", "University ", "of ", "Calgary", ", ", "Ann ", "said", "."] * 2,
        210,
    ),
    "he": (
        ["ראש ", "העיר ", "של ", "Tel ", "Aviv", ", ", "רון ", "בן ", "42"] * 2,
        180,
    ),
    "zh": (list("北京大学的李明教授在上海市浦东新区讲课"), 75),
}
DRAW = """([tokens, direction, spans, width]) => {
  const context = document.querySelector(".spans");
  context.style.width = `${width}px`;
  context.dir = direction;
  context.dataset.spans = JSON.stringify(spans);
  context.replaceChildren(...tokens.flatMap((token) => {
    const element = document.createElement("span");
    element.textContent = token.trim();
    return [element, token.endsWith(" ") ? " " : ""];
  }));
  drawSpans(context);
  const rects = (name) => [...context.querySelectorAll(name)].map((element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    return { left, right, top, bottom, kind: element.className };
  });
  const [box] = [context.getBoundingClientRect()];
  return [rects("span"), rects(".marks i"), rects(".marks b"), [box.left, box.right]];
}"""


@needs_chromium
@pytest.mark.parametrize("name", list(TEXTS))
def test_bars_are_below_their_words(name, open_page):
    """In all directions, on all lines, and no tags overlap."""
    tokens, width = TEXTS[name]
    spans = [("correct", "✓ A", 0, 14), ("wrong", "+ ORG", 1, 4), ("missed", "B", 3, 9)]
    direction = "rtl" if name == "he" else "auto"
    drawn = open_page().evaluate(DRAW, [tokens, direction, spans, width])
    words, bars, tags, (left, right) = drawn
    tops = sorted({word["top"] for word in words})
    assert len(tops) > 2
    ends = dict(zip(tops, [*tops[1:], float("inf")]))
    for kind, _, start, end in spans:
        for i, word in enumerate(words):
            center = (word["left"] + word["right"]) / 2
            below = [
                bar
                for bar in bars
                if bar["kind"] == kind
                and bar["left"] <= center <= bar["right"]
                and word["bottom"] - 1 <= bar["top"] < ends[word["top"]]
            ]
            assert len(below) == (start <= i < end)
        lines = {word["top"] for word in words[start:end]}
        assert sum(tag["kind"] == kind for tag in tags) == len(lines)
    for i, tag in enumerate(tags):
        assert tag["left"] >= left - 1 and tag["right"] <= right + 1
        assert not any(
            tag["left"] < other["right"] - 1
            and other["left"] < tag["right"] - 1
            and tag["top"] < other["bottom"] - 1
            and other["top"] < tag["bottom"] - 1
            for other in tags[:i] + words
        )


@needs_chromium
def test_score_matrix(open_page):
    page = open_page()
    page.get_by_role("link", name="Scores").click()
    sentences = page.get_by_label("Sentence")
    names = sentences.locator("option").all_text_contents()
    assert len(names) == len(SENTENCES) * 2
    sentences.select_option(label=f"The {SCRIPT} called Ada .")
    page.locator("#matrix-label").select_option("CODE")
    readout = page.locator("#matrix-cell")
    assert readout.inner_text().startswith(f"“{SCRIPT}” · score ")
    assert readout.inner_text().endswith(" · predicted")
    canvas = page.locator("#matrix-canvas")
    before = canvas.evaluate("canvas => canvas.toDataURL()")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    assert readout.inner_text().startswith(f"“{SCRIPT} called” · score -")
    assert canvas.evaluate("canvas => canvas.toDataURL()") != before
    # The end of a span is not before its start.
    for key in ("ArrowLeft", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    assert readout.inner_text().startswith(f"“{SCRIPT}” ")


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_fits_the_screen(width, color_scheme, open_page):
    page = open_page(width, color_scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("svg[role=img]").count() == 9
    lightness = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    )
    assert (sum(lightness) > 3 * 128) == (color_scheme == "light")
    text = page.locator("svg text").first.evaluate("e => getComputedStyle(e).fill")
    ink = page.evaluate("getComputedStyle(document.querySelector('dt')).color")
    assert text == ink


def test_same_input_gives_the_same_page(folder):
    write_report(folder, "again.html")
    assert (folder / "again.html").read_bytes() == (folder / "report.html").read_bytes()


@needs_chromium
def test_long_lists_are_folded(open_page, folder):
    docs = make_docs(spacy.blank("en"), swap=True)
    DocBin(docs=docs * 2).to_disk(folder / "long.spacy")
    results = report(folder / "model", folder / "long.spacy", folder / "long.html")
    n_rows = len(results.wrong)
    assert n_rows > 10
    page = open_page(name="long.html")
    rows = page.locator("#wrong tbody tr")
    assert rows.locator("visible=true").count() == 3
    page.locator("#wrong").get_by_role("button", name=f"Show all {n_rows}").click()
    assert rows.locator("visible=true").count() == n_rows


def make_hostile_model(labels):
    """A pipeline that predicts all possible spans."""
    nlp = spacy.blank("en")
    egp_ner = nlp.add_pipe("egp_ner", config={"threshold": 0.0, "max_length": None})
    doc = nlp.make_doc("a b")
    doc.spans["sc"] = []
    egp_ner.initialize(lambda: [Example(nlp.make_doc("a b"), doc)], labels=labels)
    return nlp


@pytest.mark.parametrize(
    ("n_labels", "characters", "lengths"),
    [(2, 1, [480, 30, 30, 30]), (10_000, 300, [20, 20, 20]), (1, 1, [5000])],
)
@pytest.mark.filterwarnings("error:.*EGPW001")
def test_page_is_bounded(n_labels, characters, lengths, tmp_path):
    """Whatever is predicted, and however many docs, tokens and labels there are, and
    however long they are."""
    nlp = make_hostile_model([f"{'&' * characters}{i}" for i in range(n_labels)])
    docs = []
    for length in lengths:
        doc = Doc(nlp.vocab, words=["<" * characters] * length)
        first = min(length, 30)
        bounds = [(a, b) for b in range(1, first + 1) for a in range(b)]
        doc.spans["sc"] = [
            Span(doc, *span, label=f"gold {len(docs)} {i}")
            for i, span in enumerate(bounds)
        ]
        docs.append(doc)
    DocBin(docs=docs).to_disk(tmp_path / "docs.spacy")
    nlp.to_disk(tmp_path / "model")
    path = tmp_path / "report.html"
    results = report(tmp_path / "model", tmp_path / "docs.spacy", path)
    assert results.overall.predicted > 2000
    assert path.stat().st_size < 5_000_000
    page = path.read_text("utf8")
    assert "more spans there are not shown" in page
    assert (
        f"50 of {results.overall.predicted - results.overall.correct:,} wrong" in page
    )
    n_used = len(results.labels)
    assert (f"500 of {n_used:,} labels" in page) == (n_used > 500)
    assert n_used > 500 or n_labels < 1000
    if results.counts.truncated_docs:
        assert f"{results.counts.truncated_docs} doc(s) have more than 100,000" in page


def test_page_of_a_long_doc(model_path, tmp_path):
    """With spans all over it, as a pipeline predicts them. It has 100,000 tokens with
    --hypothesis-profile=long."""
    n_sentences = max(2_000, 10 * settings.default.max_examples // 6)
    words = ["I", "like", "London", "and", "Berlin", "."] * n_sentences
    doc = Doc(Vocab(), words=words)
    doc.spans["sc"] = [Span(doc, i, i + 1, label="LOC") for i in range(2, len(doc), 6)]
    DocBin(docs=[doc]).to_disk(tmp_path / "doc.spacy")
    path = tmp_path / "report.html"
    results = report(model_path, tmp_path / "doc.spacy", path)
    assert results.overall.support == n_sentences
    assert results.overall.predicted > n_sentences // 2
    assert path.stat().st_size < 5_000_000
