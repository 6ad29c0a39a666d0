// The OpenAPI document for operators, without a service: from the list that serves their requests.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** Only the runtime has it; nobody asks it for anything while the document is made. */
const RUNTIME = `export class DurableObject {}
export class WorkerEntrypoint {}
export const waitUntil = () => {}
export const tracing = {}
export const env = {}
export const exports = {}`

/** Answers the document. */
export async function openApi() {
  const folder = mkdtempSync(join(ROOT, 'packages/client/.openapi-'))
  try {
    const outfile = join(folder, 'document.mjs')
    await build({
      absWorkingDir: ROOT,
      stdin: {
        contents:
          "export { operatorApi } from './src/api/operator/routes.ts'; export { openApiDocument } from './src/api/openapi.ts'",
        resolveDir: ROOT,
      },
      bundle: true,
      outfile,
      format: 'esm',
      platform: 'node',
      logLevel: 'error',
      plugins: [
        {
          name: 'runtime',
          setup(setup) {
            setup.onResolve({ filter: /^cloudflare:/ }, ({ path }) => ({ path, namespace: 'runtime' }))
            setup.onLoad({ filter: /.*/, namespace: 'runtime' }, () => ({ contents: RUNTIME }))
          },
        },
      ],
    })
    const { operatorApi, openApiDocument } = await import(pathToFileURL(outfile).href)
    return openApiDocument([operatorApi])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
