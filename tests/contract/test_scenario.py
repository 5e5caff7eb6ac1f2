"""Scenarios and suites as text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.contract import UsageError
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import check_suite, list_suites, load_suite

MINIMAL = {"name": "x", "version": "1", "cells": [{"scenarios": ["observed"]}]}


def test_equal_scenarios_have_equal_ids_however_they_are_spelled():
    one = Scenario.parse("observed[strength=1,overlap=0.3,n=4000]")
    two = Scenario.parse(" observed [ n=4000 , overlap=.30, strength=1.0 ] ")
    assert one == two
    assert one.id == "observed[overlap=0.3,strength=1,n=4000]"
    assert one.hash == two.hash
    assert Scenario.parse("observed").id == "observed"
    assert Scenario.parse("marker[balanced=true,greeting=friday]").parameters == {
        "balanced": True,
        "greeting": "friday",
    }


def test_words_with_commas_are_quoted():
    """Paths and column names may hold what the grammar uses itself."""
    scenario = Scenario.parse(
        'corpus[data="/a, b/t[1].csv",text="say ""x",test=a+b,weight="2019"]'.replace('""', '\\"')
    )
    expected = {"data": "/a, b/t[1].csv", "text": 'say "x', "test": "a+b", "weight": "2019"}
    assert scenario.parameters == expected
    assert Scenario.parse(scenario.id) == scenario
    assert Scenario.parse("corpus[data=/a/b.csv]").id == "corpus[data=/a/b.csv]"


value = st.one_of(
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
)


@given(
    st.dictionaries(st.from_regex(r"[a-m][a-z]{0,5}", fullmatch=True), value, max_size=4),
    st.integers(1, 10**7),
)
def test_ids_are_read_back(parameters, n):
    scenario = Scenario("family", tuple(sorted(parameters.items())), n)
    again = Scenario.parse(scenario.id)
    assert again.id == scenario.id
    assert again.parameters == parameters
    assert again.n == n


@pytest.mark.parametrize(
    "text",
    ["", "[n=1]", "observed[", "observed[strength]", "observed[strength=]", "observed[=1]", "observed[n=0]",
     "observed[n=-5]", "observed[n=2.5]", "observed[n=many]", "observed[a=1,a=2]", "observed[a=inf]", "a b",
     'observed[a="b]', 'observed[a="b"c]'],
)  # fmt: skip
def test_malformed_scenarios_are_usage_errors(text):
    with pytest.raises(UsageError) as caught:
        Scenario.parse(text)
    assert caught.value.expected
    assert caught.value.found


def test_rows_come_from_the_scenario_first():
    assert Scenario.parse("observed").with_rows(50).n == 50
    assert Scenario.parse("observed[n=7]").with_rows(50).n == 7


def test_strength():
    assert Scenario.parse("observed[strength=2]").strength({"strength": 1.0}) == 2
    assert Scenario.parse("observed").strength({"strength": 1.0}) == 1
    assert math.isnan(Scenario.parse("observed").strength({}))


def test_the_suites_that_come_with_the_package_load():
    assert "quick" in list_suites()
    for name in list_suites():
        suite = load_suite(name)
        assert suite.name == name
        assert suite.scenarios
        assert len(set(suite.scenarios)) == len(suite.scenarios)


def test_a_suite_fills_in_rows_and_seeds():
    suite = check_suite({**MINIMAL, "seeds": 3, "n": 100})
    assert suite.seeds == (0, 1, 2)
    assert [scenario.id for scenario in suite.scenarios] == ["observed[n=100]"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"seeds": []}, "seeds"),
        ({"seeds": [-1]}, "seeds"),
        ({"n": -1}, "n"),
        ({"group_size": 65}, "group_size"),
        ({"cells": []}, "cells"),
        ({"queries": {"pears": 3}}, "pears"),
        ({"budget": {"steps": 0}}, "steps"),
        ({"cells": [{"scenarios": ["observed"], "method": ["*"]}]}, "method"),
    ],
)
def test_malformed_suites_name_the_key(change, named):
    with pytest.raises(UsageError) as caught:
        check_suite({**MINIMAL, **change})
    assert named in caught.value.found


def test_unknown_and_unreadable_suites(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'quick'"):
        load_suite("quik")
    with pytest.raises(UsageError, match="cannot read"):
        load_suite(tmp_path / "absent.toml")
    (tmp_path / "broken.toml").write_text("name = ")
    with pytest.raises(UsageError, match="not TOML"):
        load_suite(tmp_path / "broken.toml")


def test_the_old_key_of_a_suite_is_answered_with_the_new_one():
    with pytest.raises(UsageError, match="old key 'block'") as caught:
        check_suite({"name": "x", "version": "1", "block": [{"scenarios": ["observed"]}]})
    assert "[[cells]]" in caught.value.expected
