"""ACE's annotation in NAME.apf.xml of the text in NAME.sgm.

Source: https://catalog.ldc.upenn.edu/LDC2006T06
"""

import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from ...errors import Errors
from ..elements import Located, read_elements
from ..files import ByteStream, FilePath, bare_name, find_beside, open_file, read_whole
from ..format import Format, Options, Sample
from ..records import (
    BadRecord,
    Entry,
    Offsets,
    TextRecord,
    count_confirmed,
    shorten,
)

ANNOTATION, SOURCE = ".apf.xml", ".sgm"
ENTITY = "entity"
OTHER_KINDS = {
    "value": "values",
    "timex2": "times",
    "relation": "relations",
    "event": "events",
}
OFFSET = re.compile(r"\d{1,9}")
MARKUP = re.compile(r"<[^>]*>")


def matches_ace(sample: Sample) -> bool:
    """RETURNS (bool): Whether the file is an annotation, or a text that has one."""
    if sample.name.endswith(SOURCE):
        name = sample.name.removesuffix(SOURCE) + ANNOTATION
        return find_beside(sample.path, name) is not None
    return sample.name.endswith(ANNOTATION) and sample.root == "source_file"


def read_ace(path: FilePath, file: ByteStream, options: Options) -> Iterator[Entry]:
    """Read an annotated document, which becomes a doc. The extent of a mention is the
    span, the type of the entity its label.

    path (FilePath): The name of an .apf.xml or .sgm file.
    file (ByteStream): The open file.
    options (Options): Not used.
    YIELDS (Entry): A record for an .apf.xml file and the .sgm file beside it; nothing
        for the latter.
    """
    if bare_name(path).endswith(SOURCE):
        return
    name = bare_name(path).removesuffix(ANNOTATION) + SOURCE
    text_path = find_beside(path, name)
    if text_path is None:
        raise BadRecord(str(path), Errors.EGP227.format(name=name))
    with open_file(text_path) as text_file:
        # Tags do not count for the offsets.
        raw = MARKUP.sub("", read_whole(text_path, text_file).replace("\r\n", "\n"))
    entities = list(read_elements(path, file, {ENTITY, *OTHER_KINDS}))
    bad: list[BadRecord] = []
    spans = [
        span
        for entity in entities
        for mention in entity.iter("entity_mention")
        for span in _read_mention(path, entity.get("TYPE", ""), mention, bad)
    ]
    yield TextRecord(
        source=str(path),
        document=str(path),
        text=_choose_text(raw, spans),
        spans=spans,
        bad=bad,
        other=Counter(
            OTHER_KINDS[entity.tag] for entity in entities if entity.tag != ENTITY
        ),
    )


def _read_mention(
    path: FilePath, label: str, mention: Element, bad: list[BadRecord]
) -> Iterator[Offsets]:
    assert isinstance(mention, Located)
    source = f"{path}:{mention.line}"
    extent = mention.find("extent/charseq")
    offsets = {} if extent is None else extent.attrib
    start, last = offsets.get("START", ""), offsets.get("END", "")
    if OFFSET.fullmatch(start) and OFFSET.fullmatch(last) and extent is not None:
        yield Offsets(int(start), int(last) + 1, label, extent.text, source)
    else:
        problem = Errors.EGP252.format(
            value=shorten(f"{start}-{last}"), label=shorten(label)
        )
        bad.append(BadRecord(source, problem))


def _choose_text(raw: str, spans: Sequence[Offsets]) -> str:
    """RETURNS (str): The text with entities such as &amp; as they are, or as single
    characters, whichever more of the spans confirm."""
    return max((raw, html.unescape(raw)), key=lambda t: count_confirmed(t, spans))


FORMAT = Format("ace", matches_ace, read_ace)
