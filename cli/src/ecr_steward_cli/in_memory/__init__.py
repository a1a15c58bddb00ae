"""ECR and the history's table in memory."""
