"""Taint: values that a caller of the application chose, followed to where they do harm."""
