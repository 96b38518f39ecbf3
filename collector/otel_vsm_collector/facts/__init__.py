"""Facts: the derived tables by any profile, what a question selects of them, and how it is asked."""
