ALTER TABLE `sign_in_attempts` ADD `user_store_id` text;--> statement-breakpoint
CREATE INDEX `lockouts_of_store_newest_first` ON `sign_in_attempts` (`user_store_id`,`locked_at`,`subject`) WHERE locked_until IS NOT NULL;--> statement-breakpoint
CREATE INDEX `live_sessions_of_user` ON `sessions` (`identity_store_id`,`user_id`) WHERE ended_at IS NULL AND kind = 'web';--> statement-breakpoint
CREATE INDEX `users_of_store_by_username` ON `users` (`identity_store_id`,`username`) WHERE username IS NOT NULL;--> statement-breakpoint
-- What is inserted here is counted: of a store, at an instant, one more of `counted`, and by how much the totals change.
CREATE VIEW `counted_events` AS
SELECT `identity_store_id`, `hour` AS `at`, `counts` AS `counted`, `live_sessions`, `users_with_sessions` FROM `session_counters`;--> statement-breakpoint
-- A new hour takes the totals over from the newest one. What comes late is counted in its hour; the totals stay in the newest.
CREATE TRIGGER `count_event` INSTEAD OF INSERT ON `counted_events` BEGIN
	INSERT INTO `session_counters` (`identity_store_id`, `hour`, `live_sessions`, `users_with_sessions`, `counts`)
	SELECT NEW.`identity_store_id`, CAST(NEW.`at` AS INTEGER) / 3600000 * 3600000,
		coalesce(max(`live_sessions`), 0) + NEW.`live_sessions`,
		coalesce(max(`users_with_sessions`), 0) + NEW.`users_with_sessions`,
		json_object(NEW.`counted`, 1)
	FROM (SELECT `live_sessions`, `users_with_sessions` FROM `session_counters`
		WHERE `identity_store_id` = NEW.`identity_store_id` ORDER BY `hour` DESC LIMIT 1)
	WHERE true
	ON CONFLICT (`identity_store_id`, `hour`) DO UPDATE SET
		`live_sessions` = `live_sessions` + NEW.`live_sessions`,
		`users_with_sessions` = `users_with_sessions` + NEW.`users_with_sessions`,
		`counts` = json_set(`counts`, '$."' || NEW.`counted` || '"', coalesce(`counts` ->> NEW.`counted`, 0) + 1);
	UPDATE `session_counters` SET
		`live_sessions` = `live_sessions` + NEW.`live_sessions`,
		`users_with_sessions` = `users_with_sessions` + NEW.`users_with_sessions`
	WHERE `identity_store_id` = NEW.`identity_store_id` AND `hour` > NEW.`at`
		AND (NEW.`live_sessions` <> 0 OR NEW.`users_with_sessions` <> 0);
END;--> statement-breakpoint
-- A record may come for the first time when its session has ended: then it never lived here, and the totals stay.
CREATE TRIGGER `count_opened_session` AFTER INSERT ON `sessions` WHEN NEW.`kind` = 'web' BEGIN
	INSERT INTO `counted_events` (`identity_store_id`, `at`, `counted`, `live_sessions`, `users_with_sessions`)
	VALUES (NEW.`identity_store_id`, NEW.`opened_at`, 'opened', NEW.`ended_at` IS NULL,
		NEW.`ended_at` IS NULL AND NOT EXISTS (SELECT 1 FROM `sessions` AS `other` INDEXED BY `live_sessions_of_user`
			WHERE `other`.`identity_store_id` = NEW.`identity_store_id` AND `other`.`user_id` = NEW.`user_id`
				AND `other`.`ended_at` IS NULL AND `other`.`kind` = 'web' AND `other`.`session_id` <> NEW.`session_id`));
END;--> statement-breakpoint
CREATE TRIGGER `count_session_that_came_ended` AFTER INSERT ON `sessions` WHEN NEW.`kind` = 'web' AND NEW.`ended_at` IS NOT NULL BEGIN
	INSERT INTO `counted_events` (`identity_store_id`, `at`, `counted`, `live_sessions`, `users_with_sessions`)
	VALUES (NEW.`identity_store_id`, NEW.`ended_at`, coalesce(NEW.`end_reason`, 'unknown'), 0, 0);
END;--> statement-breakpoint
-- Copies come again, and records change in other ways: only the step from live to ended counts.
CREATE TRIGGER `count_ended_session` AFTER UPDATE OF `ended_at` ON `sessions`
WHEN NEW.`kind` = 'web' AND OLD.`ended_at` IS NULL AND NEW.`ended_at` IS NOT NULL BEGIN
	INSERT INTO `counted_events` (`identity_store_id`, `at`, `counted`, `live_sessions`, `users_with_sessions`)
	VALUES (NEW.`identity_store_id`, NEW.`ended_at`, coalesce(NEW.`end_reason`, 'unknown'), -1,
		-NOT EXISTS (SELECT 1 FROM `sessions` AS `other` INDEXED BY `live_sessions_of_user`
			WHERE `other`.`identity_store_id` = NEW.`identity_store_id` AND `other`.`user_id` = NEW.`user_id`
				AND `other`.`ended_at` IS NULL AND `other`.`kind` = 'web'));
END;--> statement-breakpoint
-- The totals of what lives already: by a count of all, so that it does not matter what was counted meanwhile.
INSERT INTO `session_counters` (`identity_store_id`, `hour`, `live_sessions`, `users_with_sessions`, `counts`)
SELECT `identity_store_id`, unixepoch() / 3600 * 3600000, count(*), count(DISTINCT `user_id`), '{}'
FROM `sessions` INDEXED BY `live_sessions_of_user` WHERE `ended_at` IS NULL AND `kind` = 'web' GROUP BY `identity_store_id`
ON CONFLICT (`identity_store_id`, `hour`) DO UPDATE SET
	`live_sessions` = excluded.`live_sessions`, `users_with_sessions` = excluded.`users_with_sessions`;
