"""Parameters: the published parameters of a family, typed, with ranges and defaults.

A parameter knows its own range and nothing of the world it shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.contract.errors import UsageError, unknown_name

Value = float | int | bool | str
_WORDS = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a family; its type is the type of its default.

    Attributes:
        name: Name used in scenario strings.
        default: Value taken when none is given.
        summary: What turning it does, in one phrase.
        low: Least value of a number.
        high: Greatest value of a number.
        choices: Accepted values of a word.
        open_low: Whether ``low`` itself is excluded.
        form: What a free word must be, for people.
        required: Whether it must be given: it then has no default.
        place: "file" or "model" where it names one, whose content then counts and not where it lies;
            "folder" where it names a folder to write to, which counts for nothing; else "".
        formerly: The name it had before, which an error answers with the present one; "" for none.
    """

    name: str
    default: Value
    summary: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    open_low: bool = False
    form: str = "any text"
    required: bool = False
    place: str = ""
    formerly: str = ""

    @property
    def accepted(self) -> str:
        """The accepted values, for people."""
        if self.choices:
            return " | ".join(self.choices)
        if isinstance(self.default, bool):
            return "true | false"
        if isinstance(self.default, str):
            return self.form
        kind = "whole number" if isinstance(self.default, int) else "number"
        low = f"{'(' if self.open_low else '['}{self.low:g}" if self.low is not None else "(-inf"
        high = f"{self.high:g}]" if self.high is not None else "inf)"
        return f"{kind} in {low}, {high}"

    def read(self, value: object) -> Value:
        """The value as the parameter's type.

        Raises:
            UsageError: If it cannot be read or lies out of range.
        """
        try:
            read = self._convert(value)
        except (TypeError, ValueError):
            raise self._refuse(value) from None
        if self.choices and read not in self.choices:
            raise self._refuse(value)
        if isinstance(read, float | int) and not isinstance(read, bool):
            below = self.low is not None and (read <= self.low if self.open_low else read < self.low)
            if read != read or below or (self.high is not None and read > self.high):
                raise self._refuse(value)
        return read

    def _convert(self, value: object) -> Value:
        if isinstance(self.default, bool):
            return value if isinstance(value, bool) else _WORDS[str(value).strip().lower()]
        if isinstance(self.default, str):
            return str(value)
        if isinstance(value, bool):
            raise ValueError
        number = float(value)  # type: ignore[arg-type]
        if isinstance(self.default, int):
            if number != int(number):
                raise ValueError
            return int(number)
        return number

    def _refuse(self, value: object) -> UsageError:
        return UsageError(
            f"parameter {self.name!r} cannot be {value!r}",
            expected=self.accepted,
            found=repr(value),
            fix=self.summary,
        )


def read_parameters(
    family: str, parameters: Sequence[Parameter], given: Mapping[str, object]
) -> dict[str, Value]:
    """Every parameter of a family with the value given, or its default.

    Raises:
        UsageError: For an unknown parameter (with the nearest names), one that must be given and is not, or a
            value out of range.
    """
    for name, value in given.items():
        find_parameter(family, parameters, name).read(value)
    for parameter in parameters:
        if parameter.required and parameter.name not in given:
            raise UsageError(
                f"family {family!r} needs the parameter {parameter.name!r}",
                expected=f"{parameter.name}={parameter.accepted}",
                found="not set",
                fix=f"write {family}[{parameter.name}=...]; {parameter.name}: {parameter.summary}",
            )
    if any(parameter.name == "texture" for parameter in parameters):
        given = apply_preset(given, parameters)
    return {p.name: p.read(given.get(p.name, p.default)) for p in parameters}


def find_parameter(
    family: str, parameters: Sequence[Parameter], name: str, others: Sequence[str] = ()
) -> Parameter:
    """The parameter of a family with a name.

    Args:
        family: Name of the family.
        parameters: Its parameters.
        name: The name to look up.
        others: More names that a scenario knows, for the error.

    Raises:
        UsageError: If there is none; it says which name a renamed parameter has now, or the nearest names.
    """
    for parameter in parameters:
        if parameter.name == name:
            return parameter
    for parameter in parameters:
        if parameter.formerly == name:
            raise UsageError(
                f"parameter {name!r} of family {family!r} has another name now",
                expected=parameter.name,
                found=name,
                fix=f"write {parameter.name} for {name}",
            )
    if name in {parameter.name for parameter in TEXTURE}:
        raise UsageError(
            f"family {family!r} has no texture: {name!r} cannot be set",
            expected="a family whose texts come from a grammar and whose rewards are simulated",
            found=name,
            fix=f"leave {name} out",
        )
    known = [parameter.name for parameter in parameters]
    raise unknown_name(f"parameter of family {family!r}:", name, [*known, *others])


STRENGTH = Parameter(
    "strength", 1.0, "naive limit of the worst decoy, in units of the largest true effect", 0.0, 20.0
)
OVERLAP = Parameter(
    "overlap",
    0.3,
    "target effective sample size of the exact weights, as a share of n",
    0.0,
    0.999,
    open_low=True,
)


PROMPTS = Parameter(
    "prompts",
    "6",
    "what is asked for: six plain prompts, a list of 200 briefs, or a brief of its own for every row",
    choices=("6", "200", "unique"),
)
PHRASES = Parameter(
    "phrases",
    1.0,
    "share of each attribute's paraphrases that the writers of the log and of its twin use; questions are "
    "about all of them",
    0.0,
    1.0,
    open_low=True,
)
TEXTURE = (
    Parameter(
        "texture",
        "plain",
        "values of other parameters where they are not set themselves: plain, their defaults; "
        "lifelike, prompts 200, surface .3, wording .3, signal .15",
        choices=("plain", "lifelike"),
    ),
    Parameter(
        "surface",
        0.0,
        "share of the reward's variance from interactions of attributes with one another and with topics",
        0.0,
        0.9,
    ),
    Parameter("wording", 0.0, "share of the reward's variance from the choice of paraphrase", 0.0, 0.9),
    Parameter(
        "signal",
        0.0,
        "regret of the ceiling at the scenario's number of rows, for which the noise is solved; 0 leaves "
        "the noise as it is",
        0.0,
        0.45,
    ),
    Parameter(
        "noise",
        1.0,
        "scale of the outcome's noise: standard deviation of a number, scale of the noise behind clicks, "
        "stars and choices, root of the variance of counts over their mean (at least 1)",
        0.001,
        1000.0,
    ),
)
"""What every family whose texts come from a grammar takes besides; see ``simulators.texture``."""
PRESETS: dict[str, dict[str, Value]] = {
    "plain": {},
    "lifelike": {"prompts": "200", "surface": 0.3, "wording": 0.3, "signal": 0.15},
}


def apply_preset(given: Mapping[str, object], parameters: Sequence[Parameter]) -> dict[str, object]:
    """What was set, with the values of the preset that ``texture`` names where nothing else was set.

    A parameter of which a family has one value alone keeps it.
    """
    fixed = {parameter.name for parameter in parameters if len(parameter.choices) == 1}
    preset = PRESETS[str(TEXTURE[0].read(given.get("texture", "plain")))]
    return {**{name: value for name, value in preset.items() if name not in fixed}, **given}


def text_parameters(default: str = "headlines", texture: bool = True) -> tuple[Parameter, ...]:
    """The parameters of a family whose texts come from a grammar: what is asked for and written, and texture.

    Args:
        default: Domain by default.
        texture: Whether its worlds have any texture to set.
    """
    domain = Parameter(
        "domain", default, "what kind of text is written", choices=("headlines", "answers", "replies")
    )
    return (domain, PROMPTS, PHRASES, *(TEXTURE if texture else ()))
