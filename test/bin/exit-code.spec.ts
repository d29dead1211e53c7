import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { EXIT, OutputError, UsageError, exitCodeOf } from '../../bin/exit-code.js'
import { BtError, type ErrorCode } from '../../lib/index.js'
import { projectRoot } from '../support/project.js'

/** Rows of docs/errors.md: code and exit. */
const rows = [
  ...readFileSync(`${projectRoot}docs/errors.md`, 'utf8').matchAll(/^\| `(ERR_BT_\w+)` .*\| ([\d–, ]+) \|$/gm)
]

describe('exitCodeOf', () => {
  it('gives what docs/errors.md says', () => {
    expect(rows).to.have.length.above(20)
    for (const [, code = '', exits = ''] of rows) {
      if (!/^\d$/.test(exits)) continue
      expect(exitCodeOf(new BtError(code as ErrorCode, '')), code).to.equal(Number(exits))
    }
  })

  it('tells a reader that went away from an output that failed', () => {
    const failure = (code: string) => new OutputError(Object.assign(new Error(code), { code }))
    expect(['EPIPE', 'ECONNRESET', 'ENOSPC', 'EIO'].map(code => exitCodeOf(failure(code)))).to.deep.equal([
      EXIT.PIPE_CLOSED,
      EXIT.PIPE_CLOSED,
      EXIT.OUTPUT,
      EXIT.OUTPUT
    ])
  })

  it('is 2 for wrong usage and 1 for anything else', () => {
    expect(exitCodeOf(new UsageError(''))).to.equal(EXIT.USAGE)
    expect(
      [new Error(''), Object.assign(new Error(''), { code: 'toString' }), undefined].map(exitCodeOf)
    ).to.deep.equal([EXIT.INTERNAL, EXIT.INTERNAL, EXIT.INTERNAL])
  })
})
