"""The ray engine on a cluster of three nodes, one of which is killed: records like the local engine's."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pandas as pd
import pytest
from fake_bench import FakeBench
from test_run import begun, plan_of

import benchmark
from benchmark.runs.engines.local import run_local
from benchmark.runs.engines.ray import run_ray
from benchmark.runs.execute import execute
from benchmark.runs.store import Store

ray = pytest.importorskip("ray", reason="ray is not installed: pip install -e '.[ray]'")
from ray.cluster_utils import Cluster  # noqa: E402

pytestmark = pytest.mark.slow
NODES = 3


def add_node(cluster):
    cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)


def killer_of(cluster, killed):
    """What kills a node when the first group is finished, and notes which."""

    def kill_a_node(*_):
        if not killed:
            killed.append(cluster.list_all_nodes()[-1])
            cluster.remove_node(killed[0], allow_graceful=False)

    return kill_a_node


@pytest.fixture(scope="module")
def cluster():
    """Three nodes of one processor each, on this machine."""
    made = Cluster()
    for _ in range(NODES):
        add_node(made)
    made.connect()
    made.wait_for_nodes()
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def diary(tmp_path):
    folder = tmp_path / "diary"
    folder.mkdir()
    return folder


def run(store, diary, plan, engine, **options):
    return execute(plan, store, partial(engine, factory=partial(FakeBench, diary)), **options)


def test_ray_gives_what_local_workers_give(tmp_path, diary, cluster):
    plan = plan_of("a", "b", "refuses")
    here, there = Store.open(tmp_path / "here"), Store.open(tmp_path / "there")
    run(here, diary, plan, partial(run_local, workers=2))
    run(there, diary, plan, partial(run_ray, workers=0))
    assert here.list_keys() == there.list_keys()
    assert here.read_records().to_pandas().equals(there.read_records().to_pandas())


def test_time_limits_begin_with_the_work(tmp_path, diary, cluster):
    """Six groups wait for three processors, and every worker starts anew: none of that counts."""
    plan, store = plan_of("a", "slow", "hangs"), Store.open(tmp_path / "store")
    run(store, diary, plan, partial(run_ray, workers=8, seconds_per_cell=3.0))
    table = store.read_records().to_pydict()
    ended = Counter(zip(table["method"], table["status"], strict=True))
    assert ended == {("a", "ok"): 6, ("slow", "ok"): 6, ("hangs", "ok"): 4, ("hangs", "timeout"): 2}
    assert set(begun(diary).values()) == {1}


def test_dead_workers_are_replaced(tmp_path, diary, cluster):
    plan, store = plan_of("dies", "dies-once"), Store.open(tmp_path / "store")
    run(store, diary, plan, partial(run_ray, workers=0))
    table = store.read_records().to_pydict()
    ended = Counter(zip(table["method"], table["seed"], table["status"], strict=True))
    assert ended["dies", 1, "infrastructure"] == 2
    assert ended["dies-once", 1, "ok"] == 2
    assert sum(ended.values()) == plan.n_cells


def test_a_killed_node_costs_no_cell(tmp_path, diary, cluster):
    plan, store = plan_of(*("slow" + str(i) for i in range(8))), Store.open(tmp_path / "store")
    killed = []
    summary = run(store, diary, plan, partial(run_ray, workers=0), on_group=killer_of(cluster, killed))
    assert killed
    assert summary.statuses == {"ok": plan.n_cells}


def test_methods_that_learn_a_reward_have_the_same_records(tmp_path, cluster):
    """Real worlds and methods, and a node that dies; what a cell cost differs between any two runs."""
    while len(cluster.list_all_nodes()) < NODES:
        add_node(cluster)
    cluster.wait_for_nodes()
    killed = []
    chosen = {
        "methods": ["residual-*", "ipw-*", "doubly-robust"],
        "scenarios": ["observed[strength=1]", "hidden[strength=1]"],
        "seeds": 2,
        "device": "cpu",
    }
    benchmark.run_suite("quick", tmp_path / "local", workers=2, **chosen)
    on_group = killer_of(cluster, killed)
    benchmark.run_suite("quick", tmp_path / "ray", engine="ray", workers=NODES, on_group=on_group, **chosen)
    assert killed
    order = ["method", "role", "scenario", "seed"]
    here, there = (
        benchmark.read_records(tmp_path / engine).sort_values(order, ignore_index=True)
        for engine in ("local", "ray")
    )
    kept = [name for name in here if not name.startswith("meter.")]
    assert len(here) >= 20
    pd.testing.assert_frame_equal(here[kept], there[kept])
