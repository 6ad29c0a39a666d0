CREATE TABLE `event_endpoints` (
	`identity_store_id` text NOT NULL,
	`endpoint_id` text NOT NULL,
	`kind` text NOT NULL,
	`url` text NOT NULL,
	`types` text NOT NULL,
	`description` text NOT NULL,
	`sealed_secret` text NOT NULL,
	`previous_sealed_secret` text,
	`previous_valid_until` integer,
	`sealed_signing_key` text,
	`public_key` text,
	`from_number` integer NOT NULL,
	`disabled_at` integer,
	`disabled_reason` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`identity_store_id`, `endpoint_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `event_stores` (
	`identity_store_id` text PRIMARY KEY NOT NULL,
	`tag` text NOT NULL,
	`feed` integer NOT NULL,
	`recording` integer NOT NULL,
	`endpoints` text NOT NULL,
	`last_number` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `events` (
	`identity_store_id` text NOT NULL,
	`number` integer NOT NULL,
	`type` text NOT NULL,
	`at` integer NOT NULL,
	`data` text NOT NULL,
	PRIMARY KEY(`identity_store_id`, `number`)
) WITHOUT ROWID;
--> statement-breakpoint
-- What is inserted here becomes the next event of its store, if that one is recording. D1 has one writer, so the numbers are in the order of commits.
CREATE VIEW `told_events` AS SELECT `identity_store_id`, `type`, `at`, `data` FROM `events`;--> statement-breakpoint
CREATE TRIGGER `tell_event` INSTEAD OF INSERT ON `told_events` BEGIN
	UPDATE `event_stores` SET `last_number` = `last_number` + 1 WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`;
	INSERT INTO `events` (`identity_store_id`, `number`, `type`, `at`, `data`)
	SELECT `identity_store_id`, `last_number`, NEW.`type`, NEW.`at`, NEW.`data` FROM `event_stores`
	WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`;
END;--> statement-breakpoint
-- A record may come for the first time when its session has ended: then both are told, in this order.
CREATE TRIGGER `tell_opened_session` AFTER INSERT ON `sessions`
WHEN EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	VALUES (NEW.`identity_store_id`, 'session.opened', NEW.`opened_at`, json_object(
		'user_id', NEW.`user_id`, 'session_id', NEW.`session_id`, 'kind', NEW.`kind`,
		'credentials_type', NEW.`credentials_type`, 'opened_by', NEW.`opened_by`,
		'replaces_session_id', NEW.`replaces_session_id`, 'new_device', json(CASE NEW.`new_device` WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END)));
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	SELECT NEW.`identity_store_id`, 'session.ended', NEW.`ended_at`, json_object(
		'user_id', NEW.`user_id`, 'session_id', NEW.`session_id`, 'kind', NEW.`kind`,
		'reason', NEW.`end_reason`, 'rule', json(NEW.`end_decision`), 'ended_by', NEW.`ended_by`)
	WHERE NEW.`ended_at` IS NOT NULL;
END;--> statement-breakpoint
-- Copies come again, and records change in other ways: only the step from live to ended is told.
CREATE TRIGGER `tell_ended_session` AFTER UPDATE OF `ended_at` ON `sessions`
WHEN OLD.`ended_at` IS NULL AND NEW.`ended_at` IS NOT NULL
	AND EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	VALUES (NEW.`identity_store_id`, 'session.ended', NEW.`ended_at`, json_object(
		'user_id', NEW.`user_id`, 'session_id', NEW.`session_id`, 'kind', NEW.`kind`,
		'reason', NEW.`end_reason`, 'rule', json(NEW.`end_decision`), 'ended_by', NEW.`ended_by`));
END;--> statement-breakpoint
-- An erasure takes addresses away too, and raises no version.
CREATE TRIGGER `tell_moved_session` AFTER UPDATE OF `recent_address`, `recent_user_agent` ON `sessions`
WHEN NEW.`version` > OLD.`version` AND NEW.`ended_at` IS NULL
	AND (NEW.`recent_address` IS NOT OLD.`recent_address` OR NEW.`recent_user_agent` IS NOT OLD.`recent_user_agent`)
	AND EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	VALUES (NEW.`identity_store_id`, 'session.moved', NEW.`last_seen_at`, json_object(
		'user_id', NEW.`user_id`, 'session_id', NEW.`session_id`, 'kind', NEW.`kind`,
		'another_address', json(iif(coalesce(NEW.`recent_address`, NEW.`address`) IS NOT coalesce(OLD.`recent_address`, OLD.`address`), 'true', 'false')),
		'another_user_agent', json(iif(coalesce(NEW.`recent_user_agent`, NEW.`user_agent`) IS NOT coalesce(OLD.`recent_user_agent`, OLD.`user_agent`), 'true', 'false'))));
END;--> statement-breakpoint
CREATE TRIGGER `tell_created_user` AFTER INSERT ON `users`
WHEN EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	VALUES (NEW.`identity_store_id`, 'user.created', NEW.`created_at`,
		json_object('user_id', NEW.`user_id`, 'active', json(iif(NEW.`active`, 'true', 'false')), 'version', NEW.`status_version`));
END;--> statement-breakpoint
-- One change may be several events. A hash that is made anew of the same password raises no version, and is none.
CREATE TRIGGER `tell_changed_user` AFTER UPDATE OF `username`, `group_id`, `role`, `user_level`, `login_mode`, `bot`, `active`,
	`first_name`, `last_name`, `email_address`, `password_hash`, `openid_subject`, `deleted_at` ON `users`
WHEN EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	SELECT NEW.`identity_store_id`, CASE WHEN NEW.`deleted_at` IS NULL THEN 'user.created' ELSE 'user.deleted' END, NEW.`updated_at`,
		CASE WHEN NEW.`deleted_at` IS NULL
			THEN json_object('user_id', NEW.`user_id`, 'active', json(iif(NEW.`active`, 'true', 'false')), 'version', NEW.`status_version`)
			ELSE json_object('user_id', NEW.`user_id`, 'version', NEW.`status_version`) END
	WHERE (OLD.`deleted_at` IS NULL) <> (NEW.`deleted_at` IS NULL);
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	SELECT NEW.`identity_store_id`, 'user.password_changed', NEW.`updated_at`,
		json_object('user_id', NEW.`user_id`, 'version', NEW.`status_version`)
	WHERE OLD.`deleted_at` IS NULL AND NEW.`deleted_at` IS NULL
		AND NEW.`password_hash` IS NOT OLD.`password_hash` AND NEW.`status_version` > OLD.`status_version`;
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	SELECT NEW.`identity_store_id`, CASE WHEN NEW.`active` THEN 'user.enabled' ELSE 'user.disabled' END, NEW.`updated_at`,
		json_object('user_id', NEW.`user_id`, 'version', NEW.`status_version`)
	WHERE OLD.`deleted_at` IS NULL AND NEW.`deleted_at` IS NULL AND NEW.`active` <> OLD.`active`;
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	SELECT NEW.`identity_store_id`, 'user.changed', NEW.`updated_at`,
		json_object('user_id', NEW.`user_id`, 'fields', json_group_array(`field`), 'version', NEW.`status_version`)
	FROM (SELECT `key` AS `field` FROM json_each(json_object(
		'username', NEW.`username` IS NOT OLD.`username`,
		'group_id', NEW.`group_id` IS NOT OLD.`group_id`,
		'role', NEW.`role` IS NOT OLD.`role`,
		'user_level', NEW.`user_level` IS NOT OLD.`user_level`,
		'login_mode', NEW.`login_mode` IS NOT OLD.`login_mode`,
		'bot', NEW.`bot` IS NOT OLD.`bot`,
		'first_name', NEW.`first_name` IS NOT OLD.`first_name`,
		'last_name', NEW.`last_name` IS NOT OLD.`last_name`,
		'email_address', NEW.`email_address` IS NOT OLD.`email_address`,
		'openid_subject', NEW.`openid_subject` IS NOT OLD.`openid_subject`))
		WHERE `value`)
	WHERE OLD.`deleted_at` IS NULL AND NEW.`deleted_at` IS NULL
	HAVING count(*) > 0;
END;--> statement-breakpoint
CREATE TRIGGER `tell_new_settings` AFTER INSERT ON `session_settings`
WHEN (NEW.`duration_seconds` IS NOT NULL OR NEW.`desktop_app_browser_quit` IS NOT NULL)
	AND EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	VALUES (NEW.`identity_store_id`, 'session_settings.changed', NEW.`updated_at`,
		json_object('user_id', NEW.`user_id`, 'duration_seconds', NEW.`duration_seconds`, 'desktop_app_browser_quit',
			json(CASE NEW.`desktop_app_browser_quit` WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END), 'version', NEW.`version`));
END;--> statement-breakpoint
CREATE TRIGGER `tell_changed_settings` AFTER UPDATE OF `duration_seconds`, `desktop_app_browser_quit` ON `session_settings`
WHEN (NEW.`duration_seconds` IS NOT OLD.`duration_seconds` OR NEW.`desktop_app_browser_quit` IS NOT OLD.`desktop_app_browser_quit`)
	AND EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	VALUES (NEW.`identity_store_id`, 'session_settings.changed', NEW.`updated_at`,
		json_object('user_id', NEW.`user_id`, 'duration_seconds', NEW.`duration_seconds`, 'desktop_app_browser_quit',
			json(CASE NEW.`desktop_app_browser_quit` WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END), 'version', NEW.`version`));
END;--> statement-breakpoint
CREATE TRIGGER `tell_changed_config` AFTER UPDATE OF `version` ON `session_configs`
WHEN NEW.`version` > OLD.`version`
	AND EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	VALUES (NEW.`identity_store_id`, 'session_config.changed', NEW.`updated_at`, json_object('group_id', NULL, 'version', NEW.`version`));
END;--> statement-breakpoint
CREATE TRIGGER `tell_new_group_config` AFTER INSERT ON `group_session_configs`
WHEN EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	VALUES (NEW.`identity_store_id`, 'session_config.changed', NEW.`updated_at`, json_object('group_id', NEW.`group_id`, 'version', NEW.`version`));
END;--> statement-breakpoint
CREATE TRIGGER `tell_changed_group_config` AFTER UPDATE OF `version` ON `group_session_configs`
WHEN NEW.`version` > OLD.`version`
	AND EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	VALUES (NEW.`identity_store_id`, 'session_config.changed', NEW.`updated_at`, json_object('group_id', NEW.`group_id`, 'version', NEW.`version`));
END;--> statement-breakpoint
CREATE TRIGGER `tell_created_credential` AFTER INSERT ON `credentials`
WHEN EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	VALUES (NEW.`identity_store_id`, 'credential.created', NEW.`created_at`, json_object('credential_id', NEW.`credential_id`,
		'kind', NEW.`kind`, 'owner_user_id', NEW.`owner_user_id`, 'parent_credential_id', NEW.`parent_credential_id`));
END;--> statement-breakpoint
CREATE TRIGGER `tell_revoked_credential` AFTER UPDATE OF `revoked_at` ON `credentials`
WHEN OLD.`revoked_at` IS NULL AND NEW.`revoked_at` IS NOT NULL
	AND EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`identity_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	VALUES (NEW.`identity_store_id`, 'credential.revoked', NEW.`revoked_at`, json_object('credential_id', NEW.`credential_id`,
		'kind', NEW.`kind`, 'owner_user_id', NEW.`owner_user_id`, 'parent_credential_id', NEW.`parent_credential_id`));
END;--> statement-breakpoint
-- Counters of wrong passwords have no store of their own. One that locks again before it is open is told once.
CREATE TRIGGER `tell_first_lockout` AFTER INSERT ON `sign_in_attempts`
WHEN NEW.`locked_until` IS NOT NULL
	AND EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`user_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	SELECT NEW.`user_store_id`, 'sign_in.locked_out', NEW.`locked_at`, json_object('user_id', `user_id`,
		'from', iif(NEW.`address` IS NULL, 'anywhere', 'one_place'), 'locked_until', strftime('%Y-%m-%dT%H:%M:%fZ', NEW.`locked_until` / 1000.0, 'unixepoch'))
	FROM `users` WHERE `username` = NEW.`username`;
END;--> statement-breakpoint
CREATE TRIGGER `tell_lockout` AFTER UPDATE OF `locked_until` ON `sign_in_attempts`
WHEN NEW.`locked_until` IS NOT NULL AND coalesce(OLD.`locked_until` <= NEW.`locked_at`, true)
	AND EXISTS (SELECT 1 FROM `event_stores` WHERE `identity_store_id` = NEW.`user_store_id` AND `recording`) BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	SELECT NEW.`user_store_id`, 'sign_in.locked_out', NEW.`locked_at`, json_object('user_id', `user_id`,
		'from', iif(NEW.`address` IS NULL, 'anywhere', 'one_place'), 'locked_until', strftime('%Y-%m-%dT%H:%M:%fZ', NEW.`locked_until` / 1000.0, 'unixepoch'))
	FROM `users` WHERE `username` = NEW.`username`;
END;--> statement-breakpoint
CREATE TRIGGER `tell_disabled_endpoint` AFTER UPDATE OF `disabled_at` ON `event_endpoints`
WHEN OLD.`disabled_at` IS NULL AND NEW.`disabled_at` IS NOT NULL BEGIN
	INSERT INTO `told_events` (`identity_store_id`, `type`, `at`, `data`)
	VALUES (NEW.`identity_store_id`, 'event_endpoint.disabled', NEW.`disabled_at`,
		json_object('endpoint_id', NEW.`endpoint_id`, 'reason', NEW.`disabled_reason`));
END;
