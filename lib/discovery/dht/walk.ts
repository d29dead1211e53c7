/** A lookup under way in one family of addresses: asks what it says to ask, as fast as may be asked, and tells what came. */
import type { Clock } from '../../clock.js'
import { DHT_MAX_LOOKUP_QUERIES } from '../../limits.js'
import type { Contact, Family } from './contact.js'
import type { Question } from './krpc.js'
import { Lookup } from './lookup.js'
import type { NodeId } from './node-id.js'
import type { Response, Rpc } from './rpc.js'

/** Of one walk, or of two that looked for the same. */
export interface WalkResult {
  /** Nodes that answered, and questions that were asked. */
  readonly answers: number
  readonly asked: number
  /** The nearest nodes, and what each wants to hear before it stores anything. */
  readonly storers: readonly { readonly contact: Contact; readonly token: Buffer }[]
}

export interface WalkSide {
  readonly clock: Clock
  readonly rpc: Rpc
  ownId(): NodeId
  /** Nodes may still be heard of: the walk is not over, however little is known. */
  isBootstrapping(): boolean
  onAnswer(contact: Contact): void
  onFailure(contact: Contact): void
  /** The walk would ask more than may be asked now: pump it when more may. */
  onStarved(): void
}

export interface WalkOptions {
  readonly family: Family
  readonly question: Question & { readonly target: NodeId }
  /** Nodes to begin with. */
  readonly contacts: readonly Contact[]
  readonly onResponse?: ((response: Response) => void) | undefined
}

export class Walk {
  readonly family: Family
  readonly result: Promise<WalkResult>
  readonly #side: WalkSide
  readonly #lookup: Lookup
  readonly #options: WalkOptions
  #resolve: (result: WalkResult) => void = () => undefined
  #isOver = false

  constructor(side: WalkSide, options: WalkOptions) {
    this.#side = side
    this.#options = options
    this.family = options.family
    this.#lookup = new Lookup(options.question.target)
    this.#lookup.add(options.contacts)
    this.result = new Promise(resolve => {
      this.#resolve = resolve
    })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Nodes that others were told of: they may be nearer. */
  add(contacts: readonly Contact[]): void {
    this.#lookup.add(contacts)
  }

  /** Asks on. */
  pump(): void {
    const { clock, rpc } = this.#side
    if (this.#isOver) return
    const limit = Math.min(rpc.available(), DHT_MAX_LOOKUP_QUERIES - this.#lookup.asked)
    for (const contact of this.#lookup.next(clock.now(), limit)) this.#ask(contact)
    const isSpent = this.#lookup.asked >= DHT_MAX_LOOKUP_QUERIES
    if (isSpent || (this.#lookup.isDone(clock.now()) && !this.#side.isBootstrapping())) this.stop()
    else if (rpc.available() === 0) this.#side.onStarved()
  }

  /** Ends it with what is known by now. */
  stop(): void {
    if (this.#isOver) return
    this.#isOver = true
    const { answers, asked } = this.#lookup
    this.#resolve({ answers, asked, storers: this.#lookup.storers() })
  }

  #ask(contact: Contact): void {
    const { rpc } = this.#side
    const goOn = (): void => this.pump()
    rpc.ask(
      this.#side.ownId(),
      contact.address,
      this.#options.question,
      response => this.#onOutcome(contact, response),
      goOn
    )
  }

  #onOutcome(contact: Contact, response: Response | undefined): void {
    if (response) this.#side.onAnswer({ id: response.id, address: contact.address })
    else this.#side.onFailure(contact)
    // Who answers to another name than the one it was found by is not where it seemed to be.
    if (!response?.id.equals(contact.id)) this.#lookup.onFailure(contact)
    else {
      const { family } = this
      const nearer = response.contacts.filter(({ address }) => address.host.includes(':') === (family === 6))
      this.#lookup.onAnswer(contact, response.token, nearer)
    }
    if (response && !this.#isOver) this.#options.onResponse?.(response)
    this.pump()
  }
}
