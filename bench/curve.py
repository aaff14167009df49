"""The cost of an event over the number of rules, as an SVG without any library."""
import math

COLOURS = ["#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#566573"]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 420, 70, 50, 40, 170


def svg(rows, sets):
    counts = {s.name: s.count for s in sets if s.sigma}
    series = {}
    for row in rows:
        if row.rules in counts and row.program == "postern":
            series.setdefault(row.lane, []).append((counts[row.rules], 1e6 * row.seconds / row.events))
    series = {lane: sorted(points) for lane, points in series.items() if lane.startswith("sysmon")}
    points = [p for s in series.values() for p in s]
    if not points:
        return '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>\n'
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    top = max(y for _, y in points) * 1.1

    def at(x, y):
        share = 0.5 if high == low else (math.log(x) - math.log(low)) / (math.log(high) - math.log(low))
        return (LEFT + share * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y / top * (HEIGHT - BOTTOM - TOP))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           f'<text x="{LEFT}" y="20" font-size="14">CPU time per event over the number of Sigma rules, one core</text>']
    step = 10 ** math.floor(math.log10(top / 4))
    step *= 5 if top / step > 20 else 2 if top / step > 8 else 1
    for i in range(int(top / step) + 1):
        _, y = at(low, i * step)
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{i * step:g} µs</text>')
    for x in sorted({x for x, _ in points}):
        px, py = at(x, 0)
        out.append(f'<text x="{px:.1f}" y="{py + 18:.1f}" text-anchor="middle">{x:,}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">rules (log scale)</text>')
    for i, (lane, line) in enumerate(sorted(series.items())):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in (at(*p) for p in line))
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in (at(*p) for p in line)]
        y = TOP + 12 + 18 * i
        out.append(f'<line x1="{WIDTH - RIGHT + 14}" y1="{y - 4}" x2="{WIDTH - RIGHT + 34}" y2="{y - 4}" '
                   f'stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{WIDTH - RIGHT + 40}" y="{y}">{lane}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"
