"""What the steward would do with live registries: read, decided as it is deployed, and told."""
