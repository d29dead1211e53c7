/** The door to the embedded swarm, which is loaded only by those who want one. */
import type { EmbeddedSwarm } from './embedded-swarm.js'

export type { EmbeddedSwarm, EmbeddedSwarmOptions } from './embedded-swarm.js'

/** A swarm inside this process, on loopback, for demonstrations and tests. Nothing runs before its `start`; `close` it in any case. */
export async function createEmbeddedSwarm(): Promise<EmbeddedSwarm> {
  const { EmbeddedSwarm } = await import('./embedded-swarm.js')
  return await EmbeddedSwarm.create()
}
