"""Connections to MQTT brokers, in a process of their own."""
