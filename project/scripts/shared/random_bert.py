"""A BERT of any size with random weights, for when no pretrained one is needed."""

from collections.abc import Iterable
from pathlib import Path

from transformers import BertConfig, BertModel, BertTokenizerFast

SPECIAL_PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def write_bert(path: Path, pieces: Iterable[str], **sizes: int) -> Path:
    """Write the model and its tokenizer, as Hugging Face's library reads them.

    path (Path): A new folder.
    pieces (Iterable[str]): The word pieces, without the special ones.
    sizes (int): Arguments of `BertConfig`. The vocabulary may be larger than the
        number of pieces.
    RETURNS (Path): The folder.
    """
    path.mkdir()
    vocab = [*SPECIAL_PIECES, *pieces]
    (path / "vocab.txt").write_text("\n".join(vocab), encoding="utf8")
    vocab_file = str(path / "vocab.txt")
    BertTokenizerFast(vocab_file, do_lower_case=False).save_pretrained(path)
    config = BertConfig(**{"vocab_size": len(vocab), **sizes})
    BertModel(config).save_pretrained(path)
    return path
