"""Rows of tokens and tags, as data sets on Hugging Face's hub have them.

Source: https://huggingface.co/docs/transformers/tasks/token_classification
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import AliasChoices, ConfigDict, Field

from ...errors import Errors
from ..files import ByteStream, FilePath
from ..format import Format, Options, Sample, matches_objects
from ..records import BadRecord, Entry, TokenRecord, shorten
from ..schema import Schema, count_links, read_objects
from ..tags import TagError, is_tag, read_tags, read_types

TOKEN_KEYS = ("tokens", "words")
# The first of these keys that a row has is read, and the inner level of GermEval 2014.
TAG_KEYS = ("ner_tags", "tags", "labels", "ner", "ner_labels")
NESTED_KEY = "nested_ner_tags"


class Row(Schema):
    """Tokens, and under any other key a tag, or several, for each of them."""

    EXAMPLE: ClassVar[str] = '{"tokens": ["Ann", "left"], "ner_tags": ["B-PER", "O"]}'

    model_config = ConfigDict(extra="allow")
    tokens: list[str] = Field(validation_alias=AliasChoices(*TOKEN_KEYS))

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        has_tokens = any(_is_list_of(str, task.get(key)) for key in TOKEN_KEYS)
        return has_tokens and any(isinstance(task.get(key), list) for key in TAG_KEYS)


def _is_list_of(type: type, value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, type) for item in value)


def matches_rows(sample: Sample) -> bool:
    """RETURNS (bool): Whether one of the first objects has tokens and tags."""
    return matches_objects(Row, sample)


def read_rows(path: FilePath, file: ByteStream, options: Options) -> Iterator[Entry]:
    """Read the rows. Each becomes a doc.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    options (Options): The keys of the tags, if they are others; the names of tags that
        are numbers.
    YIELDS (Entry): One record per row.
    """
    for item in read_objects(Row, path, file):
        if isinstance(item, BadRecord):
            yield item
            continue
        source, row = item
        try:
            yield _make_record(source, row, options)
        except BadRecord as error:
            yield error


def _make_record(source: str, row: Row, options: Options) -> TokenRecord:
    values = row.model_extra or {}
    first = [key for key in TAG_KEYS if key in values][:1]
    keys = options.columns or (*first, NESTED_KEY)
    levels = [values[key] for key in keys if key in values]
    n_tokens = len(row.tokens)
    lengths = [len(tags) if isinstance(tags, list) else 0 for tags in levels]
    if not levels or any(length != n_tokens for length in lengths):
        problem = Errors.EGP244.format(
            n_tokens=n_tokens,
            keys=", ".join(keys),
            n_tags=lengths,
            found=shorten(list(values)),
        )
        raise BadRecord(source, problem)
    cells = [
        [
            _name_tag(source, tag, options.label_names)
            for tags in token_tags
            for tag in (tags if isinstance(tags, list) else [tags])
        ]
        for token_tags in zip(*levels, strict=True)
    ]
    # Bare labels, without prefixes, as Few-NERD has them.
    is_flat = all(len(tags) == 1 and not is_tag(tags[0]) for tags in cells)
    try:
        spans = read_types([tags[0] for tags in cells]) if is_flat else read_tags(cells)
    except TagError as error:
        raise BadRecord(source, str(error)) from error
    return TokenRecord(
        source=source,
        document=source,
        words=row.tokens,
        spans=spans,
        other=count_links({k: v for k, v in values.items() if k not in keys}),
    )


def _name_tag(source: str, tag: Any, names: tuple[str, ...]) -> str:
    if isinstance(tag, str):
        return tag
    is_number = isinstance(tag, int) and not isinstance(tag, bool)
    if is_number and 0 <= tag < len(names):
        return names[tag]
    raise BadRecord(source, Errors.EGP245.format(tag=shorten(tag), n_names=len(names)))


FORMAT = Format("huggingface", matches_rows, read_rows)
