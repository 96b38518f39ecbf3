"""Access: who may send and ask, and what a sender may speak for."""
