from evsed.bench.anchors import latencies

OUTPUT = """\
# /dev/cpu_dma_latency set to 0us
# Histogram
000000 000000
000024 000001
000026 000003
005437 000001
# Total: 000000005
# Min Latencies: 00024
# Avg Latencies: 00086
# Max Latencies: {}
# Histogram Overflows: 00000
"""


def test_a_histogram_is_read_back_as_latencies():
    assert latencies(OUTPUT.format("05437")) == [24, 26, 26, 26, 5437]


def test_a_latency_beyond_the_histogram_is_not_lost():
    assert latencies(OUTPUT.format("250000"))[-1] == 250_000


def test_output_of_something_else_holds_no_latencies():
    assert latencies("usage: cyclictest\n") == []
