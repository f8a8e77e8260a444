"""Values as lines and files of ours have them."""

from oomwatchd.fault import escape


def bare(value: object) -> str:
    """Write a value without quotes: yes or no, three decimals, or as it says itself."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def quoted(text: str) -> str:
    """Write a text in double quotes, in printable ASCII."""
    escaped = escape(text).replace('"', '\\"')
    return f'"{escaped}"'
