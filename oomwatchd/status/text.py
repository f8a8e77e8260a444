"""The status document in a few lines for people."""

from typing import Any

from oomwatchd.units import describe_size


def describe(document: dict[str, Any]) -> str:
    """Write the document as text, a line a demand, with what is degraded and done last."""
    kernel = document["kernel"]
    system = f"kernel {kernel['release'] or 'unknown'} on {kernel['machine'] or 'unknown machine'}"
    lines = [f"severity {document['severity']}, {system}, pages of {kernel['page_size']} bytes"]
    lines += [_demand(demand, kernel["page_size"]) for demand in document["demands"]]
    lines += [_outcome(outcome) for outcome in document["remedies"]["last"][-3:]]
    if document["remedies"]["running"]:
        lines.append(f"running: {document['remedies']['running']}")
    lines += [f"degraded: {entry['what']}: {entry['why']}" for entry in document["degraded"]]
    return "\n".join(lines)


def _demand(demand: dict[str, Any], page_size: int) -> str:
    """Write one demand: single pages as their size, blocks by number and size."""
    block_bytes = page_size << demand["order"]

    def amount(blocks: int) -> str:
        return describe_size(blocks * block_bytes) if demand["order"] == 0 else str(blocks)

    what = f"{demand['request']} pages"
    if demand["order"]:
        what = f"{demand['request']} blocks of {describe_size(block_bytes)}"
    bound = "at least " if demand["lower_bound"] else ""
    known = demand["headroom"] is not None
    headroom = f"{bound}{amount(demand['headroom'])}" if known else "unknown"
    line = (
        f"{demand['severity']:<8} {demand['name']}: {what} (order {demand['order']}), headroom "
        f"{headroom}; warning at {amount(demand['warning'])}, "
        f"critical at {amount(demand['critical'])}"
    )
    reason = ": ".join(text for text in (demand["cause"], demand["advice"]) if text)
    return f"{line}\n         {reason}" if reason else line


def _outcome(outcome: dict[str, Any]) -> str:
    """Write one remedy's outcome."""
    return (
        f"{outcome['remedy']} for {outcome['demand']}: headroom {outcome['headroom_before']} -> "
        f"{outcome['headroom_after']} in {outcome['duration_seconds']:.3f} s, "
        f"{'effective' if outcome['effective'] else 'not enough'}, "
        f"{outcome['age_seconds']:.0f} s ago"
    )
