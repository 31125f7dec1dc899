"""What numbers mean: pure functions over arrays."""
