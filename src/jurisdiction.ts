/** Where Durable Objects may be. Their ids carry it: by the same name, another jurisdiction has other objects. */

/** Source: developers.cloudflare.com/durable-objects/reference/data-location */
export const JURISDICTIONS = [
  'eu',
  'fedramp',
  'fedramp-high',
  'us',
] as const satisfies readonly DurableObjectJurisdiction[]

export type Jurisdiction = (typeof JURISDICTIONS)[number]

/** Objects of a kind, in the jurisdiction of the deployment; null: anywhere. */
export function objectsIn<T extends Rpc.DurableObjectBranded>(
  objects: DurableObjectNamespace<T>,
  jurisdiction: Jurisdiction | null,
): DurableObjectNamespace<T> {
  return jurisdiction === null ? objects : objects.jurisdiction(jurisdiction)
}
