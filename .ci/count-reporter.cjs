/**
 * Mocha's spec reporter, which also appends a line `passed failed skipped` to the file named in BT_TEST_COUNTS: `.ci/run` adds them up.
 * CommonJS because that is how mocha loads a reporter.
 */
const { appendFileSync } = require('node:fs')
const { reporters, Runner } = require('mocha')

class CountReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats
      if (process.env.BT_TEST_COUNTS) appendFileSync(process.env.BT_TEST_COUNTS, `${passes} ${failures} ${pending}\n`)
    })
  }
}

module.exports = CountReporter
