/** Makes many users, from lines with commas between or JSON. */
import { useState } from 'react'
import { bodyOf, importUsers } from '../api.ts'
import { rowsOfCsv } from '../common/csv.ts'
import type { Result } from '../common/each.tsx'
import { FormDialog } from '../common/form-dialog.tsx'
import { many } from '../common/words.ts'
import { Textarea } from '../ui.ts'

const MOST = 1_000
const EXAMPLE = 'user_id,username,role\nU-17,jo@pie.example,member'
const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false }

interface Asked {
  readonly storeId: string
  readonly onClose: () => void
  readonly onImport: (doing: () => Promise<readonly Result[]>) => void
}

export function ImportUsers({ storeId, onClose, onImport }: Asked) {
  const [text, setText] = useState('')
  const read = usersIn(text)
  const users = Array.isArray(read) ? read : []
  const problem = typeof read === 'string' ? read : users.length > MOST ? `At most ${MOST} at once.` : null
  async function send(): Promise<readonly Result[]> {
    const path = { identity_store_id: storeId }
    // The service looks at each by itself, and says what is wrong with it.
    const { results } = await bodyOf(importUsers({ path, body: { users: users as never } }))
    return results.map(({ user_id: id, code, detail, errors }, index) => ({
      name: id ?? `Line ${index + 1}`,
      said: [code, detail, ...(errors ?? []).map(({ field, message }) => `${field}: ${message}`)]
        .filter((part) => part !== undefined)
        .join(' · '),
      failed: code !== 'created',
    }))
  }
  return (
    <FormDialog
      title="Import users"
      about={
        <p>
          The first line names the fields, as the operator API does; <span className="mono">user_id</span> and{' '}
          <span className="mono">username</span> have to be among them. A user who is there is not changed. Passwords
          come as scrypt hashes (<span className="mono">password_hash</span>).
        </p>
      }
      act={users.length === 0 ? 'Import' : `Import ${many(users.length, 'user')}`}
      disabled={users.length === 0 || problem !== null}
      onClose={onClose}
      onSend={() => onImport(send)}
    >
      <input
        type="file"
        aria-label="A file with users"
        accept=".csv,.json,text/csv,application/json"
        onChange={(event) => void event.target.files?.[0]?.text().then(setText)}
      />
      <Textarea
        label="Users"
        className="mono"
        rows={8}
        placeholder={EXAMPLE}
        value={text}
        onChange={(event) => setText(event.target.value)}
        error={problem ?? undefined}
      />
    </FormDialog>
  )
}

/** What the service is to look at; a sentence where the text has no users. */
function usersIn(text: string): readonly Readonly<Record<string, unknown>>[] | string {
  if (text.trim() === '') return []
  if (/^\s*[[{]/.test(text)) {
    try {
      const value: unknown = JSON.parse(text)
      const users = Array.isArray(value) ? value : (value as { users?: unknown }).users
      return Array.isArray(users) ? users : 'It has no list of users.'
    } catch {
      return 'It begins as JSON, and is none.'
    }
  }
  const [names = [], ...rows] = rowsOfCsv(text)
  if (!names.includes('user_id') || !names.includes('username'))
    return 'The first line has to name user_id and username.'
  return rows.map((row) =>
    Object.fromEntries(
      names.flatMap((name, index) => {
        const field = row[index] ?? ''
        if (field === '') return []
        return [[name, name === 'user_level' ? Number(field) : (BOOLEANS[field] ?? field)]]
      }),
    ),
  )
}
