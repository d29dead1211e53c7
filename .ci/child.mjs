/** One child process at a time on our own terminal; a signal that ends us ends it first. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/** Runs a script with this same Node; resolves to its exit code. */
export function runNode(cwd, args) {
  return runChild(cwd, process.execPath, args)
}

/** Runs a program; resolves to its exit code, 128 + n when signal n ended it or us, as shells count. */
export function runChild(cwd, command, args, options = {}) {
  const child = spawn(command, args, { cwd, stdio: 'inherit', ...options })
  let interrupted
  const onSignal = signal => {
    interrupted = signal
    // Ctrl-C at a terminal has reached the child already, and a second one would mean "at once".
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, onSignal)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode, endedBy) => {
      const signal = endedBy ?? interrupted
      resolve(exitCode || (signal ? 128 + constants.signals[signal] : 0))
    })
  }).finally(() => {
    for (const signal of signals) process.off(signal, onSignal)
  })
}
