/**
 * A stage of the pipeline that is a stage of the change: vsmStage('build') { sh 'make' }
 *
 * Options: type, service, leg. What fails in it fails as without it, and is told so; the agent needs otel-vsm.
 */
def call(Map options = [:], String name, Closure body) {
    stage(name) {
        vsm('begin', name, options)
        String result = 'success'
        String before = currentBuild.currentResult
        try {
            body()
            if (currentBuild.currentResult != before && currentBuild.currentResult in ['UNSTABLE', 'FAILURE']) {
                result = 'failure'
            }
        } catch (error) {
            // Jenkins ends a build that is aborted or takes too long by this exception.
            result = error.toString().contains('FlowInterruptedException') ? 'cancellation' : 'failure'
            throw error
        } finally {
            vsm('end', name, options + [result: result])
        }
    }
}

/** Calls otel-vsm, by variables, since a name may have quotes in it. Never fails the build. */
private void vsm(String command, String name, Map options) {
    List variables = ["VSM_COMMAND=${command}", "VSM_NAME=${name}"]
    for (option in ['type', 'service', 'leg', 'result']) {
        variables << "VSM_${option.toUpperCase()}=${options[option] ?: ''}"
    }
    withEnv(variables) {
        sh(label: "otel-vsm ${command}", returnStatus: true, script: '''#!/bin/sh
            command -v otel-vsm >/dev/null 2>&1 || { echo "otel-vsm is not installed on this agent" >&2; exit 0; }
            otel-vsm "$VSM_COMMAND" "$VSM_NAME" ${VSM_TYPE:+--type "$VSM_TYPE"} \\
              ${VSM_SERVICE:+--service "$VSM_SERVICE"} ${VSM_LEG:+--leg "$VSM_LEG"} \\
              ${VSM_RESULT:+--result "$VSM_RESULT"}
        ''')
    }
}
