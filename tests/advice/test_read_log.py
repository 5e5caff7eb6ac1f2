"""Any table becomes a log: messy ones too, and what was done to them is said."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benchmark
from benchmark.advice.reading import sources
from benchmark.contract import Log, UsageError

ROWS = 120


def frame(rows=ROWS):
    """A tidy table with a category, a date, a boolean and a number."""
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows), unit="D")
    return pd.DataFrame(
        {
            "headline": [f"Story number {i} about the town" for i in range(rows)],
            "clicks": rng.poisson(3, rows),
            "weekday": days.day_name(),
            "sent": days.strftime("%Y-%m-%d"),
            "mobile": rng.random(rows) < 0.5,
            "age": rng.normal(40, 10, rows),
        }
    )


def role_of(own, column):
    return next(role.role for role in own.roles if role.column == column)


def said(own):
    return "\n".join(own.notes)


def csv(tmp_path, text, name="log.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def refusal(error):
    fields = error.value.as_dict()
    assert fields["exit_code"] == 2
    assert fields["expected"]
    assert fields["found"]
    assert fields["fix"]
    return fields


# -- every way to bring a table -------------------------------------------------
@pytest.mark.parametrize(
    "kind", ["csv", "csv.gz", "tsv", "parquet", "folder", "saved", "frame", "table", "dataset"]
)
def test_every_format_gives_the_same_log(tmp_path, kind):
    data = frame()
    own = benchmark.read_log(bring(data, kind, tmp_path))
    expected = benchmark.read_log(data)
    assert own.log.table.equals(expected.log.table)
    assert [(role.column, role.role) for role in own.roles] == [(r.column, r.role) for r in expected.roles]


def bring(data, kind, tmp_path):
    from datasets import Dataset

    path = tmp_path / f"log.{kind}"
    if kind == "csv":
        data.to_csv(path, index=False)
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(data.to_csv(index=False).encode()))
    elif kind == "tsv":
        data.to_csv(path, index=False, sep="\t")
    elif kind == "parquet":
        data.to_parquet(path)
    elif kind == "folder":
        path = tmp_path / "parts"
        path.mkdir()
        data[:50].to_parquet(path / "a.parquet")
        data[50:].to_parquet(path / "b.parquet")
    elif kind == "saved":
        path = tmp_path / "saved"
        Dataset.from_pandas(data, preserve_index=False).save_to_disk(str(path))
    else:
        table = pa.Table.from_pandas(data, preserve_index=False)
        return {"frame": data, "table": table, "dataset": Dataset.from_pandas(data, preserve_index=False)}[
            kind
        ]
    return path


def test_roles_are_guessed_and_can_be_corrected():
    own = benchmark.read_log(frame())
    assert {role.column: role.role for role in own.roles} == {
        "headline": "text",
        "clicks": "outcome",
        "weekday": "covariate",
        "sent": "time",
        "mobile": "covariate",
        "age": "covariate",
    }
    assert own.log.feedback == "count"
    assert set(own.log.names("covariate")) == {"weekday", "sent", "sent_weekday", "mobile", "age"}
    corrected = benchmark.read_log(frame(), outcome="age", covariates=["mobile"], ignore="clicks")
    assert corrected.log.feedback == "scalar"
    assert set(corrected.log.names("covariate")) == {"mobile", "sent", "sent_weekday"}


def test_only_some_rows_of_a_long_table_are_kept(monkeypatch):
    monkeypatch.setattr(sources, "ROWS_AT_A_TIME", 1000)
    data = pd.concat([frame()] * 100, ignore_index=True).assign(age=np.arange(100 * ROWS) + 0.5)
    own = benchmark.read_log(data, rows=1000, covariates=["age"])
    assert (own.rows, len(own.log)) == (100 * ROWS, 1000)
    age = own.log.numbers("covariate.age")
    assert (np.diff(age) > 0).all(), "rows keep their order"
    # uniform on 0 .. 12000: the mean's standard deviation is 12000 / sqrt(12 * 1000)
    assert abs(age.mean() - 6000) < 4 * 12000 / np.sqrt(12_000)
    assert "drawn at random" in said(own)


# -- messy tables ----------------------------------------------------------------
def test_missing_values_are_filled_marked_and_counted():
    data = frame()
    data.loc[:9, "age"] = np.nan
    data.loc[:4, "weekday"] = None
    data.loc[:2, "clicks"] = np.nan
    own = benchmark.read_log(data)
    age = own.log.numbers("covariate.age")
    assert age[0] == pytest.approx(data["age"].median())
    assert own.log.numbers("covariate.age_missing").sum() == 10
    assert own.log.numbers("covariate.weekday_missing").sum() == 5
    assert (own.log.numbers("observed") == 0).sum() == 3
    assert "10 of 120 missing values became the median" in said(own)
    assert "3 rows have no outcome" in said(own)


def test_many_categories_are_told_apart():
    data = frame(400).assign(city=[f"city {i % 40}" for i in range(400)])
    own = benchmark.read_log(data)
    columns = np.column_stack([own.log.numbers(f"covariate.{name}") for name in ("city", "city_2", "city_3")])
    assert len(np.unique(columns, axis=0)) == 33 + 1
    assert columns.max() == 11
    assert "all but the 33 most frequent" in said(own)


def test_dates_become_days_and_weekdays():
    own = benchmark.read_log(frame())
    days = own.log.numbers("covariate.sent")
    assert days[0] == 0
    assert days[-1] == ROWS - 1
    assert own.log.numbers("covariate.sent_weekday")[:8].tolist() == [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        0,
    ]  # 2024 began on a Monday


def test_mixed_types_are_read_as_what_most_values_are(tmp_path):
    rows = "\n".join(f"Some words here {i},{i % 5},{i if i % 30 else 'unknown'}" for i in range(200))
    own = benchmark.read_log(csv(tmp_path, f"text,clicks,age\n{rows}\n"))
    assert role_of(own, "age") == "covariate"
    assert "7 of them unreadable" in said(own)
    mixed = frame().assign(age=[1, "two", 3.0, None] * 30)
    assert "mixes types" in said(benchmark.read_log(mixed))


def test_emoji_and_line_breaks_survive(tmp_path):
    rows = "\n".join(f'"Happy 🎉 day\nnumber {i} — «é»",{i % 2}' for i in range(60))
    own = benchmark.read_log(csv(tmp_path, f"text,clicked\n{rows}\n"))
    assert own.log.texts[3] == "Happy 🎉 day\nnumber 3 — «é»"
    assert own.log.feedback == "binary"


def test_rows_without_text_are_left_out_and_counted():
    data = frame()
    data.loc[:5, "headline"] = ["", " ", None, "\n", "", None]
    own = benchmark.read_log(data)
    assert len(own.log) == ROWS - 6
    assert "6 rows have no text" in said(own)


def test_repeated_rows_are_kept_and_counted():
    own = benchmark.read_log(pd.concat([frame(), frame()[:7]]))
    assert len(own.log) == ROWS + 7
    assert "7 rows repeat another row" in said(own)


@pytest.mark.parametrize(
    ("encoding", "word"), [("latin-1", "cp1252"), ("utf-16", "utf-16"), ("utf-8-sig", None)]
)
def test_other_encodings_are_found_out(tmp_path, encoding, word):
    rows = "\n".join(f"Größe und Café {i},{i % 3}" for i in range(60))
    own = benchmark.read_log(csv(tmp_path, f"text,clicks\n{rows}\n", encoding=encoding))
    assert own.log.texts[0] == "Größe und Café 0"
    assert word is None or word in said(own)


def test_a_wrong_encoding_that_was_named_is_refused(tmp_path):
    path = csv(tmp_path, "text,clicks\nCafé ist offen,1\n" * 3, encoding="latin-1")
    with pytest.raises(UsageError, match="cannot read") as error:
        benchmark.read_log(path, encoding="utf-8")
    refusal(error)


def test_columns_of_one_name_are_told_apart(tmp_path):
    rows = "\n".join(f"Some words here {i},{i % 3},{i},{-i * 1.5}" for i in range(60))
    own = benchmark.read_log(csv(tmp_path, f"text,clicks,age,age\n{rows}\n"))
    assert {"age", "age_2"} <= {role.column for role in own.roles}
    assert "occurs more than once" in said(own)
    repeated = frame().rename(columns={"mobile": "age"})
    assert "occurs more than once" in said(benchmark.read_log(repeated))


def test_columns_named_like_roles_are_taken_for_what_they_hold():
    data = frame().assign(
        propensity=np.linspace(2, 9, ROWS),
        randomised=["yes", "no", "maybe"] * 40,
        observed=5,
        unit="a",
        arm=["x", "y"] * 60,
    )
    own = benchmark.read_log(data.rename(columns={"age": "covariate.age"}))
    roles = {role.column: role.role for role in own.roles}
    assert roles["propensity"] == roles["randomised"] == roles["arm"] == "covariate"
    assert roles["observed"] == roles["unit"] == "ignored"
    assert "covariate_age" in own.log.names("covariate")


def test_lines_of_the_wrong_length_are_left_out_and_counted(tmp_path):
    rows = "\n".join(f"Some words here {i},{i % 3}" + (",more" if i % 20 == 0 else "") for i in range(60))
    own = benchmark.read_log(csv(tmp_path, f"text,clicks\n{rows}\n"))
    assert len(own.log) == 57
    assert "3 lines had more or fewer values" in said(own)


def test_semicolons_and_decimal_commas(tmp_path):
    rows = "\n".join(f"Some words here {i};{i},5" for i in range(60))
    own = benchmark.read_log(csv(tmp_path, f"text;revenue\n{rows}\n"))
    assert own.log.outcomes[:2].tolist() == [0.5, 1.5]


def test_columns_from_after_the_text_are_not_adjusted_for():
    data = frame().assign(
        purchases=1.0 * np.arange(ROWS), previous_clicks=np.arange(ROWS) % 7, row=np.arange(ROWS)
    )
    own = benchmark.read_log(data)
    assert role_of(own, "purchases") == role_of(own, "row") == "ignored"
    assert own.placebos == ("previous_clicks",)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 3, 4, 5], "rating"),
        ([1, 2, 5, 6], "count"),
        ([0, 1], "binary"),
        ([0.5, 1, 2], "scalar"),
        ([3, 7], "binary"),
    ],
)
def test_the_kind_of_outcome_is_read_off_its_values(values, kind):
    own = benchmark.read_log(frame().assign(clicks=np.resize(values, ROWS)))
    assert own.log.feedback == kind


def test_words_as_outcome():
    own = benchmark.read_log(frame().assign(clicks=["ignored"] * 100 + ["opened"] * 20))
    assert own.log.outcomes.sum() == 20
    assert "'opened'" in said(own)


def test_a_pretty_short_table_is_read():
    assert len(benchmark.read_log(frame(3)).log) == 3


# -- refusals ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda d: d[["clicks", "age"]], "texts"),
        (lambda d: d[["headline", "weekday"]], "outcome"),
        (lambda d: d.assign(clicks=np.nan), "outcome"),
        (lambda d: d[:0], "no rows"),
        (
            lambda d: d.rename(columns={"headline": "chosen"}).assign(rejected="Other words here"),
            "preferences",
        ),
        (lambda d: 5, "no table"),
        (lambda d: Path("nowhere.csv"), "no table"),
    ],
)
def test_what_cannot_be_a_log_is_refused_in_words(make, word):
    with pytest.raises(UsageError, match=word) as error:
        benchmark.read_log(make(frame()))
    assert error.value.as_dict()["expected"]


def test_an_unknown_column_suggests_the_nearest():
    with pytest.raises(UsageError, match="clicks"):
        benchmark.read_log(frame(), outcome="click")


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"text": ["a"]}), path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UsageError, match="cannot read") as error:
        benchmark.read_log(path)
    refusal(error)


# -- Log.from_table ------------------------------------------------------------------
def test_a_log_takes_frames_and_data_sets():
    from datasets import Dataset

    roles = {"headline": "text", "clicked": "outcome", "age": "covariate.age"}
    data = frame().assign(clicked=[0, 1] * 60)
    of_frame = Log.from_table(data, roles)
    of_dataset = Log.from_table(Dataset.from_pandas(data, preserve_index=False), roles)
    assert of_frame.table.equals(of_dataset.table)
    assert of_frame.feedback == "binary"
    assert Log.from_table(data.assign(clicked=2.5), roles).feedback == "scalar"
    with pytest.raises(UsageError, match="cannot make a log"):
        Log.from_table(3)
    with pytest.raises(UsageError, match="read_log"):
        Log.from_table(data, {"headline": "text", "clicked": "outcome", "weekday": "covariate.day"})
