"""What each function starts from: its environment, its clients, its log and metrics."""
