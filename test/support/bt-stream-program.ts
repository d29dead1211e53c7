/** The program under test, run as a user runs it. Everything that tests assume of its command line and of its events is in this file. */
import { ChildProgram, type ProgramOptions } from './child-program.js'
import { onFreePort } from './free-port.js'
import { PROGRAM } from './program.js'
import { LOOPBACK, runningClient, type Address, type Place, type RealClient } from './real-clients/real-client.js'

const LISTEN_TIMEOUT_MS = 15_000
const RUN_TIMEOUT_MS = 45_000

/** The command and the arguments that come before the user's: this build's, or the command in BT_STREAM (split at spaces). */
export function btStreamCommand(): [command: string, ...args: string[]] {
  const [command, ...args] = (process.env['BT_STREAM'] ?? '').split(' ').filter(word => word !== '')
  if (command !== undefined) return [command, ...args]
  return [process.execPath, PROGRAM]
}

/** Starts it; stdout is collected as data, stderr as words. */
export function startBtStream(args: readonly string[], options: ProgramOptions = {}): ChildProgram {
  const [command, ...first] = btStreamCommand()
  return new ChildProgram(command, [...first, ...args], { name: 'bt-stream', collectStdout: true, ...options })
}

/** Runs it to its end and returns its stdout. Rejects, with all that it said, unless its exit code is 0. */
export async function runBtStream(args: readonly string[], options: ProgramOptions = {}): Promise<Buffer> {
  const program = startBtStream(args, options)
  const { code } = await program.waitForExit(RUN_TIMEOUT_MS)
  if (code !== 0) throw program.error(`failed: ${args.join(' ')}`)
  return program.stdout
}

/** Runs `bt-stream ARGS | COMMAND` in bash with `pipefail`, as the README says. Rejects unless both succeed. */
export async function runBtStreamPiped(args: readonly string[], command: readonly string[]): Promise<void> {
  const ours = [...btStreamCommand(), ...args]
  const script = `set -o pipefail; "\${@:1:${ours.length}}" | "\${@:${ours.length + 1}}"`
  const program = new ChildProgram('bash', ['-c', script, 'bash', ...ours, ...command], {
    name: 'bt-stream | ' + command.join(' ')
  })
  const { code } = await program.waitForExit(RUN_TIMEOUT_MS)
  if (code !== 0) throw program.error('failed')
}

/** `bt-stream seed`, from the moment on that it listens: an event `{"event":"listening","port":N}` on stderr. */
export async function seedWithBtStream(
  torrentFile: string,
  dataDir: string,
  more: readonly string[] = [],
  { host, netns }: Place = LOOPBACK
): Promise<RealClient> {
  return onFreePort(async wanted => {
    // Nothing of a test leaves the machine, unless the test says where to.
    const quiet = more.some(arg => arg.startsWith('--dht')) ? ['--no-lsd'] : ['--no-dht', '--no-lsd']
    const args = ['seed', torrentFile, '--dir', dataDir, '--port', String(wanted), '--json', ...quiet, ...more]
    const program = startBtStream(args, { netns })
    try {
      const [line] = await program.waitForOutput(/^\{.*"event":"listening".*\}$/m, LISTEN_TIMEOUT_MS)
      const { port } = JSON.parse(line) as Pick<Address, 'port'>
      return runningClient(program, { host, port })
    } catch (error) {
      await program.stop()
      throw error
    }
  })
}
