"""No component computes anything else than it did without raising its version."""

from __future__ import annotations

import fingerprints
import pytest


@pytest.mark.parametrize("component", list(fingerprints.DESCRIBE))
def test_outputs_change_only_with_the_version(component: str) -> None:
    changed, unknown = fingerprints.find_changes(component, fingerprints.DESCRIBE[component]())
    assert not changed, (
        f"outputs changed: raise VERSION of {component} and regenerate with "
        f"`{fingerprints.COMMAND}`: {', '.join(changed)}"
    )
    assert not unknown, (
        f"outputs came or went: regenerate with `{fingerprints.COMMAND}`: {', '.join(unknown)}"
    )


def test_a_change_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"simulators": "1", "benchmark.harness": "1", "methods": "1"}
    monkeypatch.setattr(fingerprints, "component_versions", lambda: versions)
    stored = {"versions": {"methods": "1", "benchmark.harness": "1"}, "outputs": {"m": [1.0, 0.0], "t": "ab"}}
    monkeypatch.setattr(fingerprints, "read", lambda: {"methods": stored})
    find = fingerprints.find_changes
    assert find("methods", {"m": [1.0 + 1e-5, 1e-6], "t": "ab"}) == ([], [])  # rounding
    assert find("methods", {"m": [1.0, 0.01], "t": "ab"}) == (["m"], [])
    assert find("methods", {"m": [1.0, None], "t": "cd"}) == (["m", "t"], [])
    assert find("methods", {"m": [1.0, 0.0], "new": "x"}) == ([], ["new", "t"])
    versions["benchmark.harness"] = "2"  # methods rest on the harness: its new version excuses both
    assert find("methods", {"m": [9.0, 9.0]})[0] == []
