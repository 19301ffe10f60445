"""`spacy egp labels`: change the labels of a pipeline."""

from pathlib import Path
from typing import Annotated, cast

from spacy.cli._util import Arg, Opt, import_code
from wasabi import msg

from ..component import EGPRecognizer
from ..errors import Errors
from ..pipelines import check_output, find_component, load_pipeline, save_pipeline
from .options import CodeOption, ComponentOption, ModelArgument
from .terminal import escape


def labels_cli(
    model: ModelArgument,
    output_path: Annotated[
        Path, Arg(help="Folder for the changed pipeline, or its own folder")
    ],
    renamed: Annotated[
        list[str] | None,
        Opt("--rename", help="OLD=NEW; can be repeated"),
    ] = None,
    removed: Annotated[
        list[str] | None,
        Opt("--remove", help="Label to remove; can be repeated"),
    ] = None,
    component: ComponentOption = None,
    code_path: CodeOption = None,
) -> None:
    """
    Remove and rename labels of a trained pipeline. Labels are removed first. The
    pipeline keeps what it has learned about the other labels.

    $ spacy egp labels training/model-best training/model-new --rename PER=PERSON
    """
    import_code(code_path)
    try:
        if not (renamed or removed):
            raise ValueError(Errors.EGP312)
        check_output(output_path, model)
        nlp = load_pipeline(model)
        name = find_component(nlp, component)
        pipe = cast(EGPRecognizer, nlp.get_pipe(name))
        for label in removed or ():
            pipe.remove_label(label)
        for value in renamed or ():
            label, separator, new = value.partition("=")
            if not separator:
                raise ValueError(Errors.EGP313.format(value=value))
            pipe.rename_label(label, new)
        save_pipeline(nlp, output_path)
    except (OSError, ValueError) as error:
        msg.fail("Cannot change the labels", escape(error), exits=1)
    msg.good("Saved the pipeline", output_path)
    msg.text("Labels: " + escape(", ".join(pipe.labels)))
