import sys
from pathlib import Path

# The reference is imported as `reference`; the scenario language comes from the tests of deriving.
_TESTS = Path(__file__).parents[1]
sys.path.append(str(_TESTS))
sys.path.insert(0, str(_TESTS / "collector" / "derive"))
