_ECR_STEWARD_COMPLETE=fish_source ecr-steward | source
