"""What the steward asks of ECS, Lambda and Inspector: which images do their workloads run?"""
