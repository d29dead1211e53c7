/** An event as a line for people. */
import type { Event, FileFacts } from './events.js'
import { binaryBytes, bytes, duration, percent, plural, rate } from './quantity.js'

/** Lines without their ends; `undefined` for what people need not be told. */
export function sentenceOf(event: Event): string | undefined {
  switch (event.event) {
    case 'start':
      return `${event.name}: ${bytes(event.length)}${event.files.length > 1 ? ` in ${event.files.length} files` : ''}`
    case 'progress': {
      const left = event.eta === null ? '' : `, ${duration(event.eta)} left`
      const { done, total, downloadRate, peers } = event
      return `${percent(done, total)} of ${bytes(total)}, ${rate(downloadRate)}, ${plural(peers, 'peer')}${left}`
    }
    case 'checking':
      return `checking what is on disk: ${percent(event.checked, event.total)}`
    case 'hashing':
      return `hashing: ${shareOf(event)}, ${rate(event.rate)}`
    case 'file':
      return fileSentence(event)
    case 'created': {
      const { output, infoHash, length, pieces, pieceLength } = event
      const size = `${bytes(length)} in ${plural(pieces, 'piece')} of ${binaryBytes(pieceLength)}`
      return `made ${output === '-' ? 'the .torrent' : output}: ${size}, info-hash ${infoHash}`
    }
    case 'listening':
      return `listening on port ${event.port}`
    case 'search':
      return 'asking peers what the magnet link stands for'
    case 'source':
      return event.state
    case 'tracker':
      return trackerSentence(event)
    case 'peer':
      return `${event.isIncoming ? 'peer connected to us' : 'connected to peer'}: ${event.address}`
    case 'peerGone':
      return `peer left: ${event.address}${event.message === null ? '' : ` (${event.message})`}`
    case 'dialFailed':
      return `no connection to ${event.address} (${event.message})`
    case 'waiting':
      return `waiting: ${event.reason}`
    case 'warning':
      return `warning: ${event.message}`
    case 'http':
      return `open ${event.url}`
    case 'serving':
      return `serving ${percent(event.have, event.length)} of ${bytes(event.length)}; Ctrl-C stops`
    case 'seeded':
      return `gave ${bytes(event.uploaded)}, ratio ${event.ratio.toFixed(2)}, in ${(event.elapsedMs / 1000).toFixed(1)} s`
    case 'note':
      return event.message
    case 'verified':
      return `${bytes(event.bytes)} of ${bytes(event.total)} verified`
    case 'kept':
      return `kept ${percent(event.bytes, event.total)} of ${bytes(event.total)}: the same command goes on from there`
    case 'done':
      return `done: ${bytes(event.bytes)} verified in ${(event.elapsedMs / 1000).toFixed(1)} s`
    case 'interrupted':
      return 'stopping; once more to stop at once'
    case 'error':
      return [event.message, ...(event.files ?? []).map(fileLine)].join('\n')
    case 'end':
      return undefined
  }
}

export function fileLine({ index, path, length }: FileFacts): string {
  return `  ${String(index).padStart(3)}  ${bytes(length).padStart(9)}  ${path}`
}

function shareOf({ done, total }: Extract<Event, { event: 'hashing' }>): string {
  return total === null ? bytes(done) : `${percent(done, total)} of ${bytes(total)}`
}

function fileSentence({ path, length, size, verified, state }: Extract<Event, { event: 'file' }>): string {
  switch (state) {
    case 'whole':
      return `whole    ${path}`
    case 'missing':
      return `missing  ${path}`
    case 'damaged': {
      const sized = size === length ? '' : `, and it is ${size} bytes long, not ${length}`
      return `damaged  ${path}: ${percent(verified, length)} verifies${sized}`
    }
  }
}

function trackerSentence({ url, state, peers, message }: Extract<Event, { event: 'tracker' }>): string | undefined {
  if (state === 'working')
    return `tracker ${url}: ${plural(peers, 'peer')}${message === undefined ? '' : ` (${message})`}`
  return state === 'failed' ? `tracker ${url}: ${message ?? 'failed'}` : undefined
}
