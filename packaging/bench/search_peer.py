"""Exact search of a million vectors of 512 numbers in faiss and usearch: milliseconds for the 100 nearest."""

import statistics
import sys
import time

import faiss
import numpy as np
from usearch.index import MetricKind, search

ROWS, DIM, LIMIT, RUNS = 1_000_000, 512, 100, 7


def milliseconds(run):
    run()
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def main(threads=2):
    """Prints one line a peer: its name and milliseconds."""
    threads = int(threads)
    faiss.omp_set_num_threads(threads)
    rows = np.random.default_rng(0).standard_normal((ROWS, DIM), dtype=np.float32)
    faiss.normalize_L2(rows)
    query = rows[:1] + 0.01
    halves, half = rows.astype(np.float16), query.astype(np.float16)
    index = faiss.IndexFlatIP(DIM)
    index.add(rows)
    del rows
    print("faiss IndexFlatIP f32", milliseconds(lambda: index.search(query, LIMIT)), flush=True)
    exact = {"metric": MetricKind.IP, "exact": True, "threads": threads}
    print("usearch exact f16", milliseconds(lambda: search(halves, half[0], LIMIT, **exact)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
