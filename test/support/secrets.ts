/** Secrets of the Worker under test. They open nothing else. */

/** 32 bytes in base64url, all the same byte. */
function key(byte: number): string {
  return Buffer.alloc(32, byte).toString('base64url')
}

/** As `.dev.vars` would hold them. */
export const SECRETS = {
  SESSION_TOKEN_KEYS: `1:${key(0x11)}`,
  SEALING_KEYS: `1:${key(0x22)}`,
  APPLICATION_SERVER_SECRET: 'application-server-secret-of-the-tests',
  OPERATOR_BOOTSTRAP_SECRET: 'bootstrap-secret-of-the-tests-only',
  OPERATOR_RECOVERY_SECRET: 'recovery-secret-of-the-tests-only!',
}
