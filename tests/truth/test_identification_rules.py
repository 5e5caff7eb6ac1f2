"""Strategies read from graphs drawn by hand, each with the textbook's answer beside it."""

from __future__ import annotations

import pytest

from simulators.identification import CausalGraph, Node, find_strategies


def _graph(edges: str, columns: str = "", latent: str = "", **changes) -> CausalGraph:
    """A graph from ``"a>b c>d"``; ``columns`` names recorded covariates as ``node=column``."""
    pairs = tuple(tuple(edge.split(">")) for edge in edges.split())
    recorded = dict(part.split("=") for part in columns.split())
    names = dict.fromkeys(["text", "outcome", *(name for pair in pairs for name in pair), *recorded])
    nodes = {}
    for name in names:
        caused = [cause for cause, effect in pairs if effect == name]
        kind = name if name in ("text", "outcome", "selected", "prompt") else "column" if caused else "factor"
        kind = "feature" if name in latent.split() else kind
        nodes[name] = Node(kind, (recorded[name],) if name in recorded else ())
    return CausalGraph(nodes, pairs, **changes)


def _names(graph: CausalGraph, **hidden) -> list[str]:
    return [strategy.name for strategy in find_strategies(graph, **hidden)]


CONFOUNDED = "z>text z>outcome text>outcome"


def test_nothing_confounds_a_randomised_text():
    assert _names(_graph("z>outcome text>outcome", "z=covariate.z")) == ["randomised"]


def test_a_recorded_confounder_is_held_fixed_and_nothing_else_is():
    graph = _graph(CONFOUNDED + " w>outcome", "z=covariate.z w=covariate.w")
    (found,) = find_strategies(graph)
    assert (found.name, found.columns) == ("back-door", ("covariate.z",))


def test_a_back_door_set_is_of_no_use_where_some_texts_are_impossible():
    assert _names(_graph(CONFOUNDED, "z=covariate.z", positive=False)) == []


def test_holding_a_collider_fixed_is_never_proposed():
    """M-bias: both causes of m are unrecorded; m itself opens the path that nothing else opens."""
    graph = _graph("u>text u>m v>m v>outcome text>outcome", "m=covariate.m")
    assert _names(graph) == ["randomised"]


def test_a_column_that_follows_from_the_text_is_no_control():
    """u confounds; the mediator m is called a covariate, but lies behind the text."""
    graph = _graph("u>text u>outcome text>m m>outcome text>outcome", "m=covariate.m")
    assert _names(graph) == []


def test_a_function_of_recorded_factors_counts_as_recorded():
    graph = _graph("a>f b>f f>text f>outcome text>outcome", "a=covariate.a b=covariate.b", latent="f")
    assert _names(graph)[0] == "back-door"
    assert _names(_graph("a>f b>f f>text f>outcome text>outcome", "a=covariate.a", latent="f")) == []


@pytest.mark.parametrize(
    ("extra", "found"),
    [
        ("", ["instrument"]),
        (" i>outcome", []),  # exclusion fails
        (" i>z v>z", []),  # the nudge goes with the confounder
    ],
)
def test_an_instrument_moves_the_text_alone(extra, found):
    graph = _graph("z>text z>outcome text>outcome i>text" + extra, "i=instrument.i", latent="z")
    assert _names(graph) == found


def test_a_covariate_that_moves_the_text_alone_is_an_instrument_whatever_it_is_called():
    assert _names(_graph(CONFOUNDED + " c>text", "c=covariate.c")) == ["instrument"]


def test_two_measurements_with_errors_of_their_own_are_proxies():
    measured = CONFOUNDED + " z>p e>p z>q d>q"
    assert _names(_graph(measured, "p=proxy.p q=proxy.q")) == ["proxies"]
    assert _names(_graph(CONFOUNDED + " z>p e>p z>q e>q", "p=proxy.p q=proxy.q")) == []  # one error for both
    assert _names(_graph(measured + " e>text", "p=proxy.p q=proxy.q")) == ["proxies"]  # roles can be swapped
    assert _names(_graph(measured + " e>text d>text", "p=proxy.p q=proxy.q")) == []
    assert _names(_graph(measured, "p=proxy.p")) == []


def test_an_instrument_of_the_confounder_needs_a_measured_confounder_and_nothing_else_that_confounds():
    edges = "u>f w>f f>outcome u>text text>outcome f>c e>c"
    names = "w=instrument.w c=covariate.c"
    assert "confounder-instrument" in _names(_graph(edges, names, latent="f"))
    assert "confounder-instrument" not in _names(_graph(edges + " u>outcome", names, latent="f"))
    assert "confounder-instrument" not in _names(_graph(edges + " w>text", names, latent="f"))
    assert "confounder-instrument" not in _names(_graph(edges, "w=instrument.w", latent="f"))


def test_recorded_outcomes_alone_are_a_biased_sample_where_text_and_confounder_both_select():
    edges = "z>outcome text>outcome z>selected text>selected"
    assert _names(_graph(edges)) == []
    assert _names(_graph(edges, "z=covariate.z")) == ["back-door"]
    assert _names(_graph("z>outcome text>outcome d>selected")) == ["randomised"]
    weighted = _graph(edges + " z>chance text>chance", "chance=observation_propensity")
    assert _names(weighted) == ["selection-weights"]


def test_a_shadow_moves_the_outcome_and_not_its_recording():
    edges = "s>outcome text>outcome outcome>selected text>selected"
    assert _names(_graph(edges, "s=shadow.s")) == ["shadow"]
    assert _names(_graph(edges + " s>selected", "s=shadow.s")) == []


def test_a_flag_helps_where_the_rows_it_marks_are_randomised():
    clean, dirty = _graph("z>outcome text>outcome"), _graph(CONFOUNDED)
    flagged = CONFOUNDED + " t>text"
    assert _names(_graph(flagged, "t=randomised", slice=clean)) == ["slice"]
    assert _names(_graph(flagged, "t=randomised", slice=dirty)) == []
    assert _names(_graph(flagged, "t=randomised", slice=clean), hidden=("randomised",)) == []


def test_outcomes_that_are_not_what_was_measured_identify_nothing_but_by_a_clean_slice():
    clean = _graph("z>outcome text>outcome")
    assert _names(_graph("z>outcome text>outcome", faithful=False)) == []
    assert _names(
        _graph("z>outcome text>outcome t>outcome", "t=randomised", faithful=False, slice=clean)
    ) == ["slice"]


def test_texts_edited_after_the_outcome_identify_nothing():
    assert _names(_graph("text>outcome", edited=True)) == []


def test_logged_propensities_serve_those_who_are_shown_them():
    graph = _graph(CONFOUNDED + " text>p z>p", "p=propensity")
    assert _names(graph) == ["propensity"]
    assert _names(graph, hidden=("propensity",)) == []
