"""AT commands: a text protocol for displays and microcontrollers on a serial port."""
