/** For every interop spec: a failed test shows what the programs around it said. */
import { ChildProgram } from '../support/child-program.js'

// Not by mocha's `node-option`: for that it starts itself anew, and a SIGTERM would end only the outer one and leave all the rest running.
process.setSourceMapsEnabled(true)

export const mochaHooks: Mocha.RootHookObject = {
  afterEach(this: Mocha.Context) {
    if (this.currentTest?.state === 'failed') process.stderr.write(ChildProgram.outputOfRunning())
  }
}
