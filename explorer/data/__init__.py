"""What is explored: files, frames and arrays become a Dataset; no computing, no drawing."""
