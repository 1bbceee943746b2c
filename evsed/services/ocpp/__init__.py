"""The charger as a charge point of OCPP 1.6 and 2.0.1."""
