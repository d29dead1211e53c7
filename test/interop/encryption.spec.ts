/**
 * Encryption required, allowed and off, with clients that other people wrote: each as seeder and as downloader, whoever dials. What went
 * well with `require` on either side went by RC4, as nothing else is taken there.
 */
import { NetworkRoom } from '../support/network-room.js'
import { needsNetworkNamespaces, needsSecondLoopback } from '../support/needs.js'
import { requireProgram } from '../support/real-clients/available.js'
import { LOOPBACK, type Encryption, type Place } from '../support/real-clients/real-client.js'
import { Workspace } from './content.js'
import { Meetings, type Outcomes } from './meetings.js'
import { seeders } from './seeders.js'

const ROLES: readonly (keyof Outcomes)[] = [
  'seeds to ours, which dials',
  'downloads from ours, which dials',
  'dials ours and seeds to it',
  'dials ours and downloads from it'
]

describe('encryption', function () {
  this.timeout(90_000)
  const workspace = new Workspace()

  before(function () {
    requireProgram(this, 'opentracker', 'opentracker')
  })

  after(() => workspace.remove())

  for (const [name, seeder] of Object.entries(seeders)) {
    const { require, encryptions, isShy = false } = seeder
    describe(`at ${name}`, () => {
      const meetings = new Map<Encryption, Meetings>()
      let room: NetworkRoom | undefined

      before('bring them together', async function () {
        require(this)
        if (isShy) needsNetworkNamespaces(this)
        else await needsSecondLoopback(this)
        if (isShy) room = NetworkRoom.open(1 + encryptions.length)
        for (const [index, encryption] of encryptions.entries()) {
          const [oursAt, place] = placesFor(room, index)
          meetings.set(encryption, new Meetings(seeder, { encryption, place, oursAt, workspace }))
        }
      })

      after('stop them', async () => {
        await Promise.all([...meetings.values()].map(each => each.stop()))
        room?.close()
      })

      for (const encryption of encryptions) {
        for (const role of ROLES) {
          it(`with '${encryption}' ${role}`, async () => {
            const meeting = meetings.get(encryption)
            if (!meeting) throw new Error('they never met')
            await (
              await meeting.outcomes
            )[role]
          })
        }
      }
    })
  }
})

/** For ours, and for a client of its own address. */
function placesFor(room: NetworkRoom | undefined, index: number): [ours: Place, theirs: Place] {
  if (!room) return [LOOPBACK, { host: `127.0.20.${index + 1}` }]
  const { netns } = room
  return [
    { host: room.hostAt(1), netns },
    { host: room.hostAt(2 + index), netns }
  ]
}
