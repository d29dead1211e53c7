import { expect } from 'chai'
import { appendFileSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FileStorage } from '../../lib/storage/file-storage.js'
import { check, sampleTorrent, temporaryFolder, verified } from './sample-torrent.js'

const torrent = sampleTorrent(
  [
    { path: 'a', length: 640 },
    { path: 'b', length: 640 }
  ],
  64
)
const { metainfo, geometry, all } = torrent
const [ofA, ofB] = [Array.from({ length: 10 }, (_, i) => i), Array.from({ length: 10 }, (_, i) => i + 10)]

describe('a file that something else changes while it is written', () => {
  const dir = temporaryFolder()
  const path = (name: string) => join(dir(), 'root', name)

  /** Writes all pieces but the last, lets `change` happen, writes the last; resolves to what has to be checked again. */
  async function doubtfulAfter(
    change: () => void,
    check2?: (storage: FileStorage) => Promise<void>
  ): Promise<number[]> {
    const storage = await FileStorage.open({ dir: dir(), metainfo, geometry, selected: all, overwrite: false })
    try {
      await storage.adopt(await check(storage, torrent))
      for (let index = 0; index < 19; index++) await storage.write([verified(torrent, index)])
      change()
      await storage.write([verified(torrent, 19)])
      const doubtful = await storage.finish()
      await check2?.(storage)
      return doubtful
    } finally {
      await storage.close()
    }
  }

  it('nobody did: it is finished', async () => {
    expect(await doubtfulAfter(() => undefined)).to.deep.equal([])
  })

  it('cut, and grown again by our own next write', async () => {
    expect(await doubtfulAfter(() => truncateSync(path('b'), 0))).to.deep.equal(ofB)
    expect(readFileSync(path('b')).length, 'as long as it must be, with a hole').to.equal(640)
  })

  it('cut to nothing and filled up by others', async () => {
    const refill = () => {
      truncateSync(path('a'), 0)
      writeFileSync(path('a'), Buffer.alloc(640))
    }
    expect(await doubtfulAfter(refill)).to.deep.equal(ofA)
  })

  it('made longer, touched, or both files changed', async () => {
    const touch = () => utimesSync(path('a'), 1, 1)
    expect(await doubtfulAfter(touch)).to.deep.equal(ofA)
    const both = () => {
      touch()
      appendFileSync(path('b'), 'x')
    }
    expect(await doubtfulAfter(both)).to.deep.equal([...ofA, ...ofB])
  })

  it('is told of once, is written again where it is wrong, and is finished then', async () => {
    const repair = async (storage: FileStorage): Promise<void> => {
      storage.forget(ofB.map(index => torrent.piece(index)))
      for (const index of ofB) await storage.write([verified(torrent, index)])
      expect(await storage.finish()).to.deep.equal([])
    }
    expect(await doubtfulAfter(() => truncateSync(path('b'), 0), repair)).to.deep.equal(ofB)
    expect(readFileSync(path('b')).equals(torrent.fileBytes(1))).to.equal(true)
  })
})
