"""Draws what a library costs as it grows. In: what `cargo bench … --bench rescan` printed with BENCH_LARGE=1. Out: an SVG.

    BENCH_LARGE=1 cargo bench --workspace --bench rescan | tee growth.txt
    /tmp/peers/bin/python packaging/bench/growth.py growth.txt docs/growth.svg
"""

import sys

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

# The columns of the table that are drawn, in seconds.
LINES = {"looked through": 3, "opened": 4, "top 100 found": 6}


def seconds(words):
    number, unit = words.split()
    return float(number) * {"ms": 1e-3, "s": 1}[unit]


def rows(path):
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in open(path) if line.startswith("|")]
    return [row for row in cells if row[0].isdigit() and row[5].endswith(" MB")]


def main(source, target):
    table = rows(source)
    photos = [int(row[0]) for row in table]
    matplotlib.rcParams["svg.hashsalt"] = "growth"
    figure, (times, memory) = pyplot.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for name, column in LINES.items():
        times.plot(photos, [seconds(row[column]) for row in table], marker="o", label=name)
    times.set(xscale="log", yscale="log", xlabel="photos", ylabel="seconds")
    times.legend(frameon=False)
    memory.plot(photos, [float(row[5].split()[0]) for row in table], marker="o", color="tab:red")
    memory.set(xscale="log", xlabel="photos", ylabel="MB in memory, vectors apart")
    for axes in (times, memory):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.2)
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
