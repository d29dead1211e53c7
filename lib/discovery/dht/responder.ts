/**
 * Answers the questions of other nodes (BEP 5, 32, 33). Sends nothing by itself, and says nothing that is much longer than the question
 * or goes to anybody but the one who asked, so that it is of no use against others.
 */
import { DHT_VALUES_TOLD } from '../../limits.js'
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
      case 'get_peers': {
        const token = this.#side.tokens.make(from.host, now)
        const peers = this.#side.store.get(question.target, family, DHT_VALUES_TOLD, this.#side.random, now)
        const filters = question.scrape === true ? this.#side.store.filters(question.target, now) : undefined
        const contacts = this.#contacts(question, family)
        return encodeResponse(transaction, id, { contacts, peers, token, filters }, from)
      }
      case 'announce_peer': {
        const { target, token, port, impliedPort, isSeed } = question
        if (!this.#side.tokens.check(from.host, token, now))
          return encodeError(transaction, ERRORS.protocol, 'bad token')
        this.#side.store.add(target, { host: from.host, port: impliedPort ? from.port : port }, isSeed, now)
        return encodeResponse(transaction, id, {}, from)
      }
    }
  }

  /** BEP 32: the families that are wanted, or the one that the question came by. */
  #contacts(
    { target, want }: Question & { target: NodeId; want?: readonly Family[] | undefined },
    family: Family
  ): Contact[] {
    return (want ?? [family]).flatMap(each => [...this.#side.closest(target, each)])
  }
}
