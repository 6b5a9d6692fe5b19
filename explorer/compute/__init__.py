"""Arrays in, arrays out: neighbor graphs and projections; no files, no processes, no drawing."""
