"""Writes what was found: the aggregate table, the figure, and the regrets that both were made of."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

BEGIN, END = "<!-- external:begin -->", "<!-- external:end -->"
COLORS = {"plain": "#888888", "lifelike": "#0072b2", "calibrated": "#d55e00"}


def write_page(agreement: pd.DataFrame, regrets: pd.DataFrame, folder: Path) -> None:
    """Write the table into the page between its marks, the figure beside it, and the regrets as csv.

    Args:
        agreement: One row for each table, kind of world and mechanism.
        regrets: One row for each cell and method.
        folder: Folder of ``external-validity.md``.
    """
    page = folder / "external-validity.md"
    text = page.read_text("utf-8") if page.exists() else f"# External validity\n\n{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN)
    counts = regrets.groupby("board")["cluster"].nunique()
    size = "; ".join(f"{board}: {count}" for board, count in counts.items())
    note = f"Splits of each table and seeds of each kind of world: {size}."
    made = f"{BEGIN}\n{render_table(agreement)}\n\n{note}\n{END}"
    page.write_text(before + made + rest.split(END)[1], "utf-8")
    (folder / "external").mkdir(exist_ok=True)
    (folder / "external" / "agreement.svg").write_text(draw_agreement(agreement), "utf-8")
    mean = regrets.groupby(["board", "mechanism", "strength", "method"])["rho"].agg(["mean", "std", "count"])
    mean.round(4).to_csv(folder / "external" / "regrets.csv")


def render_table(agreement: pd.DataFrame) -> str:
    """The table as markdown."""
    lines = [
        "| table | mechanism | worlds | methods | tau | ceiling | cost of choosing | cost of face value |",
        "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in agreement.sort_values(["table", "mechanism", "worlds"]).itertuples():
        lines.append(
            f"| {row.table} | {row.mechanism} | {row.worlds} | {row.methods} | "
            f"{row.tau:.2f} {_interval(row.low, row.high)} | {_number(row.ceiling)} | {row.cost:.3f} | "
            f"{row.naive_cost:.3f} |"
        )
    return "\n".join(lines)


def _interval(low: float, high: float) -> str:
    return f"[{low:.2f}, {high:.2f}]" if low == low else ""


def _number(value: float) -> str:
    return f"{value:.2f}" if value == value else "–"


def draw_agreement(agreement: pd.DataFrame) -> str:
    """Tau with its interval for each mechanism, one panel a table, as svg."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    tables = list(agreement["table"].unique())
    with pyplot.rc_context({"svg.hashsalt": "external", "font.size": 9}):
        figure, axes = pyplot.subplots(
            1, len(tables), figsize=(4.6 * len(tables), 3.6), sharey=True, squeeze=False
        )
        for axis, table in zip(axes[0], tables, strict=True):
            part = agreement[agreement["table"] == table]
            mechanisms = list(part["mechanism"].unique())
            for offset, (kind, color) in enumerate(COLORS.items()):
                rows = part[part["worlds"] == kind]
                place = [mechanisms.index(m) + 0.22 * (offset - 1) for m in rows["mechanism"]]
                spread = [(rows["tau"] - rows["low"]).clip(0), (rows["high"] - rows["tau"]).clip(0)]
                axis.errorbar(rows["tau"], place, xerr=spread, fmt="o", color=color, markersize=4, label=kind)
            ceiling = part.groupby("mechanism", sort=False)["ceiling"].mean()
            axis.plot(ceiling, range(len(ceiling)), "|", color="black", markersize=16, label="ceiling")
            axis.set_yticks(range(len(mechanisms)), mechanisms)
            axis.axvline(0, color="#cccccc", linewidth=0.8, zorder=0)
            axis.set(xlim=(-1, 1), xlabel="Kendall's tau with the real board", title=table)
        axes[0][0].invert_yaxis()
        axes[0][-1].legend(fontsize=8, loc="lower left")
        figure.tight_layout()
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
        pyplot.close(figure)
    return buffer.getvalue()
