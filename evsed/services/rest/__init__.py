"""The REST resources of /api/v1: tables of fields and the handlers that walk them."""
