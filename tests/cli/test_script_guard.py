"""A script that forgets its guard is told so at once, instead of starting itself again in every worker."""

import subprocess
import sys
import textwrap

import pytest

CELLS = 'methods=["naive"], scenarios=["null[n=100]"], seeds=1'
CALL = f'benchmark.run_suite("quick", "store", {CELLS}, workers={{}})'
SCRIPT = "import benchmark\n{}\n"
GUARDED = 'import benchmark\nif __name__ == "__main__":\n    {}\n'


def run(folder, text):
    (folder / "script.py").write_text(text)
    command = [sys.executable, "-c", WITHOUT_RUNNING, str(folder / "script.py")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


# Runs a script as `python script.py` would, with a run that starts nothing: only the check is of interest.
WITHOUT_RUNNING = textwrap.dedent(
    """
    import sys, runpy
    from benchmark.runs import run
    from benchmark.runs.execute import Summary
    run.execute = lambda *_, **__: print("would run") or Summary("store", 0, 0, 0, {})
    run.make_backbones = lambda *_: None
    runpy.run_path(sys.argv[1], run_name="__main__")
    """
)


@pytest.mark.parametrize(
    ("script", "workers", "runs"), [(SCRIPT, 1, False), (SCRIPT, 0, True), (GUARDED, 1, True)]
)
def test_a_script_without_a_guard_is_refused(tmp_path, script, workers, runs):
    ended = run(tmp_path, script.format(CALL.format(workers)))
    assert ("would run" in ended.stdout) == runs, ended.stderr
    assert (ended.returncode == 0) == runs
    if not runs:
        assert "UsageError" in ended.stderr
        assert 'if __name__ == "__main__":' in ended.stderr
        assert "line 2" in ended.stderr
        assert not (tmp_path / "store").exists()
