"""A real repository and its pipeline, run through the real wrappers, as processes."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

SERVICE = "greeter"

_FILES = {
    "greeter.py": 'def greet(name: str) -> str:\n    return f"Hello, {name}."\n',
    "test_greeter.py": (
        "import unittest\n\nfrom greeter import greet\n\n\n"
        "class Greeting(unittest.TestCase):\n"
        '    def test_names_the_guest(self) -> None:\n        self.assertEqual(greet("Ada"), "Hello, Ada.")\n'
    ),
}


class StepFailedError(Exception):
    """A command of the demo failed; the message shows it and its output."""


class Pipeline:
    """Commands in one repository, shown as a user would type them."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        # Nothing of the user's own git: it may sign commits, or name the first branch otherwise.
        self.environment = {
            **environment,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.com",
        }

    def play(self) -> None:
        """From the first commit to production: a branch, a merge, a tag; build, test, package, deploy."""
        now = datetime.now(UTC).replace(microsecond=0)
        first_commit, pushed = now - timedelta(hours=26), now - timedelta(hours=21)
        reviewed = now - timedelta(hours=2)
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("remote", "add", "origin", "https://github.com/acme/greeter.git")
        self._commit("Begin", first_commit - timedelta(days=3), **{"README.md": "# Greeter\n"})
        self._git("tag", "v0.1.0")
        self._git("switch", "--quiet", "--create", "greet-by-name")
        self._commit("Greet by name", first_commit, **{"greeter.py": _FILES["greeter.py"]})
        self._commit("Test the greeting", pushed, **{"test_greeter.py": _FILES["test_greeter.py"]})
        self._git("switch", "--quiet", "main")
        self._git(
            "merge",
            "--quiet",
            "--no-ff",
            "-m",
            "Merge pull request #1 from ada/greet-by-name",
            "greet-by-name",
        )
        self._git("tag", "v0.2.0")

        # The number in the merge commit's message says which change this is: nothing has to be configured.
        self._otel_vsm("change", "first_commit", "--at", f"{first_commit:%FT%TZ}")
        self._otel_vsm("change", "opened", "--at", f"{pushed:%FT%TZ}")
        self._otel_vsm("change", "reviewed", "--at", f"{reviewed:%FT%TZ}")
        self._otel_vsm("change", "merged")
        self._otel_vsm("stage", "build", "--", "python", "-m", "compileall", "-q", ".")
        self._otel_vsm("stage", "test", "--", "python", "-m", "unittest", "--quiet")
        self._otel_vsm("stage", "package", "--", "git", "archive", "--output=greeter.tar.gz", "HEAD")
        self._deploy("staging")
        self._otel_vsm("approval", "requested", "--gate", "production")
        self._otel_vsm("approval", "granted", "--gate", "production")
        self._deploy("production")

    def _deploy(self, environment: str) -> None:
        """Unpacks the package into a folder that stands for the environment."""
        target = Path(".git") / environment  # where git does not see it
        (self.folder / target).mkdir()
        options = ("--service", SERVICE, "--environment", environment, "--version", "v0.2.0")
        self._otel_vsm("deploy", *options, "--", "tar", "-xzf", "greeter.tar.gz", "-C", str(target))

    def _commit(self, title: str, at: datetime, **files: str) -> None:
        for name, text in files.items():
            (self.folder / name).write_text(text)
        self._git("add", *files)
        dates = {"GIT_AUTHOR_DATE": f"{at:%FT%TZ}", "GIT_COMMITTER_DATE": f"{at:%FT%TZ}"}
        self._run("git", "commit", "--quiet", "-m", title, environment=dates)

    def _git(self, *arguments: str) -> None:
        self._run("git", *arguments)

    def _otel_vsm(self, *arguments: str) -> None:
        print("  $", shlex.join(("otel-vsm", *arguments)))
        self._run("otel-vsm", *arguments)

    def _run(self, *command: str, environment: Mapping[str, str] | None = None) -> None:
        run(*command, cwd=self.folder, environment={**self.environment, **(environment or {})})


def run(*command: str, cwd: Path, environment: Mapping[str, str]) -> str:
    """Run a command and give what it printed; StepFailedError where it fails."""
    completed = subprocess.run(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if completed.returncode:
        raise StepFailedError(
            f"`{shlex.join(command)}` exited with {completed.returncode}:\n{completed.stdout}"
        )
    return completed.stdout


def clean_environment() -> dict[str, str]:
    """This process's environment without what a CI or a shell set for telemetry, git or Python.

    `otel-vsm` and `python` are those of the environment that the demo runs in.
    """
    foreign = ("OTEL_", "GIT_", "GITHUB_", "GITLAB_", "CI", "TRACE", "PYTHON")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    programs = str(Path(sys.executable).parent)
    return variables | {"PATH": os.pathsep.join((programs, variables.get("PATH", os.defpath)))}
