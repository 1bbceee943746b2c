import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evsed.services.http.guard import foreign_host, foreign_origin

PASSING = [
    ("POST", {"Host": "evse.local"}),
    ("POST", {"Host": "evse.local", "Sec-Fetch-Site": "same-origin"}),
    ("POST", {"Host": "evse.local", "Origin": "http://evse.local"}),
    ("POST", {"Host": "evse.local:80", "Origin": "http://EVSE.local"}),
    ("POST", {"Host": "10.0.0.4:8080", "Origin": "http://10.0.0.4:8080"}),
    ("POST", {"Host": "[fe80::1]:8080", "Origin": "http://[fe80::1]:8080"}),
    ("GET", {"Host": "evse.local", "Origin": "http://evil.example"}),
    ("HEAD", {"Host": "evse.local", "Sec-Fetch-Site": "cross-site"}),
]
REFUSED = [
    ("POST", {"Host": "evse.local", "Origin": "http://evil.example"}),
    ("POST", {"Host": "evse.local", "Origin": "http://evse.local:8080"}),
    ("POST", {"Host": "evse.local:8080", "Origin": "http://evse.local"}),
    ("POST", {"Host": "evse.local", "Origin": "null"}),
    ("POST", {"Host": "evse.local", "Origin": "http://[bad"}),
    ("POST", {"Host": "", "Origin": "null"}),
    ("DELETE", {"Host": "evse.local", "Sec-Fetch-Site": "Cross-Site"}),
]
OWN = ["evse.local", "localhost:8080", "evse", "192.168.1.5:80", "[::1]:8080", "[fe80::1%eth0]"]
STRANGE = ["evil.example", "evil.example:80", "", "[bad", "192.168.1.5.evil.example", "evse.locale"]


@pytest.mark.parametrize(("method", "headers"), PASSING)
def test_requests_of_the_own_page_and_of_programs_pass(method, headers):
    assert foreign_origin(method, headers) is None


@pytest.mark.parametrize(("method", "headers"), REFUSED)
def test_changing_requests_of_other_pages_are_refused(method, headers):
    assert "other sites" in foreign_origin(method, headers)


@pytest.mark.parametrize("host", OWN)
def test_local_names_and_addresses_are_ours(host):
    assert foreign_host(host, ()) is None


@pytest.mark.parametrize("host", STRANGE)
def test_a_rebound_name_is_refused_with_the_setting_that_permits_it(host):
    assert "http.allowedHosts" in foreign_host(host, ())


def test_a_name_the_administrator_permits_is_ours():
    assert foreign_host("Charger.Example.org:8080", {"charger.example.org"}) is None


def test_a_request_without_host_passes():
    assert foreign_host(None, ()) is None


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_header_is_judged_without_raising(text):
    foreign_host(text, ())
    foreign_origin("POST", {"Host": text, "Origin": text})
