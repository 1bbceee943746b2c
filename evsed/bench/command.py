"""``evsed bench KIND``."""

import argparse

from evsed.bench import (
    everything,
    http,
    lateness,
    metering,
    modbus,
    reaction,
    resources,
    webdav,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = "Measure on the simulated charger. A benchmark reports; it never judges."
    kinds = parser.add_subparsers(metavar="KIND", required=True)
    everything.add_arguments(kinds.add_parser("all", help="all of them, and one table"))
    reaction.add_arguments(kinds.add_parser("reaction", help="event to contactor-open command"))
    lateness.add_arguments(kinds.add_parser("lateness", help="how late control passes begin"))
    http.add_arguments(kinds.add_parser("http", help="what answering GET /state costs"))
    webdav.add_arguments(kinds.add_parser("webdav", help="what files over WebDAV cost"))
    modbus.add_arguments(kinds.add_parser("modbus", help="what answering over Modbus TCP costs"))
    metering.add_arguments(kinds.add_parser("metering", help="how wrong the counted energy is"))
    resources.add_arguments(kinds.add_parser("resources", help="start, memory, what idling costs"))
