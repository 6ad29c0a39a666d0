/** Routes of policy: the store's config, its groups', and each user's. */
import type { Route } from '../route.ts'
import * as groups from './group-configs.ts'
import { json, operatorRoute } from './operator-route.ts'
import * as schemas from './policy-schemas.ts'
import * as config from './session-config.ts'
import * as users from './user-policy.ts'

const STORE = '/identity-stores/:identity_store_id'
const CONFIG = `${STORE}/session-config` as const
const GROUP = `${STORE}/groups/:group_id/session-config` as const
const USER = `${STORE}/users/:user_id` as const

const VERSION_MOVED = 'The config has another version than the one in `If-Match`.'

/** The routes. */
export const policyRoutes: readonly Route[] = [
  operatorRoute({
    method: 'GET',
    path: CONFIG,
    operationId: 'getSessionConfig',
    scope: 'operator:read',
    summary: "Read the store's session config; its version is the `ETag`.",
    responses: { 200: { description: 'The session config.', schema: schemas.SessionConfigBody } },
    handle: config.getConfig,
  }),
  operatorRoute({
    method: 'PATCH',
    path: CONFIG,
    operationId: 'patchSessionConfig',
    scope: 'operator:policy',
    summary: "Change the store's session config, with `If-Match` only if it still has that version.",
    body: json(schemas.SessionConfigChange),
    responses: { 200: { description: 'The session config as it is now.', schema: schemas.SessionConfigBody } },
    errors: { 412: VERSION_MOVED },
    handle: config.patchConfig,
  }),
  operatorRoute({
    method: 'POST',
    path: `${CONFIG}/preview`,
    operationId: 'previewSessionConfig',
    scope: 'operator:policy',
    summary: 'See which live sessions a change of the session config would end. Nothing is changed.',
    body: json(schemas.SessionConfigChange),
    responses: {
      200: { description: 'How many sessions would end, and by which rule.', schema: schemas.PreviewBody },
    },
    handle: config.preview,
  }),
  operatorRoute({
    method: 'GET',
    path: `${CONFIG}/versions`,
    operationId: 'listSessionConfigVersions',
    scope: 'operator:read',
    summary: 'List the versions that the session config had, and who made them.',
    query: schemas.VersionQuery,
    responses: {
      200: { description: 'A page of versions, the newest first.', schema: schemas.ConfigVersionListBody },
    },
    handle: config.listVersions,
  }),
  operatorRoute({
    method: 'POST',
    path: `${CONFIG}/versions/:version/restore`,
    operationId: 'restoreSessionConfigVersion',
    scope: 'operator:policy',
    summary: 'Make a new version of the session config that says what an old one said.',
    responses: { 200: { description: 'The session config as it is now.', schema: schemas.SessionConfigBody } },
    errors: { 412: VERSION_MOVED },
    handle: config.restoreVersion,
  }),
  operatorRoute({
    method: 'GET',
    path: GROUP,
    operationId: 'getGroupSessionConfig',
    scope: 'operator:read',
    summary: "Read a group's session config, which goes before the store's.",
    responses: { 200: { description: 'What the group says.', schema: schemas.GroupConfigBody } },
    handle: groups.getGroupConfig,
  }),
  operatorRoute({
    method: 'PUT',
    path: GROUP,
    operationId: 'putGroupSessionConfig',
    scope: 'operator:policy',
    summary: "Set a group's session config. What is left out is left to the store's config.",
    body: json(schemas.GroupConfigInput),
    responses: { 200: { description: 'What the group says now.', schema: schemas.GroupConfigBody } },
    handle: groups.putGroupConfig,
  }),
  operatorRoute({
    method: 'DELETE',
    path: GROUP,
    operationId: 'deleteGroupSessionConfig',
    scope: 'operator:policy',
    summary: "Remove a group's session config: the store's decides again.",
    responses: { 204: { description: 'The group says nothing any more.' } },
    handle: groups.deleteGroupConfig,
  }),
  operatorRoute({
    method: 'GET',
    path: `${USER}/session-settings`,
    operationId: 'getUserSessionSettings',
    scope: 'operator:read',
    summary: "Read the user's own session settings.",
    responses: {
      200: { description: 'The settings; null where the user has none.', schema: schemas.UserSettingsBody },
    },
    handle: users.getSettings,
  }),
  operatorRoute({
    method: 'PUT',
    path: `${USER}/session-settings`,
    operationId: 'putUserSessionSettings',
    scope: 'operator:policy',
    summary: "Set the user's own session settings, which go before group and config.",
    body: json(schemas.UserSettingsInput),
    responses: { 200: { description: 'The settings as they are now.', schema: schemas.UserSettingsBody } },
    errors: { 409: 'The user is a bot.' },
    handle: users.putSettings,
  }),
  operatorRoute({
    method: 'DELETE',
    path: `${USER}/session-settings`,
    operationId: 'deleteUserSessionSettings',
    scope: 'operator:policy',
    summary: "Clear the user's own session settings: group and config decide again.",
    responses: { 204: { description: 'The user has no settings any more.' } },
    errors: { 409: 'The user is a bot.' },
    handle: users.deleteSettings,
  }),
  operatorRoute({
    method: 'GET',
    path: `${USER}/policy`,
    operationId: 'getUserPolicy',
    scope: 'operator:read',
    summary:
      'Explain what holds for the user, rule by rule: the value, the layer that decided, and what the others say.',
    responses: { 200: { description: 'The policy that is enforced.', schema: schemas.PolicyBody } },
    handle: users.getPolicy,
  }),
]
