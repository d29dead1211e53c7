import { expect } from 'chai'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import type { Clock } from '../../lib/clock.js'
import { dial } from '../../lib/transport/dial.js'
import { TransportError } from '../../lib/transport/transport-error.js'
import { rejection } from '../support/rejection.js'
import { VirtualClock } from '../support/virtual-clock.js'

describe('dial', () => {
  let server: Server
  let port: number

  beforeEach(async () => {
    server = createServer(socket => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })

  afterEach(() => {
    server.close()
  })

  it('opens a connection', async () => {
    const clock = new VirtualClock()
    const socket = await dial({ host: '127.0.0.1', port }, { clock, localAddress: '127.0.0.1', readAheadBytes: 1000 })
    expect(clock.pendingTimers).to.equal(0)
    expect(socket.readableHighWaterMark).to.equal(1000)
    expect(socket.listenerCount('error')).to.equal(0)
    socket.write('echo')
    expect(String((await once(socket, 'data'))[0])).to.equal('echo')
    socket.destroy()
  })

  it("gives the system's error when nobody listens", async () => {
    server.close()
    await once(server, 'close')
    expect(await rejection(dial({ host: '127.0.0.1', port }))).to.have.property('code', 'ECONNREFUSED')
  })

  it('gives up when time is up', async () => {
    const hasty: Clock = { now: () => 0, setTimer: queueMicrotask, clearTimer: () => undefined }
    const error = await rejection(dial({ host: '127.0.0.1', port }, { clock: hasty }))
    expect(error).to.be.instanceOf(TransportError).with.property('kind', 'timeout')
  })

  it('ends with the reason of its signal, before and during', async () => {
    const controller = new AbortController()
    const dialling = rejection(dial({ host: '127.0.0.1', port }, { signal: controller.signal }))
    controller.abort(new Error('enough'))
    expect((await dialling).message).to.equal('enough')
    expect((await rejection(dial({ host: '127.0.0.1', port }, { signal: controller.signal }))).message).to.equal(
      'enough'
    )
  })
})
