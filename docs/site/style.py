"""spaCy's style of docstrings: lines such as "name (type): text" and
"RETURNS (type): text", each continued by indented lines."""

import re

SECTIONS = {"RETURNS": "Returns", "YIELDS": "Yields", "RAISES": "Raises"}
ENTRY = re.compile(
    r"(?P<name>\w+) \((?P<type>[^()]*(?:\([^()]*\)[^()]*)*)\): (?P<text>.*)"
)


def to_google(docstring: str, members: str) -> str:
    """Turn a docstring into Google's style.

    docstring (str): A docstring in spaCy's style.
    members (str): The section of what is described by its name, Args or Attributes.
    RETURNS (str): The same in sections.
    """
    lines: list[str] = []
    section = None
    in_summary = True
    for line in docstring.splitlines():
        in_summary &= bool(line)
        match = ENTRY.match(line)
        heading = SECTIONS.get(match["name"], members) if match else None
        if match and not (in_summary and heading == members):
            if heading != section:
                lines += ["", f"{heading}:"]
                section = heading
            name = f"{match['name']} ({match['type']})"
            entry = name if heading == members else match["type"]
            lines.append(f"    {entry}: {match['text']}")
        elif section and line.startswith(" "):
            lines.append(f"    {line}")
        else:
            section = None
            lines.append(line)
    return "\n".join(lines)
