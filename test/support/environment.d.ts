/** What `cloudflare:workers` gives the tests. */
declare namespace Cloudflare {
  interface Env extends WorkerEnv {
    readonly FUZZ_REQUESTS: number
    readonly FUZZ_SEED: number
    readonly INTERLEAVINGS: number
    /** On which the service listens, at 127.0.0.1. */
    readonly PORT: number
    readonly WHOLE: boolean
    readonly D1_MIGRATIONS: import('cloudflare:test').D1Migration[]
    readonly APPLICATION_SERVER_DB: D1Database
    readonly APPLICATION_SERVER_MIGRATIONS: import('cloudflare:test').D1Migration[]
    readonly APPLICATION_SERVER_SECRET: string
  }
  interface GlobalProps {
    mainModule: typeof import('../../src/index.ts')
  }
}

type WorkerEnv = import('../../src/env.ts').Env

declare module '*?raw' {
  const text: string
  export default text
}
