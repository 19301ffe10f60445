"""The JSON of mrc-for-flat-nested-ner: a question about each label of a sentence.

Source: https://github.com/ShannonAI/mrc-for-flat-nested-ner
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, ClassVar

from ...errors import Errors
from ..files import ByteStream, FilePath
from ..format import Format, Options, Sample, matches_objects
from ..records import BadRecord, Entry, Offsets, TokenRecord, shorten
from ..schema import Schema, read_objects


class Question(Schema):
    """The spans of one label. Offsets count tokens, which are separated by spaces; the
    end is inclusive."""

    EXAMPLE: ClassVar[str] = (
        '{"context": "Ann left", "entity_label": "PER", "qas_id": "0.1", '
        '"span_position": ["0;0"]}'
    )

    context: str
    entity_label: str
    qas_id: str
    span_position: list[str] | None = None

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return "context" in task and "span_position" in task


def matches_mrc(sample: Sample) -> bool:
    """RETURNS (bool): Whether one of the first objects is a question."""
    return matches_objects(Question, sample)


def read_mrc(path: FilePath, file: ByteStream, options: Options) -> Iterator[Entry]:
    """Read the questions. Those about a sentence, which are adjacent, become a doc.

    path (FilePath): The file's name.
    file (ByteStream): The open file.
    options (Options): Not used.
    YIELDS (Entry): One record per sentence.
    """
    for key, items in groupby(read_objects(Question, path, file), key=_find_sentence):
        if key is None:
            yield from (item for item in items if isinstance(item, BadRecord))
            continue
        questions = [item for item in items if not isinstance(item, BadRecord)]
        source, first = questions[0]
        record = TokenRecord(
            source=source, document=source, words=first.context.split(" "), spans=[]
        )
        for source, question in questions:
            for position in question.span_position or []:
                _add_span(record, source, question.entity_label, position)
        yield record


def _find_sentence(item: tuple[str, Question] | BadRecord) -> tuple[str, str] | None:
    if isinstance(item, BadRecord):
        return None
    _, question = item
    return question.qas_id.partition(".")[0], question.context


def _add_span(record: TokenRecord, source: str, label: str, position: str) -> None:
    start, _, last = position.partition(";")
    if start.isdecimal() and last.isdecimal() and len(position) < 20:
        record.spans.append(Offsets(int(start), int(last) + 1, label, source=source))
    else:
        problem = Errors.EGP219.format(
            value=shorten(position), example=Question.EXAMPLE
        )
        record.bad.append(BadRecord(source, problem))


FORMAT = Format("mrc", matches_mrc, read_mrc)
