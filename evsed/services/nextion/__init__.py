"""A Nextion or TJC touch display on a serial port."""
