"""The report on a trained `egp_ner`: a page and a JSON file."""

import warnings
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import cast

import srsly
from spacy.language import Language
from spacy.training.corpus import FILE_TYPE
from spacy.vocab import Vocab

from ..checks.check import Result, check_parts
from ..checks.models import TrainedModel
from ..checks.settings import Settings
from ..component import EGPRecognizer
from ..corpora.writer import temporary_output
from ..docbins import read_docs, read_examples
from ..errors import Errors
from ..pipelines import find_component, load_pipeline
from .comparison import compare
from .results import Results, find_results
from .texts import Texts
from .training_log import LOG_FILE, read_training_log


def report(
    model: str | Path,
    data_path: Path,
    output_path: Path,
    *,
    json_path: Path | None = None,
    train_path: Path | None = None,
    training_dir: Path | None = None,
    component: str | None = None,
    other_model: str | Path | None = None,
) -> Results:
    """Evaluate the `egp_ner` of a pipeline and write a page that shows the results.

    model (str | Path): Name or path of the pipeline.
    data_path (Path): Annotated docs: a .spacy file or a folder of such files.
    output_path (Path): The page, an .html file.
    json_path (Path | None): A .json file for the numbers.
    train_path (Path | None): The training docs, to distinguish seen from unseen
        entities.
    training_dir (Path | None): The folder of the training run, to show its log.
    component (str | None): Name of the `egp_ner`; only needed if there are several.
    other_model (str | Path | None): Name or path of a pipeline to compare with.
    RETURNS (Results): The numbers.
    RAISES: If there is an error, nothing is written.
        ImportError: If the extra is not installed.
        OSError: If a file cannot be read or written.
        ValueError: If the pipeline has no such component, there are no annotated docs,
            a file has another format, or the output would overwrite an input.
    """
    page = _import_page()
    inputs = {"the model": Path(model), "the data": data_path}
    if train_path is not None:
        inputs["the training data"] = train_path
    if training_dir is not None:
        inputs["the log of the training"] = training_dir / LOG_FILE
    if other_model is not None:
        inputs["the other model"] = Path(other_model)
    _check_outputs(output_path, json_path, inputs)
    for what, path in (("the data", data_path), ("the training data", train_path)):
        if path is not None and path.is_file() and path.suffix != FILE_TYPE:
            raise ValueError(Errors.EGP340.format(path=path, name=what))
    nlp = load_pipeline(model)
    name = find_component(nlp, component)
    egp_ner = cast(EGPRecognizer, nlp.get_pipe(name))
    training = read_training_log(training_dir, egp_ner) if training_dir else None
    texts = Texts.read(
        read_docs(data_path, Vocab()),
        read_docs(train_path, Vocab()) if train_path else None,
        egp_ner.key,
    )
    with warnings.catch_warnings():
        # Docs with too many spans are counted on the page.
        warnings.filterwarnings("ignore", r"\[EGPW001\]")
        read_data = partial(read_examples, data_path)
        comparison = None
        if other_model is not None:
            other_nlp, other_name = _load_other(other_model, component, egp_ner)
            comparison = compare(
                (nlp, name, partial(read_data, nlp)),
                (other_nlp, other_name, partial(read_data, other_nlp)),
                str(other_model),
            )
        findings = find_results(
            nlp,
            name,
            partial(read_data, nlp),
            model=str(model),
            data=str(data_path),
            texts=texts,
            training=training,
            comparison=comparison,
            annotation=_check_annotation(nlp, egp_ner, data_path),
        )
    with ExitStack() as stack:
        page_path = stack.enter_context(temporary_output(output_path))
        page_path.write_text(page.render_page(findings), encoding="utf8")
        if json_path is not None:
            srsly.write_json(
                stack.enter_context(temporary_output(json_path)),
                findings.results.to_dict(),
            )
    return findings.results


def _import_page() -> ModuleType:
    """RETURNS (ModuleType): The module of the page, with its plots.
    RAISES (ImportError): If the extra is not installed.
    """
    try:
        from . import page
    except ImportError as error:
        raise ImportError(Errors.EGP110) from error
    return page


def _check_outputs(
    output_path: Path, json_path: Path | None, inputs: dict[str, Path]
) -> None:
    """Check that no output is an input, or the other output."""
    outputs = {"the page": (output_path, ".html")}
    if json_path is not None:
        outputs["the JSON file"] = (json_path, ".json")
    for output, (path, suffix) in outputs.items():
        for name, other in inputs.items():
            if _is_input(path, other):
                raise ValueError(
                    Errors.EGP308.format(path=path, name=name, output=output)
                )
        if path.suffix.lower() != suffix:
            raise ValueError(
                Errors.EGP309.format(path=path, suffix=suffix, output=output)
            )


def _is_input(path: Path, other: Path) -> bool:
    """Whether a path is an existing input, or a file in an input folder that is not a
    page."""
    if not path.exists() or not other.exists():
        return False
    is_inside = other.resolve() in path.resolve().parents
    return path.samefile(other) or (is_inside and path.suffix != ".html")


def _load_other(
    model: str | Path, name: str | None, component: EGPRecognizer
) -> tuple[Language, str]:
    """A pipeline to compare with a component, and the name of its `egp_ner`."""
    nlp = load_pipeline(model)
    other_name = find_component(nlp, name)
    other = cast(EGPRecognizer, nlp.get_pipe(other_name))
    if other.key != component.key:
        raise ValueError(
            Errors.EGP341.format(
                model=model,
                other_key=other.key,
                spans_key=component.key,
                name=component.name,
            )
        )
    return nlp, other_name


def _check_annotation(nlp: Language, component: EGPRecognizer, path: Path) -> Result:
    """What may be wrong with the gold spans: those that the component contradicts."""
    settings = Settings(
        component=component.name,
        spans_key=component.key,
        labels_attr=component.labels_attr,
        tokenize=nlp.make_doc,
    )
    judge = TrainedModel(nlp, component.name, component.key)
    return check_parts({"data": path}, settings, judge)
