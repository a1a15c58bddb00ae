"""The command line `ecr-steward`: the same code as the functions, for people and for tests."""
