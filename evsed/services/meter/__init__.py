"""External energy meters, asked over Modbus."""
