import pytest

from evsed.services.rest.body import is_json_type


@pytest.mark.parametrize(
    "header",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'APPLICATION/JSON;charset="UTF-8"',
        "application/json ; odata=verbose; Charset=Utf-8",
    ],
)
def test_json_with_harmless_parameters_is_json(header):
    assert is_json_type(header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "application/merge-patch+json",
        "application/jsonp",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-8; charset=latin-1",
    ],
)
def test_anything_else_is_not(header):
    assert not is_json_type(header)
