import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: [
    './src/store/schema.ts',
    './src/store/event-schema.ts',
    './src/store/openid-schema.ts',
    './src/store/audit-schema.ts',
    './src/store/deployment-schema.ts',
  ],
  out: './migrations',
})
