"""Time zones by name and by rule."""

from datetime import UTC, datetime, timedelta

import pytest

from evsed.errors import RejectedError
from evsed.settings.time_zone import SYSTEM_DEFAULT, posix_rule, system_zone, zone

SUMMER = datetime(2026, 7, 1, 12, tzinfo=UTC)
WINTER = datetime(2026, 1, 1, 12, tzinfo=UTC)


def offsets(text):
    found = zone(text)
    return tuple(
        when.astimezone(found).utcoffset() / timedelta(hours=1) for when in (WINTER, SUMMER)
    )


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("Europe/Budapest", (1, 2)),
        ("Etc/UTC", (0, 0)),
        ("Asia/Kathmandu", (5.75, 5.75)),
        ("America/Argentina/Buenos_Aires", (-3, -3)),
        ("Etc/GMT+5", (-5, -5)),
        ("CET-1CEST,M3.5.0,M10.5.0/3", (1, 2)),
        ("<+01>-1", (1, 1)),
        ("EET-2EEST,M4.5.5/0,M10.5.4/24", (2, 3)),
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", (-2, -1)),
        ("IST-1GMT0,M10.5.0,M3.5.0/1", (0, 1)),
        ("NZST-12NZDT,M9.5.0,M4.1.0/3", (13, 12)),
        ("AAA-1BBB,J60,J300", (1, 2)),
        ("AAA-1BBB,59,299", (1, 2)),
        ("UTC0", (0, 0)),
    ],
)
def test_names_and_rules_give_their_offsets(text, hours):
    assert offsets(text) == hours


@pytest.mark.parametrize(
    "text",
    [
        *("", "Mars/Base", "CET-1CEST", "CET-25", "AAA+24", "AAA-24:59:59", "Europe", "utc"),
        *("CET-1CEST,M13.5.0,M10.5.0/3", "CET-1CEST,M3.5.0", "localtime", "posixrules"),
        *("posix/UTC", "../UTC", "/etc/localtime", "zone.tab", " UTC0", "UTC0\n", "UTC0\0", "A0"),
        *("<+01>-1" + "0" * 60, "ČET-1", "CET-1CEST,J0,J1", "CET-1CEST,M3.5.7,M10.5.0"),
    ],
)
def test_everything_else_is_refused(text):
    with pytest.raises(RejectedError, match="no such time zone"):
        zone(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Europe/Prague", "CET-1CEST,M3.5.0,M10.5.0/3"),
        ("Etc/UTC", "UTC0"),
        ("Asia/Kathmandu", "<+0545>-5:45"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "CET-1CEST,M3.5.0,M10.5.0/3"),
    ],
)
def test_every_zone_has_its_rule(text, rule):
    assert posix_rule(text) == rule
    assert offsets(rule) == offsets(text)


def test_a_name_that_is_also_a_rule_is_a_name():
    assert offsets("EST5EDT") == (-5, -4)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/usr/share/zoneinfo/Europe/Oslo", "Europe/Oslo"),
        ("../usr/share/zoneinfo/posix/UTC", "UTC"),
        ("/usr/share/zoneinfo/Mars/Base", SYSTEM_DEFAULT),
        ("/elsewhere", SYSTEM_DEFAULT),
    ],
)
def test_the_systems_zone_is_where_its_link_points(tmp_path, target, name):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to(target)
    assert system_zone(tmp_path) == name


def test_without_a_link_the_zone_is_in_a_file(tmp_path):
    assert system_zone(tmp_path) == SYSTEM_DEFAULT
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/timezone").write_text("Europe/Oslo\n")
    assert system_zone(tmp_path) == "Europe/Oslo"
