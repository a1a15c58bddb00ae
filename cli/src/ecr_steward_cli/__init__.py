"""ECR Steward's command line, for people and for tests."""
