"""Makes the packages beside this file (``exploration``) importable from every test."""
