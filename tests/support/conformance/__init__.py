"""The clouds side by side, as the conformance tests read them."""
