/**
 * Answers the questions of other nodes (BEP 5, 32, 33). Sends nothing by itself, and says nothing that is much longer than the question
 * or goes to anybody but the one who asked, so that it is of no use against others.
 */
import { DHT_MAX_ANSWER_BYTES, DHT_VALUES_TOLD } from '../../limits.js'
import type { PeerAddress } from '../../wire/peer-address.js'
import { familyOf, type Contact, type Family } from './contact.js'
import { encodeError, encodeResponse, ERRORS, type KrpcMessage, type Question } from './krpc.js'
import type { NodeId } from './node-id.js'
import type { PeerStore } from './peer-store.js'
import type { Tokens } from './tokens.js'

/** What the responder tells of. */
export interface ResponderSide {
  ownId(family: Family): NodeId
  /** The nearest nodes that we know. */
  closest(target: NodeId, family: Family): readonly Contact[]
  readonly store: PeerStore
  readonly tokens: Tokens
  readonly random: () => number
}

/** What a peer takes in a bencoded list, and the list itself with its key. */
const PEER_BYTES = { 4: '6:'.length + 6, 6: '18:'.length + 18 } as const
const LIST_BYTES = '6:valuesle'.length

export class Responder {
  readonly #side: ResponderSide

  constructor(side: ResponderSide) {
    this.#side = side
  }

  /** The datagram to send back. */
  answer(message: KrpcMessage & { type: 'query' | 'fault' }, from: PeerAddress, now: number): Buffer {
    const { transaction } = message
    if (message.type === 'fault') return encodeError(transaction, message.code, message.message)
    const { question } = message
    const family = familyOf(from)
    const id = this.#side.ownId(family)
    switch (question.method) {
      case 'ping':
        return encodeResponse(transaction, id, {}, from)
      case 'find_node':
        return encodeResponse(transaction, id, { contacts: this.#contacts(question, family) }, from)
      case 'get_peers':
        return this.#peersAnswer(transaction, question, from, now)
      case 'announce_peer': {
        const { target, token, port, impliedPort, isSeed } = question
        if (!this.#side.tokens.check(from.host, token, now))
          return encodeError(transaction, ERRORS.protocol, 'bad token')
        this.#side.store.add(target, { host: from.host, port: impliedPort ? from.port : port }, isSeed, now)
        return encodeResponse(transaction, id, {}, from)
      }
    }
  }

  /** BEP 33: > must take care not to exceed the specified packet sizes: fewer peers, and with filters nodes of one family only. */
  #peersAnswer(
    transaction: Buffer,
    { target, want, scrape }: Question & { method: 'get_peers' },
    from: PeerAddress,
    now: number
  ): Buffer {
    const { tokens, store, random } = this.#side
    const family = familyOf(from)
    const filters = scrape === true ? store.filters(target, now) : undefined
    const one = want && (want.includes(family) ? [family] : want.slice(0, 1))
    const contacts = this.#contacts({ target, want: filters ? one : want }, family)
    const answer = { contacts, token: tokens.make(from.host, now), filters }
    const encodeWith = (peers: readonly PeerAddress[]): Buffer =>
      encodeResponse(transaction, this.#side.ownId(family), { ...answer, peers }, from)
    const room = DHT_MAX_ANSWER_BYTES - encodeWith([]).length - LIST_BYTES
    const count = Math.min(DHT_VALUES_TOLD, Math.floor(room / PEER_BYTES[family]))
    return encodeWith(store.get(target, family, Math.max(0, count), random, now))
  }

  /** BEP 32: the families that are wanted, or the one that the question came by. */
  #contacts({ target, want }: { target: NodeId; want?: readonly Family[] | undefined }, family: Family): Contact[] {
    return (want ?? [family]).flatMap(each => [...this.#side.closest(target, each)])
  }
}
