/** What is on disk already, hashed piece by piece: existing data is never believed. */
import { Bitfield } from './pieces/bitfield.js'
import type { Geometry, PieceIndex } from './pieces/geometry.js'
import type { DiskPiece } from './storage/disk-hasher.js'
import type { FileStorage } from './storage/file-storage.js'
import type { HashPool } from './streams/hash-pool.js'
import type { PiecePool } from './streams/piece-pool.js'

export interface CheckOptions {
  readonly storage: FileStorage
  readonly geometry: Geometry
  readonly hashes: HashPool
  /** Memory to read into. */
  readonly pool: PiecePool
  /** 20 bytes a piece. */
  readonly expected: Buffer
  /** Default: what the storage thinks may be there. */
  readonly candidates?: readonly PieceIndex[]
  readonly isStopped: () => boolean
  readonly onChecked: (checked: number, total: number) => void
}

/** Pieces read and hashed at once, if the budget holds as many. */
const AT_ONCE = 4
/** From so much on, threads read for themselves: they cost some 50 ms. */
const MUCH_BYTES = 32 * 2 ** 20

/** The pieces that are on disk and right. */
export async function checkStored(options: CheckOptions): Promise<Bitfield> {
  const { storage, geometry } = options
  const good = new Bitfield(geometry.pieceCount)
  const candidates = options.candidates ?? storage.candidates()
  if (candidates.length === 0) return good
  const isMuch = storage.isLocal && candidates.length * geometry.pieceLength >= MUCH_BYTES
  await (isMuch ? checkMuch(options, candidates, good) : checkLittle(options, candidates, good))
  for (const index of storage.parts()) if (good.has(index) && !(await storage.agrees(index))) good.clear(index)
  return good
}

/** Through the piece pool, four at once. */
async function checkLittle(options: CheckOptions, candidates: readonly PieceIndex[], good: Bitfield): Promise<void> {
  const { storage, hashes, pool, onChecked } = options
  void hashes.warmUp()
  let next = 0
  let checked = 0
  const work = async (): Promise<void> => {
    for (let index = candidates[next++]; index !== undefined && !options.isStopped(); index = candidates[next++]) {
      if ((await isRight(index, options)) || (storage.dropPart(index) && (await isRight(index, options))))
        good.set(index)
      onChecked(++checked, candidates.length)
    }
  }
  const atOnce = Math.min(AT_ONCE, Math.floor(pool.budget / pool.slotLength))
  await Promise.all(Array.from({ length: atOnce }, work))
}

/** On all cores, as fast as the machine can. */
async function checkMuch(options: CheckOptions, candidates: readonly PieceIndex[], good: Bitfield): Promise<void> {
  const { storage, geometry, expected, isStopped, onChecked } = options
  const { hashOnDisk } = await import('./storage/disk-hasher.js')
  let checked = 0
  const again: PieceIndex[] = []
  const check = async (indexes: readonly PieceIndex[]): Promise<void> => {
    await hashOnDisk({
      pieces: piecesOnDisk(storage, indexes),
      isStopped,
      onDigest: ({ index }, digest) => {
        if (digest?.equals(expected.subarray(index * 20, index * 20 + 20)) === true) good.set(index)
        const piece = good.has(index) ? undefined : geometry.pieceIndex(index)
        if (piece !== undefined && storage.dropPart(piece)) again.push(piece)
        else onChecked(++checked, candidates.length)
      }
    })
  }
  await check(candidates)
  await check(again.splice(0))
}

/** One after the other, as they are needed. */
function* piecesOnDisk(storage: FileStorage, indexes: readonly PieceIndex[]): Generator<DiskPiece> {
  for (const index of indexes) yield { index, spans: storage.spansOf(index) }
}

async function isRight(
  index: PieceIndex,
  { storage, geometry, hashes, pool, expected }: CheckOptions
): Promise<boolean> {
  const credit = pool.take(false)
  const length = geometry.lengthOf(index)
  const bytes = credit?.bytes.subarray(0, length) ?? Buffer.allocUnsafeSlow(length)
  try {
    if (!(await storage.readInto(index, bytes))) return false
    return (await hashes.sha1(bytes)).equals(expected.subarray(index * 20, index * 20 + 20))
  } finally {
    credit?.release()
  }
}
