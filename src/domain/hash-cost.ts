/** What a password hash costs: scrypt's parameters, and which of them workerd can verify. */

export interface HashCost {
  /** log₂ of N. */
  readonly ln: number
  readonly r: number
  readonly p: number
}

/** Most work in one hash, as N·r·p. Source: workerd refuses more. */
const MAX_WORK = 2 ** 20
/** Most memory that a hash may ask for, in bytes (64 MiB): an isolate has 128 MiB. */
const MAX_MEMORY_BYTES = 67_108_864

/** How long a hash takes, as N·r·p; ours take 655 360, about 160 ms. */
export function work({ ln, r, p }: HashCost): number {
  return 2 ** ln * r * p
}

/** Costs of hashes whose work adds up to `rest`, to a thousandth. None if `rest` is not positive. */
export function fillers(rest: number): HashCost[] {
  const costs: HashCost[] = []
  let left = rest
  // Blocks as large as ours as far as they go: smaller ones are quicker for their work.
  for (let ln = 14; ln > 6; ln -= 1) {
    const p = Math.floor(left / work({ ln, r: 8, p: 1 }))
    if (p < 1) continue
    costs.push({ ln, r: 8, p })
    left -= work({ ln, r: 8, p })
  }
  return costs
}

/** Whether a hash of this cost can be made and verified. RFC 7914 asks for N < 2^(16·r). */
function isVerifiable(cost: HashCost): boolean {
  const { ln, r, p } = cost
  if (ln < 1 || r < 1 || p < 1 || ln >= 16 * r) return false
  return work(cost) <= MAX_WORK && 128 * 2 ** ln * r <= MAX_MEMORY_BYTES
}

/** The cost in a text such as `ln=14,r=8,p=5`, as PHC strings have it; null if it is none that can be verified. */
export function parseHashCost(text: string): HashCost | null {
  const match = /^ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})$/.exec(text)
  const cost = { ln: Number(match?.[1]), r: Number(match?.[2]), p: Number(match?.[3]) }
  return match !== null && isVerifiable(cost) ? cost : null
}

/** The other way round. */
export function hashCostText({ ln, r, p }: HashCost): string {
  return `ln=${ln},r=${r},p=${p}`
}
