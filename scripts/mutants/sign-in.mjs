/** Breakages of the limits of sign-ins and of the line for hashing. */

const HEARING = 'src/identity/hearing.ts'
const LINE = 'src/identity/hashing-line.ts'
const QUEUE = 'src/identity/fair-queue.ts'
const ATTEMPTS = 'src/store/sign-in-attempts.ts'
const SIGN_IN = 'test/identity/sign-in.test.ts'
const LINE_TEST = 'test/identity/hashing-line.test.ts'
const HASHER_TEST = 'test/identity/password-hasher.test.ts'
const DEVICES_TEST = 'test/auth/device-cookies.test.ts'
const PASSWORDS_TEST = 'test/identity/passwords.test.ts'

export const signInMutants = [
  {
    name: 'sign-in: tries of one client are heard side by side',
    file: HEARING,
    from: 'const turn = await deps.turns.begin(`',
    to: 'const turn = await deps.turns.begin(crypto.randomUUID() + `',
    caughtBy: { file: SIGN_IN, test: 'of 20 guesses five are heard' },
  },
  {
    name: 'sign-in: locked pairs may guess on',
    file: HEARING,
    from: 'if (pair.lockedUntil !== null)',
    to: 'if (pair.lockedUntil === -1)',
    caughtBy: { file: SIGN_IN, test: 'of 20 guesses five are heard' },
  },
  {
    name: 'sign-in: who is right counts',
    file: HEARING,
    from: 'if (!compared.value.fits || found === null) {',
    to: `if (compared.value.fits) await countWrongPassword(deps.db, who, true, hearing.throttle, hearing.now)
    if (!compared.value.fits || found === null) {`,
    caughtBy: { file: 'test/counts.test.ts', test: 'a sign-in of a known user' },
  },
  {
    name: 'sign-in: who is not heard counts',
    file: HEARING,
    from: 'if (!compared.ok) return compared',
    to: `if (!compared.ok) {
      await countWrongPassword(deps.db, who, true, hearing.throttle, hearing.now)
      return compared
    }`,
    caughtBy: { file: SIGN_IN, test: 'a full line turns away, counts against nobody' },
  },
  {
    name: 'sign-in: a wrong password that D1 did not count is forgotten',
    file: HEARING,
    from: 'if (!counted.ok) followUps.push(again(count))',
    to: '',
    caughtBy: { file: SIGN_IN, test: 'what D1 does not count holds up' },
  },
  {
    name: 'sign-in: an address keeps what its users mistyped',
    file: ATTEMPTS,
    from: '{pair.attempts})',
    to: '{0})',
    caughtBy: { file: SIGN_IN, test: 'an office in which everybody mistypes once' },
  },
  {
    name: 'sign-in: to forget delays the answer',
    file: HEARING,
    from: 'if (forgets) followUps.push(forgetAttempts(deps.db, who, counts))',
    to: 'if (forgets) await forgetAttempts(deps.db, who, counts)',
    caughtBy: { file: SIGN_IN, test: 'after the answer, which does not wait for it' },
  },
  {
    name: 'sign-in: an IPv6 address counts whole',
    file: 'src/domain/address-prefix.ts',
    from: "groups.slice(0, 4).join(':')",
    to: "groups.join(':')",
    caughtBy: { file: SIGN_IN, test: 'counts as its /64' },
  },
  {
    name: 'sign-in: a gate that is shut does not say what it lets pass',
    file: 'src/auth/gates.ts',
    from: "purpose === 'sign-in' ?",
    to: 'false ?',
    caughtBy: {
      file: 'test/api/sessions/rate-limit.test.ts',
      test: 'a gate that is shut is told how many it lets pass',
    },
  },
  {
    name: 'sign-in: a gate has no time limit',
    file: 'src/auth/gates.ts',
    from: "await within(GATE_TIMEOUT_MILLISECONDS, 'rate limit', () => gate.limit({ key }))",
    to: "await within(90_000, 'rate limit', () => gate.limit({ key }))",
    caughtBy: { file: 'test/auth/gates.test.ts', test: 'the gate of Looker’s login > stands open when it hangs' },
  },
  {
    name: 'sign-in: names that are nobody are kept',
    file: ATTEMPTS,
    from: 'const username = isUser ? who.username : null',
    to: 'const username = who.username',
    caughtBy: { file: SIGN_IN, test: 'of a name that is nobody' },
  },
  {
    name: 'sign-in: who has locked nobody is kept by name',
    file: ATTEMPTS,
    from: 'username: locksAtOnce ? username : null',
    to: 'username',
    caughtBy: { file: SIGN_IN, test: 'of a user: who is locked from where' },
  },
  {
    name: 'sign-in: strangers try a user without end',
    file: HEARING,
    from: 'return user.lockedUntil === null',
    to: 'return user.lockedUntil !== -1',
    caughtBy: { file: SIGN_IN, test: 'a hundred times in a row' },
  },
  {
    name: 'sign-in: strangers try a tried user side by side',
    file: HEARING,
    from: 'const isTried = !known &&',
    to: 'const isTried = false &&',
    caughtBy: { file: SIGN_IN, test: 'a hundred times in a row' },
  },
  {
    name: 'sign-in: the owner of a tried user is locked out with the strangers',
    file: HEARING,
    from: 'if (known) return null',
    to: '',
    caughtBy: { file: SIGN_IN, test: 'a hundred times in a row' },
  },
  {
    name: 'sign-in: a bug is answered before the floor',
    file: 'src/identity/sign-in.ts',
    from: '  } finally {\n    await floor\n  }',
    to: '  } catch (error) {\n    throw error\n  }',
    caughtBy: { file: SIGN_IN, test: 'no answer comes before the floor' },
  },
  {
    name: 'sign-in: who has signed in before is a stranger',
    file: HEARING,
    from: "priority: known ? 'known' : 'stranger'",
    to: "priority: known ? 'stranger' : 'stranger'",
    caughtBy: { file: HASHER_TEST, test: 'stops none of ten' },
  },
  {
    name: 'sign-in: operators wait behind strangers',
    file: 'src/identity/password-hasher.ts',
    from: "priority: 'operator'",
    to: "priority: 'stranger'",
    caughtBy: { file: HASHER_TEST, test: 'hash what operators set before all others' },
  },
  {
    name: 'sign-in: a hasher for each name',
    file: 'src/identity/password-hashers.ts',
    from: '% HASHERS',
    to: '% 4_294_967_296',
    caughtBy: { file: HASHER_TEST, test: 'are 64 and no more' },
  },
  {
    name: 'line: no priorities',
    file: QUEUE,
    from: 'if (a.rank !== b.rank) return a.rank < b.rank',
    to: '',
    caughtBy: { file: LINE_TEST, test: 'has operators first' },
  },
  {
    name: 'line: who has waited long is overtaken',
    file: QUEUE,
    from: 'this.round = Math.max(this.round, place.round)',
    to: '',
    caughtBy: { file: LINE_TEST, test: 'lets nobody wait for ever' },
  },
  {
    name: 'line: whoever asks often goes first',
    file: QUEUE,
    from: 'return a.round === b.round ? a.number < b.number : a.round < b.round',
    to: 'return a.number < b.number',
    caughtBy: { file: LINE_TEST, test: 'has whoever asks often behind the others' },
  },
  {
    name: 'line: has no end',
    file: LINE,
    from: 'if (ahead * this.turnMilliseconds > milliseconds) return fail(comeBack())',
    to: '',
    caughtBy: { file: LINE_TEST, test: 'turns away who would wait too long' },
  },
  {
    name: 'line: all come back at once',
    file: LINE,
    from: '1 + Math.floor(Math.random() * MAX_HASHING_RETRY_SECONDS)',
    to: '2',
    caughtBy: { file: LINE_TEST, test: 'with times to come back that differ' },
  },
  {
    name: 'line: waits for who is gone',
    file: LINE,
    from: 'if (!isGone(other)) return false',
    to: 'return false',
    caughtBy: { file: LINE_TEST, test: 'does not wait for one whose object is gone' },
  },
  {
    name: 'device: a cookie is for every user',
    file: 'src/auth/device-cookies.ts',
    from: '.update(signed).update(username).digest()',
    to: '.update(signed).digest()',
    caughtBy: { file: DEVICES_TEST, test: 'is for the user name that it was issued for' },
  },
  {
    name: 'device: a cookie is guessed at without end',
    file: ATTEMPTS,
    from: "subject('device', username, device)",
    to: "subject('device', username, crypto.randomUUID())",
    caughtBy: { file: DEVICES_TEST, test: 'it may be used for five wrong passwords' },
  },
  {
    name: 'hash: a cheaper one is quicker',
    file: 'src/identity/passwords.ts',
    from: 'for (const filler of fillers(work(cost) - work(stored.cost)))',
    to: 'for (const filler of fillers(0 * work(cost)))',
    caughtBy: { file: PASSWORDS_TEST, test: 'every comparison is the same work' },
  },
  {
    name: 'hash: what workerd cannot verify is imported',
    file: 'src/domain/hash-cost.ts',
    from: 'work(cost) <= MAX_WORK && ',
    to: '',
    caughtBy: { file: PASSWORDS_TEST, test: 'one dearer than workerd takes' },
  },
  {
    name: 'hash: N too large for r is imported',
    file: 'src/domain/hash-cost.ts',
    from: ' || ln >= 16 * r',
    to: '',
    caughtBy: { file: PASSWORDS_TEST, test: 'N too large for r' },
  },
  {
    name: 'hash: one of another cost stays',
    file: HEARING,
    from: 'replace: hashed.value.otherCost',
    to: 'replace: false',
    caughtBy: { file: SIGN_IN, test: 'is replaced at the next good sign-in' },
  },
  {
    name: 'hash: whoever signs in elsewhere costs none',
    file: HEARING,
    from: 'const hashed = await line.take(asker, cost, milliseconds, () => comparePassword(password, hash, cost))',
    to: `const hashed =
    checkedBy === 'application_server'
      ? ok({ fits: false, otherCost: false })
      : await line.take(asker, cost, milliseconds, () => comparePassword(password, hash, cost))`,
    caughtBy: { file: 'test/api/apio/login.test.ts', test: 'every path costs one hash' },
  },
]
