/** What several of our own APIs take and give alike. */
import { z } from 'zod'
import { ID_PATTERN } from '../domain/ids.ts'

export const id = z
  .string()
  .regex(ID_PATTERN, 'Must be an id: letters, digits, dot, dash, underscore; at most 64.')
  .meta({ id: 'Id' })
export const nextCursor = z
  .string()
  .nullable()
  .meta({ id: 'NextCursor', description: '`cursor` of the next page; null: that was the last one.' })
