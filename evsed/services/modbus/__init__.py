"""Modbus TCP and RTU: one register table, two ways in."""
