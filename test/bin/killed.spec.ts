import { expect } from 'chai'
import { killedGets } from '../support/killed-gets.js'

const MIB = 2 ** 20

describe('a get that is killed again and again', function () {
  this.timeout(60_000)

  it('loses nothing, fetches little again, and ends with the right bytes', async () => {
    const { kills, completed, wrong, unseen } = await killedGets({
      kills: 8,
      length: 32 * MIB,
      pieceLength: 64 * 1024,
      bytesPerSecond: 10 * MIB,
      longestMs: 1200,
      random: Math.random
    })
    expect(wrong).to.equal(0)
    expect(completed).to.be.greaterThan(0)
    for (const { lost, fetchedAgain } of kills) {
      expect(lost).to.equal(0)
      expect(fetchedAgain).to.be.lessThan(20 * MIB)
    }
    expect(unseen, 'what is on disk is not fetched again').to.be.lessThan(MIB)
  })
})
