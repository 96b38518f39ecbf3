"""The examples are what their systems take, by the schemas that check-jsonschema brings."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ci_plugins.conftest import PLUGINS

FILES = {
    "vendor.azure-pipelines": ["azure/example.yml"],
    "vendor.bitbucket-pipelines": ["bitbucket/example.yml"],
    "vendor.buildkite": ["buildkite/example.yml"],
    "vendor.circle-ci": ["circleci/example.yml", "circleci/orb.yml"],
    "vendor.github-actions": ["github/*/action.yml"],
    "vendor.github-workflows": ["github/example.yaml", "gitea/example.yaml"],
    "vendor.gitlab-ci": ["gitlab/example.yml"],
}


def check(schema: str, *files: Path) -> None:
    # The expressions in Azure's schema are of the old kind.
    variant = "nonunicode" if "azure" in schema else "default"
    options = ("--regex-variant", variant, "--builtin-schema", schema)
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *options, *map(str, files)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("schema", sorted(FILES))
def test_an_example_passes_its_schema(schema: str) -> None:
    files = [file for pattern in FILES[schema] for file in PLUGINS.glob(pattern)]
    assert files
    check(schema, *files)


def test_the_component_of_gitlab_is_a_pipeline_behind_its_inputs(tmp_path: Path) -> None:
    text = (PLUGINS / "gitlab/templates/stage.yml").read_text()
    spec, jobs = text.split("\n---\n")
    inputs = yaml.safe_load(spec)["spec"]["inputs"]
    for name in inputs:
        jobs = jobs.replace(f"$[[ inputs.{name} ]]", str(inputs[name]["default"]))
    assert "$[[" not in jobs
    (tmp_path / "jobs.yml").write_text(jobs)
    check("vendor.gitlab-ci", tmp_path / "jobs.yml")


def test_every_plugin_says_what_it_is() -> None:
    folders = [folder for folder in PLUGINS.iterdir() if folder.is_dir()]
    assert [folder.name for folder in folders if not (folder / "README.md").is_file()] == []


def test_actions_of_others_are_pinned_to_commits() -> None:
    for file in PLUGINS.rglob("*.y*ml"):
        for line in file.read_text().splitlines():
            if "uses:" in line and "<owner>" not in line:
                name = line.partition("uses:")[2].split("#")[0].strip()
                assert name.startswith("./") or len(name.partition("@")[2]) == 40, f"{file}: {line}"
