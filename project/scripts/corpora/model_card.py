"""Write the meta.json of a package, from which `spacy package` makes the model card."""

from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from spacy.util import load_config, load_meta

import spacy_egp
from spacy_egp.corpora.writer import temporary_output

# The corpora whose license allows the publication of a pipeline, and what the model
# card says about them.
CORPORA: dict[str, dict[str, Any]] = {
    "germeval": {
        "description": (
            "Nested named entities in German: persons, organizations, locations and "
            "others, parts of words that name them, and words derived from them. "
            "Trained on news and Wikipedia."
        ),
        "license": "CC BY 4.0",
        "sources": [
            {
                "name": "GermEval 2014",
                "url": "https://sites.google.com/site/germeval2014ner",
                "author": "Darina Benikova, Chris Biemann, Marc Reznicek",
                "license": "CC BY 4.0",
            }
        ],
    },
}
NOTES = """### Training

`spacy project run package` of spacy-egp {version} trained the pipeline: at most
{steps:,} updates on the training part of the corpus, with seed {seed}. The model with
the best score on the development part was kept. `config.cfg` has all settings.

### Scores by label

Strict scores on the test part, in percent: first and last token and label are right.

{scores}
### Use

```python
import spacy

nlp = spacy.load("{package}")
doc = nlp(text)
print([(span.text, span.label_) for span in doc.spans["{spans_key}"]])
```
"""


def check_corpus(name: str) -> str:
    """RETURNS (str): The name.
    RAISES (typer.BadParameter): If its license is not known to allow a package."""
    if name not in CORPORA:
        raise typer.BadParameter(
            f"{name!r} is none of {', '.join(CORPORA)}: add what is known of it, and "
            "its license, to CORPORA"
        )
    return name


def main(
    dataset: Annotated[
        str,
        typer.Argument(help="Name of the corpus", callback=check_corpus),
    ],
    model: Annotated[Path, typer.Argument(help="The trained pipeline")],
    scores_path: Annotated[
        Path, typer.Argument(help="Its scores: metrics.json of `spacy evaluate`")
    ],
    table_path: Annotated[Path, typer.Argument(help="The same as a table (.md)")],
    output_path: Annotated[Path, typer.Argument(help="meta.json to write")],
) -> None:
    """Write who made a pipeline, how and from what, and its scores. The package has the
    version of spacy-egp, which it needs."""
    meta = load_meta(model / "meta.json")
    config = load_config(model / "config.cfg", interpolate=True)
    scores = srsly.read_json(scores_path)
    spans_key = config["components"]["egp_ner"]["spans_key"]
    name = f"nested_{dataset}"
    meta |= CORPORA[dataset] | {
        "name": name,
        "version": spacy_egp.__version__,
        "author": "The spacy-egp developers",
        "performance": {
            measure: score
            for measure, score in scores.items()
            if measure.startswith(f"spans_{spans_key}_")
        },
        "notes": NOTES.format(
            version=spacy_egp.__version__,
            steps=config["training"]["max_steps"],
            seed=config["system"]["seed"],
            scores=table_path.read_text("utf8"),
            package=f"{meta['lang']}_{name}",
            spans_key=spans_key,
        ),
    }
    with temporary_output(output_path) as path:
        srsly.write_json(path, meta)


if __name__ == "__main__":
    typer.run(main)
