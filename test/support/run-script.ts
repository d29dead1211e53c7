/** Runs a few lines of JavaScript in a Node of their own. */
import { execFile } from 'node:child_process'

export interface ScriptEnd {
  /** `null`: killed, as one that does not end within ten seconds. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `script` is an ES module. */
export function run(script: string): Promise<ScriptEnd> {
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      ['--input-type=module', '--eval', script],
      { timeout: 10_000, killSignal: 'SIGKILL' },
      (_, stdout, stderr) => resolve({ exitCode: child.exitCode, stdout, stderr })
    )
  })
}
