import sys
from pathlib import Path

# The vocabulary of the scenario files, shared by the tests of this folder.
sys.path.insert(0, str(Path(__file__).parent))
