"""The shared library for Jenkins, its Groovy run with the steps that Jenkins gives it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ci_plugins.conftest import PLUGINS, OpenShop, stages

GROOVY, JAVA = shutil.which("groovy"), shutil.which("java")

# The steps of Jenkins that the library uses: `sh` runs a shell in the environment that `withEnv` adds to.
JENKINS = """
class Steps extends Script {
    static List variables = []
    static Map currentBuild = [currentResult: 'SUCCESS']
    def run() {}
    def getCurrentBuild() { currentBuild }
    def stage(String name, Closure body) { println "[stage] ${name}"; body() }
    def withEnv(List more, Closure body) {
        variables.addAll(more)
        try { body() } finally { more.size().times { variables.pop() } }
    }
    def sh(Map options) {
        def builder = new ProcessBuilder('bash', '-c', options.script).inheritIO()
        variables.each { def (name, value) = it.split('=', 2); builder.environment()[name] = value }
        int status = builder.start().waitFor()
        if (options.returnStatus) return status
        if (status) throw new Exception("script returned exit code ${status}")
    }
    def sh(String script) { sh(script: script) }
}
class FlowInterruptedException extends Exception {}
def configuration = new org.codehaus.groovy.control.CompilerConfiguration(scriptBaseClass: Steps.name)
def shell = new GroovyShell(this.class.classLoader, new Binding(), configuration)
def vsmStage = shell.parse(new File(args[0]))
vsmStage.call('build') { vsmStage.sh 'true' }
vsmStage.call('unit "tests"', type: 'test') { vsmStage.sh 'echo tested' }
try { vsmStage.call('unit "tests"', type: 'test') { vsmStage.sh 'exit 3' }; assert false }
catch (Exception error) { assert error.message == 'script returned exit code 3' }
try { vsmStage.call('build') { throw new FlowInterruptedException() }; assert false }
catch (FlowInterruptedException error) {}
vsmStage.call('lint', type: 'test') { Steps.currentBuild.currentResult = 'UNSTABLE' }
vsmStage.call('package') { vsmStage.sh 'true' }
println 'the pipeline ended'
"""


@pytest.mark.skipif(GROOVY is None or JAVA is None, reason="groovy is missing: apt-get install groovy")
def test_stages_are_told_as_they_end(open_shop: OpenShop, tmp_path: Path) -> None:
    shop = open_shop("github.com/acme/jenkins")
    (tmp_path / "jenkins.groovy").write_text(JENKINS)
    command = [GROOVY or "", str(tmp_path / "jenkins.groovy"), str(PLUGINS / "jenkins/vars/vsmStage.groovy")]
    env = {
        **shop.env,
        "JAVA_HOME": str(Path(os.path.realpath(JAVA or "")).parents[1]),
        "JENKINS_URL": "https://ci.example.com/",
        "BUILD_TAG": "jenkins-shop-1",
        "BUILD_URL": "https://ci.example.com/job/shop/1/",
        "WORKSPACE": str(shop.path),
        "GIT_COMMIT": shop.git("rev-parse", "HEAD"),
    }
    done = subprocess.run(command, cwd=shop.path, env=env, capture_output=True, text=True, timeout=120)
    assert "the pipeline ended" in done.stdout, done.stdout + done.stderr
    assert "otel-vsm: warning" not in done.stderr
    assert stages(shop) == {
        "build": ("build", 2, 0.5),
        'unit "tests"': ("test", 2, 0.5),
        "lint": ("test", 1, 0),
        "package": ("package", 1, 1),
    }
    bare = {**env, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=shop.path, env=bare, capture_output=True, text=True, timeout=120)
    assert "the pipeline ended" in done.stdout
    assert "is not installed on this agent" in done.stderr
