"""The named types that settings are written in: one line each, so that the models read as prose.

Their checks raise `ValueError` with the rule and a way out. Every text and number of the settings is of such a type:
`tests/unit/specs/test_vocabulary.py` walks through the schema for one that takes whatever it is given.
"""
