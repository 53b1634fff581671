"""What is said of old prices."""

from datetime import date

from profiler.cost.age import notice
from profiler.results.manifest import PriceFacts, Source


def listed(day: str | None, name: str = "imported") -> PriceFacts:
    source = Source(name=name, title="t", date=day)
    return PriceFacts(per_hour=1, currency="USD", kind="on-demand", instance_type="box", source=source)


def test_a_price_is_never_older_than_stated_without_a_word() -> None:
    today = date(2026, 11, 30)
    # 1 June to 30 November are 182 days
    assert "of 2026-06-01, 182 days old" in (notice(listed("2026-06-01"), today, 181) or "")
    assert notice(listed("2026-06-01"), today, 182) is None
    assert "has no date" in (notice(listed(None), today) or "")
    assert "has no date" in (notice(listed("last year"), today) or "")


def test_what_a_user_states_is_of_today() -> None:
    assert notice(listed(None, "flag"), date(2026, 11, 30)) is None
    assert notice(None, date(2026, 11, 30)) is None
