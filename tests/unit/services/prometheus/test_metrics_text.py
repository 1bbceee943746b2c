"""The text of metrics, read back by the library of the Prometheus project."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from evsed.services.prometheus.text import Metric, text_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NUMBERS = st.one_of(
    st.integers(-(10**15), 10**15), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)
)


def read(metrics):
    return list(text_string_to_metric_families(text_of(metrics)))


@given(st.dictionaries(TEXTS, NUMBERS, min_size=1, max_size=5), TEXTS)
def test_every_label_and_number_comes_back(values, about):
    metric = Metric("evsed_a_total", "counter", about)
    for label, value in values.items():
        metric.add(value, {"label": label})
    (found,) = read([metric])
    assert {one.labels["label"]: one.value for one in found.samples} == values
    assert (found.name, found.type) == ("evsed_a", "counter")


def test_a_metric_without_samples_is_left_out():
    assert text_of([Metric("evsed_a", "gauge", "nothing")]) == ""


def test_a_histogram_is_one():
    metric = Metric("evsed_a_seconds", "histogram", "about")
    metric.add(1, {"le": "0.5"}, "_bucket")
    metric.add(3, {"le": "+Inf"}, "_bucket")
    metric.add(1.5, suffix="_sum")
    metric.add(3, suffix="_count")
    (found,) = read([metric])
    assert found.type == "histogram"
    assert [(one.name, one.value) for one in found.samples] == [
        ("evsed_a_seconds_bucket", 1),
        ("evsed_a_seconds_bucket", 3),
        ("evsed_a_seconds_sum", 1.5),
        ("evsed_a_seconds_count", 3),
    ]
