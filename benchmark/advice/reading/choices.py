"""What a user says about the columns of a table; whatever is left open is guessed."""

from __future__ import annotations

from dataclasses import dataclass, fields

from benchmark.contract.errors import UsageError, unknown_name


@dataclass(frozen=True)
class Choices:
    """Column names by what the columns are; None or nothing leaves a guess to ``roles``.

    Attributes:
        text: The text that was shown.
        outcome: What was measured after the text was shown.
        prompt: What the writer was asked for.
        covariates: Columns recorded before the text was chosen; an empty tuple says that there are none.
        propensity: P(text | what was known) as logged.
        instruments: Columns that move the text, and the outcome only through it.
        unit: Person or other unit to which several rows belong.
        time: When the row was logged.
        placebos: Outcomes that the text cannot have moved, such as those from before it was shown.
        ignore: Columns to leave out.
    """

    text: str | None = None
    outcome: str | None = None
    prompt: str | None = None
    covariates: tuple[str, ...] | None = None
    propensity: str | None = None
    instruments: tuple[str, ...] = ()
    unit: str | None = None
    time: str | None = None
    placebos: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    @property
    def by_column(self) -> dict[str, str]:
        """Column name to the field that names it."""
        return {column: name for name, column in self._pairs()}

    def check(self, columns: list[str]) -> None:
        """Check the choices against the table.

        Raises:
            UsageError: If a column does not exist, or is named for two things.
        """
        seen: dict[str, str] = {}
        for name, column in self._pairs():
            if column not in columns:
                raise unknown_name("column", column, columns)
            if column in seen and {name, seen[column]} != {"covariates", "placebos"}:
                raise UsageError(
                    f"column {column!r} is named twice",
                    expected="one thing for each column",
                    found=f"{seen[column]} and {name}",
                    fix="leave one of them out",
                )
            seen[column] = name

    def _pairs(self) -> list[tuple[str, str]]:
        pairs = []
        for field in fields(self):
            value = getattr(self, field.name)
            pairs += [(field.name, v) for v in ((value,) if isinstance(value, str) else value or ())]
        return pairs
