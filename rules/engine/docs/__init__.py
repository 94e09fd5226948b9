"""Writes the pages that say what the code knows: rules, checklist, settings and commands."""
