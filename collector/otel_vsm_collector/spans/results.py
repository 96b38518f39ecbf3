"""The words by which tools call a result."""

from otel_vsm.semconv import TaskResult

_WORDS = {
    TaskResult.SUCCESS: "succeeded passed ok fixed true",
    TaskResult.FAILURE: "failed unstable false",
    TaskResult.ERROR: "errored broken startup_failure",
    TaskResult.TIMEOUT: "timed_out",
    TaskResult.CANCELLATION: "cancelled canceled aborted killed",
    TaskResult.SKIP: "skipped neutral not_built manual",
}
_RESULTS = {word: str(result) for result, words in _WORDS.items() for word in words.split()}


def result_of(word: str) -> str:
    """The result that a word in any case means; a word that is not understood comes back in lower case."""
    word = word.lower()
    return _RESULTS.get(word, word)
