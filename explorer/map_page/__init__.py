"""A map as one page of HTML that needs no server and no network: tiles, legend, search, and what is known of each row."""
