// Runs a declarative Jenkinsfile without a Jenkins and says what it did.
//
//   groovy Harness.groovy scenario.json      prints a JSON list of events
//
// The file is compiled and run by the Groovy that Jenkins has. Sections and
// steps are known by name and by argument: what Jenkins would refuse, this
// refuses. Shell lines are answered by the scenario, or run for real with the
// variables of the credentials that are open around them. What it does not
// have: the CPS transformation, the script sandbox, plugins' own checks.

// It is a program and no pipeline:
/* groovylint-disable AbstractClassWithoutAbstractMethod, ConfusingMethodName, ImplicitClosureParameter */
/* groovylint-disable ImplicitReturnStatement, Instanceof, JavaIoPackageAccess */

import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.Paths
import java.nio.file.StandardCopyOption
import java.util.concurrent.TimeUnit
import org.codehaus.groovy.control.CompilerConfiguration

Map scenario = new JsonSlurper().parse(new File(args[0]))
Run run = new Run(scenario)
CompilerConfiguration configuration = new CompilerConfiguration(scriptBaseClass: Steps.name)
GroovyShell shell = new GroovyShell(getClass().classLoader, new Binding(run: run), configuration)
try {
    shell.evaluate(new File(scenario.file))
    run.execute()
} catch (Refused | MissingMethodException | MissingPropertyException e) {
    run.event('refused', [message: e.message])
}
println JsonOutput.toJson(run.events)

/** What Jenkins would not take. */
class Refused extends RuntimeException {

    Refused(String message) { super(message) }

}

/** A shell line that ended with a status other than 0. */
class Failed extends RuntimeException {

    Failed(String message) { super(message) }

}

/** Somebody, or a newer patch set, aborted the build. */
class Aborted extends RuntimeException {

    Aborted() { super('aborted') }

}

/** What every section of a file is: words with arguments, known by name. */
class Section {

    static void check(String word, Map args, Map<String, Class> known) {
        args.each { key, value ->
            if (!known.containsKey(key)) { throw new Refused("${word} has no argument ${key}") }
            if (!known[key].isInstance(value)) {
                throw new Refused("${word}: ${key} is not a ${known[key].simpleName}")
            }
        }
    }

    static void read(Closure body, Object delegate) {
        Closure copy = body.clone()
        copy.delegate = delegate
        copy.resolveStrategy = Closure.DELEGATE_FIRST
        copy.call()
    }

}

/** Words that are only noted, with what they may say. */
class Words {

    Map<String, Map<String, Class>> known
    List<List> said = [] // word and argument

    Object methodMissing(String name, Object args) {
        if (!known.containsKey(name)) { throw new Refused("${name} is not allowed here") }
        Object given = args ? args[0] : true
        if (known[name] && given instanceof Map) { Section.check(name, given, known[name]) }
        said << [name, given]
        return given
    }

    Map<String, Object> asMap() { said.collectEntries { [(it[0]): it[1]] } }

}

/** when { … }: one condition, or beforeAgent and one. */
class When {

    Run run
    boolean holds = true
    int conditions = 0

    void beforeAgent(boolean ignored) { assert ignored != null }

    void expression(Closure body) { condition(body.call() as boolean) }

    void environment(Map args) {
        Section.check('environment', args, [name: String, value: String])
        condition(run.variables()[args.name] == args.value)
    }

    void condition(boolean value) {
        conditions++
        holds &= value
    }

}

/** One stage as it was declared. */
class Stage {

    String name
    Closure whenBody
    Closure stepsBody
    Map<String, Object> options = [:]

    void when(Closure body) { whenBody = body }

    void steps(Closure body) { stepsBody = body }

    void options(Closure body) {
        Words words = new Words(known: [timeout: [time: Integer, unit: String]])
        Section.read(body, words)
        options = words.asMap()
    }

}

class Stages {

    List<Stage> all = []

    void stage(String name, Closure body) {
        Stage stage = new Stage(name: name)
        Section.read(body, stage)
        if (!stage.stepsBody) { throw new Refused("stage ${name} has no steps") }
        all << stage
    }

}

/** post { … }: a body for each condition, run in Jenkins' order. */
class Post {

    static final List<String> ORDER = ['always', 'aborted', 'failure', 'success', 'unsuccessful', 'cleanup']

    Map<String, Closure> bodies = [:]

    static boolean holds(String condition, String result) {
        switch (condition) {
            case 'aborted': return result == 'ABORTED'
            case 'failure': return result == 'FAILURE'
            case 'success': return result == 'SUCCESS'
            case 'unsuccessful': return result != 'SUCCESS'
            default: return true
        }
    }

    Object methodMissing(String name, Object args) {
        if (!(name in ORDER)) { throw new Refused("post has no condition ${name}") }
        bodies[name] = args[0]
        return null
    }

}

/** pipeline { … } as it was declared. */
class Pipeline {

    static final Map OPTIONS = [
        buildDiscarder: [:], logRotator: [numToKeepStr: String, artifactNumToKeepStr: String],
        skipDefaultCheckout: [:], disableConcurrentBuilds: [:], timeout: [time: Integer, unit: String],
    ]
    static final Map PARAMETERS = [
        string: [name: String, defaultValue: String, description: String],
        booleanParam: [name: String, defaultValue: Boolean, description: String],
    ]

    Map declared = [:]
    Map<String, Object> parameters = [:]
    List<Stage> stages = []
    Map<String, Closure> post = [:]

    void agent(Closure body) { words('agent', body, [label: [:]]) }

    void options(Closure body) { words('options', body, OPTIONS) }

    void triggers(Closure body) { words('triggers', body, [cron: [:]]) }

    void parameters(Closure body) {
        Words words = new Words(known: PARAMETERS)
        Section.read(body, words)
        parameters = words.said.collectEntries { [(it[1].name): it[1].defaultValue] }
    }

    void stages(Closure body) {
        Stages section = new Stages()
        Section.read(body, section)
        stages = section.all
    }

    void post(Closure body) {
        Post section = new Post()
        Section.read(body, section)
        post = section.bodies
    }

    void words(String section, Closure body, Map known) {
        Words words = new Words(known: known)
        Section.read(body, words)
        declared[section] = words.asMap()
    }

}

/** One build: what was declared, what is open, what happened. */
class Run {

    final Map scenario
    final List<Map> events = []
    final List<Map> credentials = [] // that are open, with their variables
    final Map build = [displayName: '#1']
    Pipeline pipeline
    String result = 'SUCCESS'
    String where = ''

    Run(Map scenario) { this.scenario = scenario }

    void event(String type, Map fields) { events << ([type: type, where: where] + fields) }

    Map<String, String> variables() {
        Map all = (scenario.env ?: [:]) + parameters().collectEntries { name, value -> [(name): value as String] }
        credentials.each { all += it.variables }
        return all
    }

    Map<String, Object> parameters() { pipeline.parameters + (scenario.parameters ?: [:]) }

    void execute() {
        event('declared', [sections: pipeline.declared, parameters: pipeline.parameters])
        pipeline.stages.each { runStage(it) }
        Post.ORDER.each { condition ->
            if (pipeline.post[condition] && Post.holds(condition, result)) {
                where = "post ${condition}"
                guarded(pipeline.post[condition])
            }
        }
        where = ''
        event('end', [result: result, displayName: build.displayName])
    }

    void runStage(Stage stage) {
        where = stage.name
        if (result != 'SUCCESS') {
            event('skipped', [why: "earlier ${result}"])
            return
        }
        if (stage.whenBody) {
            When condition = new When(run: this)
            Section.read(stage.whenBody, condition)
            if (condition.conditions == 0) { throw new Refused("when of ${stage.name} has no condition") }
            if (!condition.holds) {
                event('skipped', [why: 'when'])
                return
            }
        }
        event('stage', [options: stage.options])
        guarded(stage.stepsBody)
    }

    void guarded(Closure body) {
        try {
            body.call()
        } catch (Aborted ignored) {
            result = 'ABORTED'
        } catch (Failed e) {
            event('failed', [message: e.message])
            if (result == 'SUCCESS') { result = 'FAILURE' }
        }
    }

    Map shell(String script) {
        Map answer = scenario.execute ? real(script) : told(script)
        event('sh', [script: script, credentials: credentials*.id, variables: credentialVariables()] + answer)
        if (answer.aborted) { throw new Aborted() }
        if (answer.status != 0) { throw new Failed("${script}: status ${answer.status}") }
        return answer
    }

    List<String> credentialVariables() { credentials.collectMany { it.variables.keySet() as List } }

    /** told answers as the scenario says: the first whose text is in the script. */
    Map told(String script) {
        Map answer = scenario.answers?.find { script.contains(it.match) } ?: [:]
        return [status: answer.status ?: 0, stdout: answer.stdout ?: '', aborted: answer.aborted ?: false]
    }

    /** real runs a line as Jenkins does, by sh -xe, and ends it as Jenkins does, with all it started. */
    Map real(String script) {
        ProcessBuilder builder = new ProcessBuilder('sh', '-xe', '-c', script).directory(new File(scenario.workspace))
        builder.environment().clear()
        builder.environment().putAll(variables())
        Process process = builder.start()
        StringBuilder out = new StringBuilder()
        StringBuilder err = new StringBuilder()
        List<Thread> readers = [process.consumeProcessOutputStream(out), process.consumeProcessErrorStream(err)]
        boolean aborted = false
        if (scenario.abort && script.contains(scenario.abort.match)) {
            aborted = !process.waitFor(scenario.abort.after, TimeUnit.MILLISECONDS)
            if (aborted) { process.toHandle().descendants().each { it.destroy() } }
        }
        int status = process.waitFor()
        readers*.join()
        return [status: status, stdout: out.toString(), stderr: err.toString(), aborted: aborted]
    }

}

/** The steps, and what a file finds besides: env, params, currentBuild. */
abstract class Steps extends Script {

    private static final Map BINDINGS = [
        usernamePassword: [credentialsId: String, usernameVariable: String, passwordVariable: String],
        string: [credentialsId: String, variable: String],
    ]

    void pipeline(Closure body) {
        Pipeline pipeline = new Pipeline()
        Section.read(body, pipeline)
        if (!pipeline.declared.agent) { throw new Refused('the pipeline has no agent') }
        run.pipeline = pipeline
    }

    Map getEnv() { run.variables() }

    Map getParams() { run.parameters() }

    Map getCurrentBuild() { run.build }

    Run getRun() { binding.getVariable('run') }

    Map usernamePassword(Map args) { bound('usernamePassword', args) }

    Map string(Map args) { bound('string', args) }

    void withCredentials(List bindings, Closure body) {
        List opened = bindings.collect { open(it) }
        run.credentials.addAll(opened)
        try {
            body.call()
        } finally {
            opened.each { run.credentials.remove(run.credentials.size() - 1) }
        }
    }

    void sh(Object script) { run.shell(literal(script)) }

    Object sh(Map args) {
        Section.check('sh', args, [script: Object, returnStdout: Boolean, label: String])
        Map answer = run.shell(literal(args.script))
        return args.returnStdout ? answer.stdout : null
    }

    void script(Closure body) { body.call() }

    void timeout(Map args, Closure body) {
        Section.check('timeout', args, [time: Integer, unit: String])
        body.call()
    }

    void catchError(Closure body) { run.guarded(body) }

    Object readJSON(Map args) {
        Section.check('readJSON', args, [text: String])
        return new JsonSlurper().parseText(args.text)
    }

    void archiveArtifacts(Map args) {
        Section.check('archiveArtifacts', args, [artifacts: String, allowEmptyArchive: Boolean])
        run.event('archive', [artifacts: args.artifacts, files: run.scenario.execute ? archive(args.artifacts) : []])
    }

    Map specific(String build) { [build: build] }

    /** copyArtifacts takes what the scenario says that the build archived. */
    void copyArtifacts(Map args) {
        Section.check('copyArtifacts', args, [projectName: String, selector: Map, filter: String])
        run.event('copy', [artifacts: "${args.projectName} ${args.selector.build} ${args.filter}".toString()])
        if (run.scenario.execute) {
            copy(Paths.get(run.scenario.copied), Paths.get(run.scenario.workspace), args.filter)
        }
    }

    void deleteDir() {
        run.event('deleteDir', [:])
        if (run.scenario.execute) {
            new File(run.scenario.workspace).eachFile { it.directory ? it.deleteDir() : it.delete() }
        }
    }

    List<String> archive(String patterns) {
        copy(Paths.get(run.scenario.workspace), Paths.get(run.scenario.archive), patterns)
    }

    List<String> copy(Path from, Path to, String patterns) {
        List<String> files = []
        Files.walk(from).filter { Files.isRegularFile(it) }.each { path ->
            Path name = from.relativize(path)
            if (patterns.split(',').any { FileSystems.default.getPathMatcher("glob:${it.trim()}").matches(name) }) {
                Path target = to.resolve(name)
                Files.createDirectories(target.parent)
                Files.copy(path, target, StandardCopyOption.REPLACE_EXISTING)
                files << (name as String)
            }
        }
        return files.sort()
    }

    Map bound(String type, Map args) {
        Section.check(type, args, BINDINGS[type])
        if (args.size() != BINDINGS[type].size()) { throw new Refused("${type} wants ${BINDINGS[type].keySet()}") }
        return [type: type] + args
    }

    Map open(Map binding) {
        Map secret = run.scenario.credentials[binding.credentialsId]
        if (!secret) { throw new Refused("there is no credential ${binding.credentialsId}") }
        Map variables = binding.type == 'string' ? [(binding.variable): secret.text]
            : [(binding.usernameVariable): secret.username, (binding.passwordVariable): secret.password]
        if (variables.values().any { it == null }) {
            throw new Refused("${binding.credentialsId} is not a ${binding.type}")
        }
        return [id: binding.credentialsId, variables: variables]
    }

    String literal(Object script) {
        if (script instanceof GString) { throw new Refused("sh with a value pasted in by Groovy: ${script}") }
        return script
    }

}
