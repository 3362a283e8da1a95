"""The named types of the settings, one line each, so that the models read as prose.

Their checks raise `ValueError` with the rule and a remedy. Every text and number of the settings has such a type:
`tests/unit/specs/test_vocabulary.py` searches the schema for one that accepts any value.
"""
