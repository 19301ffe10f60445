"""Text on the terminal: what is not trusted, and lists that are cut."""

from wasabi import msg


def escape(text: object) -> str:
    """Escape what is not printable, such as sequences that move the cursor: the
    terminal must not interpret text as commands.

    text (object): Text that may come from a file or from its name.
    RETURNS (str): The text for the terminal, on as many lines.
    """
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode()
        for c in str(text)
    )


def print_rest(count: int, max_shown: int) -> None:
    """Say how many items of a list are not shown, if any.

    count (int): Number of items.
    max_shown (int): The largest number that is shown.
    """
    if count > max_shown:
        msg.text(f"... and {count - max_shown} more: --json lists them")
