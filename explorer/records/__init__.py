"""What a server writes down about itself: who is served, figures, lines of the log, and the audit. Knows no server and no page."""
