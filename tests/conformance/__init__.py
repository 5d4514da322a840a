"""docs/conformance.md, made from what the conversations say: `python -m tests.conformance > docs/conformance.md`."""
