/** `bt-stream info <source>`: what a .torrent says, or the peers of a magnet link. No network unless the source needs it. */
import { writeFile } from 'node:fs/promises'
import { encodeTorrent, type Metainfo, type PeerCount } from '../../lib/index.js'
import { OutputError } from '../exit-code.js'
import { filesOf } from '../file-choice.js'
import { printable } from '../messages/printable.js'
import { binaryBytes, bytes, plural } from '../messages/quantity.js'
import { fileLine } from '../messages/sentences.js'
import type { InfoOptions } from '../options.js'
import { runCommand } from '../session.js'

export async function info(source: string, options: InfoOptions): Promise<void> {
  await runCommand(options, async session => {
    const metainfo = await session.readSource(source)
    if (options.save !== undefined) await save(metainfo, options.save)
    const found = options.count === true ? { peers: (await session.countPeers(metainfo)) ?? null } : {}
    const text =
      options.json === true
        ? JSON.stringify({ ...infoObject(metainfo), ...found })
        : [...infoLines(metainfo), ...countLines(found)].map(printable).join('\n')
    await print(`${text}\n`)
  })
}

/** Never over a file that is there. */
async function save(metainfo: Metainfo, path: string): Promise<void> {
  try {
    await writeFile(path, encodeTorrent(metainfo), { flag: 'wx' })
  } catch (error) {
    throw new OutputError(error as Error, path)
  }
}

/** What `--json` prints. */
export function infoObject(metainfo: Metainfo) {
  const { name, infoHash, length, pieceLength, pieceHashes } = metainfo
  return {
    name,
    infoHash: infoHash.toString('hex'),
    length,
    pieceLength,
    pieces: pieceHashes.length / 20,
    private: metainfo.private,
    files: filesOf(metainfo),
    trackers: metainfo.trackers,
    webSeeds: metainfo.webSeeds,
    comment: metainfo.comment ?? null,
    createdBy: metainfo.createdBy ?? null,
    creationDate: metainfo.creationDate ?? null,
    warnings: metainfo.warnings
  }
}

function infoLines(metainfo: Metainfo): string[] {
  const { name, infoHash, length, pieces, pieceLength, files, trackers, webSeeds, ...rest } = infoObject(metainfo)
  const created = dateOf(rest.creationDate)
  const tiers = trackers.map((tier, index) => `tracker    ${index + 1}: ${tier.join(' ')}`)
  return [
    `name       ${name}`,
    `info-hash  ${infoHash}`,
    `size       ${bytes(length)} (${length} bytes) in ${plural(files.length, 'file')}`,
    `pieces     ${pieces} of ${binaryBytes(pieceLength)}`,
    ...(rest.private ? ['private    yes'] : []),
    ...tiers,
    ...webSeeds.map(url => `web seed   ${url}`),
    ...(rest.comment === null ? [] : [`comment    ${rest.comment}`]),
    ...(rest.createdBy === null ? [] : [`made by    ${rest.createdBy}`]),
    ...(created === undefined ? [] : [`made       ${created}`]),
    ...rest.warnings.map(warning => `warning    ${warning}`),
    'files',
    ...files.map(fileLine)
  ]
}

function countLines({ peers }: { peers?: PeerCount | null }): string[] {
  if (peers === undefined) return []
  if (!peers) return ['peers      nobody may be asked']
  return [`peers      about ${plural(peers.seeds, 'seed')} and ${plural(peers.leechers, 'leecher')} in the DHT`]
}

/** A .torrent may name a second that no calendar has. */
function dateOf(seconds: number | null): string | undefined {
  const date = new Date((seconds ?? NaN) * 1000)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(new OutputError(error))
    process.stdout.once('error', fail)
    process.stdout.write(text, error => (error ? fail(error) : resolve()))
  })
}
