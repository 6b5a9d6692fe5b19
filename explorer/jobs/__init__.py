"""When and where computing runs: one worker process, and a store that keeps what it made."""
