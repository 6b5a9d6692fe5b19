"""When and where computing runs: one worker process, and what it keeps in the store."""
