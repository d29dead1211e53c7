import { expect } from 'chai'
import { randomBytesSeeded } from '../support/make-torrent.js'
import { HashPool } from '../../lib/streams/hash-pool.js'
import { noLeaks } from '../support/no-leaks.js'
import { sha1 } from '../support/piece-fixtures.js'

function shared(seed: number, length: number): Buffer {
  const bytes = Buffer.from(new SharedArrayBuffer(length))
  randomBytesSeeded(seed, length).copy(bytes)
  return bytes
}

describe('HashPool', function () {
  for (const threads of [0, 1, 2]) {
    it(`gives the right digests on ${threads} threads`, async () => {
      const pool = new HashPool(threads)
      const slabs = [shared(1, 100_000), shared(2, 100_000)]
      await pool.warmUp()
      const runs = slabs.flatMap(slab => [slab, slab.subarray(7, 8), slab.subarray(50, 50), slab.subarray(99_000)])
      runs.push(Buffer.from('memory that is not shared'), shared(3, 10))
      const digests = await Promise.all(runs.map(run => pool.sha1(run)))
      expect(digests).to.deep.equal(runs.map(run => sha1(Uint8Array.from(run))))
      await pool.close()
    })
  }

  it('starts threads by itself once there is much to do, not before', async () => {
    const pool = new HashPool(1)
    const bytes = shared(4, 2 ** 20)
    for (let i = 0; i < 4; i++) await pool.sha1(bytes)
    expect(pool.threadCount).to.equal(0)
    for (let i = 0; i < 40; i++) await pool.sha1(bytes)
    expect(pool.threadCount).to.equal(1)
    await pool.close()
  })

  it('rejects what is pending when it is closed', async () => {
    const pool = new HashPool(1)
    await pool.warmUp()
    const pending = pool.sha1(shared(5, 8 * 2 ** 20)).then(
      () => 'done',
      (error: unknown) => (error as { code: string }).code
    )
    await pool.close()
    expect(await pending).to.equal('ERR_BT_ABORTED')
  })

  it('hashes here after it was closed, and starts no thread', async () => {
    const pool = new HashPool(1)
    await pool.close()
    void pool.warmUp()
    const bytes = shared(6, 1000)
    expect(await pool.sha1(bytes)).to.deep.equal(sha1(Uint8Array.from(bytes)))
    expect(pool.threadCount).to.equal(0)
  })

  it('closes while its threads are still starting', async () => {
    const pool = new HashPool(2)
    void pool.warmUp()
    await pool.close()
    await pool.close()
  })

  noLeaks(this)
})
