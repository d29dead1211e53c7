/** Runs the command line of this process. */
import { runCommandLine } from './command-line.js'

const args = process.argv.slice(2)

// What takes longest to load is on its way before the arguments are understood; whoever needs it hears of a failure.
if (args.some(arg => !arg.startsWith('-'))) import('../lib/index.js').catch(() => undefined)

await runCommandLine(args)
