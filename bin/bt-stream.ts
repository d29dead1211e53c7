#!/usr/bin/env node
/** The program `bt-stream`. */
import { runCommandLine } from './command-line.js'

await runCommandLine(process.argv.slice(2))
