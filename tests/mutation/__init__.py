"""Mutation testing of the charging rules: each is changed a little, and a test must notice."""
