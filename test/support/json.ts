/** A body whose shape a test states by what it expects of it. */
// biome-ignore lint/suspicious/noExplicitAny: JSON of any form
export type Json = any
