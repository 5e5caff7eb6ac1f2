"""Inspecting a million rows takes a minute and 2 GB at most, and memory does not grow with the rows.

The minute is one of processor time, which other work on the machine does not change. An inspection runs on
one thread, so on an idle machine it is a minute on the clock at most.
"""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

# A child's ru_maxrss starts from its parent's; the peak of its own memory map is in /proc alone.
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="peak memory is in /proc")]
SECONDS, MEGABYTES = 60, 2000
INSPECT = """
import json, sys, time
import benchmark
start = time.process_time()
own = benchmark.read_log(sys.argv[1])
read = time.process_time() - start
found = benchmark.inspect_log(own) if sys.argv[2] == "inspect" else None
print(json.dumps({
    "rows": own.rows, "read": read, "seconds": time.process_time() - start,
    "megabytes": next(int(x.split()[1]) for x in open("/proc/self/status") if x.startswith("VmHWM")) / 1024,
}))
"""


def write_log(path, rows, seed=0):
    """A csv with texts, an outcome, numbers, categories, dates and missing values."""
    rng = np.random.default_rng(seed)
    words = np.array(
        ["river", "school", "market", "garden", "winter", "music", "train", "bread", "happy", "monday"]
    )
    texts = np.array(
        [" ".join(rng.choice(words, 9)) + ("!" if k % 3 else "?") for k in range(20_000)], object
    )
    part = 500_000
    with csv.CSVWriter(path, _batch(rng, texts, 1).schema) as writer:
        for start in range(0, rows, part):
            writer.write_table(_batch(rng, texts, min(part, rows - start)))


def _batch(rng, texts, n):
    chosen = rng.integers(len(texts), size=n)
    age = rng.normal(40, 10, n)
    days = np.datetime64("2023-01-01") + rng.integers(0, 365, n).astype("timedelta64[D]")
    return pa.table(
        {
            "message": texts[chosen],
            "clicks": rng.poisson(2, n),
            "age": pa.array(age, mask=rng.random(n) < 0.05),
            "city": np.array(["Rome", "Paris", "Oslo", "Bonn"], object)[rng.integers(4, size=n)],
            "mobile": rng.random(n) < 0.5,
            "sent": pa.array(days),
            "customer": rng.integers(n, size=n),
        }
    )


def inspect(path, what):
    done = subprocess.run(
        [sys.executable, "-c", INSPECT, str(path), what], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_a_million_rows_take_a_minute_and_two_gigabytes(tmp_path):
    path = tmp_path / "log.csv"
    write_log(path, 1_000_000)
    used = inspect(path, "inspect")
    assert used["rows"] == 1_000_000
    assert used["seconds"] < SECONDS, used
    assert used["megabytes"] < MEGABYTES, used


def test_memory_does_not_grow_with_the_rows(tmp_path):
    """The reader's buffers are full within three million rows; the next three million must cost no more."""
    few, many = tmp_path / "few.csv", tmp_path / "many.csv"
    write_log(few, 3_000_000)
    write_log(many, 6_000_000)
    small, large = inspect(few, "read"), inspect(many, "read")
    assert large["megabytes"] < small["megabytes"] + 100, (small, large)
