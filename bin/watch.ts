/** Turns what a torrent does into messages while a command runs. */
import type { EventEmitter } from 'node:events'
import type { BtError, Torrent, TorrentEvents } from '../lib/index.js'
import type { ProgressFacts } from './messages/events.js'
import type { Messages } from './messages/messages.js'
import { firstToldAt, onceInAWhile } from './messages/now-and-then.js'
import { secondsLeft } from './progress.js'

/** How far the command is, in bytes. */
export interface Goal {
  readonly done: number
  readonly total: number
}

const TICK_MS = 500

/** Tells of the torrent's events, and of its progress if there is a goal. Call what it returns when the command is done. */
export function watchTorrent(torrent: Torrent, messages: Messages, goal?: () => Goal): () => void {
  tellEvents(torrent, messages)
  if (!goal) return () => undefined
  const watch = new ProgressWatch(torrent, messages, goal)
  const timer = setInterval(() => watch.tick(performance.now()), TICK_MS)
  watch.tick(performance.now())
  return () => clearInterval(timer)
}

class ProgressWatch {
  readonly #torrent: Torrent
  readonly #messages: Messages
  readonly #goal: () => Goal
  #toldAt: number

  constructor(torrent: Torrent, messages: Messages, goal: () => Goal) {
    this.#torrent = torrent
    this.#messages = messages
    this.#goal = goal
    this.#toldAt = firstToldAt(messages.progressEveryMs)
  }

  tick(now: number): void {
    if (now - this.#toldAt < this.#messages.progressEveryMs - TICK_MS / 2) return
    this.#toldAt = now
    this.#messages.say({ event: 'progress', ...this.#facts(this.#goal()) })
  }

  #facts({ done, total }: Goal): ProgressFacts {
    const { downloadRate, uploadRate, peers, waiting = null } = this.#torrent.stats()
    const [down, up] = [Math.round(downloadRate), Math.round(uploadRate)]
    return { done, total, downloadRate: down, uploadRate: up, peers, eta: secondsLeft(done, total, down), waiting }
  }
}

/** Tells of what a torrent, or the search for one, emits. */
export function tellEvents(torrent: EventEmitter<TorrentEvents>, messages: Messages): void {
  torrent.on('listening', port => messages.say({ event: 'listening', port }))
  const trackers = new Map<string, string>()
  torrent.on('tracker', tracker => {
    // It emits as well when it plans its next announce.
    const { url, state, peers, message } = tracker
    const told = JSON.stringify([state, peers, message])
    if (trackers.get(url) !== told) messages.say({ event: 'tracker', ...tracker })
    trackers.set(url, told)
  })
  torrent.on('source', source => messages.say({ event: 'source', ...source }))
  torrent.on('waiting', reason => messages.say({ event: 'waiting', reason }))
  torrent.on('warning', message => messages.say({ event: 'warning', message }))
  torrent.on('peer', peer => messages.say({ event: 'peer', ...peer }))
  torrent.on('peerGone', (peer, error) => messages.say({ event: 'peerGone', ...peer, ...reasonOf(error) }))
  torrent.on('dialFailed', (address, error) => {
    messages.say({ event: 'dialFailed', address, code: codeOf(error), message: error.message })
  })
  tellChecks(torrent, messages)
}

/** Who heard of a check hears of its end, too. */
function tellChecks(torrent: EventEmitter<TorrentEvents>, messages: Messages): void {
  let isTold = false
  const tell = (checked: number, total: number): void => {
    isTold = checked < total
    messages.say({ event: 'checking', checked, total })
  }
  const tellSome = onceInAWhile(messages.progressEveryMs, tell)
  torrent.on('checking', (checked, total) => {
    if (checked < total) tellSome(checked, total)
    else if (isTold) tell(checked, total)
  })
}

function reasonOf(error: Error | undefined): { code: string | null; message: string | null } {
  return error ? { code: codeOf(error), message: error.message } : { code: null, message: null }
}

function codeOf(error: Error): string | null {
  return (error as Partial<BtError>).code ?? null
}
