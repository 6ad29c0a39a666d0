/**
 * Every limit of the service that is no setting: how long it waits, how often it tries, how much it takes and keeps. A
 * name ends with its unit; one without is a count. The bounds of session configs and settings stand in
 * domain/policy.ts, a vendor's other limits in its API's schemas.
 */

// D1 and KV
/** `Retry-After` of an answer that something is unavailable. */
export const RETRY_AFTER_SECONDS = 5
/** Longest wait for D1: it answers in tens of milliseconds, or is in trouble. */
export const D1_TIMEOUT_MILLISECONDS = 2_000
/** Longest wait for KV. */
export const KV_TIMEOUT_MILLISECONDS = 2_000
/** Longest value that D1 takes. Source: developers.cloudflare.com/d1/platform/limits */
export const MAX_BOUND_BYTES = 2_000_000
/** Rows that are looked at for one page of a list, whatever it is filtered by. */
export const MAX_SCANNED_ROWS = 2_000
/** Session records, and audit events, of a deleted user that are erased at a time. */
export const ERASURE_BATCH_ROWS = 1_000
/** Rows that one statement of housekeeping removes. */
export const REMOVAL_BATCH_ROWS = 1_000
/** Rows that one statement of housekeeping looks through for those that no rule looks at any more. */
export const SPENT_LOOK_ROWS = 10_000
/**
 * Batches of each of ten kinds in one run of housekeeping. D1 takes 1 000 statements of one invocation; a batch of
 * three of the kinds has two.
 */
export const MAX_REMOVAL_BATCHES = 76
/** How long the answer to a request with an idempotency key is kept (24 h). */
export const IDEMPOTENT_ANSWER_MILLISECONDS = 86_400_000
/** How long such a request has its key without an answer: longer than any takes, as short as a crash allows. */
export const IDEMPOTENT_CLAIM_MILLISECONDS = 120_000

// Calls of Durable Objects
/** Longest wait of a request for a user's object. */
export const OBJECT_TIMEOUT_MILLISECONDS = 10_000
/** Longest wait of a job for a user's object: others wait behind it, and it is asked again. */
export const JOB_OBJECT_TIMEOUT_MILLISECONDS = 5_000
/** Longest wait of a change for its store's jobs. */
export const JOBS_TIMEOUT_MILLISECONDS = 10_000
/** Longest wait for the list of a store's jobs. */
export const JOBS_LIST_TIMEOUT_MILLISECONDS = 2_000
/** Longest wait until the objects of many users are told; a job tells the rest. */
export const APPLY_TIMEOUT_MILLISECONDS = 8_000
/** How long an answer of `/healthz` is given again, so that frequent questions do not reach the bindings. */
export const HEALTH_MILLISECONDS = 5_000

// Figures for monitoring
/** How long figures that were read are answered again. */
export const FIGURES_MILLISECONDS = 15_000
/** Stores that they count. */
export const MAX_COUNTED_STORES = 1_000
/** After so many failures in a row, durable work and endpoints count as failing; fewer are not worth an alert. */
export const FAILURES_TO_TELL = 3
/** Failing work whose next try is overdue by this much is given up, and not counted (5 min). */
export const FAILING_GRACE_MILLISECONDS = 300_000
/** A copy to D1 that comes so long after the change is late. */
export const LATE_COPY_MILLISECONDS = 60_000
/** After an outage all copies are late; one isolate notes one in this time. */
export const NOTE_LATE_COPY_MILLISECONDS = 10_000

// Durable work
/** How long a job waits for the request that wrote it to do the work itself. */
export const JOB_GRACE_MILLISECONDS = 10_000
/** When a job whose change was never confirmed looks again: a write that hung has landed by then. */
export const JOB_SECOND_LOOK_MILLISECONDS = 30_000
/** Wait before a failed job is tried again; doubles up to the next. */
export const JOB_RETRY_MILLISECONDS = 2_000
/** The longest such wait. */
export const MAX_JOB_RETRY_MILLISECONDS = 60_000
/** A job that a later version wrote waits so long for that version to run again, each time. */
export const UNKNOWN_JOB_MILLISECONDS = 600_000
/** Objects that a job calls at the same time; also the size of a step. */
export const OBJECTS_AT_ONCE = 32
/** Pause between two steps of a reset: users' own requests come in between. */
export const RESET_PAUSE_MILLISECONDS = 50
/** Wait before a scan returns to users whom it could not tell. */
export const SCAN_COME_BACK_MILLISECONDS = 10_000
/** The clocks of two machines of the platform differ by less than this. */
export const CLOCKS_DIFFER_MILLISECONDS = 60_000

// A user's object and its mirror
/** Ended sessions that are always remembered, so that a genuine token can be told why. */
export const REMEMBERED_ENDED = 20
/** All that ended this recently are remembered too (24 h) … */
export const REMEMBERED_ENDED_MILLISECONDS = 86_400_000
/** … but never more than this. */
export const MAX_REMEMBERED_ENDED = 1_000
/** Changes of client that are remembered of a session. */
export const REMEMBERED_CLIENT_CHANGES = 10
/** Kinds of browser and system that are remembered of a user … */
export const REMEMBERED_DEVICES = 20
/** … and how long one counts as seen (90 days). */
export const DEVICE_MEMORY_MILLISECONDS = 90 * 86_400_000
/** That one was seen is written down at most once in this time (a day). */
export const DEVICE_WRITE_MILLISECONDS = 86_400_000
/**
 * Activity that comes no longer after the last belongs to the same burst. Well below the 10 s after which an object's
 * memory may be gone: what a burst has left unwritten is written while it is there.
 */
export const BURST_GAP_MILLISECONDS = 6_000
/** How long the object's alarm waits before it does what was left undone; doubles up to the next. */
export const MIRROR_RETRY_MILLISECONDS = 10_000
/** The longest such wait. */
export const MAX_MIRROR_RETRY_MILLISECONDS = 300_000
/**
 * How long an object remembers a user who was deleted: longer than any sign-in is under way, so that none that was
 * verified before finds an object that knows nothing.
 */
export const REMEMBER_DELETED_MILLISECONDS = 3_600_000
/** A cookie older than this is issued anew (30 days): browsers drop it at 400 days. */
export const COOKIE_RENEWAL_MILLISECONDS = 30 * 86_400_000

// Streams of a session (docs/events.md)
/** Streams that one session may have at the same time. */
export const MAX_STREAMS_OF_SESSION = 20
/**
 * Where there is no room for another stream, one on which nothing has come for this long gives way: a listener that is
 * there sends `ping`.
 */
export const SILENT_STREAM_MILLISECONDS = 120_000
/** How often something is sent on a stream of server-sent events, so that no proxy takes it for dead. */
export const STREAM_BEAT_MILLISECONDS = 20_000

// Overviews
/** Hours that an overview shows if it is not asked for others. */
export const OVERVIEW_HOURS = 24
/** Hours that it shows at most: a week. */
export const MAX_OVERVIEW_HOURS = 168
/** Hours are kept so long. */
export const COUNTED_HOURS_MILLISECONDS = MAX_OVERVIEW_HOURS * 3_600_000
/** Users whose summaries one request asks for. */
export const MAX_SUMMARIES = 100
/** A summary counts so many live sessions of a user. */
export const MAX_SUMMARIZED_SESSIONS = 15
/** So many users of a store are counted for a list of stores. */
export const MAX_COUNTED_USERS = 1_000
// Sessions as administrators look for them and end them
/** Records that a count looks at: it is exact as far as that. */
export const MAX_COUNTED_SESSIONS = 10_000
/** Sessions that one request names. */
export const MAX_NAMED_SESSIONS = 1_000
/** Sessions that one job ends, and records that are looked at to find them. */
export const MAX_ENDS_OF_JOB = 50_000
/** How many times as many sessions may be ended as the caller saw. */
export const MAX_GROWTH_OF_ENDS = 1.1
/** Longest time over which a job's ends are spread (a day). */
export const MAX_SPREAD_SECONDS = 86_400
/** How long what became of each session of a job is kept after its end (a day). */
export const JOB_RESULTS_MILLISECONDS = 86_400_000
// Users' own pages
/** Other sessions that a page shows. */
export const DEVICES_PAGE_SESSIONS = 50
/** Ended sessions that a page shows. */
export const DEVICES_PAGE_ENDED = 20
/** How long a session that has ended is shown to its user (28 days). */
export const ENDED_SHOWN_MILLISECONDS = 28 * 86_400_000
/** Records of a user that are looked at for a page of its history. */
export const MAX_HISTORY_ROWS = 500

// Previews
/** Live sessions that a preview reads at a time. */
export const PREVIEW_PAGE_ROWS = 2_000
/** Sessions that a preview names. */
export const PREVIEW_EXAMPLES = 20

// Events and their delivery
/** Endpoints of one store. */
export const MAX_ENDPOINTS = 10
/** How long an endpoint may take to answer. Source: Standard Webhooks 1.0.0, 15 to 30 s. */
export const DELIVERY_TIMEOUT_MILLISECONDS = 15_000
/** Waits before an event is sent again, in milliseconds; after the last it is given up. Source: Standard Webhooks 1.0.0. */
export const DELIVERY_RETRY_MILLISECONDS = [
  5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000, 86_400_000,
] as const
/** How much longer or shorter such a wait may be, so that not all come at once. */
export const DELIVERY_JITTER = 0.1
/** An endpoint that has answered nothing well for so long is disabled (3 days). */
export const FAILING_MILLISECONDS = 3 * 86_400_000
/** So many failures in a row, and all that waits is sent at once when one has gone well. */
export const FAILURES_OF_OUTAGE = 5
/** How long the previous secret signs too, once there is a new one (a day). */
export const SECRET_OVERLAP_MILLISECONDS = 86_400_000
/** Events that are on their way to one endpoint at the same time. */
export const DELIVERIES_AT_ONCE = 8
/** Events that wait to be sent to one endpoint; the others stay in the outbox. */
export const MAX_PENDING_DELIVERIES = 500
/** Events that are read at a time. */
export const EVENT_BATCH_ROWS = 100
/** An endpoint looks so often for events of which nobody has told it. */
export const EVENT_POLL_MILLISECONDS = 60_000
/** Longest wait of whoever tells it. */
export const WAKE_TIMEOUT_MILLISECONDS = 2_000
/** Life of a key that signs for streams; then the next one is made (90 days) … */
export const SSF_KEY_MILLISECONDS = 90 * 86_400_000
/** … published for so long before it signs (a day) … */
export const SSF_KEY_LEAD_MILLISECONDS = 86_400_000
/** … and the previous key stays published for so long afterwards (a week). */
export const SSF_KEY_OVERLAP_MILLISECONDS = 7 * 86_400_000
/** A stream may be asked to show that it works once in this time. */
export const MIN_VERIFICATION_SECONDS = 10
/** How long a poll waits for something to tell. */
export const POLL_WAIT_MILLISECONDS = 30_000
/** Security events in one answer to a poll. */
export const MAX_POLLED_EVENTS = 100
/** Subjects that one stream may leave out. */
export const MAX_REMOVED_SUBJECTS = 10_000
/** Attempts of one endpoint that are kept … */
export const MAX_KEPT_DELIVERIES = 500
/** … and characters of each answer. */
export const MAX_ANSWER_LENGTH = 500

// The audit log
/** Events that are sealed in one transaction. */
export const SEAL_BATCH_ROWS = 200
/** Stores that one statement finds for a run over all of them … */
export const STORES_IN_PAGE = 1_000
/** … and how many of their objects are called at the same time. */
export const STORES_AT_ONCE = 8
/** Old events that are cut off in one transaction. */
export const CUT_BATCH_ROWS = 500
/** Most events that one call verifies. */
export const MAX_VERIFIED_EVENTS = 1_000

// What an isolate remembers
/** Age at which the copy of a store's config is fetched again in the background … */
export const CONFIG_REFRESH_MILLISECONDS = 20_000
/** … and at which it is used no more. */
export const MAX_COPY_AGE_MILLISECONDS = 30_000
/** Stores whose config one isolate keeps. */
export const MAX_CONFIG_COPIES = 10_000
/** Oldest answer to a check that a caller may accept. */
export const MAX_CHECK_AGE_SECONDS = 60
/** Answers to checks that one isolate remembers. */
export const MAX_REMEMBERED_CHECKS = 10_000
/** Genuine tokens that one isolate remembers, so that it need not verify them again. */
export const MAX_REMEMBERED_TOKENS = 10_000
/** OpenID providers that one isolate remembers. */
export const MAX_REMEMBERED_PROVIDERS = 100
/** How long a provider's metadata and keys are kept (10 min). Unknown keys are asked for at once … */
export const PROVIDER_METADATA_MILLISECONDS = 600_000
/** … but not again so soon: whoever shows a token can name one. */
export const KEYS_COOL_DOWN_MILLISECONDS = 30_000
/** How often a request looks whether another has fetched a provider's keys. */
export const KEYS_LOOK_MILLISECONDS = 20
/** Largest set of keys that is read, in bytes. */
export const MAX_KEYS_BYTES = 131_072

// Callers and their credentials
/** Period of the gates; wrangler.toml has it too. */
export const GATE_SECONDS = 60
/** What the gate of sign-ins lets pass of one client in this time; wrangler.toml has it too. */
export const SIGN_IN_GATE_REQUESTS = 300
/** Longest wait for a gate; then it stands open. */
export const GATE_TIMEOUT_MILLISECONDS = 1_000
/** Period in which calls are counted, where an API limits them: Slack's limits are per minute, and ours are alike. */
export const CALL_WINDOW_SECONDS = 60
/** Most changes of profiles that one user may make at the APIO API: each is an event of the audit log. */
export const PROFILE_CHANGES_PER_MINUTE = 120
/** The use of a credential is written down at most once in this time (1 h). */
export const CREDENTIAL_USE_MILLISECONDS = 3_600_000
/** Most secrets of a credential that are good beside the newest. */
export const MAX_PREVIOUS_SECRETS = 5
/** Longest time that an old secret stays good (30 days). */
export const MAX_SECRET_OVERLAP_SECONDS = 2_592_000
/** Greatest difference between a signed request's date and our clock (15 min). Source: Huawei Cloud, AK/SK signing. */
export const MAX_SKEW_MILLISECONDS = 900_000
/** Session cookies of one name whose signature is looked at: nobody sends more in good faith. */
export const MAX_VERIFIED_COOKIES = 8
/** Device cookies that are looked at: others may have set some. */
export const MAX_DEVICE_COOKIES = 4

// Sign-in
/** Longest wait in the queue in front of hashing. A client that would wait longer is told to come back … */
export const MAX_HASHING_WAIT_MILLISECONDS = 12_000
/** … between one and this many seconds later, so that they do not come all at once. */
export const MAX_HASHING_RETRY_SECONDS = 5
/** How often a waiter in that queue looks whether its turn has come. */
export const HASHING_LOOK_MILLISECONDS = 5
/** Pause between two turns, for the isolate's other work: it takes several steps, each far shorter than a hash. */
export const HASHING_PAUSE_MILLISECONDS = 10
/** A waiter that has not looked for this long is gone with its object. */
export const HASHING_GONE_MILLISECONDS = 5_000
/** Longest that a stranger is slowed down for a user that many try … */
export const MAX_SLOWING_MILLISECONDS = 3_000
/** … by this for each wrong password above the threshold. */
export const SLOWING_STEP_MILLISECONDS = 100
/** Longest wait for a hasher: its line, its slowing, D1 before and after, and the application server. */
export const HASHER_TIMEOUT_MILLISECONDS = MAX_HASHING_WAIT_MILLISECONDS + MAX_SLOWING_MILLISECONDS + 9_000
/** How many hashers there are. Fixed, so that no caller can make more of them. */
export const HASHERS = 64
/** The memory of the most expensive hash that can be verified, and what scrypt needs besides. */
export const HASHING_MEMORY_BYTES = 134_217_728
/** How often a wrong password is counted again that D1 did not take … */
export const COUNT_AGAIN_TIMES = 10
/** … and how long apart. */
export const COUNT_AGAIN_MILLISECONDS = 1_000
/** How long the wrong passwords of a user count as a row of them, from the last one on (30 days). */
export const ATTEMPTS_ROW_MILLISECONDS = 30 * 86_400_000
/** Address prefixes of good sign-ins that are remembered of one user. */
export const MAX_KNOWN_PREFIXES = 8
/** Life of a login token. Source: Netaxis APIO, auth_token/generate. */
export const LOGIN_TOKEN_SECONDS = 60
/** Life of a code that opens a console session: as long as it takes to open a link that a start has printed. */
export const CONSOLE_CODE_SECONDS = 300
/** Longest wait for each answer of an OpenID provider. */
export const PROVIDER_TIMEOUT_SECONDS = 3
/** How far a provider's clock may be ahead of ours (30 s), as the library has it for the expiry. */
export const CLOCK_TOLERANCE_MILLISECONDS = 30_000
/** Longest name of a provider's session that is kept, in characters. */
export const MAX_SID_LENGTH = 255
/** How long a logout token that does not say is good. Source: OpenID Connect Back-Channel Logout 1.0, 4: two minutes. */
export const LOGOUT_TOKEN_MILLISECONDS = 120_000
/** How long one is good, whatever it says (1 h): so long each is remembered. */
export const MAX_LOGOUT_TOKEN_MILLISECONDS = 3_600_000
/** How long the answer to one waits for the ends that it has brought about: providers wait for 2.5 s. */
export const LOGOUT_TIMEOUT_MILLISECONDS = 1_000
/** When the sessions of a logout are looked for once more: what was on its way has come by then. */
export const LOGOUT_SECOND_LOOK_MILLISECONDS = 30_000

// Profiles and the application server
/** Longest wait for room among the calls of the application server. */
export const CALL_LINE_TIMEOUT_MILLISECONDS = 1_000
/** Longest line, in calls for each that may be under way. */
export const CALL_LINE_PER_CALL = 10
/** What the object of those calls takes beyond the line and the call. */
export const CALL_SLACK_MILLISECONDS = 500
/** Longest wait for the object of a user's profile: a read and a write of the application server, and D1 around them. */
export const PROFILE_TIMEOUT_MILLISECONDS = 14_000
/** A change of a profile that has waited this long for its turn is not begun. */
export const PROFILE_TURN_TIMEOUT_MILLISECONDS = 4_000
/** How long the alarm leaves a change of a profile to the request that made it. */
export const PROFILE_GRACE_MILLISECONDS = PROFILE_TIMEOUT_MILLISECONDS
/** Wait before an unfinished change is tried again; doubles up to the next. */
export const PROFILE_RETRY_MILLISECONDS = 1_000
/** The longest such wait. */
export const MAX_PROFILE_RETRY_MILLISECONDS = 15_000
/** A change that was sent before and is refused now is given up only after this: the first copy has landed by then. */
export const PROFILE_SECOND_LOOK_MILLISECONDS = 30_000
/** How often a change is made anew when theirs moves between reading and writing. */
export const MAX_PROFILE_TRIES = 3

// Lengths of texts and lists
/** Longest password that is hashed, in characters. */
export const MAX_PASSWORD_LENGTH = 1_024
/** Shortest password that operators may set, in characters. Source: NIST SP 800-63B, section 5.1.1.2 */
export const MIN_PASSWORD_LENGTH = 8
/** Longest text of an address that is kept, in characters: an IPv6 address with an IPv4 one at its end. */
export const MAX_ADDRESS_LENGTH = 45
/** Longest explanation of the application server's refusal that is passed on, in characters. */
export const MAX_DETAIL_LENGTH = 200
/** Longest text of a profile that fits our column, in characters. */
export const MAX_PROFILE_TEXT_LENGTH = 254
/** Most entries of a page. */
export const MAX_PAGE_ENTRIES = 1_000
/** How long a caller counts as having just proved itself. */
export const CONFIRMATION_SECONDS = 300
/** Most identity stores that an operator is limited to. */
export const MAX_LIMITED_STORES = 100
/** Most users in one bulk request. */
export const MAX_BULK_USERS = 1_000
/** Most issues of a request that are named; of the others their number is told. */
export const MAX_ISSUES = 10
/** Longest name of a field that is said again, in characters. */
export const MAX_FIELD_LENGTH = 100
