"""`latchwork bench`: this machine's recurrent networks, beside the peers that are installed, on the same work."""
