/**
 * One network namespace for one test, with no way out: many addresses on one machine for programs that want nothing of 127/8. Made when
 * opened, taken down by `close`. Needs root and `ip` of iproute2.
 */
import { startBtStream } from './bt-stream-program.js'
import { ChildProgram, type ProgramOptions } from './child-program.js'
import { deleteNamespaces, ip } from './ip-command.js'

export class LoneNetwork {
  /** Its addresses are `prefix.N.1`. */
  readonly prefix = '10.78'
  readonly #name = `bt-lone-${process.pid}${Date.now() % 1000}`

  private constructor() {
    // see `open`
  }

  /** `places`: the N of each address that there is. */
  static open(places: readonly number[]): LoneNetwork {
    const network = new LoneNetwork()
    try {
      network.#set(places)
    } catch (error) {
      network.close()
      throw error
    }
    return network
  }

  host(place: number): string {
    return `${this.prefix}.${place}.1`
  }

  /** Runs a program there. */
  run(command: string, args: readonly string[], options: ProgramOptions = {}): ChildProgram {
    return new ChildProgram(command, args, { netns: this.#name, ...options })
  }

  /** Runs the program under test there. */
  runBtStream(args: readonly string[], options: ProgramOptions = {}): ChildProgram {
    return startBtStream(args, { netns: this.#name, ...options })
  }

  close(): void {
    deleteNamespaces([this.#name])
  }

  #set(places: readonly number[]): void {
    ip('netns', 'add', this.#name)
    ip('-n', this.#name, 'link', 'set', 'lo', 'up')
    for (const place of places) ip('-n', this.#name, 'address', 'add', `${this.host(place)}/32`, 'dev', 'lo')
  }
}
