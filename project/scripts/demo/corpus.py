"""Write an English demo corpus with nested spans, in Prodigy's span format.

A seeded grammar makes up the sentences and every name in them. Annotation rules:

- PERSON: a personal name, in full or the surname alone, without honorific (Dr, Ms);
  also the name together with the title beside it ("Ana Kessler, mayor of Norvik").
- TITLE: an office with the body, place or field it belongs to ("mayor of Norvik"), or
  right before a name ("Mayor Kessler"). An office alone ("the mayor") does not count.
- ORG: an organisation or a part of one, by name. A company's short name counts alone
  and inside other names ("Talvex Foundation"), not inside its own ("Talvex Group").
- PLACE: a town, country, site or street.
- PRODUCT: goods or services, with the maker in front ("Talvex Belara 5").
- EVENT: a fair, congress, contest, battle, by name.
- WORK: the title of a text, film or piece of music, without its quotation marks.
- DATE: a day, month, season or year of the calendar; not "last week".
- A name inside a name counts in its own right. The article before a name is outside
  it, except in a WORK. A common noun ("the university") is not a name.

Training, development and test part share the words of the grammar but no base name
(given name, surname, town, country, company, brand, year).
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Annotated

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import msg

from spacy_egp.nesting import nesting_depths

# One rule a line, continued by indentation: [LABEL] symbol = alternative | ...
GRAMMAR = """
sentence = {past}. | {past}. | {when}, {past}. | {setting}, {past}. | {aside}, {past}.
    | {past}, {tail}. | {past}, while {past}. | {dated}. | {aside}, {dated}.
    | {dated}, {tail}. | {present}. | {aside}, {present}. | {plain}.
setting = last week | after a long debate | at the {event} | not far from {spot}
aside = according to {org} | according to the {newspaper} | to the surprise of many
    | as the {newspaper} reports | as one professor put it
tail = the company said | officials said | the {newspaper} reported | according to {org}
    | a spokesperson said | as the {newspaper} wrote

past = {who} joined {org} | {who} {judged} the plans of {org} | {who} met {whom}
    | {who} was born in {town} and studied {topic} at {academy}
    | {who} wrote "{work}" while teaching {topic} at {academy}
    | {who} {judged} the merger of {business} with {business}
    | {who} presented the {goods} at the {event} | {who} opened the {event}
    | {who} received a prize from the {society} for "{work}"
    | {who} told the {newspaper} that {claim}
    | {who} drove the {model} from {town} to {town} | {who} left {town} for {land}
    | {who} {judged} {whom} | {who} gave a talk on {topic} at the {institute}
    | {who} called the decision of {org} "{remark}" | {who} worked as {title}
    | {who} called the new rules "{remark}" | {who} declined to comment
    | {who} thanked the dean, the students and {whom}
    | {name} succeeded {name} as {title} | {name} and {name} founded {company}
    | {org} appointed {name} as {title} | {org} fined {business} {money}
    | {org} closed the office in {town} | {org} lost {number} members
    | {org} published "{work}" | {org} blamed {firm}'s software for the delay
    | {business} introduced the {goods} | {business} sold the plant in {town} to {firm}
    | {business} tested the {model} near {spot} | {business} sponsored the {event}
    | {academy} awarded its gold medal to {whom} | {firm}'s {model} won a design prize
    | the {museum} showed "{work}" for the first time | {club} beat {club}
    | {club} signed {name} from {club} | the {newspaper} interviewed {whom}
    | the {newspaper} reported that {claim}
    | an engineer of {business} {judged} the {goods}
    | the {council} named a square after {name} | the {council} met {whom}
    | the {ministry} asked the {bank} to publish its figures
    | the {event} drew {number} visitors to {town} | the {event} ended without a winner
    | the {event} was organised by {org} | {name} died in the {battle}
    | the {goods} was developed at {business} | doctors at the {hospital} tested {drug}
    | "{work}", a novel by {name}, sold {number} copies
    | the mayor of a village sued {org}
    | the film "{work}" was shot in {town} and {town} | a storm hit {place}
    | the study "{work}" by {name} of {academy} caused a debate
    | {name} translated "{work}" into Latin | the road from {town} to {town} was closed
    | students of the {faculty} marched through {town} | the ship reached {spot}
dated = {who} resigned {when} as {title} | {who} took office {when}
    | {who} signed the agreement with {org} {when} | {org} was founded {when}
    | {who} taught at {academy} until {year} | {org} moved to {town} {when}
    | {business} bought a stake in {business} {when} | {business} closed {when}
    | {business} recalled the {goods} {when} | {spot} was opened {when}
    | shares in {business} fell by {number} points {when} | the {battle} began {when}
    | workers at {business} went on strike {when} | the {event} took place {when}
    | the {goods} went on sale {when} | "{work}" was first printed {when} in {town}
    | the {museum} bought "{work}" {when} for {money} | {org} was dissolved {when}
    | in {month_date} and {month_date} the {hospital} treated {number} patients
    | the plane of {firm} landed in {town} {when} with {number} passengers
present = {name} is {title} | {name} has been {title} since {year}
    | {who} lives in {town} | {who} wants to become {title}
    | {who} will lead the {department} until {year} | {who} hopes to return to {org}
    | {business} plans to build a factory in {place} | {org} is looking for a director
    | {org} has offices in {town}, {town} and {town} | the {goods} costs {money}
    | {org} and {org} work closely together | {org} will soon elect a new president
    | the {event} will be held in {town} | "{work}" is required reading at {academy}
    | {business} competes with {business} in {land} | {who} teaches Greek at {academy}
    | {name}, a professor from {town}, is writing a book on {topic}
    | patients who take {drug} should avoid alcohol | {who} owns a house on {street}
plain = the {role} said that the {body} would need {need}
    | {field} is a hard subject for most {people} | many {people} never read {reading}
    | the {body} closed the {room} after {number} complaints
    | a {role} and two {people} were waiting outside the {room}
    | more than {number} {people} asked the {body} for {need}
    | the {role} called the {reading} "{remark}" | {people} and {people} need {need}
    | most {people} at the {body} speak Latin or Greek
    | every {body} in the country wants {need} | {topic} needs {need}
    | the {people} asked why the {role} had closed the {room}

who = {name} | {name} | {titled} | {apposed}, | the {presented}, | the {title}
whom = {name} | {name} | {titled} | {apposed} | the {presented} | the {title}
name = {full_name} | {full_name} | {surname} | Dr {full_name} | Ms {surname}
PERSON full_name = {given} {family} | {given} {family} | {initial} {family}
    | {given} {initial} {family}
PERSON surname = {family}
PERSON titled = {rank} {full_name} | {rank} {surname} | {staff_title} {full_name}
PERSON apposed = {full_name}, {title} | {full_name}, the {title}
PERSON presented = {title}, {full_name}

title = {academic_title} | {business_title} | {public_title}
TITLE rank = Professor | Mayor | Senator | Judge | Captain | Bishop | President
TITLE staff_title = {business} chief executive | {business} chair | {business} engineer
TITLE academic_title = dean of the {faculty} | Dean of the {faculty}
    | rector of {academy} | head of the {department} | Professor of {field} at {academy}
    | {full_name} Professor of {field} at {academy} | director of the {institute}
    | president of the {society} | research fellow at the {department}
    | secretary of the {department} | librarian of the {faculty}
TITLE business_title = chief executive of {business} | chair of the {board}
    | {business} chief executive | head of {area} at {business} | chair of {business}
    | governor of the {bank} | editor of the {newspaper} | president of the {chamber}
TITLE public_title = mayor of {town} | deputy mayor of {town} | governor of {land}
    | ambassador of {land} to {land} | chair of the {committee} | bishop of {town}
    | Minister of {portfolio} of {land} | {land} trade minister | head of the {ministry}

org = {business} | {business} | {academy} | the {faculty} | the {department}
    | the {bank} | the {institute} | the {board} | the {society} | the {hospital}
    | the {museum} | the {ministry} | the {council} | the {committee} | the {chamber}
business = {company} | {company} | {firm}
academy = the {university} | the {university} | {college}
ORG firm = {stem}
ORG company = {stem} Group | {stem} {sector} | {stem} {sector}
    | {stem} {sector} Holdings | {surname} & Sons | {surname} & {surname}
    | {surname}, {surname} & Partners
ORG bank = Bank of {town} | National Bank of {land} | {town} Savings Bank
ORG board = Supervisory Board of {business} | Supervisory Board of the {bank}
    | Board of Trustees of {academy} | Works Council of {business}
ORG university = University of {town} | Technical University of {town}
    | National University of {land}
ORG college = {town} University | {town} Business School | {full_name} College
ORG faculty = Faculty of {field} of {academy} | School of {field} of {academy}
    | Graduate School of {field} at {academy}
ORG department = Department of {field} of the {faculty}
    | Institute of {field} of the {faculty} | Department of {field} of {academy}
    | Division of {field} of the {institute}
ORG institute = {town} Institute of {field} | {full_name} Institute for {field}
    | {full_name} Centre for {field} at {academy} | {business} Research Centre
    | Institute of {field} of the {science_academy}
ORG science_academy = {land} Academy of Sciences | Academy of Sciences of {land}
ORG society = {land} Society of {field} | Royal Society of {field} of {land}
    | {town} Historical Society | {full_name} Foundation | {firm} Foundation
ORG hospital = {town} General Hospital | University Hospital of {town}
    | {full_name} Memorial Hospital
ORG museum = {town} Museum of {art} | {firm} Museum of {art}
    | National Gallery of {land} | {town} Philharmonic Orchestra | Theatre of {town}
ORG newspaper = {town} Times | {town} Herald | {land} Tribune | {land} News Agency
ORG ministry = Ministry of {portfolio} of {land} | {land} Ministry of {portfolio}
    | Supreme Court of {land}
ORG council = {town} City Council | Parliament of {land} | {town} Port Authority
ORG committee = Committee on {portfolio} of the {council}
ORG chamber = {town} Chamber of Commerce | {land} Federation of Trade Unions
ORG club = {town} United | {town} Athletic | {town} Rowing Club

place = {town} | {town} | {land} | {spot}
spot = the {site} | {street}
PLACE site = Port of {town} | Republic of {land} | {full_name} Bridge | Gulf of {land}
    | Botanical Garden of {academy} | {firm} Tower | Old Town of {town}
PLACE street = {surname} Street | {full_name} Square | {town} Harbour | {town} Airport

goods = {model} | {model} | {service}
PRODUCT model = {firm} {brand} {edition} | {firm} {brand} | {brand} {edition} | {brand}
PRODUCT service = {bank} {card} | {university} Student Card | {company} {card}
PRODUCT drug = {brand}

EVENT event = {year} {town} Marathon | {town} Book Fair | {town} Film Festival {year}
    | {land} Grand Prix | {firm} Open | {firm} Developer Summit | {land} Cup {year}
    | {full_name} Memorial Lecture | {ordinal} {town} Conference on {field}
    | {ordinal} Congress of the {society} | {drug} Users Conference
    | {ordinal} Summer School of the {department}
EVENT battle = Battle of {town} | Siege of {town} | {town} Uprising

WORK work = A History of {academy} | The Life of {full_name} | The {adjective} {thing}
    | The {adjective} {thing} of {town} | Letters from {town} | {thing} and {thing}
    | My Years at {business} | Getting Started with the {goods} | {land} in the Rain
    | On the Origins of the {faculty} | Conversations with {name} | Farewell to {town}
    | Proceedings of the {event} | Annual Report of {org} | {surname}'s {thing}
    | {town}: The {adjective} Years

when = on {full_date} | on {full_date} | in {month_date} | in {year}
DATE full_date = {day} {month} {yyyy} | {month} {day}, {yyyy}
DATE month_date = {month} {yyyy} | {season} {yyyy}
DATE year = {yyyy}

initial = A. | B. | C. | E. | F. | G. | H. | J. | K. | L. | M. | N. | P. | R. | S. | T.
field = Law | Physics | Marine Biology | Medicine | Modern History | Economics | Music
    | Computer Science | Law and Economics | Comparative Literature | Public Health
    | Civil Engineering | Natural Sciences | Philosophy | Arts and Letters | Chemistry
    | Political Science | Applied Mathematics | Social Work | Agriculture
topic = law | physics | marine biology | medicine | modern history | economics | music
    | public health | civil engineering | philosophy | chemistry | political science
area = marketing | research | sales and marketing | personnel | product design
portfolio = Health | Education | Trade and Industry | Finance | Foreign Affairs
    | Justice | Transport | Culture, Youth and Sport
sector = Energy | Motors | Foods | Pharma | Airlines | Insurance | Industries | Media
    | Steel | Logistics | Software
art = Modern Art | Natural History | Design | Ancient Art | Photography
card = Gold Card | Travel Card | Savings Plan | Family Pass | Mobile App
edition = 2 | 3 | 5 | 7 | 300 | X3 | Pro | Mini | Plus | Pro 2 | Mini 4
ordinal = First | Second | Third | Fourth | Fifth | Sixth | Seventh | Ninth | Tenth
month = January | February | March | April | May | June | July | August | September
    | October | November | December
day = 1 | 2 | 3 | 5 | 6 | 8 | 9 | 11 | 12 | 14 | 15 | 17 | 18 | 20 | 21 | 23 | 26 | 28
season = spring | summer | autumn | winter
adjective = Silent | Golden | Broken | Distant | Forgotten | Bitter | Hidden | Restless
    | Long | Dark | Borrowed | Quiet | Burning | Lonely | Invisible | Second
thing = River | Garden | Winter | Machine | House | Shadow | Harvest | Island | Mirror
    | Bridge | Orchard | Voyage | Letter | Kingdom | Storm | Mountain
judged = praised | criticised | defended | welcomed | rejected | ignored
claim = the university needed more teachers | prices would rise | {org} was in debt
    | the bank had lost {money} | {business} had delayed the {goods}
remark = a waste of time | a step forward | too little, too late | a complete surprise
    | the end of an era | a gift to the region | bad for business
number = 19 | 40 | 75 | 120 | 300 | 450 | 900 | 1200 | 1950 | 2000 | 2010 | 60,000
money = 2 million euros | 300 dollars | 45 million dollars | 1,990 euros | 2000 dollars
role = mayor | dean | minister | professor | chief executive | director | bishop
    | judge | spokesperson | senator | rector
body = university | bank | ministry | company | city council | museum | hospital
    | faculty | foundation | department | newspaper
people = students | teachers | doctors | workers | visitors | engineers | professors
    | mayors | voters | judges
room = library | main hall | reading room | botanical garden | laboratory | airport
    | business school | harbour
need = more money | a new building | time | better software | fewer rules | public trust
    | a new constitution | patience
reading = annual report | poem | letter | proceedings | history of the town | guide
"""

# Base names: one of STARTS, one of MIDDLES or none, one of the endings of their kind.
STARTS = """
Al Ar Bal Bel Ber Bran Brim Cal Cor Dal Dan Dar Del Dor Dun El Er Fal Fen Gal Gar Gel
Hal Har Hel Hol Ing Jar Jen Kal Kar Kel Kes Lan Lar Lin Lor Mal Mar Mel Mor Nar Nel Nor
Os Pal Par Pel Quil Ral Ran Rav Ros Sal San Sel Sil Sten Tal Tan Tel Thal Tor Tul Ul Val
Var Vel Ver Vin Wal Wen Wes Wil Wyn Yar Zan Zel
"""
MIDDLES = "a e i o an en er in"
# Symbol: (label, endings); some endings serve two kinds, so that context must decide.
ENDINGS = {
    "given": ("", "na ra lia rik vin mir bert gard dine sel"),
    "family": ("", "son sen ski mann kov rini well ner berg ford ley"),
    "town": ("PLACE", "vik burg mouth haven stad dale minster berg ford ley"),
    "land": ("PLACE", "nia dia land mark stan gonia"),
    "stem": ("", "dex nix tron tek dyne sys con lora vana"),
    "brand": ("", "bara dino zello vista lumo lora vana pix"),
}
YEARS = range(1900, 2025)
LONG = 12

Rules = dict[str, tuple[str, list[str]]]


@dataclass(frozen=True)
class Phrase:
    """A piece of text with the labelled character spans inside it."""

    text: str = ""
    spans: tuple[tuple[int, int, str], ...] = ()

    def __add__(self, other: "Phrase") -> "Phrase":
        """Join two phrases, moving the spans of the second one."""
        n = len(self.text)
        moved = tuple((start + n, end + n, label) for start, end, label in other.spans)
        return Phrase(self.text + other.text, self.spans + moved)

    def labelled(self, label: str) -> "Phrase":
        """Add a span over the whole phrase, unless the label is empty."""
        whole = ((0, len(self.text), label),) if label else ()
        return Phrase(self.text, whole + self.spans)

    def capitalized(self) -> "Phrase":
        """Begin the text with a capital letter."""
        return Phrase(self.text[:1].upper() + self.text[1:], self.spans)


def parse_grammar(text: str) -> Rules:
    """Read the grammar: symbol -> (label or "", alternatives).

    text (str): The rules, in the notation of GRAMMAR.
    RETURNS (Rules): The label and the alternatives of each symbol.
    """
    rules = {}
    for rule in re.split(r"\n+(?=\S)", text.strip()):
        head, body = rule.split(" = ")
        *label, symbol = head.split()
        alternatives = [" ".join(part.split()) for part in body.split("|")]
        rules[symbol] = ("".join(label), alternatives)
    return rules


def split_names(n_parts: int, rng: random.Random) -> list[Rules]:
    """Make up the base names and deal them out, each string to one part only.

    n_parts (int): The number of parts.
    rng (random.Random): The source of randomness.
    RETURNS (list[Rules]): For each part, a rule for each kind of base name.
    """
    kinds = {"yyyy": ("", [str(year) for year in YEARS])}
    for symbol, (label, endings) in ENDINGS.items():
        parts = STARTS.split(), ["", *MIDDLES.split()], endings.split()
        kinds[symbol] = (label, sorted({"".join(name) for name in product(*parts)}))
    strings = sorted({name for _, names in kinds.values() for name in names})
    rng.shuffle(strings)
    owner = {name: i % n_parts for i, name in enumerate(strings)}
    return [
        {
            symbol: (label, [name for name in names if owner[name] == part])
            for symbol, (label, names) in kinds.items()
        }
        for part in range(n_parts)
    ]


def expand(symbol: str, rules: Rules, rng: random.Random) -> Phrase:
    """Expand a symbol by one of its alternatives, chosen at random.

    symbol (str): The symbol.
    rules (Rules): The grammar with the base names.
    rng (random.Random): The source of randomness.
    RETURNS (Phrase): The text with its spans, outer spans first.
    """
    label, alternatives = rules[symbol]
    phrase = Phrase()
    for literal, inner, _, _ in Formatter().parse(rng.choice(alternatives)):
        phrase += Phrase(literal)
        if inner:
            phrase += expand(inner, rules, rng)
    return phrase.labelled(label)


def sentences(rules: Rules, rng: random.Random, seen: set[str]) -> Iterator[Phrase]:
    """Generate sentences that differ from each other and from those seen before.

    rules (Rules): The grammar with the base names.
    rng (random.Random): The source of randomness.
    seen (set[str]): The texts seen so far, extended on the way.
    YIELDS (Phrase): A sentence.
    """
    while True:
        sentence = expand("sentence", rules, rng).capitalized()
        if sentence.text not in seen:
            seen.add(sentence.text)
            yield sentence


def make_corpus(sizes: dict[str, int], seed: int) -> dict[str, list[Phrase]]:
    """Generate all parts of the corpus.

    sizes (dict[str, int]): The number of sentences of each part.
    seed (int): The seed of the names and the sentences.
    RETURNS (dict[str, list[Phrase]]): The sentences of each part.
    """
    grammar = parse_grammar(GRAMMAR)
    names = split_names(len(sizes), random.Random(seed))
    corpus: dict[str, list[Phrase]] = {}
    seen: set[str] = set()
    for (part, size), part_names in zip(sizes.items(), names, strict=True):
        rng = random.Random(f"{seed} {part}")
        stream = sentences(grammar | part_names, rng, seen)
        corpus[part] = [next(stream) for _ in range(size)]
    return corpus


def to_doc(sentence: Phrase, nlp: Language) -> Doc:
    """Tokenize a sentence and set its spans as doc.spans["sc"].

    sentence (Phrase): The sentence.
    nlp (Language): The pipeline that tokenizes.
    RETURNS (Doc): The doc; a span that does not fit its tokens raises a ValueError.
    """
    doc = nlp.make_doc(sentence.text)
    found = [doc.char_span(start, end, label) for start, end, label in sentence.spans]
    doc.spans["sc"] = [span for span in found if span is not None]
    if None in found:
        raise ValueError(f"Span does not fit the tokens: {sentence}")
    return doc


def summarize(docs: list[Doc], train_strings: set[str]) -> dict[str, str]:
    """Count what a part of the corpus holds.

    docs (list[Doc]): The docs of the part.
    train_strings (set[str]): The entity strings of the training part.
    RETURNS (dict[str, str]): The figures by name.
    """
    spans = [span for doc in docs for span in doc.spans["sc"]]
    strings = entity_strings(docs)
    labels = Counter(span.label_ for span in spans)
    figures = {
        "sentences": len(docs),
        "without spans": sum(not doc.spans["sc"] for doc in docs),
        "tokens": sum(len(doc) for doc in docs),
        "spans": len(spans),
        **dict(sorted(labels.items())),
        f"{LONG}+ tokens": sum(len(span) >= LONG for span in spans),
        "maximal depth": max(map(max_depth, docs), default=0),
        "unseen strings": f"{len(strings - train_strings) / max(len(strings), 1):.0%}",
    }
    return {name: str(figure) for name, figure in figures.items()}


def entity_strings(docs: Iterable[Doc]) -> set[str]:
    """Collect the distinct texts of the spans.

    docs (Iterable[Doc]): The docs.
    RETURNS (set[str]): The texts.
    """
    return {span.text for doc in docs for span in doc.spans["sc"]}


def max_depth(doc: Doc) -> int:
    """Find how many spans lie inside each other at the deepest place of a doc.

    doc (Doc): The doc.
    RETURNS (int): The depth, 0 without spans.
    """
    bounds = [(span.start, span.end) for span in doc.spans["sc"]]
    return max(nesting_depths(bounds), default=0)


def to_record(sentence: Phrase) -> dict:
    """Turn a sentence into a record in Prodigy's span format.

    sentence (Phrase): The sentence.
    RETURNS (dict): The record.
    """
    spans = [
        {"start": start, "end": end, "label": label}
        for start, end, label in sentence.spans
    ]
    return {"text": sentence.text, "spans": spans}


def main(
    output_dir: Annotated[Path, typer.Argument(help="Directory of the .jsonl files")],
    train: Annotated[int, typer.Option(help="Sentences for training")] = 1200,
    dev: Annotated[int, typer.Option(help="Sentences for development")] = 200,
    test: Annotated[int, typer.Option(help="Sentences for the test")] = 300,
    seed: Annotated[int, typer.Option(help="Seed of names and sentences")] = 0,
) -> None:
    """Write train.jsonl, dev.jsonl and test.jsonl of a made-up nested corpus."""
    corpus = make_corpus({"train": train, "dev": dev, "test": test}, seed)
    nlp = spacy.blank("en")
    docs = {part: [to_doc(s, nlp) for s in corpus[part]] for part in corpus}
    output_dir.mkdir(parents=True, exist_ok=True)
    for part, part_sentences in corpus.items():
        path = output_dir / f"{part}.jsonl"
        temporary = path.with_suffix(".tmp")
        srsly.write_jsonl(temporary, map(to_record, part_sentences))
        temporary.replace(path)
    train_strings = entity_strings(docs["train"])
    columns = [summarize(part_docs, train_strings) for part_docs in docs.values()]
    rows = [(key, *(column.get(key, "0") for column in columns)) for key in columns[0]]
    msg.table(rows, header=("", *docs), aligns=("l", "r", "r", "r"), divider=True)


if __name__ == "__main__":
    typer.run(main)
