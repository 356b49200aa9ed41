"""What each word after ``radexp`` does."""
