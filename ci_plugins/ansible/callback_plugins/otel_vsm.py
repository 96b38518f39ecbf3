"""A callback plugin for Ansible: a playbook that ran is a deployment."""

import os
import shutil
import subprocess

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: otel_vsm
type: notification
short_description: Tells of a playbook as a deployment
description:
  - Calls otel-vsm at the end of a playbook. Never fails it. Not in check mode, and not where otel-vsm
    deploy runs the playbook, which tells of it by itself.
requirements: [otel-vsm on the PATH of the controller]
options:
  service:
    description: The service that the playbook deploys; otherwise the name of its file.
    env: [{name: VSM_SERVICE}]
    ini: [{section: callback_otel_vsm, key: service}]
  environment:
    description: Where to; without it nothing is told.
    env: [{name: VSM_ENVIRONMENT}]
    ini: [{section: callback_otel_vsm, key: environment}]
  version:
    description: The version that users see.
    env: [{name: VSM_VERSION}]
    ini: [{section: callback_otel_vsm, key: version}]
"""
TIMEOUT_S = 30


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "otel_vsm"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook):
        self._playbook = os.path.splitext(os.path.basename(playbook._file_name))[0]
        self._check_mode = False

    def v2_playbook_on_play_start(self, play):
        self._check_mode = self._check_mode or bool(play.check_mode)

    def v2_playbook_on_stats(self, stats):
        environment, version = self.get_option("environment"), self.get_option("version")
        if self._check_mode or not environment or os.environ.get("OTEL_VSM_DEPLOYMENT_ID"):
            return
        program = shutil.which("otel-vsm")
        if not program:
            self._display.warning("otel-vsm is not installed here, so this deployment is not told")
            return
        failed = any(stats.failures.values()) or any(stats.dark.values())
        command = [program, "deploy", "--service", self.get_option("service") or self._playbook]
        command += ["--environment", environment, "--result", "failure" if failed else "success"]
        command += ["--version", version] if version else []
        try:
            subprocess.run(command, timeout=TIMEOUT_S, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            self._display.warning(f"otel-vsm did not tell of this deployment: {error}")
