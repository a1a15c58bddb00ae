"""Live registries, read only: what the rules would change there, before anything is deployed."""
