import { expect } from 'chai'
import { PassThrough } from 'node:stream'
import { ErrorOutput } from '../../bin/messages/error-output.js'
import { TerminalLines } from '../../bin/messages/terminal-lines.js'

const WIPE = '\r\u001b[K'

describe('TerminalLines', () => {
  it('draws what moves over itself, no wider than the terminal, and wipes it before what stays', () => {
    const screen = new PassThrough()
    const lines = new TerminalLines(new ErrorOutput(screen), () => 30)
    lines.say({ event: 'checking', checked: 1, total: 4 })
    lines.say({ event: 'hashing', done: 5000, total: 10_000, rate: 1_000_000 })
    lines.say({ event: 'warning', message: 'careful' })
    lines.say({ event: 'done', bytes: 5, elapsedMs: 1000, verified: true })
    lines.end()
    const drawn = 'hashing: 50.0% of 10 kB, 1 MB/s'.slice(0, 29)
    expect((screen.read() as Buffer).toString().split(WIPE)).to.deep.equal([
      '',
      'checking what is on disk: 25.0%'.slice(0, 29),
      drawn,
      'bt-stream: warning: careful\n',
      drawn,
      'bt-stream: done: 5 B verified in 1.0 s\n'
    ])
  })

  it('leaves nothing of a check that is over', () => {
    const screen = new PassThrough()
    const lines = new TerminalLines(new ErrorOutput(screen), () => 80)
    lines.say({ event: 'checking', checked: 1, total: 4 })
    lines.say({ event: 'checking', checked: 4, total: 4 })
    lines.say({ event: 'serving', have: 4, length: 4 })
    expect((screen.read() as Buffer).toString().split(WIPE)).to.deep.equal([
      '',
      'checking what is on disk: 25.0%',
      'bt-stream: serving 100% of 4 B; Ctrl-C stops\n'
    ])
  })
})
