"""What tests run the program with: its command line, a git repository, records, a Python of its own."""
