// The service of a campaign that has a model of it: it is there in a second, and not after wrangler's start. Whoever
// starts it kills it, or its runtime, and then asks for another one.
import { startModel } from '../../e2e/support/model-service.ts'

const { model, ...options } = JSON.parse(process.env.LATCHKEY_MODEL_SERVICE)
let miniflare

async function start() {
  miniflare = startModel(model, { ...options, logged: console.log })
  await miniflare.ready
}

process.on('message', async () => {
  await miniflare.dispose()
  await start()
})
process.on('SIGINT', async () => {
  await miniflare.dispose()
  process.exit()
})
await start()
console.log('Latchkey serves')
