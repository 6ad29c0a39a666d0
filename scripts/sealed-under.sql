/* What is sealed under which sealing key, of what still counts; docs/runbook.md says what to do about it. A sealed text
   begins with its version, 1, and the id of its key, a byte each, in base64url. D1 takes five SELECTs in a UNION. */
WITH clock(now) AS (SELECT unixepoch() * 1000),
base64url(letters) AS (SELECT 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'),
given(what, store, id, sealed) AS (
  SELECT 'access_key', identity_store_id, credential_id, sealed_secret FROM credentials, clock
    WHERE revoked_at IS NULL AND coalesce(expires_at > now, true)
  UNION ALL SELECT 'access_key', identity_store_id, credential_id, value ->> 'sealed_secret'
    FROM credentials, clock, json_each(previous_secrets)
    WHERE revoked_at IS NULL AND coalesce(expires_at > now, true) AND value ->> 'valid_until' > now
  UNION ALL SELECT 'openid_client_secret', identity_store_id, NULL, sealed_client_secret FROM openid_providers
  UNION ALL SELECT 'event_endpoint', identity_store_id, endpoint_id, value FROM event_endpoints, clock,
    json_each(json_array(sealed_secret, sealed_signing_key, iif(previous_valid_until > now, previous_sealed_secret, NULL)))
),
made(what, store, id, sealed) AS (
  SELECT 'ssf_key', identity_store_id, key_id, sealed_private_key FROM ssf_keys AS key, clock
    WHERE NOT EXISTS (SELECT 1 FROM ssf_keys AS later WHERE later.identity_store_id = key.identity_store_id
      AND later.signs_from > key.signs_from AND later.signs_from <= now)
  UNION ALL SELECT 'audit_key', NULL, key_id, sealed_private_key FROM audit_keys
    WHERE created_at = (SELECT max(created_at) FROM audit_keys)
  UNION ALL SELECT 'idempotent_answer', NULL, NULL, sealed_answer FROM idempotent_requests, clock WHERE expires_at > now
)
SELECT (instr(letters, substr(sealed, 2, 1)) - 17) * 16 + (instr(letters, substr(sealed, 3, 1)) - 1) / 4 AS sealing_key,
  what, store AS identity_store_id, count(*) AS count, group_concat(DISTINCT id) AS ids
FROM (SELECT * FROM given UNION ALL SELECT * FROM made), base64url
WHERE sealed IS NOT NULL GROUP BY sealing_key, what, store ORDER BY sealing_key, what, store
