"""What an administrator needs of a running server: figures, liveness, a log with who was served, headers that protect its pages."""
