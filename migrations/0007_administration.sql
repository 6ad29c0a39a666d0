CREATE TABLE `idempotent_requests` (
	`key_hash` text PRIMARY KEY NOT NULL,
	`body_hash` text NOT NULL,
	`status` integer,
	`sealed_answer` text,
	`expires_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `idempotent_requests_by_expiry` ON `idempotent_requests` (`expires_at`);--> statement-breakpoint
CREATE TABLE `session_counters` (
	`identity_store_id` text NOT NULL,
	`hour` integer NOT NULL,
	`live_sessions` integer NOT NULL,
	`users_with_sessions` integer NOT NULL,
	`counts` text NOT NULL,
	PRIMARY KEY(`identity_store_id`, `hour`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `credentials` ADD `limited_store_ids` text;--> statement-breakpoint
ALTER TABLE `sessions` ADD `opened_by` text;--> statement-breakpoint
ALTER TABLE `sessions` ADD `replaces_session_id` text;--> statement-breakpoint
ALTER TABLE `sessions` ADD `new_device` integer;--> statement-breakpoint
ALTER TABLE `sessions` ADD `end_decision` text;--> statement-breakpoint
CREATE INDEX `ended_sessions_of_store_newest_first` ON `sessions` (`identity_store_id`,`ended_at`,`session_id`) WHERE ended_at IS NOT NULL AND kind = 'web';