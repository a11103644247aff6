import type { Reporter, TestCase, TestModule } from 'vitest/node'

/**
 * Ends the run with one line, `N passed, N failed, N skipped`. A file that could not be loaded, or a
 * group that could not be set up, counts as a failed test. In CI a skipped test fails the run: there, everything a test needs is there.
 */
export default class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const count = (state: ReturnType<TestCase['result']>['state']) =>
      tests.filter((test) => test.result().state === state).length
    const suites = modules.flatMap((module) => [module, ...module.children.allSuites()])
    const broken = suites.filter((suite) => suite.errors().length > 0).length + errors.length
    const passed = count('passed')
    const failed = count('failed') + broken
    const skipped = tests.length - passed - count('failed')
    if (skipped > 0 && process.env['CI'] === 'true') {
      process.exitCode = 1
      process.stdout.write('Skipped tests fail the run in CI.\n')
    }
    // After the reporters before this one, and after vitest's own last words.
    process.once('exit', () => {
      process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`)
    })
  }
}
