"""`spacy egp init-config`: the options of a config, and the settings for a corpus."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from spacy.cli._util import COMMAND, Arg, Opt
from wasabi import msg

from ..corpora.writer import temporary_output
from ..errors import Errors
from .terminal import escape

if TYPE_CHECKING:
    from ..configs.advice import Advice
    from ..configs.facts import CorpusFacts

# The ENCODERS of `configs.config`, which spaCy's other commands should not import.
ENCODER_HELP = (
    "cnn (the default), bilstm, trf (the default with --gpu or --transformer) or "
    "curated_trf"
)


def init_config_cli(
    output_path: Annotated[
        Path, Arg(help="The config to write (.cfg), or - for stdout", allow_dash=True)
    ],
    lang: Annotated[
        str, Opt("--lang", "-l", help="Code of the language, such as de")
    ] = "en",
    encoder: Annotated[str | None, Opt("--encoder", help=ENCODER_HELP)] = None,
    transformer: Annotated[
        str | None,
        Opt("--transformer", help="Name or folder of a pretrained model"),
    ] = None,
    gpu: Annotated[bool, Opt("--gpu", "-G", help="Train on a GPU")] = False,
    train_path: Annotated[
        Path | None,
        Opt(
            "--train",
            "-t",
            help="Training docs (.spacy), to choose settings for the corpus",
            exists=True,
        ),
    ] = None,
    force: Annotated[
        bool, Opt("--force", "-F", help="Overwrite an existing file")
    ] = False,
) -> None:
    """
    Write the complete config of a training of egp_ner.

    The tokenizer is that of the language. With --train, the command chooses steps,
    evaluations, batches, the reader, the maximum length and the overlap of spans for
    the corpus, and prints the reasons.

    $ spacy egp init-config config.cfg --lang de --train train.spacy
    """
    from ..configs.advice import advise
    from ..configs.config import make_config
    from ..configs.facts import read_facts

    is_stdout = str(output_path) == "-"
    if encoder is None:
        encoder = "trf" if gpu or transformer is not None else "cnn"
    try:
        if not (is_stdout or force) and output_path.exists():
            raise ValueError(Errors.EGP324.format(path=output_path))
        facts = read_facts(train_path) if train_path is not None else None
        advice = advise(facts, encoder) if facts is not None else []
        config = make_config(
            lang,
            encoder,
            transformer=transformer,
            gpu=gpu,
            settings={one.setting: one.value for one in advice},
        )
    except (ImportError, OSError, ValueError) as error:
        msg.fail("Cannot make the config", escape(error), exits=1)
    if is_stdout:
        print(config)
        return
    if facts is not None:
        print_advice(facts, advice)
    with temporary_output(output_path) as path:
        path.write_text(config, encoding="utf8")
    msg.good("Saved the config", output_path)
    msg.text("Train with it:")
    train_path = train_path or Path("train.spacy")
    # As `convert --split` names the parts.
    is_named = "train" in train_path.name
    dev_name = train_path.name.replace("train", "dev") if is_named else "dev.spacy"
    print(
        f"{COMMAND} train {output_path} --paths.train {train_path} "
        f"--paths.dev {train_path.with_name(dev_name)} --output training"
    )


def print_advice(facts: "CorpusFacts", advice: "list[Advice]") -> None:
    """Show the facts of a corpus, and the settings that are chosen for it.

    facts (CorpusFacts): What the corpus is like.
    advice (List[Advice]): The settings.
    """
    labels = [f"{label} ({n})" for label, n in facts.labels.most_common()]
    msg.divider("Training corpus")
    msg.table(
        {
            "Docs": facts.docs,
            "Words": facts.words,
            "Spans": facts.spans,
            "Labels": escape(", ".join(labels)),
        }
    )
    msg.divider("Chosen for it")
    for one in advice:
        msg.text(f"{one.setting} = {json.dumps(one.value)}", one.reason)
