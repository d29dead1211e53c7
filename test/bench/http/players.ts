/** Fifty players on one server, each at 1 MiB/s at a place of its own of 1 GiB, from one fast seeder. [PLAYERS] [SECONDS] */
import { once, setMaxListeners } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { benchFile, peakMemory, quantile, startBlast, startServe } from './rig.js'

const LENGTH = 2 ** 30
/** Bytes a second. */
const RATE = 2 ** 20
/** What a player holds ready at most, and before it begins: seconds of it. */
const AHEAD_S = 4
const START_S = 0.5
const TICK_MS = 20
const players = Number(process.argv[2] ?? 50)
const seconds = Number(process.argv[3] ?? 20)

/** Takes no more than it can hold, plays what it has, and stands still when it has nothing. */
class Player {
  firstByteMs = 0
  stalls = 0
  stalledMs = 0
  readonly #begun = performance.now()
  #held = 0
  #isPlaying = false
  #hasPlayed = false

  async play(url: string, place: number, signal: AbortSignal): Promise<void> {
    const asked = request(url, { agent: false, headers: { Range: `bytes=${place}-` }, signal }).on(
      'error',
      () => undefined
    )
    const [response] = (await once(asked.end(), 'response')) as [IncomingMessage]
    response.on('error', () => undefined)
    const timer = setInterval(() => this.#tick(response), TICK_MS)
    response.pause()
    await once(response, 'close')
    clearInterval(timer)
  }

  #tick(response: IncomingMessage): void {
    while (this.#held < AHEAD_S * RATE) {
      const chunk = response.read() as Buffer | null
      if (!chunk) break
      this.firstByteMs ||= performance.now() - this.#begun
      this.#held += chunk.length
    }
    if (!this.#isPlaying && this.#held >= START_S * RATE) this.#isPlaying = this.#hasPlayed = true
    if (!this.#isPlaying) {
      if (this.#hasPlayed) this.stalledMs += TICK_MS
      return
    }
    this.#held -= (RATE * TICK_MS) / 1000
    if (this.#held > 0) return
    this.#held = 0
    this.#isPlaying = false
    this.stalls++
  }
}

const blast = await startBlast()
const { program, file } = await startServe(benchFile('big.bin.torrent'), blast.peers)
const all = Array.from({ length: players }, () => new Player())
const stop = new AbortController()
setMaxListeners(players, stop.signal)
const room = LENGTH - seconds * 2 * RATE
const playing = all.map((player, i) => player.play(file, Math.floor((room / players) * i), stop.signal))
await delay(seconds * 1000)
const peak = peakMemory(program.child)
stop.abort()
await Promise.allSettled(playing)
program.child.kill('SIGINT')
await program.exit()
await blast.stop()
const first = all.map(({ firstByteMs }) => firstByteMs)
const [stalls, stalledMs] = [
  all.reduce((sum, each) => sum + each.stalls, 0),
  all.reduce((sum, each) => sum + each.stalledMs, 0)
]
process.stdout.write(
  `${players} players at 1 MiB/s for ${seconds} s: ${stalls} stalls, ${stalledMs} ms in all, first byte p50 ${Math.round(quantile(first, 0.5))} ms, longest ${Math.round(Math.max(...first))} ms, peak memory ${peak} MB\n`
)
