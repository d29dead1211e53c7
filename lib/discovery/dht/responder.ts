/**
 * Answers the questions of other nodes (BEP 5, 32, 33). Sends nothing by itself, and says nothing to anybody but the one who asked. Who
 * has not shown that the address on its question is its own gets an answer of three times the question's length at most, so that it is of
 * no use against others.
 */
import { DHT_MAX_ANSWER_BYTES, DHT_MAX_ANSWER_RATIO, DHT_VALUES_TOLD } from '../../limits.js'
import type { PeerAddress } from '../../wire/peer-address.js'
import { bytesOfPeers, fitContacts, peersThatFit } from './answer-room.js'
import { familyOf, type Contact, type Family } from './contact.js'
import { encodeError, encodeResponse, ERRORS, type Answer, type KrpcMessage, type Question } from './krpc.js'
import type { NodeId } from './node-id.js'
import type { PeerStore } from './peer-store.js'
import type { ProvenHosts } from './proven-hosts.js'
import type { Tokens } from './tokens.js'

/** What the responder tells of. */
export interface ResponderSide {
  ownId(family: Family): NodeId
  /** The nearest nodes that we know. */
  closest(target: NodeId, family: Family): readonly Contact[]
  readonly store: PeerStore
  readonly tokens: Tokens
  readonly proven: ProvenHosts
  readonly random: () => number
}

/** A question as it came. */
export interface Asked {
  readonly from: PeerAddress
  /** Length of its datagram. */
  readonly bytes: number
  /** What else is sent to who asked, beside the answer. */
  readonly alsoSentBytes?: number
  readonly now: number
}

/** An answer to fill. */
interface Frame {
  readonly asked: Asked
  readonly limit: number
  readonly encode: (answer: Partial<Answer>) => Buffer
}

export class Responder {
  readonly #side: ResponderSide

  constructor(side: ResponderSide) {
    this.#side = side
  }

  /** The datagram to send back; undefined when it would be too long for who asked. */
  answer(message: KrpcMessage & { type: 'query' | 'fault' }, asked: Asked): Buffer | undefined {
    const limit = this.#limit(asked)
    const datagram = this.#answer(message, asked, limit)
    return datagram.length <= limit ? datagram : undefined
  }

  #limit({ from, bytes, alsoSentBytes = 0, now }: Asked): number {
    if (this.#side.proven.has(from.host, now)) return DHT_MAX_ANSWER_BYTES
    return Math.min(DHT_MAX_ANSWER_BYTES, DHT_MAX_ANSWER_RATIO * bytes - alsoSentBytes)
  }

  #answer(message: KrpcMessage & { type: 'query' | 'fault' }, asked: Asked, limit: number): Buffer {
    const { transaction } = message
    if (message.type === 'fault') return encodeError(transaction, message.code, message.message)
    const { question } = message
    const { from, now } = asked
    const family = familyOf(from)
    const id = this.#side.ownId(family)
    const frame = { asked, limit, encode: (answer: Partial<Answer>) => encodeResponse(transaction, id, answer, from) }
    switch (question.method) {
      case 'ping':
        return frame.encode({})
      case 'find_node':
        return this.#nodesAnswer(frame, question)
      case 'get_peers':
        return this.#peersAnswer(frame, question)
      case 'announce_peer': {
        const { target, token, port, impliedPort, isSeed } = question
        if (!this.#side.tokens.check(from.host, token, now))
          return encodeError(transaction, ERRORS.protocol, 'bad token')
        this.#side.proven.note(from.host, now)
        this.#side.store.add(target, { host: from.host, port: impliedPort ? from.port : port }, isSeed, now)
        return frame.encode({})
      }
    }
  }

  #nodesAnswer({ asked, limit, encode }: Frame, question: Question & { method: 'find_node' }): Buffer {
    return encode(fitContacts(this.#contacts(question, familyOf(asked.from)), limit - encode({}).length))
  }

  /**
   * BEP 33: > must take care not to exceed the specified packet sizes: fewer peers, and with filters nodes of one family only. In an answer
   * that is short because we do not know who asks, peers have half of the room: what is looked for, and yet a way on.
   */
  #peersAnswer({ asked, limit, encode }: Frame, { target, want, scrape }: Question & { method: 'get_peers' }): Buffer {
    const { tokens, store, random, proven } = this.#side
    const { from, now } = asked
    const family = familyOf(from)
    const token = tokens.make(from.host, now)
    const wanted = scrape === true ? store.filters(target, now) : undefined
    const filters = encode({ token, filters: wanted }).length <= limit ? wanted : undefined
    const one = want && (want.includes(family) ? [family] : want.slice(0, 1))
    const nearest = this.#contacts({ target, want: filters ? one : want }, family)
    const peersOf = (count: number): PeerAddress[] => store.get(target, family, count, random, now)
    const room = limit - encode({ token, filters }).length
    const ofPeers = bytesOfPeers(peersOf(DHT_VALUES_TOLD).length, family)
    const reserved = proven.has(from.host, now) ? 0 : Math.min(ofPeers, room / 2)
    const { contacts, left } = fitContacts(nearest, room - reserved)
    const peers = peersOf(Math.min(DHT_VALUES_TOLD, peersThatFit(left + reserved, family)))
    return encode({ token, filters, contacts, peers })
  }

  /** BEP 32: of the families that are wanted, or the one that the question came by. Of two, one by one: an answer may hold only the first. */
  #contacts({ target, want }: { target: NodeId; want?: readonly Family[] | undefined }, family: Family): Contact[] {
    const lists = (want ?? [family]).map(each => this.#side.closest(target, each))
    const longest = Math.max(...lists.map(({ length }) => length))
    return Array.from({ length: longest }, (_, i) => lists.flatMap(list => list.slice(i, i + 1))).flat()
  }
}
