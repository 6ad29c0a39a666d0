// The example application server's database: it knows the demo users.
import { withDatabasesOf } from './local-databases.mjs'

const STATEMENT = `INSERT INTO users (username, password_hash, first_name, last_name, email_address, version)
  VALUES (:username, :password_hash, :first_name, :last_name, :email_address, 1)
  ON CONFLICT DO UPDATE SET password_hash = excluded.password_hash, first_name = excluded.first_name,
    last_name = excluded.last_name, email_address = excluded.email_address, version = version + 1`

/** Makes it know the demo users, with the profiles and passwords that Latchkey has. */
export function fillApplicationServer(users, persistTo) {
  // Latchkey's own has no such table.
  withDatabasesOf('updates', persistTo, (database) => {
    const insert = database.prepare(STATEMENT)
    for (const { username, password_hash, first_name, last_name, email_address } of users) {
      insert.run({ username, password_hash, first_name, last_name, email_address })
    }
  })
}
