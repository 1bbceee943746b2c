"""What every interface can show and ask for: one function each, in the units of the API."""
