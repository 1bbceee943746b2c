"""The Wi-Fi station and the access point: what is asked for is done a second later."""
