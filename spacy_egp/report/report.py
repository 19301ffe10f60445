"""The report on a trained `egp_ner`: a page and a JSON file."""

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import srsly
from spacy.language import Language
from spacy.training import Corpus
from spacy.training.corpus import FILE_TYPE, walk_corpus
from spacy.util import load_model
from spacy.vocab import Vocab

from ..component import EGPRecognizer
from ..corpora.writer import temporary_output
from ..errors import Errors
from .evaluation import evaluate
from .page import render_page
from .results import Results, summarize
from .training_log import read_training_log


def report(
    model: str | Path,
    data_path: Path,
    output_path: Path,
    *,
    json_path: Path | None = None,
    train_path: Path | None = None,
    training_dir: Path | None = None,
    component: str | None = None,
) -> Results:
    """Evaluate the `egp_ner` of a pipeline and write a page that shows the results.

    model (str | Path): Name or path of the pipeline.
    data_path (Path): Annotated docs: a .spacy file or a folder of such files.
    output_path (Path): The page, an .html file.
    json_path (Path | None): Where to write the numbers as JSON, if at all.
    train_path (Path | None): The training docs, to tell seen from unseen entities.
    training_dir (Path | None): The folder of the training run, to show its log.
    component (str | None): Name of the `egp_ner`; only needed if there are several.
    RETURNS (Results): The numbers.
    RAISES: Whatever is raised, nothing is written.
        OSError: If a file cannot be read or written.
        ValueError: If the pipeline has no such component, there are no annotated docs,
            or a file is not what it should be.
    """
    nlp = _load_pipeline(model)
    name, egp_ner = _find_component(nlp, component)
    training = read_training_log(training_dir, egp_ner) if training_dir else None
    entities = _read_entities(train_path, egp_ner.key) if train_path else None
    evaluation = evaluate(nlp, name, Corpus(data_path)(nlp))
    results = summarize(
        evaluation,
        model=str(model),
        data=str(data_path),
        entities=entities,
        training=training,
    )
    with ExitStack() as stack:
        page_path = stack.enter_context(temporary_output(output_path))
        page_path.write_text(render_page(results, evaluation), encoding="utf8")
        if json_path is not None:
            srsly.write_json(
                stack.enter_context(temporary_output(json_path)), asdict(results)
            )
    return results


def _load_pipeline(model: str | Path) -> Language:
    try:
        return load_model(model)
    except (OSError, ValueError) as error:
        raise ValueError(Errors.EGP301.format(model=model, error=error)) from error


def _find_component(nlp: Language, name: str | None) -> tuple[str, EGPRecognizer]:
    found = [
        (pipe_name, pipe)
        for pipe_name, pipe in nlp.pipeline
        if isinstance(pipe, EGPRecognizer) and name in (None, pipe_name)
    ]
    if not found:
        wanted = "'egp_ner'" if name is None else f"'egp_ner' called '{name}'"
        raise ValueError(
            Errors.EGP302.format(component=wanted, names=", ".join(nlp.pipe_names))
        )
    if len(found) > 1:
        names = ", ".join(pipe_name for pipe_name, _ in found)
        raise ValueError(Errors.EGP303.format(names=names))
    return found[0]


def _read_entities(train_path: Path, key: str) -> set[str]:
    """Texts of the gold spans of docs."""
    paths = walk_corpus(train_path, FILE_TYPE)
    docs = Corpus(train_path).read_docbin(Vocab(), paths)
    return {span.text for doc in docs for span in doc.spans.get(key, ())}
