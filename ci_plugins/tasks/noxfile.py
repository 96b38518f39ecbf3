"""Sessions whose commands are stages, where otel-vsm is installed."""

import shutil

import nox


def stage(session: nox.Session, name: str, *command: str) -> None:
    """Run a command as a stage of the change."""
    wrapper = ["otel-vsm", "stage", name, "--"] if shutil.which("otel-vsm") else []
    session.run(*wrapper, *command, external=True)


@nox.session(venv_backend="none")
def test(session: nox.Session) -> None:
    stage(session, "test", "python3", "-c", "print('tests passed')")
