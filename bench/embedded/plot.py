"""Groups of bars as an SVG: one panel per condition, one group per workload, one bar per engine."""

COLOURS = {"redraft": "#1b6ca8", "file": "#c9c9c9", "encoded": "#8d8d8d", "other": "#8fbfe0"}
LABELS = {"redraft": "redraft", "file": "llama-server, file as it comes", "encoded": "llama-server, re-encoded",
          "other": "redraft, the other encoding"}


def bars(panels, unit):
    width, row, left = 1100, 18, 210
    parts, y = [], 40
    for x, (engine, colour) in enumerate(COLOURS.items()):
        parts.append(f'<rect x="{left + 220 * x}" y="12" width="12" height="12" fill="{colour}"/>'
                     f'<text x="{left + 18 + 220 * x}" y="22">{LABELS[engine]}</text>')
    most = max(value for panel in panels.values() for group in panel.values() for value in group.values())
    for condition, groups in panels.items():
        y += 16
        parts.append(f'<text x="10" y="{y}" font-weight="bold">{condition}, {unit}</text>')
        y += 10
        for name, values in groups.items():
            parts.append(f'<text x="10" y="{y + row + 13}">{name}</text>')
            for engine, value in values.items():
                length = (width - left - 60) * value / most
                parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{row - 4}" fill="{COLOURS[engine]}"/>'
                             f'<text x="{left + length + 6:.1f}" y="{y + 12}">{value:.1f}</text>')
                y += row
            y += 8
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y + 10}" font-family="sans-serif" '
            f'font-size="12"><rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n')
