"""Lazaret under Dagster: Dagster decides when, the `lazaret` program does the work."""
