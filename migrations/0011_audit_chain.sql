CREATE TABLE `audit_chains` (
	`identity_store_id` text PRIMARY KEY NOT NULL,
	`sealed_number` integer NOT NULL,
	`sealed_hash` text NOT NULL,
	`sealed_at` integer,
	`erasures` integer NOT NULL,
	`cut_number` integer NOT NULL,
	`cut_hash` text NOT NULL,
	`cut` text,
	`published_number` integer NOT NULL,
	`published_at` integer
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `audit_keys` (
	`key_id` text PRIMARY KEY NOT NULL,
	`public_key` text NOT NULL,
	`sealed_private_key` text NOT NULL,
	`created_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `audit_places` (
	`identity_store_id` text NOT NULL,
	`number` integer NOT NULL,
	`event_id` text NOT NULL,
	PRIMARY KEY(`identity_store_id`, `number`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `audit_events` ADD `number` integer;--> statement-breakpoint
ALTER TABLE `audit_events` ADD `salt` text;--> statement-breakpoint
ALTER TABLE `audit_events` ADD `body_hash` text;--> statement-breakpoint
ALTER TABLE `audit_events` ADD `previous_hash` text;--> statement-breakpoint
ALTER TABLE `audit_events` ADD `hash` text;--> statement-breakpoint
ALTER TABLE `audit_events` ADD `about` text;--> statement-breakpoint
CREATE INDEX `audit_events_about` ON `audit_events` (`identity_store_id`,`about`) WHERE about IS NOT NULL;--> statement-breakpoint
-- Events of before are placed by their ids, whose order is nearly that in which they were committed.
INSERT INTO `audit_places` (`identity_store_id`, `number`, `event_id`)
SELECT `identity_store_id`, row_number() OVER (PARTITION BY `identity_store_id` ORDER BY `event_id`), `event_id` FROM `audit_events`;--> statement-breakpoint
-- D1 has one writer, so the numbers are in the order of commits. Those that were cut off are not given again.
CREATE TRIGGER `place_audit_event` AFTER INSERT ON `audit_events` BEGIN
	INSERT INTO `audit_places` (`identity_store_id`, `number`, `event_id`)
	SELECT NEW.`identity_store_id`, 1 + max(
		coalesce((SELECT max(`number`) FROM `audit_places` WHERE `identity_store_id` = NEW.`identity_store_id`), 0),
		coalesce((SELECT `sealed_number` FROM `audit_chains` WHERE `identity_store_id` = NEW.`identity_store_id`), 0)), NEW.`event_id`;
END;--> statement-breakpoint
-- An event is written once, and sealed once. Its body may go with its salt, or lose the names as the version before erases them.
CREATE TRIGGER `keep_audit_event` BEFORE UPDATE ON `audit_events`
WHEN NEW.`identity_store_id` IS NOT OLD.`identity_store_id` OR NEW.`event_id` IS NOT OLD.`event_id` OR NEW.`at` IS NOT OLD.`at`
	OR NEW.`actor` IS NOT OLD.`actor` OR NEW.`action` IS NOT OLD.`action` OR NEW.`subject` IS NOT OLD.`subject`
	OR NEW.`request_id` IS NOT OLD.`request_id`
	OR (OLD.`hash` IS NOT NULL AND (NEW.`hash` IS NOT OLD.`hash` OR NEW.`number` IS NOT OLD.`number` OR NEW.`about` IS NOT OLD.`about`
		OR NEW.`body_hash` IS NOT OLD.`body_hash` OR NEW.`previous_hash` IS NOT OLD.`previous_hash`
		OR (NEW.`salt` IS NOT OLD.`salt` AND NEW.`salt` IS NOT NULL)))
	OR (NEW.`before` IS NOT OLD.`before` AND NEW.`before` IS NOT NULL AND NEW.`before` IS NOT json_replace(OLD.`before`, '$.username', NULL,
		'$.first_name', NULL, '$.last_name', NULL, '$.email_address', NULL, '$.openid_subject', NULL, '$.address', NULL, '$.user_agent', NULL))
	OR (NEW.`after` IS NOT OLD.`after` AND NEW.`after` IS NOT NULL AND NEW.`after` IS NOT json_replace(OLD.`after`, '$.username', NULL,
		'$.first_name', NULL, '$.last_name', NULL, '$.email_address', NULL, '$.openid_subject', NULL, '$.address', NULL, '$.user_agent', NULL))
BEGIN
	SELECT RAISE(ABORT, 'an audit event does not change');
END;--> statement-breakpoint
-- A body that has changed is no longer what was hashed. Where it was not hashed yet, whoever has read it begins anew.
CREATE TRIGGER `erase_audit_event` AFTER UPDATE OF `before`, `after` ON `audit_events`
WHEN NEW.`before` IS NOT OLD.`before` OR NEW.`after` IS NOT OLD.`after` BEGIN
	UPDATE `audit_events` SET `salt` = NULL
	WHERE `identity_store_id` = NEW.`identity_store_id` AND `event_id` = NEW.`event_id` AND `salt` IS NOT NULL;
	UPDATE `audit_chains` SET `erasures` = `erasures` + 1
	WHERE OLD.`hash` IS NULL AND `identity_store_id` = NEW.`identity_store_id`;
END;--> statement-breakpoint
-- Only what was cut off goes. It is passed over without an error: the version before removes old events by itself.
CREATE TRIGGER `keep_removed_audit_event` BEFORE DELETE ON `audit_events`
WHEN NOT coalesce(OLD.`number` <= (SELECT `cut_number` FROM `audit_chains` WHERE `identity_store_id` = OLD.`identity_store_id`), false) BEGIN
	SELECT RAISE(IGNORE);
END;--> statement-breakpoint
CREATE TRIGGER `keep_audit_place` BEFORE UPDATE ON `audit_places` BEGIN
	SELECT RAISE(ABORT, 'an audit event keeps its place');
END;--> statement-breakpoint
CREATE TRIGGER `keep_removed_audit_place` BEFORE DELETE ON `audit_places`
WHEN NOT coalesce(OLD.`number` <= (SELECT `cut_number` FROM `audit_chains` WHERE `identity_store_id` = OLD.`identity_store_id`), false) BEGIN
	SELECT RAISE(IGNORE);
END;--> statement-breakpoint
CREATE TRIGGER `keep_audit_chain` BEFORE UPDATE ON `audit_chains`
WHEN NEW.`sealed_number` < OLD.`sealed_number` OR NEW.`cut_number` < OLD.`cut_number` OR NEW.`cut_number` > NEW.`sealed_number`
	OR NEW.`published_number` < OLD.`published_number` OR NEW.`erasures` < OLD.`erasures` BEGIN
	SELECT RAISE(ABORT, 'a chain of audit events only grows');
END;
