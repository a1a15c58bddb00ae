autoload -Uz compinit && compinit -u
eval "$(_ECR_STEWARD_COMPLETE=zsh_source ecr-steward)"
PS1='$ '
