"""The status document in a few lines for people."""

from typing import Any


def describe(document: dict[str, Any]) -> str:
    """Write the document as text, a line a demand, with what is degraded and done last."""
    kernel = document["kernel"]
    system = f"kernel {kernel['release'] or 'unknown'} on {kernel['machine'] or 'unknown machine'}"
    lines = [f"severity {document['severity']}, {system}, pages of {kernel['page_size']} bytes"]
    lines += [_demand(demand) for demand in document["demands"]]
    lines += [_outcome(outcome) for outcome in document["remedies"]["last"][-3:]]
    if document["remedies"]["running"]:
        lines.append(f"running: {document['remedies']['running']}")
    lines += [f"degraded: {entry['what']}: {entry['why']}" for entry in document["degraded"]]
    return "\n".join(lines)


def _demand(demand: dict[str, Any]) -> str:
    """Write one demand."""
    if demand["headroom"] is None:
        headroom = "headroom unknown"
    else:
        bound = "at least " if demand["lower_bound"] else ""
        headroom = f"headroom {bound}{demand['headroom']}"
    line = (
        f"{demand['severity']:<8} {demand['name']}: order {demand['order']} "
        f"{demand['request']}, {headroom} "
        f"(warning at {demand['warning']}, critical at {demand['critical']})"
    )
    if demand["cause"]:
        line += f"\n         {demand['cause']}: {demand['advice']}"
    return line


def _outcome(outcome: dict[str, Any]) -> str:
    """Write one remedy's outcome."""
    return (
        f"{outcome['remedy']} for {outcome['demand']}: headroom {outcome['headroom_before']} -> "
        f"{outcome['headroom_after']} in {outcome['duration_seconds']:.3f} s, "
        f"{'effective' if outcome['effective'] else 'no effect'}, "
        f"{outcome['age_seconds']:.0f} s ago"
    )
