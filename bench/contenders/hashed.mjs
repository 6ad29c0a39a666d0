/** How a scenario is loaded whose requests hash a password at full cost, six a second on one core. */
export const HASHED = { writes: true, connections: 16, share: 0.15 }
