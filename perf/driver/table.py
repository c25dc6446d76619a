"""The table: a Markdown table that reads well on a terminal too."""
from . import contenders
from .results import median

OF_RAW = 0.6  # the yardstick where the machine is another than that of the targets

HEADING = ("2 ranks unless said", "Tutti (us)", "raw loop (us)", "% of raw", "best peer (us)",
           "ratio", "spread", "target", "")


def microseconds(value):
    if value is None:
        return "-"
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def verdict(row, results):
    """What the last column says: met, missed, or why there is no answer."""
    failure = results.failure(row, contenders.TUTTI)
    if failure:
        return f"Tutti: {failure}"
    if wrong := results.wrong(row):
        return "WRONG DATA: " + ", ".join(wrong)
    peer = results.best_peer(row)
    words = []
    if peer and row.target:
        ratio = median(results.ratios(row, results.times(row, peer)))
        words.append("met" if ratio and ratio >= row.target else "missed")
    raw = median(results.raw_times(row))
    ours = results.median(row, contenders.TUTTI)
    if raw and ours and row.raw_limit:
        words.append("within" if ours <= row.raw_limit * raw else "MORE than")
        words[-1] += f" {row.raw_limit:g}x a flag exchange"
    elif raw and ours and raw < OF_RAW * ours:
        words.append(f"below {100 * OF_RAW:.0f} % of raw")
    return "; ".join(words)


def cells(row, results):
    ours = results.median(row, contenders.TUTTI)
    raw = median(results.raw_times(row))
    peer = results.best_peer(row)
    ratios = results.ratios(row, results.times(row, peer)) if peer else []
    return (
        row.name,
        microseconds(ours),
        microseconds(raw),
        f"{100 * raw / ours:.0f}" if raw and ours else "-",
        f"{microseconds(results.median(row, peer))} {peer}" if peer else "-",
        f"{median(ratios):.2f}x" if ratios else "-",
        f"{min(ratios):.2f}-{max(ratios):.2f}" if ratios else "-",
        f"{row.target:g}x" if row.target else "-",
        verdict(row, results),
    )


def markdown(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = []
    for line in lines:
        cells_of_line = (cell.ljust(width) for cell, width in zip(line, widths))
        text.append("| " + " | ".join(cells_of_line) + " |")
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def peer_table(rows, results):
    names = [name for name in contenders.PEERS if any(results.times(row, name) for row in rows)]
    if not names:
        return ""
    lines = [("median (us)", *names)]
    for row in rows:
        line = [row.name]
        for name in names:
            line.append(results.failure(row, name) or microseconds(results.median(row, name)))
        lines.append(tuple(line))
    return "\n\nEvery peer:\n\n" + markdown(lines)


def render(rows, results, crowd_lines, fault_lines=(), fabric_lines=()):
    text = markdown([HEADING] + [cells(row, results) for row in rows]) + peer_table(rows, results)
    if crowd_lines:
        text += "\n\n384 ranks as processes, Tutti alone, `ulimit -n 1024`:\n\n" + markdown(
            [("", "measured", "target", "")] + crowd_lines)
    if fault_lines:
        text += "\n\n8 ranks as processes, Tutti alone, until the last survivor's call returned:\n\n"
        text += markdown([("", "measured", "target", ""), *fault_lines])
    if fabric_lines:
        text += "\n\nChosen algorithms against the fastest, in virtual time:\n\n"
        text += markdown([("", "measured", "target", ""), *fabric_lines])
    return text
