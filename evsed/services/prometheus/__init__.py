"""The charger in the words of Prometheus."""
