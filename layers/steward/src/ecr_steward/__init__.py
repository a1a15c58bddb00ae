"""ECR Steward: looks after the tags and settings of the images in an Amazon ECR registry."""
