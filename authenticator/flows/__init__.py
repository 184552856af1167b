"""The user stories, without Flask and without SQL."""
