"""What ECR Steward costs: `python -m bench` measures it and holds it against the goals."""
