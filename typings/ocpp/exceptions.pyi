class OCPPError(Exception):
    code: str
    description: str
