#!/usr/bin/env node
/** The program `bt-stream`. */

const args = process.argv.slice(2)

// What takes longest to load is on its way before the arguments are understood; whoever needs it hears of a failure.
if (args.some(arg => !arg.startsWith('-'))) import('../lib/index.js').catch(() => undefined)

const { runCommandLine } = await import('./command-line.js')
await runCommandLine(args)
