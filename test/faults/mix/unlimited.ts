/** Variables of a Worker whose limits do not answer for what is behind them. */
export const UNLIMITED = {
  SIGN_IN_TRIES_PER_USER_AND_ADDRESS: '1000000',
  SIGN_IN_TRIES_PER_ADDRESS: '1000000',
  SIGN_IN_TRIES_BEFORE_SLOWING: '1000000',
  SIGN_IN_TRIES_PER_USER: '1000000',
  SLACK_TIER2_PER_MINUTE: '1000000',
  SLACK_TIER4_PER_MINUTE: '1000000',
  LOOKER_CONFIG_CHANGES_PER_MINUTE: '1000000',
  // A day: longer than any campaign, whose sessions end by what it does alone.
  API_SESSION_SECONDS: '86400',
}
