"""What a run tells: a line a fault as it happens, and the table at the end."""

import statistics
import sys

COUNTS = ("published", "confirmed", "lost", "destroyed", "duplicates", "corrupted", "returned")


class Record:
    """One fault, injected once."""

    def __init__(self, fault, seen, summary, allowed, complaints):
        self.fault, self.seen, self.summary, self.allowed, self.complaints = fault, seen, summary, allowed, complaints

    def count(self, name):
        return self.summary.get(name) or 0


def seconds(value):
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 10 else f"{value:.1f} s"


def line(record, now):
    seen, count = record.seen, record.count
    text = f"{now:7.1f} s  {record.fault.name:<22} "
    if seen:
        limit = f" of {seconds(record.fault.limit)}" if record.fault.limit else ""
        text += f"recovery {seconds(seen.recovery)}{limit}; "
    text += f"events {count('published')} lost {count('lost')} duplicates {count('duplicates')}"
    if count("destroyed"):
        text += f" destroyed {count('destroyed')}"
    if seen and seen.text:
        text += f"; {seen.text}"
    for complaint in record.complaints:
        text += f"\n           NOT SURVIVED: {complaint}"
    return text


def table(records):
    counts = ("events", "lost", "destroyed", "corrupted", "duplicates", "at most")
    rows = [("fault", "times", "median", "worst", "limit", *counts)]
    names = list(dict.fromkeys(record.fault.name for record in records))
    for name in names:
        of = [record for record in records if record.fault.name == name]
        took = [record.seen.recovery for record in of if record.seen and record.seen.recovery is not None]
        total = lambda what: str(sum(record.count(what) for record in of))
        allowed = [record.allowed for record in of]
        rows.append(
            (
                name,
                str(len(of)),
                seconds(statistics.median(took)) if took else "-",
                seconds(max(took)) if took else "-",
                seconds(of[0].fault.limit),
                total("published"),
                total("lost"),
                total("destroyed"),
                total("corrupted"),
                total("duplicates"),
                "any" if None in allowed else str(sum(allowed)),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for name, *cells in rows:
        lines.append("  ".join([name.ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(cells, widths[1:])]))
    return "\n".join(lines)


def totals(records):
    return "  ".join(f"{name} {sum(record.count(name) for record in records)}" for name in COUNTS)


def tap(records, skipped, ended_well):
    claims = [
        (f"{record.fault.name}: nothing lost, answered twice only where it may be, and back in time", record.complaints)
        for record in records
    ]
    claims.append(("the farm drains and ends with 0", [] if ended_well else ["it did not"]))
    for number, (claim, complaints) in enumerate(claims, 1):
        print(f"{'not ok' if complaints else 'ok'} {number} - {claim}", flush=True)
        for complaint in complaints:
            print(f"# {claim.split(':')[0]}: {complaint}", file=sys.stderr, flush=True)
    for number, name in enumerate(skipped, len(claims) + 1):
        print(f"ok {number} - {name} # SKIP not possible here")
    print(f"1..{len(claims) + len(skipped)}")


def memory(samples):
    """Lines of (role, first quarter's median, last quarter's median, greatest) in KiB, and what has grown. One second
    with a body of 100 MiB in memory would move a mean."""
    if not samples:
        return [], []
    begin, end = samples[0][0], samples[-1][0]
    lines, grown = [], []
    for role in ("autoscaler", "worker"):
        mine = [(at, value) for at, each, value in samples if each == role]
        first = [value for at, value in mine if at <= begin + (end - begin) / 4]
        last = [value for at, value in mine if at >= end - (end - begin) / 4]
        if not first or not last:
            continue
        early, late = statistics.median(first), statistics.median(last)
        greatest = max(value for _, value in mine)
        lines.append(
            f"{role:<10}  memory of its own: {early:.0f} KiB in the first quarter, "
            f"{late:.0f} KiB in the last, at most {greatest} KiB"
        )
        if late > 1.2 * early + 256:
            grown.append(f"the {role}'s memory grew from {early:.0f} to {late:.0f} KiB")
    return lines, grown
