"""What is shared and short-lived, in Redis in front of a store: counters of attempts, and word of sessions that ended."""
