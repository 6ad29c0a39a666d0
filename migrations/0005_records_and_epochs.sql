CREATE TABLE `spent_secrets` (
	`secret_hash` text PRIMARY KEY NOT NULL,
	`spent_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `credentials` ADD `previous_secrets` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `credentials` ADD `last_used_at` integer;--> statement-breakpoint
CREATE INDEX `revoked_credentials_oldest_first` ON `credentials` (`revoked_at`) WHERE revoked_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `credentials_by_expiry` ON `credentials` (`expires_at`) WHERE expires_at IS NOT NULL;--> statement-breakpoint
ALTER TABLE `login_tokens` ADD `epoch` integer;--> statement-breakpoint
ALTER TABLE `login_tokens` ADD `maker_user_id` text;--> statement-breakpoint
ALTER TABLE `users` ADD `profile_base` text;--> statement-breakpoint
ALTER TABLE `users` ADD `openid_issuer` text;--> statement-breakpoint
ALTER TABLE `users` ADD `signed_in_from` text;--> statement-breakpoint
CREATE INDEX `user_by_email_address` ON `users` (`identity_store_id`,lower(email_address)) WHERE lower(email_address) IS NOT NULL;--> statement-breakpoint
CREATE INDEX `audit_events_by_subject` ON `audit_events` (`identity_store_id`,`subject`);--> statement-breakpoint
CREATE INDEX `ended_sessions_oldest_first` ON `sessions` (`ended_at`) WHERE ended_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `sessions_with_location` ON `sessions` (`identity_store_id`,`user_id`) WHERE location IS NOT NULL;--> statement-breakpoint
-- Where there is an operator, the bootstrap secret was used before this was kept.
INSERT INTO `spent_secrets` SELECT '', unixepoch() * 1000 WHERE EXISTS (SELECT 1 FROM `credentials` WHERE `identity_store_id` = '*');
--> statement-breakpoint
-- Credentials of users who were deleted, also of those who are there again.
UPDATE `credentials` SET `revoked_at` = deletion.at
FROM (SELECT identity_store_id, subject, max(at) AS at FROM `audit_events` WHERE action = 'user.deleted' GROUP BY identity_store_id, subject) AS deletion
WHERE `credentials`.`revoked_at` IS NULL AND deletion.identity_store_id = `credentials`.`identity_store_id`
	AND deletion.subject = 'user:' || `credentials`.`owner_user_id` AND deletion.at >= `credentials`.`created_at`;
--> statement-breakpoint
-- A subject is that of the provider which the store has.
UPDATE `users` SET `openid_issuer` = (SELECT `issuer` FROM `openid_providers` WHERE `openid_providers`.`identity_store_id` = `users`.`identity_store_id`) WHERE `openid_subject` IS NOT NULL;
