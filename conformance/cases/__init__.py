"""Cases by family."""
