// People for the demo store, and what becomes of their sessions: which ones is told by their number alone, so that a
// start that goes on where another was interrupted makes the same.

const FIRST_NAMES = `Aiko Amara Anders Anna Ayşe Beatriz Bela Carlos Chiara Chidi Daan Dalia Diego Ekaterina Elif Emeka
Emil Esra Farah Felix Fumiko Gita Grażyna Hana Hugo Ines Ivan Jia Joana Jonas Kaito Kofi Laila Lars Leila Liam Lucía Mai
Mateo Mei Mina Nadia Nils Noor Olga Omar Paulo Priya Rania Sofia Tariq Wei Zoë`.split(/\s+/)
const LAST_NAMES = `Abe Acosta Adeyemi Ali Andersen Bauer Becker Bianchi Blom Castro Chen Costa Cruz Demir Diaz Dubois
Eriksen Fischer Fofana García Gruber Haddad Hansen Horvat Ito Ivanova Jansen Jovanović Kaya Keller Khan Kim Kovács Kowalska
Larsen Lopez Mahmoud Martin Mensah Meyer Moreau Mori Müller Nakamura Nguyen Novak Okafor Olsen Patel Pereira Popescu Rossi
Sato Silva Singh Tanaka Virtanen Wang Yılmaz`.split(/\s+/)

/** Most sessions that there are people for. */
export const MAX_SESSIONS = 5_000

/** Of each group, what its session config says; null where the store's decides. */
export const GROUPS = {
  sales: null,
  engineering: null,
  support: null,
  contractors: {
    concurrent_sessions: { limit: 1, when_reached: 'evict_oldest', by_client_kind: null },
  },
  kiosk: { inactivity_timeout_seconds: 60 },
  visitors: { overall_timeout_seconds: 300 },
}

const DAY_MILLISECONDS = 86_400_000
/** As those configs say, and the store's. */
const LASTS_MILLISECONDS = { kiosk: 60_000, visitors: 300_000, others: 43_200_000 }
/** As many wrong passwords lock a user out (SIGN_IN_TRIES_PER_USER_AND_ADDRESS). */
export const LOCKING_TRIES = 5

/** The store's session config, change by change. */
export const CONFIG_CHANGES = [
  { overall_timeout_seconds: 86_400, track_location: true },
  { concurrent_sessions: { limit: 10 } },
  { overall_timeout_seconds: 43_200 },
]

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36 Edg/146.0.0.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/605.1.15',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36',
  'Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:148.0) Gecko/20100101 Firefox/148.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (iPad; CPU OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (Linux; Android 15; SM-S931B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36',
  'PieApp/4.2 (Android 16; Pixel 10) okhttp/5.1.0',
]

const PLACES = [
  place('Berlin', 'Berlin', 'DE', 'Europe/Berlin', 52.52, 13.4),
  place('Munich', 'Bavaria', 'DE', 'Europe/Berlin', 48.14, 11.58),
  place('Lisbon', 'Lisbon', 'PT', 'Europe/Lisbon', 38.72, -9.14),
  place('Paris', 'Île-de-France', 'FR', 'Europe/Paris', 48.86, 2.35),
  place('London', 'England', 'GB', 'Europe/London', 51.51, -0.13),
  place('Stockholm', 'Stockholm', 'SE', 'Europe/Stockholm', 59.33, 18.07),
  place('Warsaw', 'Mazovia', 'PL', 'Europe/Warsaw', 52.23, 21.01),
  place('Istanbul', 'Istanbul', 'TR', 'Europe/Istanbul', 41.01, 28.98),
  place('Lagos', 'Lagos', 'NG', 'Africa/Lagos', 6.52, 3.38),
  place('Nairobi', 'Nairobi', 'KE', 'Africa/Nairobi', -1.29, 36.82),
  place('Mumbai', 'Maharashtra', 'IN', 'Asia/Kolkata', 19.08, 72.88),
  place('Singapore', null, 'SG', 'Asia/Singapore', 1.35, 103.82),
  place('Tokyo', 'Tokyo', 'JP', 'Asia/Tokyo', 35.68, 139.69),
  place('Sydney', 'New South Wales', 'AU', 'Australia/Sydney', -33.87, 151.21),
  place('São Paulo', 'São Paulo', 'BR', 'America/Sao_Paulo', -23.55, -46.63),
  place('Mexico City', 'Mexico City', 'MX', 'America/Mexico_City', 19.43, -99.13),
  place('New York', 'New York', 'US', 'America/New_York', 40.71, -74.01),
  place('Austin', 'Texas', 'US', 'America/Chicago', 30.27, -97.74),
  place('San Francisco', 'California', 'US', 'America/Los_Angeles', 37.77, -122.42),
  place('Toronto', 'Ontario', 'CA', 'America/Toronto', 43.65, -79.38),
]

/** The person of a number, as the operator API takes users. */
export function personOf(number) {
  // The numbers of names have no common divisor: no two people have both.
  const firstName = FIRST_NAMES[number % FIRST_NAMES.length]
  const lastName = LAST_NAMES[(number * 7) % LAST_NAMES.length]
  const username = `${plain(firstName)}.${plain(lastName)}@pie.example`
  const admin = number % 40 === 3
  return {
    user_id: userIdOf(number),
    username,
    first_name: firstName,
    last_name: lastName,
    email_address: username,
    role: admin ? 'admin' : 'member',
    user_level: admin ? 8 : 0,
    group_id: groupOf(number),
  }
}

/** What becomes of a person once all of their sessions are open; null for nothing. */
export function turnOf(number) {
  if (number % 40 === 11) return 'disabled'
  return number % 40 === 23 ? 'new password' : null
}

/** In which of the last so many hours a person gets the password wrong, and how often; null for never. */
export function wrongPasswordsOf(number) {
  return number % 16 === 5 ? { hoursAgo: 1 + ((number * 7) % 22), tries: number === 21 ? LOCKING_TRIES : 1 } : null
}

/** The session of a number: who opens it, when and from where, and what becomes of it. */
export function sessionOf(number) {
  const random = randomOf(number)
  // Five sessions in a row are of three people.
  const person = Math.floor(number / 5) * 3 + ((number % 5) % 3)
  const home = randomOf(person + 1_000_000)()
  // Most are where more people are, and at home.
  const where = PLACES[Math.floor((random() < 0.9 ? home : random()) ** 1.6 * PLACES.length)]
  const lastsMilliseconds = LASTS_MILLISECONDS[groupOf(person)] ?? LASTS_MILLISECONDS.others
  return {
    person,
    /** More are opened of late. */
    openedAgoMilliseconds: Math.floor(randomOf(number + 2_000_000)() ** 1.4 * DAY_MILLISECONDS),
    /** When it ends, if it does, or moves, after its opening. */
    thenMilliseconds: Math.floor((0.02 + 0.5 * randomOf(number + 3_000_000)()) * lastsMilliseconds),
    /** How long it lasts by itself. */
    lastsMilliseconds,
    opening: {
      user_id: userIdOf(person),
      client: { address: addressOf(random), user_agent: AGENTS[Math.floor(random() ** 1.4 * AGENTS.length)] },
      location: where,
      persistent: random() < 0.4,
    },
    /** Where its client goes on, if it moves. */
    moves: random() < 0.1 ? addressOf(random) : null,
    end: endOf(number),
  }
}

/** So many people have the first sessions. */
export function peopleOf(sessions) {
  return Math.floor(sessions / 5) * 3 + Math.min(sessions % 5, 3)
}

function endOf(number) {
  if (number % 10 < 2) return 'sign-out'
  if (number % 20 === 2) return 'operator'
  return number % 20 === 12 ? 'back end' : null
}

function userIdOf(number) {
  return `U${String(1_001 + number).padStart(10, '0')}`
}

function groupOf(number) {
  const names = [
    'sales',
    'sales',
    'sales',
    'sales',
    'engineering',
    'engineering',
    'engineering',
    'support',
    'contractors',
  ]
  return names[number % 10] ?? (number % 20 === 9 ? 'kiosk' : 'visitors')
}

/** One of those that are nobody's, kept for examples. */
function addressOf(random) {
  const last = () => Math.floor(random() * 65_535).toString(16)
  if (random() < 0.2) return `2001:db8:${last()}:${last()}::${last()}`
  const block = ['192.0.2', '198.51.100', '203.0.113'][Math.floor(random() * 3)]
  return `${block}.${1 + Math.floor(random() * 254)}`
}

function place(city, region, country, time_zone, latitude, longitude) {
  return { city, region, country, time_zone, latitude: String(latitude), longitude: String(longitude) }
}

function plain(name) {
  return name
    .toLowerCase()
    .replaceAll('ı', 'i')
    .replaceAll('ł', 'l')
    .normalize('NFD')
    .replace(/[^a-z]/g, '')
}

/** Numbers from 0 to 1, always the same for a seed (mulberry32). */
function randomOf(seed) {
  let state = seed * 0x9e3779b1
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
