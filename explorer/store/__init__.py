"""The folder of what was computed or read: artifacts that prove they are whole, shared by every process of the machine."""
