"""What the person set, as param classes that turn to JSON and back; no Panel, no computing."""
