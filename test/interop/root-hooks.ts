/** For every interop spec: a failed test shows what the programs around it said. */
import { ChildProgram } from '../support/child-program.js'

export const mochaHooks: Mocha.RootHookObject = {
  afterEach(this: Mocha.Context) {
    if (this.currentTest?.state === 'failed') process.stderr.write(`${ChildProgram.outputOfRunning()}\n`)
  }
}
