"""Untrusted text on the terminal, which must not interpret it as commands."""


def escape(text: object) -> str:
    """Escape what is not printable, such as sequences that move the cursor.

    text (object): Text that may come from a file or from its name.
    RETURNS (str): The text for the terminal, on as many lines.
    """
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode()
        for c in str(text)
    )
