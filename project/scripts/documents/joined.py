"""Score trained pipelines on the docs of a corpus and on the same docs, joined."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Corpus, Example
from spacy.util import minibatch
from tqdm import tqdm
from weasel.util import get_checksum

from scripts.peers.recognizers import SPANS_KEY
from scripts.shared.markdown_table import markdown_table, percent
from scripts.shared.measuring import commit, machine, mean_and_sd, portable, use_device
from spacy_egp.corpora.writer import temporary_output
from spacy_egp.report.doc_lengths import join_examples

Scores = dict[str, float]


def check_numbers(numbers: str) -> str:
    """RETURNS (str): The numbers.
    RAISES (typer.BadParameter): If one of them is not a number of docs."""
    for number in numbers.split(","):
        if not number.isdecimal() or int(number) < 1:
            raise typer.BadParameter(f"{number!r} is no number of docs, such as 5")
    return numbers


def documents(
    output_path: Annotated[Path, typer.Argument(help="JSON file to write")],
    data: Annotated[Path, typer.Option(help="Annotated docs (.spacy)", exists=True)],
    model: Annotated[
        list[Path],
        typer.Option(help="Trained pipeline; repeated, those of several seeds"),
    ],
    joined: Annotated[
        str, typer.Option(help="Numbers of docs to join", callback=check_numbers)
    ] = "1,5,10,30,100",
    gpu_id: Annotated[int, typer.Option(help="GPU to compute on, -1 for the CPU")] = -1,
) -> None:
    """Write F, precision and recall by the number of docs that are joined: a JSON file,
    and a table next to it."""
    use_device(gpu_id)
    numbers = [int(number) for number in joined.split(",")]
    scores = [score_joined(spacy.load(path), data, numbers) for path in model]
    results = {
        "data": portable(data),
        "checksum": get_checksum(data),
        "models": list(map(portable, model)),
        "runs": scores,
        "joined": summarize_joined(scores),
        "run": {**machine(), "commit": commit()},
    }
    table = documents_table(results)
    with temporary_output(output_path) as path:
        srsly.write_json(path, results)
        path.with_suffix(".md").write_text(table, encoding="utf8")
    typer.echo(table, nl=False)


def score_joined(
    nlp: Language, data: Path, numbers: Sequence[int]
) -> dict[str, Scores]:
    """Score a pipeline on consecutive docs, joined.

    nlp (Language): The pipeline.
    data (Path): The annotated docs; those that lack the spans key are left out.
    numbers (Sequence[int]): How many docs to join; the last joined doc has the rest.
    RETURNS (Dict[str, Dict[str, float]]): By number, `score_examples`.
    """
    scores = {}
    for number in tqdm(numbers, desc=str(nlp.meta["name"]), unit=" lengths"):
        examples = [eg for eg in Corpus(data)(nlp) if SPANS_KEY in eg.y.spans]
        joined = [join_examples(run, SPANS_KEY) for run in minibatch(examples, number)]
        scores[str(number)] = score_examples(nlp, joined)
    return scores


def score_examples(nlp: Language, examples: Sequence[Example]) -> Scores:
    """Score a pipeline as `spacy evaluate` does.

    nlp (Language): The pipeline.
    examples (Sequence[Example]): The annotated docs.
    RETURNS (Dict[str, float]): F, precision and recall from 0 to 1; the numbers of docs
        and tokens; gold and predicted spans; tokens of the longest of each.
    """
    for example, doc in zip(
        examples, nlp.pipe([example.predicted for example in examples]), strict=True
    ):
        example.predicted = doc
    scores = Scorer(nlp).score(examples)
    gold = count_lengths(example.reference for example in examples)
    predicted = count_lengths(example.predicted for example in examples)
    return {
        **{measure: scores[f"spans_{SPANS_KEY}_{measure}"] for measure in "fpr"},
        "docs": len(examples),
        "tokens": sum(len(example.reference) for example in examples),
        "gold": gold.total(),
        "predicted": predicted.total(),
        "longest_gold": max(gold, default=0),
        "longest_predicted": max(predicted, default=0),
    }


def count_lengths(docs: Iterable[Doc]) -> Counter[int]:
    """RETURNS (Counter[int]): How many spans have each number of tokens."""
    return Counter(len(span) for doc in docs for span in doc.spans[SPANS_KEY])


def summarize_joined(
    runs: Sequence[dict[str, Scores]],
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Summarize what `score_joined` has returned for several pipelines.

    RETURNS (Dict[str, Dict[str, Dict[str, Optional[float]]]]): Mean and, for several
        pipelines, standard deviation, by number of docs and by score.
    """
    return {
        number: {
            score: mean_and_sd([run[number][score] for run in runs])
            for score in scores_of_first
        }
        for number, scores_of_first in runs[0].items()
    }


def documents_table(results: dict[str, Any]) -> str:
    """Markdown: what was scored where, and a row for each number of joined docs."""
    rows = []
    for number, scores in results["joined"].items():
        values = {name: score["mean"] for name, score in scores.items()}
        rows.append(
            [
                number,
                f"{values['docs']:,.0f}",
                f"{values['tokens'] / values['docs']:,.0f}",
                *(percent(scores[measure]) for measure in "fpr"),
                f"{1000 * values['gold'] / values['tokens']:.1f}",
                f"{1000 * values['predicted'] / values['tokens']:.1f}",
                f"{values['longest_gold']:,.0f}",
                f"{values['longest_predicted']:,.0f}",
            ]
        )
    header = ["docs joined", "docs", "tokens a doc", "F", "P", "R"]
    header += ["gold spans per 1,000 tokens", "predicted"]
    header += ["longest gold span (tokens)", "longest predicted"]
    run, n_runs = results["run"], len(results["runs"])
    where = ", ".join(f"{p} {run[p]}" for p in ("spacy-egp", "spacy", "thinc", "torch"))
    spread = f"; mean and standard deviation of {n_runs} pipelines" * (n_runs > 1)
    return (
        f"{results['data']}: consecutive docs, joined. Strict scores in percent"
        f"{spread}. {run['gpu'] or run['processor']} ({run['threads']} thread(s), "
        f"{where}), commit {run['commit']}.\n\n{markdown_table(header, rows)}"
    )


if __name__ == "__main__":
    typer.run(documents)
