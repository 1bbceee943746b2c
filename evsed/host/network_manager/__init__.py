"""Wi-Fi through NetworkManager's D-Bus interface. Source: platform.md section 12."""
