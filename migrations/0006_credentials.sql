CREATE TABLE `spent_secrets` (
	`secret_hash` text PRIMARY KEY NOT NULL,
	`spent_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `credentials` ADD `previous_secrets` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `credentials` ADD `last_used_at` integer;
--> statement-breakpoint
-- Where there is an operator, the bootstrap secret was used before this was kept.
INSERT INTO `spent_secrets` SELECT '', unixepoch() * 1000 WHERE EXISTS (SELECT 1 FROM `credentials` WHERE `identity_store_id` = '*');
--> statement-breakpoint
-- Credentials of users who were deleted, also of those who are there again.
UPDATE `credentials` SET `revoked_at` = deletion.at
FROM (SELECT identity_store_id, subject, max(at) AS at FROM `audit_events` WHERE action = 'user.deleted' GROUP BY identity_store_id, subject) AS deletion
WHERE `credentials`.`revoked_at` IS NULL AND deletion.identity_store_id = `credentials`.`identity_store_id`
	AND deletion.subject = 'user:' || `credentials`.`owner_user_id` AND deletion.at >= `credentials`.`created_at`;
