import { expect } from 'chai'
import { ProtocolError } from '../../lib/errors.js'
import { IDLE_MESSAGES_MS, MAX_IDLE_MESSAGES } from '../../lib/limits.js'
import { IdleMessages } from '../../lib/policy/idle-messages.js'

describe('idle messages', () => {
  it('are allowed up to the limit, and not one more', () => {
    const messages = new IdleMessages(0)
    for (let i = 0; i < MAX_IDLE_MESSAGES; i++) messages.count(0)
    expect(() => messages.count(IDLE_MESSAGES_MS))
      .to.throw(ProtocolError)
      .with.property('code', 'ERR_BT_FLOOD')
  })

  it('are forgotten after their time', () => {
    const messages = new IdleMessages(0)
    for (let i = 0; i < MAX_IDLE_MESSAGES; i++) messages.count(0)
    messages.count(IDLE_MESSAGES_MS + 1, MAX_IDLE_MESSAGES)
    expect(() => messages.count(IDLE_MESSAGES_MS + 1)).to.throw(ProtocolError)
  })

  it('count by their weight', () => {
    const messages = new IdleMessages(0)
    for (let i = 0; i < MAX_IDLE_MESSAGES * 2; i++) messages.count(0, 0.5)
    expect(() => messages.count(0, 0.5)).to.throw(ProtocolError)
  })
})
