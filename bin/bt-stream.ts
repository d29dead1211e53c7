#!/usr/bin/env node
/** The program `bt-stream`. The build puts another in its place that loads the same modules joined into a few files. */
import './program.js'
