CREATE TABLE `group_session_configs` (
	`identity_store_id` text NOT NULL,
	`group_id` text NOT NULL,
	`version` integer NOT NULL,
	`config` text NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`identity_store_id`, `group_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `session_config_versions` (
	`identity_store_id` text NOT NULL,
	`version` integer NOT NULL,
	`config` text NOT NULL,
	`changed_at` integer NOT NULL,
	`actor` text,
	`request_id` text,
	PRIMARY KEY(`identity_store_id`, `version`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `session_configs` ADD `client_kind_limits` text;--> statement-breakpoint
ALTER TABLE `session_configs` ADD `when_limit_reached` text DEFAULT 'evict_oldest' NOT NULL;--> statement-breakpoint
ALTER TABLE `session_configs` ADD `inactivity_timeout_seconds` integer;--> statement-breakpoint
ALTER TABLE `users` ADD `group_version` integer DEFAULT 0 NOT NULL;