CREATE TABLE users (
	username text PRIMARY KEY NOT NULL,
	password_hash text,
	first_name text,
	last_name text,
	email_address text,
	version integer NOT NULL
) WITHOUT ROWID;

-- Updates that were applied, so that none is applied twice.
CREATE TABLE updates (
	idempotency_key text PRIMARY KEY NOT NULL,
	username text NOT NULL,
	base_version integer NOT NULL,
	applied_at integer NOT NULL
) WITHOUT ROWID;
