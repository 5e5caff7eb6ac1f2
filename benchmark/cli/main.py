"""The command line: verbs, errors and exit codes. Everything else is imported when a verb needs it.

Exit codes: 0 fine, 1 regression, 2 usage, 3 incomplete, 4 contract violation, 5 infrastructure,
130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata

import typer

from benchmark.cli import (
    audit,
    check,
    claims,
    compare,
    doctor,
    inspect,
    leaderboard,
    recommend,
    run,
    score,
    simulate,
    submit,
)
from benchmark.cli import list as listing
from benchmark.cli.output import show_error
from benchmark.contract.errors import EXIT_INFRASTRUCTURE, EXIT_USAGE, BenchError, Incompatible
from benchmark.contract.files import DISK_FAILURES

HELP = """Benchmark of alignment methods on confounded text-outcome logs whose causal truth is known.

A first look: confoundbench list scenarios; confoundbench run --suite quick; confoundbench leaderboard.

Exit codes: 0 success, 1 regression, 2 usage error, 3 incomplete, 4 contract violation,
5 infrastructure failure, 130 interrupted.
"""
INTERRUPTED = 130

app = typer.Typer(
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # in its own markup, rich takes observed[strength=1] for a style
)


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        typer.echo(f"confoundbench {metadata.version('confoundbench')}")
        raise typer.Exit(0)


@app.callback()
def start(
    version: bool = typer.Option(
        False, "--version", callback=show_version, is_eager=True, help="Show the version and exit."
    ),
    traceback: bool = typer.Option(
        False, "--traceback", help="Show the full traceback of unexpected errors."
    ),
) -> None:
    """Options before the verb."""


app.command("list")(listing.list_things)
app.command("simulate")(simulate.simulate)
app.command("run")(run.run)
app.command("score")(score.score)
app.command("audit")(audit.audit)
app.command("check")(check.check)
app.command("submit")(submit.submit)
app.add_typer(leaderboard.app, name="leaderboard")
app.command("compare")(compare.compare)
app.command("claims")(claims.claims)
app.command("inspect")(inspect.inspect)
app.command("calibrate")(recommend.calibrate)
app.command("recommend")(recommend.recommend)
app.command("power")(recommend.power)
app.command("doctor")(doctor.doctor)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code of what happened."""
    sys.exit(invoke(sys.argv[1:] if arguments is None else arguments))


def invoke(arguments: list[str]) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: Everything after the program's name.
    """
    as_json, with_traceback = "--json" in arguments, "--traceback" in arguments
    # Accepted behind the verb too, where people look for it.
    arguments = [a for a in arguments if a != "--traceback"] or ["--help"]
    command = typer.main.get_command(app)
    try:
        code = command.main(args=arguments, prog_name="confoundbench", standalone_mode=False)
        if code == INTERRUPTED:  # how typer reports Ctrl-C
            raise KeyboardInterrupt
        return int(code or 0)
    except BenchError as error:
        show_error(error.describe(), error.as_dict(), as_json)
        return error.exit_code
    except Incompatible as refusal:
        return _report(refusal.reason, "choose another method or another scenario", EXIT_USAGE, as_json)
    except (typer.Exit, SystemExit) as stop:
        return int(getattr(stop, "exit_code", getattr(stop, "code", 0)) or 0)
    except (typer.Abort, KeyboardInterrupt):
        what = "interrupted; what was finished is stored"
        return _report(what, "run the same command again to go on", INTERRUPTED, as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if hasattr(error, "format_message"):  # a click error: an unknown option, a missing argument
            return _report(error.format_message(), "see --help", EXIT_USAGE, as_json)
        if with_traceback:
            raise
        if isinstance(error, OSError) and error.errno in DISK_FAILURES:
            what = f"cannot write {error.filename or 'a file'}: {error.strerror}"
            fix = "free some space and run the same command again: what was finished is kept"
            return _report(what, fix, EXIT_INFRASTRUCTURE, as_json)
        what = f"unexpected {type(error).__name__}: {error}"
        return _report(what, "rerun with --traceback and report it", EXIT_INFRASTRUCTURE, as_json)


def _report(what: str, fix: str, code: int, as_json: bool) -> int:
    fields = {"error": "Error", "what": what, "expected": None, "found": None, "fix": fix, "exit_code": code}
    show_error(f"{what}\n  fix: {fix}", json.loads(json.dumps(fields)), as_json)
    return code


if __name__ == "__main__":
    main()
