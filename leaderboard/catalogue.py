"""What is known of families and methods beside their records: plain data that is handed in.

The leaderboard imports neither worlds nor methods. ``benchmark.board`` collects this from both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Description = Mapping[str, Any]


@dataclass(frozen=True)
class Catalogue:
    """Descriptions by name; a name that is missing is shown without a description.

    Attributes:
        families: ``name``, ``situation``, ``log`` (kind of log), ``strategies`` (what identifies the
            effect, by name), ``identified_by`` (the same in words), ``recover``, ``fail``, ``parameters``
            (each with ``name``, ``default``, ``accepted``, ``summary``), and ``graph`` or None: ``nodes``
            (each with ``name``, ``kind`` and ``role``, which is empty where the log does not record it)
            and ``edges`` (pairs of names, cause first).
        methods: ``name``, ``summary``, ``paper``, ``needs``, ``kinds``, ``track``, ``adjusts``, ``policy``,
            ``intervals``, ``canary``.
    """

    families: Mapping[str, Description] = field(default_factory=dict)
    methods: Mapping[str, Description] = field(default_factory=dict)

    def family(self, name: str) -> Description:
        """The description of a family; empty where there is none."""
        return self.families.get(name, {})

    def method(self, name: str) -> Description:
        """The description of a method; empty where there is none."""
        return self.methods.get(name, {})
