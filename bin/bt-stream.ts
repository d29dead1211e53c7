#!/usr/bin/env node
/** The program `bt-stream`: as the build joined its modules into a few files, which load in half the time, or else module by module. */
import { existsSync } from 'node:fs'

const joined = new URL('../program/program.js', import.meta.url)
await import(existsSync(joined) ? joined.href : './program.js')
