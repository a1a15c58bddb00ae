"""ECR of the local cloud: the API for images and settings, the registry protocol, and events."""
