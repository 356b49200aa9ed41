"""Budgets: every unit means what it says, everything else is refused in one clear message."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radexp.errors import UsageError
from radexp.memory import Budget, format_bytes, solve_largest
from radexp.memory.budget import UNITS

AMOUNTS = st.decimals(min_value="1e-6", max_value="1e20", places=6).map(lambda d: f"{d:f}")


@given(AMOUNTS, st.sampled_from(sorted(UNITS)), st.booleans(), st.sampled_from(["", " ", "\t"]))
def test_units_round_trip(amount, unit, lower, space):
    text = f"{space}{amount}{space}{unit.lower() if lower else unit}{space}"
    budget = Budget.parse(text)
    assert budget.limit_bytes(123, 456) == int(Fraction(amount) * UNITS[unit])
    assert (str(budget), budget.relative) == (text, False)


@given(AMOUNTS, st.integers(0, 10**12), st.integers(0, 10**12))
def test_percent_is_parameters_plus_a_part_of_the_exact_step(amount, parameters, exact):
    budget = Budget.parse(f"{amount}%")
    assert budget.relative
    assert budget.limit_bytes(parameters, exact) == parameters + Fraction(amount) * exact // 100


@pytest.mark.parametrize(
    ("text", "limit_bytes"),
    [("1.8MB", 1_800_000), ("500kB", 500_000), ("2MiB", 2_097_152), ("10%", 1_100)],
)
def test_documented_examples(text, limit_bytes):
    assert Budget.parse(text).limit_bytes(parameter_bytes=1_000, exact_saved_bytes=1_000) == (
        limit_bytes
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "10", "MB", "%", "-1MB", "+1MB", "0MB", "0.0%", "1e3MB", "1,8MB", "1.MB", ".5MB"),
        *("1 000MB", "1.8 megabytes", "nanMB", "infB", "1MB2", "10%%", "0x10B", "1_0MB", "null"),
        *("\u0661MB", "1\u212aB", "1" * 31 + "B", "1." + "1" * 31 + "B", "1MB\x00"),
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(UsageError) as caught:
        Budget.parse(text)
    assert str(caught.value) == (
        f"budget={text}: allowed is a number above zero with one of B, kB, MB, GB, KiB, MiB, GiB "
        "or %; try budget=1.8MB or budget=10%"
    )


@given(st.one_of(st.text(), st.from_regex(r"[0-9.,eE+\- ]{0,80}[A-Za-z%]{0,4}", fullmatch=True)))
def test_no_text_crashes(text):
    try:
        budget = Budget.parse(text)
    except UsageError:
        return
    assert budget.amount > 0
    assert budget.limit_bytes(10, 10) >= 0


@given(st.integers(-50, 50), st.integers(0, 60), st.integers(-60, 120))
def test_solve_largest_agrees_with_trying_all(low, width, threshold):
    asked = []

    def fits(number: int) -> bool:
        asked.append(number)
        return number <= threshold

    high = low + width
    candidates = [number for number in range(low, high + 1) if number <= threshold]
    assert solve_largest(low, high, fits) == (max(candidates) if candidates else None)
    assert all(low <= number <= high for number in asked)
    assert len(asked) <= 8


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (58_561, "58.6 kB"),
        (1_000_000, "1.000 MB"),
        (1_801_919, "1.802 MB"),
        (25_000_000_000, "25000.000 MB"),
    ],
)
def test_bytes_for_people(count, text):
    assert format_bytes(count) == text
