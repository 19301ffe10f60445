"""The pipeline that a component is part of: its config, and the other components."""

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.util import load_model

from .docbins import read_docs
from .errors import Errors

# spaCy's corpus reader. Its augmenters drop the attrs of span groups, and it drops the
# groups of docs that it cuts.
SPACY_READER = "spacy.Corpus.v1"


class PipelineLink:
    """Knows the pipeline that a component is part of, without keeping it alive. A copy
    of a component, such as one in another process, is part of none."""

    def __init__(self, nlp: Language | None = None) -> None:
        """Remember the pipeline.

        nlp (Optional[Language]): The pipeline.
        """
        self._nlp = None if nlp is None else weakref.ref(nlp)

    @property
    def nlp(self) -> Language | None:
        """RETURNS (Optional[Language]): The pipeline, if it is alive."""
        return self._nlp() if self._nlp else None

    def __reduce__(self) -> tuple[type["PipelineLink"], tuple[()]]:
        return PipelineLink, ()

    def configure(self, component: TrainablePipe, setting: str, value: Any) -> None:
        """Write a setting to the pipeline's config.

        component (TrainablePipe): The component.
        setting (str): Name of the setting.
        value (Any): Its value.
        """
        nlp = self.nlp
        if nlp is not None:
            # The pipeline may have renamed the component.
            for name in (name for name, pipe in nlp.components if pipe is component):
                nlp.get_pipe_config(name)[setting] = value


def others_with_key(
    nlp: Language, component: TrainablePipe, spans_key: str
) -> list[str]:
    """Find the components that write to the same key of `doc.spans`. Each of them
    replaces what the one before has written.

    nlp (Language): The pipeline.
    component (TrainablePipe): The component; one that is not in the pipeline yet counts
        as the last.
    spans_key (str): Its key.
    RETURNS (List[str]): The names of the others. A span_ruler after the component is
        not among them, as it adds to the spans.
    """
    pipes = [pipe for _, pipe in nlp.components]
    at = pipes.index(component) if component in pipes else len(pipes)
    return [
        name
        for i, (name, pipe) in enumerate(nlp.components)
        if pipe is not component
        and getattr(pipe, "key", None) == spans_key
        and (i < at or isinstance(pipe, TrainablePipe))
    ]


def has_score_weight(nlp: Language, spans_key: str) -> bool:
    """Tell whether training gives the scores of a key a weight.

    nlp (Language): The pipeline.
    spans_key (str): The key of `doc.spans`.
    RETURNS (bool): Whether a score of it is in [training.score_weights].
    """
    weights = nlp.config["training"]["score_weights"]
    return any(name.startswith(f"spans_{spans_key}_") for name in weights)


def forgets_lists(nlp: Language, spans_key: str, labels_attr: str) -> bool:
    """Tell whether training docs list the labels that they are annotated for, and lose
    this list because spaCy's reader augments them.

    nlp (Language): The pipeline.
    spans_key (str): The key of `doc.spans`.
    labels_attr (str): Entry of the group's attrs that lists labels.
    RETURNS (bool): Whether a doc does. This looks at the saved docs, as those of the
        reader may all have lost the list.
    """
    return any(
        labels_attr in doc.spans[spans_key].attrs
        for reader in _spacy_readers(nlp)
        if reader.get("augmenter") is not None
        for doc in _saved_docs(nlp, reader["path"])
        if spans_key in doc.spans
    )


def _saved_docs(nlp: Language, path: str | None) -> Iterator[Doc]:
    """The docs of a corpus, none if it is not on this machine."""
    if path and Path(path).exists():
        yield from read_docs(Path(path), nlp.vocab)


def drops_spans(nlp: Language) -> bool:
    """Tell whether training docs lose their span groups when they are cut.

    nlp (Language): The pipeline.
    RETURNS (bool): Whether a corpus uses spaCy's reader with max_length or
        gold_preproc.
    """
    return any(
        reader.get("max_length") or reader.get("gold_preproc")
        for reader in _spacy_readers(nlp)
    )


def _spacy_readers(nlp: Language) -> list[dict[str, Any]]:
    return [
        reader
        for reader in nlp.config.interpolate()["corpora"].values()
        if isinstance(reader, dict) and reader.get("@readers") == SPACY_READER
    ]


def load_pipeline(model: str | Path) -> Language:
    """Load a pipeline for a command.

    model (str | Path): Its name or path.
    RETURNS (Language): The pipeline.
    RAISES (ValueError): If it cannot be loaded.
    """
    try:
        return load_model(model)
    except (OSError, ValueError) as error:
        raise ValueError(Errors.EGP301.format(model=model, error=error)) from error


def check_output(output: Path, model: str | Path) -> None:
    """Check that a command may save a changed pipeline to a folder: either a new one or
    that of the pipeline itself.

    output (Path): The folder.
    model (str | Path): Name or path of the pipeline.
    RAISES (ValueError): If the path exists and is not that of the pipeline.
    """
    source = Path(model)
    if output.exists() and not (source.exists() and output.samefile(source)):
        raise ValueError(Errors.EGP102.format(path=output))


def save_pipeline(nlp: Language, output: Path) -> None:
    """Save a pipeline as a whole or not at all: an error leaves an existing folder as
    it was. Other files in the folder are kept.

    nlp (Language): The pipeline.
    output (Path): The folder.
    """
    output = output.resolve()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{output.name}-", dir=output.parent
    ) as folder:
        new, old = Path(folder) / "new", Path(folder) / "old"
        if output.exists():
            shutil.copytree(output, new, symlinks=True)
        nlp.to_disk(new)
        try:
            if output.exists():
                output.rename(old)
            new.rename(output)
        except BaseException:
            if old.exists() and not output.exists():
                old.rename(output)
            raise


def find_component(nlp: Language, name: str | None = None) -> str:
    """Find the `egp_ner` of a pipeline.

    nlp (Language): The pipeline.
    name (str | None): Its name; only needed if there are several.
    RETURNS (str): Its name.
    RAISES (ValueError): If there is none, or if there are several.
    """
    found = [
        other
        for other in nlp.pipe_names
        if nlp.get_pipe_meta(other).factory == "egp_ner" and name in (None, other)
    ]
    if not found:
        wanted = "'egp_ner'" if name is None else f"'egp_ner' called '{name}'"
        raise ValueError(
            Errors.EGP302.format(component=wanted, names=", ".join(nlp.pipe_names))
        )
    if len(found) > 1:
        raise ValueError(Errors.EGP303.format(names=", ".join(found)))
    return found[0]
