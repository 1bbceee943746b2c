"""The button and the network LED of the station itself."""
