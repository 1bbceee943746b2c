"""MQTT: values, events and commands at a broker, and discovery by Home Assistant."""
