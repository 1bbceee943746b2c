"""Has the machine keep its clock as the settings say, and notices when it jumps."""
