/** Breakages of signed requests and of the Identity Center API. */

const SIGNATURE = 'src/auth/access-key-signature.ts'
const KEYS = 'src/auth/access-keys.ts'
const OPERATION = 'src/api/identity-center/operation.ts'
const SESSIONS = 'src/api/identity-center/sessions.ts'
const SIGNATURE_TEST = 'test/auth/access-key-signature.test.ts'
const REQUESTS = 'test/api/identity-center/requests.test.ts'
const CALLERS = 'test/api/identity-center/callers.test.ts'
const SESSIONS_TEST = 'test/api/identity-center/sessions.test.ts'

export const identityCenterMutants = [
  {
    name: 'signature: any will do',
    file: SIGNATURE,
    from: 'return fits.includes(true)',
    to: 'return fits.length > 0',
    caughtBy: { file: SIGNATURE_TEST },
  },
  {
    name: 'signature: the method is not in it',
    file: SIGNATURE,
    from: 'return [request.method, path,',
    to: "return ['GET', path,",
    caughtBy: { file: SIGNATURE_TEST },
  },
  {
    name: 'signature: the query is not in it',
    file: SIGNATURE,
    from: 'path, query, lines',
    to: "path, '', lines",
    caughtBy: { file: SIGNATURE_TEST, test: 'is refused with a query' },
  },
  {
    name: 'signature: the body is not in it',
    file: SIGNATURE,
    from: 'await sha256(body),',
    to: 'await sha256(new Uint8Array()),',
    caughtBy: { file: REQUESTS, test: 'is refused with any one part of it altered' },
  },
  {
    name: 'signature: the Node spelling is unknown',
    file: SIGNATURE,
    from: 'segments.map((segment) => segment.replace(/(?:%[89A-Fa-f][0-9A-Fa-f])+/g, decodeURIComponent)),',
    to: '',
    caughtBy: { file: SIGNATURE_TEST, test: 'is genuine' },
  },
  {
    name: 'signature: the Python spelling is unknown',
    file: SIGNATURE,
    from: "decodeURIComponent(pathname).split('/'),",
    to: '',
    caughtBy: { file: SIGNATURE_TEST, test: 'is genuine' },
  },
  {
    name: 'signature: dates do not grow old',
    file: SIGNATURE,
    from: 'Math.abs(now - at) > MAX_SKEW_MILLISECONDS',
    to: 'at - now > MAX_SKEW_MILLISECONDS',
    caughtBy: { file: SIGNATURE_TEST, test: 'is refused with another date' },
  },
  {
    name: 'signature: Host need not be signed though the service is strict',
    file: SIGNATURE,
    from: "(!strict || known.has('host'))",
    to: 'known.size > 0',
    caughtBy: { file: REQUESTS, test: 'must have the date among what is signed' },
  },
  {
    name: 'signature: a body may be unsigned though the service is strict',
    file: SIGNATURE,
    from: 'declared === UNSIGNED_PAYLOAD ? !strict || body.length === 0 :',
    to: 'declared === UNSIGNED_PAYLOAD ? true :',
    caughtBy: { file: REQUESTS, test: 'may leave its body unsigned' },
  },
  {
    name: 'signature: public hosts are unknown',
    file: SIGNATURE,
    from: 'url.host, ...publicHosts])',
    to: 'url.host])',
    caughtBy: { file: REQUESTS, test: 'may be signed for the Host' },
  },
  {
    name: 'access key: an unknown one costs less',
    file: KEYS,
    from: 'const sealed = [key?.sealedSecret ?? dummy, ',
    to: 'const sealed = [...(key?.sealedSecret == null ? [] : [key.sealedSecret]), ',
    caughtBy: { file: CALLERS, test: 'is refused with a wrong secret just as an unknown one' },
  },
  {
    name: 'access key: the security token is not looked at',
    file: KEYS,
    from: 'sessionTokenHash !== null &&',
    to: 'sessionTokenHash === null && delegatedStoreIds === null && sessionTokenHash !== null &&',
    caughtBy: { file: CALLERS, test: 'is refused without its token' },
  },
  {
    name: 'access key: the security token need not be signed',
    file: KEYS,
    from: '(!strict || signedHeaders.includes(SECURITY_TOKEN))',
    to: 'signedHeaders.length > 0',
    caughtBy: { file: CALLERS, test: 'is refused without its token' },
  },
  {
    name: 'access key: revoking leaves what was issued from it',
    file: 'src/store/credentials.ts',
    from: 'eq(credentials.parentCredentialId, credentialId),\n            isNull',
    to: "eq(credentials.parentCredentialId, ''),\n            isNull",
    caughtBy: { file: CALLERS, test: 'ends with the key it was issued from' },
  },
  {
    name: 'access key: a temporary one begets another',
    file: 'src/store/credentials.ts',
    from: 'AND parent.parent_credential_id IS NULL',
    to: '',
    caughtBy: { file: CALLERS, test: 'is issued from a live, permanent access key' },
  },
  {
    name: 'access key: delegation does not reach what was issued before',
    file: 'src/store/access-keys.ts',
    from: 'or(eq(credentials.credentialId, credentialId), eq(credentials.parentCredentialId, credentialId))',
    to: 'or(eq(credentials.credentialId, credentialId))',
    caughtBy: { file: CALLERS, test: 'is made and unmade by operators' },
  },
  {
    name: 'identity center: any store will do',
    file: OPERATION,
    from: 'if (!administered.includes(identityStoreId))',
    to: 'if (administered.length === 0)',
    caughtBy: { file: CALLERS, test: 'of another store is refused alike' },
  },
  {
    name: 'identity center: delegation gives nothing',
    file: OPERATION,
    from: '[caller.identityStoreId, ...caller.delegatedStoreIds]',
    to: '[caller.identityStoreId]',
    caughtBy: { file: CALLERS, test: 'may what its permissions say in the named stores' },
  },
  {
    name: 'identity center: permissions are not asked for',
    file: OPERATION,
    from: "requireScope(caller, action).ok ? null : 'permission'",
    to: 'requireScope(caller, action).ok ? null : null',
    caughtBy: { file: CALLERS, test: 'has two permissions' },
  },
  {
    name: 'identity center: no gate',
    file: OPERATION,
    from: 'services.accessKeyGate',
    to: '{ limit: async () => ({ success: true }) }',
    caughtBy: { file: REQUESTS, test: 'is throttled' },
  },
  {
    name: 'identity center: a deed without a record',
    file: 'src/sessions/recorded-end.ts',
    from: 'return recorded.ok ? end() : recorded',
    to: 'return end()',
    caughtBy: { file: SESSIONS_TEST, test: 'does nothing that it cannot put on record' },
  },
  {
    name: 'identity center: nothing is ended',
    file: SESSIONS,
    from: '{ only: ids }',
    to: '{ only: [] }',
    caughtBy: { file: SESSIONS_TEST, test: 'kills a session for every way of asking' },
  },
  {
    name: 'identity center: HEAD passes for GET',
    file: 'src/app.ts',
    from: "request.method === 'HEAD' && !signed",
    to: "request.method === 'HEAD'",
    caughtBy: { file: REQUESTS, test: 'is refused with any one part of it altered' },
  },
]
