"""The local cloud: ECR Steward deployed and pushed to on this machine, without an AWS account."""
